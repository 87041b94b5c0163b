-- Index 1 of 3: what can be found. Filters are a matter of facets, of which there are a few hundred.
CREATE TABLE facet AS
SELECT
    CAST(row_number() OVER (
        ORDER BY domain_id, vocabulary_id, concept_class_id, standard_concept, invalid_reason) AS usmallint) AS facet,
    domain_id, vocabulary_id, concept_class_id, standard_concept, invalid_reason
FROM (
    SELECT DISTINCT domain_id, vocabulary_id, concept_class_id, standard_concept, invalid_reason
    FROM vocabulary.concept
);

CREATE TEMP TABLE concept_facet AS
SELECT concept.concept_id, facet.facet
FROM vocabulary.concept
JOIN facet
    ON concept.domain_id = facet.domain_id
    AND concept.vocabulary_id = facet.vocabulary_id
    AND concept.concept_class_id = facet.concept_class_id
    AND concept.standard_concept IS NOT DISTINCT FROM facet.standard_concept
    AND concept.invalid_reason IS NOT DISTINCT FROM facet.invalid_reason;

-- Sorted, so that DuckDB reads only the part of a table that a code can be in.
CREATE TABLE code AS
SELECT s_code(concept.concept_code) AS code_key, concept.concept_id, concept_facet.facet
FROM vocabulary.concept
JOIN concept_facet USING (concept_id)
WHERE s_code(concept.concept_code) <> ''
ORDER BY code_key, concept_id;

-- What to use instead of a concept that is not standard.
CREATE TABLE maps_to AS
SELECT DISTINCT concept_id_1 AS concept_id, concept_id_2 AS target_id
FROM vocabulary.concept_relationship
WHERE relationship_id = 'Maps to' AND invalid_reason IS NULL AND concept_id_1 <> concept_id_2
ORDER BY concept_id, target_id;

-- Every name, and every synonym that says something else. The numbers follow the sorted names, so names with the same
-- beginning are together here and in the postings.
CREATE TABLE entry AS
WITH named AS (
    SELECT concept_id, s_fold(concept_name) AS folded, FALSE AS synonym FROM vocabulary.concept
    UNION ALL
    SELECT concept_id, s_fold(concept_synonym_name), TRUE FROM vocabulary.concept_synonym
),
once AS (
    SELECT concept_id, folded, bool_and(synonym) AS synonym
    FROM named
    WHERE folded <> ''
    GROUP BY concept_id, folded
)
SELECT
    CAST(row_number() OVER (ORDER BY once.folded, once.synonym, once.concept_id) - 1 AS integer) AS entry_id,
    once.folded,
    CAST(least(length(once.folded) - length(replace(once.folded, ' ', '')) + 1, 255) AS utinyint) AS words,
    once.synonym,
    once.concept_id,
    concept_facet.facet
FROM once
JOIN concept_facet USING (concept_id)
ORDER BY entry_id;
