-- What takes the place of concepts that are retired or not standard: each standard concept that 'Maps to' leads to, at
-- once (direct) or from the concept that replaced it; and whether 'Maps to value' says a part of it (valued).
WITH RECURSIVE
stale AS (
    SELECT concept_id FROM known WHERE standard_concept IS DISTINCT FROM 'S' OR invalid_reason IS NOT NULL
),
moved AS (
    SELECT concept_id_1, concept_id_2
    FROM link
    WHERE relationship_id IN ('Concept replaced by', 'Concept same_as to', 'Concept was_a to', 'Concept poss_eq to', 'Concept alt_to to')
),
reached (concept_id, at_id, steps) AS (
    SELECT concept_id, concept_id, 0 FROM stale
    UNION
    SELECT reached.concept_id, moved.concept_id_2, reached.steps + 1
    FROM reached
    JOIN moved ON moved.concept_id_1 = reached.at_id
    WHERE reached.steps < 5
),
standing AS (
    SELECT reached.concept_id, link.concept_id_2 AS target_id, reached.steps
    FROM reached
    JOIN link ON link.concept_id_1 = reached.at_id AND link.relationship_id = 'Maps to'
    UNION
    SELECT concept_id, at_id, steps FROM reached WHERE steps > 0
)
SELECT
    standing.concept_id, target.concept_id, target.concept_name, target.domain_id, target.vocabulary_id, target.concept_code,
    min(standing.steps) = 0 AS direct,
    standing.concept_id IN (SELECT concept_id_1 FROM link WHERE relationship_id = 'Maps to value') AS valued
FROM standing
JOIN concept AS target ON target.concept_id = standing.target_id
WHERE target.standard_concept = 'S' AND target.invalid_reason IS NULL AND target.concept_id <> standing.concept_id
GROUP BY ALL
ORDER BY standing.concept_id, direct DESC, target.concept_id
