-- Concepts whose code a text is.
SELECT asked.number, code.concept_id, asked.text = concept.concept_code AS exactly, concept.concept_code, concept.vocabulary_id
FROM (SELECT unnest($numbers) AS number, unnest($texts) AS text) AS asked
JOIN search.code ON code.code_key = s_code(asked.text)
JOIN vocabulary.concept USING (concept_id)
WHERE s_code(asked.text) <> ''
ORDER BY asked.number, code.concept_id
