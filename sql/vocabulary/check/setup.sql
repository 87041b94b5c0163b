-- The vocabulary as a check sees it: the attached file, and the concepts of the trial's own.
CREATE TEMP TABLE own_concept (concept_id integer, concept_name varchar, domain_id varchar, vocabulary_id varchar, concept_code varchar);
CREATE TEMP TABLE own_link (concept_id_1 integer, concept_id_2 integer);
CREATE TEMP VIEW concept AS
SELECT
    concept_id, concept_name, domain_id, vocabulary_id, concept_class_id, nullif(standard_concept, '') AS standard_concept, concept_code,
    valid_start_date, valid_end_date, nullif(invalid_reason, '') AS invalid_reason
FROM athena.main.concept
UNION ALL
SELECT
    concept_id, concept_name, domain_id, vocabulary_id, 'Undefined', NULL, concept_code,
    DATE '1970-01-01', DATE '2099-12-31', NULL
FROM own_concept;
CREATE TEMP VIEW link AS
SELECT concept_id_1, concept_id_2, relationship_id FROM athena.main.concept_relationship WHERE nullif(invalid_reason, '') IS NULL
UNION ALL
SELECT concept_id_1, concept_id_2, 'Maps to' FROM own_link
