-- What drug eras are made of: every exposure, once for each standard ingredient that its drug holds.
-- Unlike OHDSI's script: ingredients of RxNorm Extension count, too, and an exposure that ends before it starts is one day.
CREATE TABLE work.era_events AS
WITH
drugs AS (
    SELECT DISTINCT drug_concept_id FROM cdm.drug_exposure WHERE drug_concept_id <> 0
),
-- An ingredient holds itself, whether or not the vocabulary says so.
held AS (
    SELECT drugs.drug_concept_id, above.ancestor_concept_id AS ingredient_id
    FROM drugs
    JOIN vocabulary.concept_ancestor AS above ON above.descendant_concept_id = drugs.drug_concept_id
    UNION
    SELECT drug_concept_id, drug_concept_id FROM drugs
)
SELECT
    exposure.drug_exposure_id AS event_id,
    exposure.person_id,
    ingredient.concept_id,
    exposure.drug_exposure_start_date AS start_date,
    greatest(exposure.drug_exposure_start_date, exposure.drug_exposure_end_date) AS end_date
FROM cdm.drug_exposure AS exposure
JOIN held ON held.drug_concept_id = exposure.drug_concept_id
JOIN vocabulary.concept AS ingredient ON ingredient.concept_id = held.ingredient_id
WHERE ingredient.concept_class_id = 'Ingredient'
  AND ingredient.standard_concept = 'S'
  AND ingredient.vocabulary_id IN ('RxNorm', 'RxNorm Extension')
