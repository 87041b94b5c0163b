-- map medical_history_procedure

-- values
CREATE TABLE work."medical_history_procedure values" AS
WITH
-- the columns of mh that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."MHBODSYS" AS "MHBODSYS",
        i."MHDECOD" AS "MHDECOD",
        i."MHENDTC" AS "MHENDTC",
        i."MHOCCUR" AS "MHOCCUR",
        i."MHSEQ" AS "MHSEQ",
        i."MHSEV" AS "MHSEV",
        i."MHSTAT" AS "MHSTAT",
        i."MHSTDTC" AS "MHSTDTC",
        i."MHTERM" AS "MHTERM",
        i."USUBJID" AS "USUBJID",
        i."VISITNUM" AS "VISITNUM"
    FROM source.mh AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(coalesce("MHOCCUR", 'Y') <> 'N' AND coalesce("MHSTAT", 'DONE') <> 'NOT DONE', FALSE) THEN 'occurred'
            WHEN NOT coalesce("MHBODSYS" = 'SURGICAL AND MEDICAL PROCEDURES', FALSE) THEN 'procedure'
            WHEN NOT coalesce("MHSTDTC" IS NOT NULL, FALSE) THEN 'dated'
        END AS _left_out
    FROM input
),
-- the expressions of the map
raw AS (
    SELECT
        _file,
        _row,
        _of,
        _n,
        _left_out,
        "USUBJID" || chr(31) || o_plain(o_num("MHSEQ")) AS _key,
        o_id("USUBJID") AS "person.hash",
        o_id("USUBJID" || chr(31) || o_plain(round(CAST(o_num("VISITNUM") AS double), 4))) AS "visit.hash",
        coalesce("MHDECOD", "MHTERM") AS "concept.1.said",
        "MHSTDTC" AS "start.raw",
        "MHENDTC" AS "end.raw",
        'MHSEV' AS "severity.source",
        "MHSEV" AS "severity.text",
        "MHSEV" IS NOT NULL AS "severity.when"
    FROM filtered
),
-- read as the types that the target asks for
converted AS (
    SELECT
        _file,
        _row,
        _of,
        _n,
        _left_out,
        _key,
        "person.hash",
        "visit.hash",
        "concept.1.said",
        "start.raw",
        o_date("start.raw", '%Y-%m-%d') AS "start.full",
        o_datetime("start.raw", '%Y-%m-%d') AS "start.datetime",
        "end.raw",
        o_date("end.raw", '%Y-%m-%d') AS "end.full",
        o_datetime("end.raw", '%Y-%m-%d') AS "end.datetime",
        "severity.source",
        "severity.text",
        "severity.when"
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("start.full", o_impute("start.raw", '%Y-%m-%d', 'earliest')) AS start,
        coalesce("end.full", o_impute("end.raw", '%Y-%m-%d', 'latest')) AS "end"
    FROM converted
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."medical_history_procedure concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'concept.1' AS slot, "concept.1.said" AS value
    FROM work."medical_history_procedure values"
    WHERE "concept.1.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- concept.1: the name in MedDRA, then SNOMED
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'MedDRA' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'MedDRA' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 2 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 102 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.1'
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
CREATE TABLE work.medical_history_procedure AS
WITH
typed AS (SELECT * FROM work."medical_history_procedure values"),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        "visit ref".id AS visit,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif("concept.1".concept_id, 0), CASE WHEN "concept.1.said" IS NOT NULL THEN 0 END) AS concept,
        "concept.1.said" AS "concept.source",
        CASE WHEN "concept.1.said" IS NOT NULL THEN coalesce(nullif("concept.1".source_concept_id, 0), 0) END AS "concept.source_concept",
        FALSE AS "concept.decided",
        "concept.1".domain_id AS "concept.domain",
        "concept.1".value_concept_id AS "concept.value",
        coalesce(CASE WHEN "concept.1".concept_id <> 0 THEN "concept.1".nth END, 1) AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type,
        coalesce(nullif(o_concept(4077563), 0), 0) AS "severity.concept"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN work."ids of visit_occurrence" AS "visit ref" ON "visit ref".hash = typed."visit.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."medical_history_procedure concepts" AS "concept.1" ON "concept.1".slot = 'concept.1' AND "concept.1".value = typed."concept.1.said"
),
-- the domain decides the table
routed AS (
    SELECT
        resolved.*,
        CASE split_part("concept.domain", '/', 1) WHEN 'Condition' THEN 'condition_occurrence' WHEN 'Device' THEN 'device_exposure' WHEN 'Drug' THEN 'drug_exposure' WHEN 'Measurement' THEN 'measurement' WHEN 'Observation' THEN 'observation' WHEN 'Procedure' THEN 'procedure_occurrence' WHEN 'Meas' THEN 'measurement' WHEN 'Obs' THEN 'observation' ELSE 'procedure_occurrence' END AS _table
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
            WHEN "start.raw" IS NOT NULL AND start IS NULL THEN 4
            WHEN start IS NULL THEN 5
            WHEN "start.before_birth" THEN 6
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "visit.hash" IS NOT NULL AND visit IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end.raw" IS NOT NULL AND "end" IS NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("end" < "start.after_birth" OR "end.datetime" < CASE WHEN "start.after_birth" = start THEN "start.datetime" END) THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("concept.source") > 50 THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND _table = 'measurement' AND CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END IS NOT NULL THEN 32 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND _table = 'observation' AND CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END IS NOT NULL THEN 64 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("severity.source") > 50 THEN 128 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("severity.text") > 60 THEN 256 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "start.full" IS NULL AND start IS NOT NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end.full" IS NULL AND "end" IS NOT NULL THEN 2 ELSE 0 END AS _imputed,
        o_id('medical_history_procedure' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("visit.hash" AS varchar), '')
            || chr(31) || coalesce(CAST("concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("start.datetime" AS varchar), '')
            || chr(31) || coalesce(CAST("end.datetime" AS varchar), '')
            || chr(31) || coalesce(CAST("severity.source" AS varchar), '')
            || chr(31) || coalesce(CAST("severity.text" AS varchar), '')
            || chr(31) || coalesce(CAST("severity.when" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST("end" AS varchar), '') AS _content
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
    "start.datetime",
    "end.datetime",
    "severity.source",
    "severity.text",
    "severity.when",
    start,
    "end",
    "concept.1.said",
    person,
    visit,
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
    "severity.concept"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'medical_history_procedure', 'concept', 1, 'MedDRA, SNOMED by name', NULL,
    said."concept.1.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.medical_history_procedure AS said
LEFT JOIN work."medical_history_procedure concepts" AS found
    ON found.slot = 'concept.1' AND found.value = said."concept.1.said" AND found.nth = 1
WHERE said."concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.1.said";

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
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("severity.when"))),
    count(*) FILTER (WHERE _target = 1 AND _status IN ('filtered', 'deduplicated')),
    count(*) FILTER (WHERE _issues <> 0),
    count(*) FILTER (WHERE _imputed <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND ((concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)) OR (o_concept(4077563) = 0 AND coalesce("severity.concept", 0) = 0 AND ("severity.when"))))
FROM work.medical_history_procedure AS step;

-- ids cdm.condition_occurrence
INSERT INTO register.condition_occurrence (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.medical_history_procedure AS step
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
    condition_start_datetime,
    condition_end_date,
    condition_end_datetime,
    condition_type_concept_id,
    visit_occurrence_id,
    condition_source_value,
    condition_source_concept_id
)
SELECT
    ids.id AS condition_occurrence_id,
    person AS person_id,
    coalesce(concept, 0) AS condition_concept_id,
    "start.after_birth" AS condition_start_date,
    CASE WHEN "start.after_birth" = start THEN "start.datetime" END AS condition_start_datetime,
    CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END AS condition_end_date,
    CASE WHEN ("end" < "start.after_birth" OR "end.datetime" < CASE WHEN "start.after_birth" = start THEN "start.datetime" END) THEN NULL ELSE "end.datetime" END AS condition_end_datetime,
    coalesce(type, 0) AS condition_type_concept_id,
    visit AS visit_occurrence_id,
    substr("concept.source", 1, 50) AS condition_source_value,
    "concept.source_concept" AS condition_source_concept_id
FROM work.medical_history_procedure AS step
JOIN register.condition_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'condition_occurrence') AND step._first;

-- origins cdm.condition_occurrence
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'condition_occurrence', ids.id, 'medical_history_procedure', step._file, step._row, NULL, step._n, step._of
FROM work.medical_history_procedure AS step
JOIN register.condition_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'condition_occurrence');

-- ids cdm.device_exposure
INSERT INTO register.device_exposure (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.medical_history_procedure AS step
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
    device_exposure_start_datetime,
    device_exposure_end_date,
    device_exposure_end_datetime,
    device_type_concept_id,
    visit_occurrence_id,
    device_source_value,
    device_source_concept_id
)
SELECT
    ids.id AS device_exposure_id,
    person AS person_id,
    coalesce(concept, 0) AS device_concept_id,
    "start.after_birth" AS device_exposure_start_date,
    CASE WHEN "start.after_birth" = start THEN "start.datetime" END AS device_exposure_start_datetime,
    CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END AS device_exposure_end_date,
    CASE WHEN ("end" < "start.after_birth" OR "end.datetime" < CASE WHEN "start.after_birth" = start THEN "start.datetime" END) THEN NULL ELSE "end.datetime" END AS device_exposure_end_datetime,
    coalesce(type, 0) AS device_type_concept_id,
    visit AS visit_occurrence_id,
    substr("concept.source", 1, 50) AS device_source_value,
    "concept.source_concept" AS device_source_concept_id
FROM work.medical_history_procedure AS step
JOIN register.device_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'device_exposure') AND step._first;

-- origins cdm.device_exposure
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'device_exposure', ids.id, 'medical_history_procedure', step._file, step._row, NULL, step._n, step._of
FROM work.medical_history_procedure AS step
JOIN register.device_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'device_exposure');

-- ids cdm.drug_exposure
INSERT INTO register.drug_exposure (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.medical_history_procedure AS step
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
    drug_exposure_start_datetime,
    drug_exposure_end_date,
    drug_exposure_end_datetime,
    drug_type_concept_id,
    visit_occurrence_id,
    drug_source_value,
    drug_source_concept_id
)
SELECT
    ids.id AS drug_exposure_id,
    person AS person_id,
    coalesce(concept, 0) AS drug_concept_id,
    "start.after_birth" AS drug_exposure_start_date,
    CASE WHEN "start.after_birth" = start THEN "start.datetime" END AS drug_exposure_start_datetime,
    coalesce(CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END, "start.after_birth") AS drug_exposure_end_date,
    CASE WHEN ("end" < "start.after_birth" OR "end.datetime" < CASE WHEN "start.after_birth" = start THEN "start.datetime" END) THEN NULL ELSE "end.datetime" END AS drug_exposure_end_datetime,
    coalesce(type, 0) AS drug_type_concept_id,
    visit AS visit_occurrence_id,
    substr("concept.source", 1, 50) AS drug_source_value,
    "concept.source_concept" AS drug_source_concept_id
FROM work.medical_history_procedure AS step
JOIN register.drug_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'drug_exposure') AND step._first;

-- origins cdm.drug_exposure
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'drug_exposure', ids.id, 'medical_history_procedure', step._file, step._row, NULL, step._n, step._of
FROM work.medical_history_procedure AS step
JOIN register.drug_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'drug_exposure');

-- ids cdm.measurement
INSERT INTO register.measurement (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.medical_history_procedure AS step
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
    measurement_datetime,
    measurement_type_concept_id,
    value_as_concept_id,
    visit_occurrence_id,
    measurement_source_value,
    measurement_source_concept_id
)
SELECT
    ids.id AS measurement_id,
    person AS person_id,
    coalesce(concept, 0) AS measurement_concept_id,
    "start.after_birth" AS measurement_date,
    CASE WHEN "start.after_birth" = start THEN "start.datetime" END AS measurement_datetime,
    coalesce(type, 0) AS measurement_type_concept_id,
    "concept.value" AS value_as_concept_id,
    visit AS visit_occurrence_id,
    substr("concept.source", 1, 50) AS measurement_source_value,
    "concept.source_concept" AS measurement_source_concept_id
FROM work.medical_history_procedure AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'measurement') AND step._first;

-- origins cdm.measurement
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'measurement', ids.id, 'medical_history_procedure', step._file, step._row, NULL, step._n, step._of
FROM work.medical_history_procedure AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'measurement');

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.medical_history_procedure AS step
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
    observation_datetime,
    observation_type_concept_id,
    value_as_concept_id,
    visit_occurrence_id,
    observation_source_value,
    observation_source_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce(concept, 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    CASE WHEN "start.after_birth" = start THEN "start.datetime" END AS observation_datetime,
    coalesce(type, 0) AS observation_type_concept_id,
    "concept.value" AS value_as_concept_id,
    visit AS visit_occurrence_id,
    substr("concept.source", 1, 50) AS observation_source_value,
    "concept.source_concept" AS observation_source_concept_id
FROM work.medical_history_procedure AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'observation') AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'medical_history_procedure', step._file, step._row, NULL, step._n, step._of
FROM work.medical_history_procedure AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'observation');

-- ids cdm.procedure_occurrence
INSERT INTO register.procedure_occurrence (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.medical_history_procedure AS step
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
    procedure_datetime,
    procedure_end_date,
    procedure_end_datetime,
    procedure_type_concept_id,
    visit_occurrence_id,
    procedure_source_value,
    procedure_source_concept_id
)
SELECT
    ids.id AS procedure_occurrence_id,
    person AS person_id,
    coalesce(concept, 0) AS procedure_concept_id,
    "start.after_birth" AS procedure_date,
    CASE WHEN "start.after_birth" = start THEN "start.datetime" END AS procedure_datetime,
    CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END AS procedure_end_date,
    CASE WHEN ("end" < "start.after_birth" OR "end.datetime" < CASE WHEN "start.after_birth" = start THEN "start.datetime" END) THEN NULL ELSE "end.datetime" END AS procedure_end_datetime,
    coalesce(type, 0) AS procedure_type_concept_id,
    visit AS visit_occurrence_id,
    substr("concept.source", 1, 50) AS procedure_source_value,
    "concept.source_concept" AS procedure_source_concept_id
FROM work.medical_history_procedure AS step
JOIN register.procedure_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'procedure_occurrence') AND step._first;

-- origins cdm.procedure_occurrence
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'procedure_occurrence', ids.id, 'medical_history_procedure', step._file, step._row, NULL, step._n, step._of
FROM work.medical_history_procedure AS step
JOIN register.procedure_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'procedure_occurrence');

-- parents
CREATE TABLE work."medical_history_procedure parents" AS
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147127), 0) AS field_concept_id,
    nullif(o_concept(19), 0) AS domain_concept_id
FROM work.medical_history_procedure AS step
JOIN register.condition_occurrence AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'condition_occurrence'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147115), 0) AS field_concept_id,
    CAST(NULL AS integer) AS domain_concept_id
FROM work.medical_history_procedure AS step
JOIN register.device_exposure AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'device_exposure'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147094), 0) AS field_concept_id,
    nullif(o_concept(13), 0) AS domain_concept_id
FROM work.medical_history_procedure AS step
JOIN register.drug_exposure AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'drug_exposure'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147138), 0) AS field_concept_id,
    nullif(o_concept(21), 0) AS domain_concept_id
FROM work.medical_history_procedure AS step
JOIN register.measurement AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'measurement'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147165), 0) AS field_concept_id,
    nullif(o_concept(27), 0) AS domain_concept_id
FROM work.medical_history_procedure AS step
JOIN register.observation AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'observation'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147082), 0) AS field_concept_id,
    nullif(o_concept(10), 0) AS domain_concept_id
FROM work.medical_history_procedure AS step
JOIN register.procedure_occurrence AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'procedure_occurrence';

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('medical_history_procedure' || chr(31) || _key || chr(31) || 'severity') AS hash
    FROM work.medical_history_procedure AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("severity.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('medical_history_procedure' || chr(31) || _key || chr(31) || 'severity'))
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.observation) AS last;

-- write cdm.observation
INSERT INTO cdm.observation (
    observation_id,
    person_id,
    observation_concept_id,
    observation_date,
    observation_datetime,
    observation_type_concept_id,
    value_as_string,
    visit_occurrence_id,
    observation_source_value,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("severity.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    CASE WHEN "start.after_birth" = start THEN "start.datetime" END AS observation_datetime,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("severity.text", 1, 60) AS value_as_string,
    visit AS visit_occurrence_id,
    substr("severity.source", 1, 50) AS observation_source_value,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.medical_history_procedure AS step
JOIN register.observation AS ids ON ids.hash = o_id('medical_history_procedure' || chr(31) || _key || chr(31) || 'severity')
JOIN work."medical_history_procedure parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("severity.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'medical_history_procedure', step._file, step._row, 'severity', step._n, step._of
FROM work.medical_history_procedure AS step
JOIN register.observation AS ids ON ids.hash = o_id('medical_history_procedure' || chr(31) || _key || chr(31) || 'severity')
WHERE step._status = 'used' AND (_target = 1 AND ("severity.when"));

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'medical_history_procedure', filter.name, count(step._left_out)
FROM (VALUES ('occurred'), ('procedure'), ('dated')) AS filter(name)
LEFT JOIN work.medical_history_procedure AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'medical_history_procedure', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.medical_history_procedure AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'medical_history_procedure', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.medical_history_procedure AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'person', 'missing'),
    (3, 'person', 'not found'),
    (4, 'start', 'not a date'),
    (5, 'start', 'missing'),
    (6, 'start', 'before birth')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'medical_history_procedure', why.field, why.reason, file.file, file.sheet, step._row
FROM work.medical_history_procedure AS step
JOIN (VALUES
    (1, 'visit', 'not found'),
    (2, 'end', 'not a date'),
    (4, 'start', 'moved to the day of birth'),
    (8, 'end', 'before the start'),
    (16, 'concept source', 'cut to its length'),
    (32, 'end', 'no place in measurement'),
    (64, 'end', 'no place in observation'),
    (128, 'severity.source', 'cut to its length'),
    (256, 'severity.text', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'medical_history_procedure', why.field, why.reason, file.file, file.sheet, step._row
FROM work.medical_history_procedure AS step
JOIN (VALUES
    (1, 'start', 'earliest'),
    (2, 'end', 'latest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'medical_history_procedure', 'concept', "concept.source", count(*)
FROM work.medical_history_procedure
WHERE _left_out IS NULL AND _target = 1 AND concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE
GROUP BY "concept.source"
UNION ALL
SELECT 'medical_history_procedure', 'type', '32809 Case Report Form', count(*)
FROM work.medical_history_procedure
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form'
UNION ALL
SELECT 'medical_history_procedure', 'severity.concept', '4077563 Severity', count(*)
FROM work.medical_history_procedure
WHERE _left_out IS NULL AND _target = 1 AND o_concept(4077563) = 0 AND coalesce("severity.concept", 0) = 0 AND ("severity.when")
GROUP BY '4077563 Severity';
