-- What a drug contains and how much; and of an ingredient nothing, for it is in too many.
SELECT
    ingredient.concept_id, ingredient.concept_name,
    strength.amount_value, amount.concept_code, strength.numerator_value, numerator.concept_code,
    strength.denominator_value, denominator.concept_code, strength.box_size
FROM vocabulary.drug_strength AS strength
LEFT JOIN vocabulary.concept AS ingredient ON ingredient.concept_id = strength.ingredient_concept_id
LEFT JOIN vocabulary.concept AS amount ON amount.concept_id = strength.amount_unit_concept_id
LEFT JOIN vocabulary.concept AS numerator ON numerator.concept_id = strength.numerator_unit_concept_id
LEFT JOIN vocabulary.concept AS denominator ON denominator.concept_id = strength.denominator_unit_concept_id
WHERE strength.drug_concept_id = $id AND strength.invalid_reason IS NULL
ORDER BY ingredient.concept_name, strength.ingredient_concept_id
