-- map visit

-- map
CREATE TABLE work.visit AS
WITH
-- the columns of sv that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."SVCNTMOD" AS "SVCNTMOD",
        i."SVENDTC" AS "SVENDTC",
        i."SVOCCUR" AS "SVOCCUR",
        i."SVSTDTC" AS "SVSTDTC",
        i."SVUPDES" AS "SVUPDES",
        i."USUBJID" AS "USUBJID",
        i."VISIT" AS "VISIT",
        i."VISITNUM" AS "VISITNUM"
    FROM source.sv AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(coalesce("SVOCCUR", 'Y') <> 'N', FALSE) THEN 'took_place'
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
        "USUBJID" || chr(31) || o_plain(round(CAST(o_num("VISITNUM") AS double), 4)) AS _key,
        o_id("USUBJID") AS "person.hash",
        CASE WHEN o_matches(upper("SVCNTMOD"), 'PHONE|REMOTE|AUDIO|VIDEO') THEN 'remote' ELSE 'clinic' END AS "concept.1.said",
        "SVSTDTC" AS "start.raw",
        "SVENDTC" AS "end.raw",
        coalesce("VISIT", nullif(coalesce('UNSCHEDULED ', '') || coalesce(o_plain(round(CAST(o_num("VISITNUM") AS double), 4)), '') || coalesce(CASE WHEN "SVUPDES" IS NOT NULL THEN nullif(coalesce('; ', '') || coalesce("SVUPDES", ''), '') END, ''), '')) AS source
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
        "concept.1.said",
        "start.raw",
        o_date("start.raw", '%Y-%m-%d') AS "start.full",
        o_datetime("start.raw", '%Y-%m-%d') AS "start.datetime",
        "end.raw",
        o_date("end.raw", '%Y-%m-%d') AS "end.full",
        o_datetime("end.raw", '%Y-%m-%d') AS "end.datetime",
        source
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("start.full", o_impute("start.raw", '%Y-%m-%d', 'earliest')) AS start,
        coalesce("end.full", o_impute("end.raw", '%Y-%m-%d', 'latest')) AS "end"
    FROM converted
),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(CASE o_fold("concept.1.said") WHEN 'remote' THEN nullif(o_concept(5083), 0) WHEN 'clinic' THEN nullif(o_concept(9202), 0) END, CASE WHEN "concept.1.said" IS NOT NULL THEN 0 END) AS concept,
        "concept.1.said" AS "concept.source",
        CASE WHEN "concept.1.said" IS NOT NULL THEN 0 END AS "concept.source_concept",
        NULL AS "concept.domain",
        1 AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
),
-- what is wrong with each row
judged AS MATERIALIZED (
    SELECT
        resolved.*,
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
        CASE WHEN _left_out IS NULL AND "end.raw" IS NOT NULL AND "end" IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("end" < "start.after_birth" OR "end.datetime" < CASE WHEN "start.after_birth" = start THEN "start.datetime" END) THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(source) > 50 THEN 8 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "start.full" IS NULL AND start IS NOT NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end.full" IS NULL AND "end" IS NOT NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END IS NULL AND "start.after_birth" IS NOT NULL THEN 4 ELSE 0 END AS _imputed,
        o_id(_key) AS _hash,
        row_number() OVER () AS _id  -- only tells rows apart
    FROM resolved
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
            || chr(31) || coalesce(CAST("start.datetime" AS varchar), '')
            || chr(31) || coalesce(CAST("end.datetime" AS varchar), '')
            || chr(31) || coalesce(CAST(source AS varchar), '')
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
    _issues,
    _imputed,
    "start.datetime",
    "end.datetime",
    source,
    start,
    "end",
    person,
    born,
    "start.after_birth",
    "start.before_birth",
    concept,
    "concept.source",
    "concept.source_concept",
    "concept.domain",
    type
FROM final;

-- accounting
SELECT
    count(*) FILTER (WHERE _target = 1) AS rows_read,
    count(*) FILTER (WHERE _target = 1 AND _status = 'used') AS rows_used,
    count(*) FILTER (WHERE _target = 1 AND _status = 'filtered') AS rows_filtered,
    count(*) FILTER (WHERE _target = 1 AND _status = 'deduplicated') AS rows_deduplicated,
    count(*) FILTER (WHERE _target = 1 AND _status = 'rejected') AS rows_rejected,
    count(*) FILTER (WHERE _status = 'used'),
    count(*) FILTER (WHERE _target = 1 AND _status IN ('filtered', 'deduplicated')),
    count(*) FILTER (WHERE _issues <> 0),
    count(*) FILTER (WHERE _imputed <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND ((concept = 0 AND "concept.source" IS NOT NULL) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE))))
FROM work.visit AS step;

-- ids cdm.visit_occurrence
INSERT INTO register.visit_occurrence (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.visit AS step
    WHERE step._status = 'used' AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.visit_occurrence AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.visit_occurrence) AS last;

-- write cdm.visit_occurrence
INSERT INTO cdm.visit_occurrence (
    visit_occurrence_id,
    person_id,
    visit_concept_id,
    visit_start_date,
    visit_start_datetime,
    visit_end_date,
    visit_end_datetime,
    visit_type_concept_id,
    visit_source_value,
    visit_source_concept_id
)
SELECT
    ids.id AS visit_occurrence_id,
    person AS person_id,
    coalesce(concept, 0) AS visit_concept_id,
    "start.after_birth" AS visit_start_date,
    CASE WHEN "start.after_birth" = start THEN "start.datetime" END AS visit_start_datetime,
    coalesce(CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END, "start.after_birth") AS visit_end_date,
    CASE WHEN ("end" < "start.after_birth" OR "end.datetime" < CASE WHEN "start.after_birth" = start THEN "start.datetime" END) THEN NULL ELSE "end.datetime" END AS visit_end_datetime,
    coalesce(type, 0) AS visit_type_concept_id,
    substr(source, 1, 50) AS visit_source_value,
    "concept.source_concept" AS visit_source_concept_id
FROM work.visit AS step
JOIN register.visit_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- referenced cdm.visit_occurrence
INSERT INTO work."ids of visit_occurrence" (hash, id)
SELECT ids.hash, ids.id
FROM work.visit AS step
JOIN register.visit_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.visit_occurrence
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'visit_occurrence', ids.id, 'visit', step._file, step._row, NULL, step._n, step._of
FROM work.visit AS step
JOIN register.visit_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'visit', filter.name, count(step._left_out)
FROM (VALUES ('took_place')) AS filter(name)
LEFT JOIN work.visit AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'visit', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.visit AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'visit', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.visit AS step
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
SELECT 'visit', why.field, why.reason, file.file, file.sheet, step._row
FROM work.visit AS step
JOIN (VALUES
    (1, 'end', 'not a date'),
    (2, 'start', 'moved to the day of birth'),
    (4, 'end', 'before the start'),
    (8, 'source', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'visit', why.field, why.reason, file.file, file.sheet, step._row
FROM work.visit AS step
JOIN (VALUES
    (1, 'start', 'earliest'),
    (2, 'end', 'latest'),
    (4, 'end', 'start')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'visit', 'concept', "concept.source", count(*)
FROM work.visit
WHERE _left_out IS NULL AND _target = 1 AND concept = 0 AND "concept.source" IS NOT NULL
GROUP BY "concept.source"
UNION ALL
SELECT 'visit', 'type', '32809 Case Report Form', count(*)
FROM work.visit
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form';
