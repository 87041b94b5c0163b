-- What maps may use instead of each concept: itself if it is standard, else all that it maps to; instead of a brand
-- its substances, which RxNorm links to it, or to what is sold under it.
WITH asked AS (
    SELECT DISTINCT concept.concept_id, concept.concept_class_id
    FROM (SELECT unnest($ids) AS concept_id) AS ids
    JOIN vocabulary.concept USING (concept_id)
),
links AS (
    SELECT asked.concept_id, asked.concept_class_id, link.relationship_id, link.concept_id_2 AS target_id
    FROM vocabulary.concept_relationship AS link
    JOIN asked ON asked.concept_id = link.concept_id_1
    WHERE link.invalid_reason IS NULL AND link.relationship_id IN ('Maps to', 'Form of', 'Brand name of', 'Tradename of')
),
substances AS (
    SELECT links.concept_id, links.target_id
    FROM links
    JOIN vocabulary.concept ON concept.concept_id = links.target_id
    WHERE links.concept_class_id = 'Brand Name' AND concept.concept_class_id = 'Ingredient'
),
sold AS (
    SELECT links.concept_id, ancestor.ancestor_concept_id AS target_id
    FROM links
    JOIN vocabulary.concept_ancestor AS ancestor ON ancestor.descendant_concept_id = links.target_id
    JOIN vocabulary.concept ON concept.concept_id = ancestor.ancestor_concept_id
    WHERE links.concept_class_id = 'Brand Name' AND concept.concept_class_id = 'Ingredient'
        AND links.concept_id NOT IN (SELECT concept_id FROM substances)
),
found AS (
    SELECT concept_id, concept_id AS target_id, 'itself' AS how FROM asked
    UNION
    SELECT concept_id, target_id, 'maps to' FROM links WHERE relationship_id IN ('Maps to', 'Form of') AND concept_id <> target_id
    UNION
    SELECT concept_id, target_id, 'brand' FROM substances
    UNION
    SELECT concept_id, target_id, 'brand' FROM sold
)
SELECT
    found.concept_id, found.how, concept.concept_id AS target_id, concept.concept_name, concept.domain_id,
    concept.vocabulary_id, concept.concept_class_id
FROM found
JOIN vocabulary.concept ON concept.concept_id = found.target_id
WHERE concept.standard_concept = 'S' AND concept.invalid_reason IS NULL
ORDER BY found.concept_id, found.how, concept.concept_id
