SELECT synonym.concept_synonym_name, any_value(language.concept_name ORDER BY synonym.language_concept_id)
FROM vocabulary.concept_synonym AS synonym
LEFT JOIN vocabulary.concept AS language
    ON language.concept_id = synonym.language_concept_id AND language.concept_id <> 0
WHERE synonym.concept_id = $id
GROUP BY synonym.concept_synonym_name
ORDER BY lower(synonym.concept_synonym_name), synonym.concept_synonym_name
