-- map tumour_type

-- values
CREATE TABLE work."tumour_type values" AS
WITH
-- dsp.subject, for the join 'subject'
join_subject AS (
    SELECT
        _file,
        _row,
        "trial" AS key1,
        subject_id AS key2,
        person_key
    FROM dsp.subject
),
-- the columns of dsp.tumour_type that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.cohort_tumour_type AS cohort_tumour_type,
        i."date" AS "date",
        i.date_basis AS date_basis,
        i.icd10_code AS icd10_code,
        i.main_tumour_type AS main_tumour_type,
        i.main_tumour_type_code AS main_tumour_type_code,
        i.other_tumour_type AS other_tumour_type,
        i.trial AS trial,
        subject.person_key AS "subject.person_key"
    FROM dsp.tumour_type AS i
    LEFT JOIN join_subject AS subject ON subject.key1 = i.trial AND subject.key2 = i.subject_id
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(coalesce(icd10_code, main_tumour_type, other_tumour_type, cohort_tumour_type) IS NOT NULL, FALSE) THEN 'has_tumour_type'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY trial, "subject.person_key", coalesce(icd10_code, main_tumour_type, other_tumour_type, cohort_tumour_type), (_filter IS NULL) ORDER BY "date" ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank
    FROM filtered
),
-- which rows are kept
kept AS (
    SELECT
        ranked.*,
        coalesce(_filter, CASE WHEN _rank > 1 THEN 'keep' END) AS _left_out
    FROM ranked
),
-- the expressions of the map
raw AS (
    SELECT
        _file,
        _row,
        _of,
        _n,
        _left_out,
        trial || chr(31) || "subject.person_key" || chr(31) || coalesce(icd10_code, main_tumour_type, other_tumour_type, cohort_tumour_type) AS _key,
        o_id(trial || chr(31) || "subject.person_key") AS "person.hash",
        icd10_code AS "concept.1.said",
        main_tumour_type AS "concept.2.said",
        other_tumour_type AS "concept.3.said",
        cohort_tumour_type AS "concept.4.said",
        main_tumour_type AS "concept.5.said",
        "date" AS start,
        'initial diagnosis' AS "initial_diagnosis.source",
        date_basis = 'diagnosis' AS "initial_diagnosis.when",
        'main tumour type of the trial' AS "main_tumour_type.concept.1.said",
        main_tumour_type AS "main_tumour_type.text",
        CAST(main_tumour_type_code AS varchar) AS "main_tumour_type.value_source",
        main_tumour_type IS NOT NULL AS "main_tumour_type.when"
    FROM kept
),
-- read as the types that the target asks for
typed AS (
    SELECT
        _file,
        _row,
        _of,
        _n,
        _left_out,
        _key,
        "person.hash",
        "concept.1.said",
        "concept.2.said",
        "concept.3.said",
        "concept.4.said",
        "concept.5.said",
        start,
        "initial_diagnosis.source",
        "initial_diagnosis.when",
        "main_tumour_type.concept.1.said",
        "main_tumour_type.text",
        "main_tumour_type.value_source",
        "main_tumour_type.when"
    FROM raw
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."tumour_type concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'concept.1' AS slot, "concept.1.said" AS value
    FROM work."tumour_type values"
    WHERE "concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.2' AS slot, "concept.2.said" AS value
    FROM work."tumour_type values"
    WHERE "concept.2.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.3' AS slot, "concept.3.said" AS value
    FROM work."tumour_type values"
    WHERE "concept.3.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.4' AS slot, "concept.4.said" AS value
    FROM work."tumour_type values"
    WHERE "concept.4.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.5' AS slot, "concept.5.said" AS value
    FROM work."tumour_type values"
    WHERE "concept.5.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'main_tumour_type.concept.1' AS slot, "main_tumour_type.concept.1.said" AS value
    FROM work."tumour_type values"
    WHERE "main_tumour_type.concept.1.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- concept.1: the code in ICD10, then ICD10CM
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'ICD10' AND term.how = 'code'
        AND term.key = replace(rtrim(o_fold(wanted.value), '+*!'), '.', '')
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 2 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'ICD10CM' AND term.how = 'code'
        AND term.key = replace(o_fold(wanted.value), '.', '')
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    -- concept.2: the reviewed mapping prime_rose/concepts/tumour_types.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/tumour_types.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.2'
    UNION ALL
    -- concept.3: the reviewed mapping prime_rose/concepts/tumour_types.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/tumour_types.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.3'
    UNION ALL
    -- concept.4: the reviewed mapping prime_rose/concepts/tumour_types.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/tumour_types.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.4'
    UNION ALL
    -- concept.5: the name in SNOMED
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.5'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.5'
    UNION ALL
    -- main_tumour_type.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'main_tumour_type.concept.1'
),
-- 'Maps to' leads to the standard concept, also from a standard one (to itself).
linked AS (
    SELECT found.*, coalesce(link.target_id, 0) AS target_id, link.domain_id
    FROM found
    LEFT JOIN work.maps_to AS link ON link.concept_id = found.concept_id AND link.purpose = 'MAPS_TO'
),
-- Of several concepts of one vocabulary (a retired one beside its successor, 'mL' and 'ML' in UCUM, 'C50.9' and 'C509'
-- where dots do not count) one that is spelt exactly so comes before others, a valid one before an invalid one, one
-- that leads to a standard concept before its namesakes.  A reviewed mapping may name several concepts.
placed AS (
    SELECT
        linked.*,
        dense_rank() OVER (
            PARTITION BY linked.slot, linked.value, linked.preference
            ORDER BY
                linked.respelt, CASE WHEN linked.preference = 0 OR linked.target_id <> 0 THEN 0 ELSE 1 END,
                CASE WHEN linked.preference = 0 THEN 0 ELSE linked.concept_id END
        ) AS place
    FROM linked
),
-- Of several vocabularies the first that leads to a standard concept; if none does, the first that knows the value.
ranked AS (
    SELECT
        placed.*,
        dense_rank() OVER (
            PARTITION BY placed.slot, placed.value
            ORDER BY CASE WHEN placed.preference = 0 OR placed.target_id <> 0 THEN 0 ELSE 1 END, placed.preference
        ) AS rank
    FROM placed
    WHERE placed.place = 1
),
targets AS (
    SELECT slot, value, concept_id AS said_id, source_concept_id, purpose, target_id AS concept_id, domain_id
    FROM ranked
    WHERE rank = 1
),
-- What a reviewer names as the value comes before what the vocabulary says, which counts only beside its 'Maps to':
-- a value belongs to the concept that it was said of.
results AS (
    SELECT slot, value, coalesce(min(reviewed), min(linked)) AS value_concept_id
    FROM (
        SELECT slot, value, concept_id AS reviewed, NULL AS linked FROM targets WHERE purpose = 'MAPS_TO_VALUE' AND concept_id <> 0
        UNION ALL
        SELECT targets.slot, targets.value, NULL AS reviewed, link.target_id AS linked
        FROM targets
        JOIN work.maps_to AS link ON link.concept_id = targets.said_id AND link.purpose = 'MAPS_TO_VALUE'
        WHERE targets.purpose = 'MAPS_TO' AND targets.concept_id <> 0
    ) AS every_result
    GROUP BY slot, value
),
mapped AS (
    SELECT
        slot, value, max(source_concept_id) AS source_concept_id, concept_id, max(domain_id) AS domain_id,
        max(said_id) = 0 AS decided
    FROM targets
    WHERE purpose = 'MAPS_TO'
    GROUP BY slot, value, concept_id
)
SELECT
    mapped.slot, mapped.value, mapped.source_concept_id, mapped.concept_id, mapped.domain_id,
    results.value_concept_id, mapped.decided,
    row_number() OVER (PARTITION BY mapped.slot, mapped.value ORDER BY mapped.concept_id) AS nth
FROM mapped
LEFT JOIN results ON results.slot = mapped.slot AND results.value = mapped.value
WHERE mapped.concept_id <> 0
   OR NOT EXISTS (
       SELECT 1 FROM mapped AS better
       WHERE better.slot = mapped.slot AND better.value = mapped.value AND better.concept_id <> 0
   );

-- map
CREATE TABLE work.tumour_type AS
WITH
typed AS (SELECT * FROM work."tumour_type values"),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif("concept.1".concept_id, 0), nullif("concept.2".concept_id, 0), nullif("concept.3".concept_id, 0), nullif("concept.4".concept_id, 0), nullif("concept.5".concept_id, 0), CASE WHEN coalesce("concept.1.said", "concept.2.said", "concept.3.said", "concept.4.said", "concept.5.said") IS NOT NULL THEN 0 END) AS concept,
        coalesce("concept.1.said", "concept.2.said", "concept.3.said", "concept.4.said", "concept.5.said") AS "concept.source",
        CASE WHEN coalesce("concept.1.said", "concept.2.said", "concept.3.said", "concept.4.said", "concept.5.said") IS NOT NULL THEN CASE WHEN "concept.1".concept_id <> 0 THEN coalesce("concept.1".source_concept_id, 0) WHEN "concept.2".concept_id <> 0 THEN coalesce("concept.2".source_concept_id, 0) WHEN "concept.3".concept_id <> 0 THEN coalesce("concept.3".source_concept_id, 0) WHEN "concept.4".concept_id <> 0 THEN coalesce("concept.4".source_concept_id, 0) WHEN "concept.5".concept_id <> 0 THEN coalesce("concept.5".source_concept_id, 0) ELSE coalesce(nullif("concept.1".source_concept_id, 0), nullif("concept.2".source_concept_id, 0), nullif("concept.3".source_concept_id, 0), nullif("concept.4".source_concept_id, 0), nullif("concept.5".source_concept_id, 0), 0) END END AS "concept.source_concept",
        coalesce("concept.2".decided, "concept.3".decided, "concept.4".decided) AS "concept.decided",
        coalesce("concept.1".domain_id, "concept.2".domain_id, "concept.3".domain_id, "concept.4".domain_id, "concept.5".domain_id) AS "concept.domain",
        coalesce("concept.1".value_concept_id, "concept.2".value_concept_id, "concept.3".value_concept_id, "concept.4".value_concept_id, "concept.5".value_concept_id) AS "concept.value",
        coalesce(CASE WHEN "concept.1".concept_id <> 0 THEN "concept.1".nth END, CASE WHEN "concept.2".concept_id <> 0 THEN "concept.2".nth END, CASE WHEN "concept.3".concept_id <> 0 THEN "concept.3".nth END, CASE WHEN "concept.4".concept_id <> 0 THEN "concept.4".nth END, CASE WHEN "concept.5".concept_id <> 0 THEN "concept.5".nth END, 1) AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type,
        coalesce(nullif(o_concept(734306), 0), 0) AS "initial_diagnosis.concept",
        coalesce(nullif("main_tumour_type.concept.1".concept_id, 0), CASE WHEN "main_tumour_type.concept.1.said" IS NOT NULL THEN 0 END) AS "main_tumour_type.concept",
        "main_tumour_type.concept.1.said" AS "main_tumour_type.concept.source",
        CASE WHEN "main_tumour_type.concept.1.said" IS NOT NULL THEN coalesce(nullif("main_tumour_type.concept.1".source_concept_id, 0), 0) END AS "main_tumour_type.concept.source_concept",
        "main_tumour_type.concept.1".decided AS "main_tumour_type.concept.decided"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."tumour_type concepts" AS "concept.1" ON "concept.1".slot = 'concept.1' AND "concept.1".value = typed."concept.1.said"
    LEFT JOIN work."tumour_type concepts" AS "concept.2" ON "concept.2".slot = 'concept.2' AND "concept.2".value = typed."concept.2.said" AND coalesce("concept.1".concept_id, 0) = 0
    LEFT JOIN work."tumour_type concepts" AS "concept.3" ON "concept.3".slot = 'concept.3' AND "concept.3".value = typed."concept.3.said" AND coalesce("concept.1".concept_id, 0) = 0 AND coalesce("concept.2".concept_id, 0) = 0 AND "concept.2".decided IS NOT TRUE
    LEFT JOIN work."tumour_type concepts" AS "concept.4" ON "concept.4".slot = 'concept.4' AND "concept.4".value = typed."concept.4.said" AND coalesce("concept.1".concept_id, 0) = 0 AND coalesce("concept.2".concept_id, 0) = 0 AND coalesce("concept.3".concept_id, 0) = 0 AND "concept.2".decided IS NOT TRUE AND "concept.3".decided IS NOT TRUE
    LEFT JOIN work."tumour_type concepts" AS "concept.5" ON "concept.5".slot = 'concept.5' AND "concept.5".value = typed."concept.5.said" AND coalesce("concept.1".concept_id, 0) = 0 AND coalesce("concept.2".concept_id, 0) = 0 AND coalesce("concept.3".concept_id, 0) = 0 AND coalesce("concept.4".concept_id, 0) = 0 AND "concept.2".decided IS NOT TRUE AND "concept.3".decided IS NOT TRUE AND "concept.4".decided IS NOT TRUE
    LEFT JOIN work."tumour_type concepts" AS "main_tumour_type.concept.1" ON "main_tumour_type.concept.1".slot = 'main_tumour_type.concept.1' AND "main_tumour_type.concept.1".value = typed."main_tumour_type.concept.1.said" AND "main_tumour_type.concept.1".nth = 1
),
-- the domain decides the table
routed AS (
    SELECT
        resolved.*,
        CASE split_part("concept.domain", '/', 1) WHEN 'Condition' THEN 'condition_occurrence' WHEN 'Device' THEN 'device_exposure' WHEN 'Drug' THEN 'drug_exposure' WHEN 'Measurement' THEN 'measurement' WHEN 'Observation' THEN 'observation' WHEN 'Procedure' THEN 'procedure_occurrence' WHEN 'Meas' THEN 'measurement' WHEN 'Obs' THEN 'observation' ELSE 'condition_occurrence' END AS _table
    FROM resolved
),
-- what is wrong with each row
judged AS MATERIALIZED (
    SELECT
        routed.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN _key IS NULL THEN 1
            WHEN "person.hash" IS NULL THEN 2
            WHEN "person.hash" IS NOT NULL AND person IS NULL THEN 3
            WHEN start IS NULL THEN 4
            WHEN "start.before_birth" THEN 5
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("concept.source") > 50 THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("initial_diagnosis.source") > 50 THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("main_tumour_type.text") > 60 THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("main_tumour_type.value_source") > 50 THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("main_tumour_type.concept.source") > 50 THEN 32 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('tumour_type' || chr(31) || _key) AS _hash,
        row_number() OVER () AS _id  -- only tells rows apart
    FROM routed
),
-- keys that stand there several times
repeated AS (
    SELECT
        _hash,
        _target
    FROM judged
    WHERE (_left_out IS NULL AND _reject = 0)
    GROUP BY _hash, _target
    HAVING count(*) > 1
),
-- their rows
alike AS (
    SELECT
        _id,
        _hash,
        _target,
        _file,
        _row,
        _n,
        coalesce(CAST("person.hash" AS varchar), '')
            || chr(31) || coalesce(CAST("concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("concept.2.said" AS varchar), '')
            || chr(31) || coalesce(CAST("concept.3.said" AS varchar), '')
            || chr(31) || coalesce(CAST("concept.4.said" AS varchar), '')
            || chr(31) || coalesce(CAST("concept.5.said" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST("initial_diagnosis.source" AS varchar), '')
            || chr(31) || coalesce(CAST("initial_diagnosis.when" AS varchar), '')
            || chr(31) || coalesce(CAST("main_tumour_type.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("main_tumour_type.text" AS varchar), '')
            || chr(31) || coalesce(CAST("main_tumour_type.value_source" AS varchar), '')
            || chr(31) || coalesce(CAST("main_tumour_type.when" AS varchar), '') AS _content
    FROM judged
    WHERE (_left_out IS NULL AND _reject = 0) AND _hash IN (SELECT repeated._hash FROM repeated)
),
-- the first is used; is another the same?
twins AS (
    SELECT
        _id,
        row_number() OVER (PARTITION BY _hash, _target ORDER BY _file, _row, _n, _id) AS _nth,
        _content = first_value(_content) OVER (PARTITION BY _hash, _target ORDER BY _file, _row, _n, _id) AS _same
    FROM alike
),
-- the status of each row
final AS (
    SELECT
        judged.*,
        CASE WHEN _left_out IS NOT NULL THEN 'filtered' WHEN _reject > 0 THEN 'rejected'
            WHEN coalesce(twins._nth, 1) = 1 THEN 'used' WHEN twins._same THEN 'deduplicated'
            ELSE 'rejected' END AS _status,
        TRUE AS _first,
        CASE WHEN _target = 1 THEN _hash ELSE o_id(CAST(_hash AS varchar) || chr(31) || CAST(_target AS varchar)) END AS _id_hash
    FROM judged
    LEFT JOIN twins ON twins._id = judged._id
)
SELECT
    _file,
    _row,
    _of,
    _n,
    _left_out,
    _key,
    _hash,
    _id_hash,
    _target,
    _first,
    _status,
    _reject,
    _table,
    _issues,
    _imputed,
    start,
    "initial_diagnosis.source",
    "initial_diagnosis.when",
    "main_tumour_type.text",
    "main_tumour_type.value_source",
    "main_tumour_type.when",
    "concept.1.said",
    "concept.2.said",
    "concept.3.said",
    "concept.4.said",
    "concept.5.said",
    "main_tumour_type.concept.1.said",
    person,
    born,
    "start.after_birth",
    "start.before_birth",
    concept,
    "concept.source",
    "concept.source_concept",
    "concept.decided",
    "concept.domain",
    "concept.value",
    type,
    "initial_diagnosis.concept",
    "main_tumour_type.concept",
    "main_tumour_type.concept.source",
    "main_tumour_type.concept.source_concept",
    "main_tumour_type.concept.decided"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'tumour_type', 'concept', 1, 'ICD10, ICD10CM by code', NULL,
    said."concept.1.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.tumour_type AS said
LEFT JOIN work."tumour_type concepts" AS found
    ON found.slot = 'concept.1' AND found.value = said."concept.1.said" AND found.nth = 1
WHERE said."concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.1.said"
UNION ALL
SELECT
    'tumour_type', 'concept', 2, 'prime_rose/concepts/tumour_types.csv', 'prime_rose/concepts/tumour_types.csv',
    said."concept.2.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.tumour_type AS said
LEFT JOIN work."tumour_type concepts" AS found
    ON found.slot = 'concept.2' AND found.value = said."concept.2.said" AND found.nth = 1
WHERE said."concept.2.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.2.said"
UNION ALL
SELECT
    'tumour_type', 'concept', 3, 'prime_rose/concepts/tumour_types.csv', 'prime_rose/concepts/tumour_types.csv',
    said."concept.3.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.tumour_type AS said
LEFT JOIN work."tumour_type concepts" AS found
    ON found.slot = 'concept.3' AND found.value = said."concept.3.said" AND found.nth = 1
WHERE said."concept.3.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.3.said"
UNION ALL
SELECT
    'tumour_type', 'concept', 4, 'prime_rose/concepts/tumour_types.csv', 'prime_rose/concepts/tumour_types.csv',
    said."concept.4.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.tumour_type AS said
LEFT JOIN work."tumour_type concepts" AS found
    ON found.slot = 'concept.4' AND found.value = said."concept.4.said" AND found.nth = 1
WHERE said."concept.4.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.4.said"
UNION ALL
SELECT
    'tumour_type', 'concept', 5, 'SNOMED by name', NULL,
    said."concept.5.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.tumour_type AS said
LEFT JOIN work."tumour_type concepts" AS found
    ON found.slot = 'concept.5' AND found.value = said."concept.5.said" AND found.nth = 1
WHERE said."concept.5.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.5.said"
UNION ALL
SELECT
    'tumour_type', 'main_tumour_type.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."main_tumour_type.concept.1.said", count(*), count(CASE WHEN said."main_tumour_type.concept" = 0 AND said."main_tumour_type.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.tumour_type AS said
LEFT JOIN work."tumour_type concepts" AS found
    ON found.slot = 'main_tumour_type.concept.1' AND found.value = said."main_tumour_type.concept.1.said" AND found.nth = 1
WHERE said."main_tumour_type.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."main_tumour_type.concept.1.said";

-- accounting
SELECT
    count(*) FILTER (WHERE _target = 1) AS rows_read,
    count(*) FILTER (WHERE _target = 1 AND _status = 'used') AS rows_used,
    count(*) FILTER (WHERE _target = 1 AND _status = 'filtered') AS rows_filtered,
    count(*) FILTER (WHERE _target = 1 AND _status = 'deduplicated') AS rows_deduplicated,
    count(*) FILTER (WHERE _target = 1 AND _status = 'rejected') AS rows_rejected,
    count(*) FILTER (WHERE _status = 'used' AND (_table = 'condition_occurrence')),
    count(*) FILTER (WHERE _status = 'used' AND (_table = 'device_exposure')),
    count(*) FILTER (WHERE _status = 'used' AND (_table = 'drug_exposure')),
    count(*) FILTER (WHERE _status = 'used' AND (_table = 'measurement')),
    count(*) FILTER (WHERE _status = 'used' AND (_table = 'observation')),
    count(*) FILTER (WHERE _status = 'used' AND (_table = 'procedure_occurrence')),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("initial_diagnosis.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("main_tumour_type.when"))),
    count(*) FILTER (WHERE _target = 1 AND _status IN ('filtered', 'deduplicated')),
    count(*) FILTER (WHERE _issues <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND ((concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)) OR (o_concept(734306) = 0 AND coalesce("initial_diagnosis.concept", 0) = 0 AND ("initial_diagnosis.when")) OR ("main_tumour_type.concept" = 0 AND "main_tumour_type.concept.source" IS NOT NULL AND "main_tumour_type.concept.decided" IS NOT TRUE AND ("main_tumour_type.when"))))
FROM work.tumour_type AS step;

-- ids cdm.condition_occurrence
INSERT INTO register.condition_occurrence (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.tumour_type AS step
    WHERE step._status = 'used' AND (_table = 'condition_occurrence') AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.condition_occurrence AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.condition_occurrence) AS last;

-- write cdm.condition_occurrence
INSERT INTO cdm.condition_occurrence (
    condition_occurrence_id,
    person_id,
    condition_concept_id,
    condition_start_date,
    condition_type_concept_id,
    condition_source_value,
    condition_source_concept_id
)
SELECT
    ids.id AS condition_occurrence_id,
    person AS person_id,
    coalesce(concept, 0) AS condition_concept_id,
    "start.after_birth" AS condition_start_date,
    coalesce(type, 0) AS condition_type_concept_id,
    substr("concept.source", 1, 50) AS condition_source_value,
    "concept.source_concept" AS condition_source_concept_id
FROM work.tumour_type AS step
JOIN register.condition_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'condition_occurrence') AND step._first;

-- origins cdm.condition_occurrence
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'condition_occurrence', ids.id, 'tumour_type', step._file, step._row, NULL, step._n, step._of
FROM work.tumour_type AS step
JOIN register.condition_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'condition_occurrence');

-- ids cdm.device_exposure
INSERT INTO register.device_exposure (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.tumour_type AS step
    WHERE step._status = 'used' AND (_table = 'device_exposure') AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.device_exposure AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.device_exposure) AS last;

-- write cdm.device_exposure
INSERT INTO cdm.device_exposure (
    device_exposure_id,
    person_id,
    device_concept_id,
    device_exposure_start_date,
    device_type_concept_id,
    device_source_value,
    device_source_concept_id
)
SELECT
    ids.id AS device_exposure_id,
    person AS person_id,
    coalesce(concept, 0) AS device_concept_id,
    "start.after_birth" AS device_exposure_start_date,
    coalesce(type, 0) AS device_type_concept_id,
    substr("concept.source", 1, 50) AS device_source_value,
    "concept.source_concept" AS device_source_concept_id
FROM work.tumour_type AS step
JOIN register.device_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'device_exposure') AND step._first;

-- origins cdm.device_exposure
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'device_exposure', ids.id, 'tumour_type', step._file, step._row, NULL, step._n, step._of
FROM work.tumour_type AS step
JOIN register.device_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'device_exposure');

-- ids cdm.drug_exposure
INSERT INTO register.drug_exposure (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.tumour_type AS step
    WHERE step._status = 'used' AND (_table = 'drug_exposure') AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.drug_exposure AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.drug_exposure) AS last;

-- write cdm.drug_exposure
INSERT INTO cdm.drug_exposure (
    drug_exposure_id,
    person_id,
    drug_concept_id,
    drug_exposure_start_date,
    drug_exposure_end_date,
    drug_type_concept_id,
    drug_source_value,
    drug_source_concept_id
)
SELECT
    ids.id AS drug_exposure_id,
    person AS person_id,
    coalesce(concept, 0) AS drug_concept_id,
    "start.after_birth" AS drug_exposure_start_date,
    "start.after_birth" AS drug_exposure_end_date,
    coalesce(type, 0) AS drug_type_concept_id,
    substr("concept.source", 1, 50) AS drug_source_value,
    "concept.source_concept" AS drug_source_concept_id
FROM work.tumour_type AS step
JOIN register.drug_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'drug_exposure') AND step._first;

-- origins cdm.drug_exposure
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'drug_exposure', ids.id, 'tumour_type', step._file, step._row, NULL, step._n, step._of
FROM work.tumour_type AS step
JOIN register.drug_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'drug_exposure');

-- ids cdm.measurement
INSERT INTO register.measurement (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.tumour_type AS step
    WHERE step._status = 'used' AND (_table = 'measurement') AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.measurement AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.measurement) AS last;

-- write cdm.measurement
INSERT INTO cdm.measurement (
    measurement_id,
    person_id,
    measurement_concept_id,
    measurement_date,
    measurement_type_concept_id,
    value_as_concept_id,
    measurement_source_value,
    measurement_source_concept_id
)
SELECT
    ids.id AS measurement_id,
    person AS person_id,
    coalesce(concept, 0) AS measurement_concept_id,
    "start.after_birth" AS measurement_date,
    coalesce(type, 0) AS measurement_type_concept_id,
    "concept.value" AS value_as_concept_id,
    substr("concept.source", 1, 50) AS measurement_source_value,
    "concept.source_concept" AS measurement_source_concept_id
FROM work.tumour_type AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'measurement') AND step._first;

-- origins cdm.measurement
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'measurement', ids.id, 'tumour_type', step._file, step._row, NULL, step._n, step._of
FROM work.tumour_type AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'measurement');

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.tumour_type AS step
    WHERE step._status = 'used' AND (_table = 'observation') AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.observation) AS last;

-- write cdm.observation
INSERT INTO cdm.observation (
    observation_id,
    person_id,
    observation_concept_id,
    observation_date,
    observation_type_concept_id,
    value_as_concept_id,
    observation_source_value,
    observation_source_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce(concept, 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    "concept.value" AS value_as_concept_id,
    substr("concept.source", 1, 50) AS observation_source_value,
    "concept.source_concept" AS observation_source_concept_id
FROM work.tumour_type AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'observation') AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'tumour_type', step._file, step._row, NULL, step._n, step._of
FROM work.tumour_type AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'observation');

-- ids cdm.procedure_occurrence
INSERT INTO register.procedure_occurrence (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.tumour_type AS step
    WHERE step._status = 'used' AND (_table = 'procedure_occurrence') AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.procedure_occurrence AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.procedure_occurrence) AS last;

-- write cdm.procedure_occurrence
INSERT INTO cdm.procedure_occurrence (
    procedure_occurrence_id,
    person_id,
    procedure_concept_id,
    procedure_date,
    procedure_type_concept_id,
    procedure_source_value,
    procedure_source_concept_id
)
SELECT
    ids.id AS procedure_occurrence_id,
    person AS person_id,
    coalesce(concept, 0) AS procedure_concept_id,
    "start.after_birth" AS procedure_date,
    coalesce(type, 0) AS procedure_type_concept_id,
    substr("concept.source", 1, 50) AS procedure_source_value,
    "concept.source_concept" AS procedure_source_concept_id
FROM work.tumour_type AS step
JOIN register.procedure_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'procedure_occurrence') AND step._first;

-- origins cdm.procedure_occurrence
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'procedure_occurrence', ids.id, 'tumour_type', step._file, step._row, NULL, step._n, step._of
FROM work.tumour_type AS step
JOIN register.procedure_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'procedure_occurrence');

-- parents
CREATE TABLE work."tumour_type parents" AS
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147127), 0) AS field_concept_id,
    nullif(o_concept(19), 0) AS domain_concept_id
FROM work.tumour_type AS step
JOIN register.condition_occurrence AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'condition_occurrence'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147115), 0) AS field_concept_id,
    CAST(NULL AS integer) AS domain_concept_id
FROM work.tumour_type AS step
JOIN register.device_exposure AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'device_exposure'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147094), 0) AS field_concept_id,
    nullif(o_concept(13), 0) AS domain_concept_id
FROM work.tumour_type AS step
JOIN register.drug_exposure AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'drug_exposure'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147138), 0) AS field_concept_id,
    nullif(o_concept(21), 0) AS domain_concept_id
FROM work.tumour_type AS step
JOIN register.measurement AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'measurement'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147165), 0) AS field_concept_id,
    nullif(o_concept(27), 0) AS domain_concept_id
FROM work.tumour_type AS step
JOIN register.observation AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'observation'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147082), 0) AS field_concept_id,
    nullif(o_concept(10), 0) AS domain_concept_id
FROM work.tumour_type AS step
JOIN register.procedure_occurrence AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'procedure_occurrence';

-- ids cdm.measurement
INSERT INTO register.measurement (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('tumour_type' || chr(31) || _key || chr(31) || 'initial_diagnosis') AS hash
    FROM work.tumour_type AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("initial_diagnosis.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.measurement AS known WHERE known.hash = o_id('tumour_type' || chr(31) || _key || chr(31) || 'initial_diagnosis'))
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.measurement) AS last;

-- write cdm.measurement
INSERT INTO cdm.measurement (
    measurement_id,
    person_id,
    measurement_concept_id,
    measurement_date,
    measurement_type_concept_id,
    measurement_source_value,
    measurement_event_id,
    meas_event_field_concept_id
)
SELECT
    ids.id AS measurement_id,
    person AS person_id,
    coalesce("initial_diagnosis.concept", 0) AS measurement_concept_id,
    "start.after_birth" AS measurement_date,
    coalesce(type, 0) AS measurement_type_concept_id,
    substr("initial_diagnosis.source", 1, 50) AS measurement_source_value,
    parent.id AS measurement_event_id,
    parent.field_concept_id AS meas_event_field_concept_id
FROM work.tumour_type AS step
JOIN register.measurement AS ids ON ids.hash = o_id('tumour_type' || chr(31) || _key || chr(31) || 'initial_diagnosis')
JOIN work."tumour_type parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("initial_diagnosis.when")) AND step._first;

-- origins cdm.measurement
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'measurement', ids.id, 'tumour_type', step._file, step._row, 'initial_diagnosis', step._n, step._of
FROM work.tumour_type AS step
JOIN register.measurement AS ids ON ids.hash = o_id('tumour_type' || chr(31) || _key || chr(31) || 'initial_diagnosis')
WHERE step._status = 'used' AND (_target = 1 AND ("initial_diagnosis.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('tumour_type' || chr(31) || _key || chr(31) || 'main_tumour_type') AS hash
    FROM work.tumour_type AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("main_tumour_type.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('tumour_type' || chr(31) || _key || chr(31) || 'main_tumour_type'))
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.observation) AS last;

-- write cdm.observation
INSERT INTO cdm.observation (
    observation_id,
    person_id,
    observation_concept_id,
    observation_date,
    observation_type_concept_id,
    value_as_string,
    observation_source_value,
    observation_source_concept_id,
    value_source_value,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("main_tumour_type.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("main_tumour_type.text", 1, 60) AS value_as_string,
    substr("main_tumour_type.concept.source", 1, 50) AS observation_source_value,
    "main_tumour_type.concept.source_concept" AS observation_source_concept_id,
    substr("main_tumour_type.value_source", 1, 50) AS value_source_value,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.tumour_type AS step
JOIN register.observation AS ids ON ids.hash = o_id('tumour_type' || chr(31) || _key || chr(31) || 'main_tumour_type')
JOIN work."tumour_type parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("main_tumour_type.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'tumour_type', step._file, step._row, 'main_tumour_type', step._n, step._of
FROM work.tumour_type AS step
JOIN register.observation AS ids ON ids.hash = o_id('tumour_type' || chr(31) || _key || chr(31) || 'main_tumour_type')
WHERE step._status = 'used' AND (_target = 1 AND ("main_tumour_type.when"));

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'tumour_type', filter.name, count(step._left_out)
FROM (VALUES ('has_tumour_type'), ('keep')) AS filter(name)
LEFT JOIN work.tumour_type AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'tumour_type', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.tumour_type AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'tumour_type', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.tumour_type AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'person', 'missing'),
    (3, 'person', 'not found'),
    (4, 'start', 'missing'),
    (5, 'start', 'before birth')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'tumour_type', why.field, why.reason, file.file, file.sheet, step._row
FROM work.tumour_type AS step
JOIN (VALUES
    (1, 'start', 'moved to the day of birth'),
    (2, 'concept source', 'cut to its length'),
    (4, 'initial_diagnosis.source', 'cut to its length'),
    (8, 'main_tumour_type.text', 'cut to its length'),
    (16, 'main_tumour_type.value_source', 'cut to its length'),
    (32, 'main_tumour_type.concept source', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'tumour_type', 'concept', "concept.source", count(*)
FROM work.tumour_type
WHERE _left_out IS NULL AND _target = 1 AND concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE
GROUP BY "concept.source"
UNION ALL
SELECT 'tumour_type', 'type', '32809 Case Report Form', count(*)
FROM work.tumour_type
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form'
UNION ALL
SELECT 'tumour_type', 'initial_diagnosis.concept', '734306 Initial Diagnosis', count(*)
FROM work.tumour_type
WHERE _left_out IS NULL AND _target = 1 AND o_concept(734306) = 0 AND coalesce("initial_diagnosis.concept", 0) = 0 AND ("initial_diagnosis.when")
GROUP BY '734306 Initial Diagnosis'
UNION ALL
SELECT 'tumour_type', 'main_tumour_type.concept', "main_tumour_type.concept.source", count(*)
FROM work.tumour_type
WHERE _left_out IS NULL AND _target = 1 AND "main_tumour_type.concept" = 0 AND "main_tumour_type.concept.source" IS NOT NULL AND "main_tumour_type.concept.decided" IS NOT TRUE AND ("main_tumour_type.when")
GROUP BY "main_tumour_type.concept.source";
