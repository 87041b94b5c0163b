-- Where the code beside an id is not that of the concept: the concepts that have the code, the likeliest first.
SELECT said.concept_id, said.code, concept.concept_id, concept.concept_name, concept.domain_id
FROM said
JOIN concept ON concept.concept_code = said.code
LEFT JOIN known ON known.concept_id = said.concept_id
WHERE said.code <> ''
  AND known.concept_code IS DISTINCT FROM said.code
  AND (said.vocabulary_id = '' OR concept.vocabulary_id = said.vocabulary_id)
  AND (said.name_key = '' OR o_fold(concept.concept_name) = said.name_key)
QUALIFY row_number() OVER (
    PARTITION BY said.concept_id, said.code
    ORDER BY
        damerau_levenshtein(CAST(said.concept_id AS varchar), CAST(concept.concept_id AS varchar)),
        coalesce(concept.standard_concept = 'S' AND concept.invalid_reason IS NULL, FALSE) DESC, concept.concept_id
) = 1
