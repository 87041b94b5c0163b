-- Where name and id disagree: the concepts whose name (or synonym) it is, the likeliest first. Near ids come first: one
-- digit more, less or wrong, or two that changed places, are slips of the pen.
WITH
odd AS (
    SELECT said.*
    FROM said
    WHERE said.name_key <> ''
      AND NOT EXISTS (SELECT 1 FROM agreeing WHERE agreeing.concept_id = said.concept_id AND agreeing.name_key = said.name_key)
),
called AS (
    SELECT odd.concept_id AS said_id, odd.name, concept.concept_id, 0 AS by_synonym
    FROM odd
    JOIN concept ON o_fold(concept.concept_name) = odd.name_key
    UNION ALL
    SELECT odd.concept_id AS said_id, odd.name, synonym.concept_id, 1 AS by_synonym
    FROM odd
    JOIN athena.main.concept_synonym AS synonym ON o_fold(synonym.concept_synonym_name) = odd.name_key
),
ranked AS (
    SELECT
        called.said_id, called.name, concept.concept_id, concept.concept_name, concept.domain_id,
        concept.standard_concept = 'S' AND concept.invalid_reason IS NULL AS usable,
        damerau_levenshtein(CAST(called.said_id AS varchar), CAST(concept.concept_id AS varchar)) AS distance,
        min(called.by_synonym) AS by_synonym
    FROM called
    JOIN concept ON concept.concept_id = called.concept_id
    WHERE called.concept_id <> called.said_id
    GROUP BY ALL
)
SELECT said_id, name, concept_id, concept_name, domain_id
FROM ranked
QUALIFY row_number() OVER (
    PARTITION BY said_id, name
    ORDER BY CASE WHEN distance <= 2 THEN distance ELSE 3 END, coalesce(usable, FALSE) DESC, by_synonym, distance, concept_id
) = 1
