-- map consent

-- map
CREATE TABLE work.consent AS
WITH
-- ds, for the join 'ds'
join_ds AS (
    SELECT
        _file,
        _row,
        "USUBJID" AS key1,
        "DSDECOD",
        row_number() OVER (PARTITION BY "USUBJID" ORDER BY "DSSTDTC" ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.ds
    WHERE "DSDECOD" = 'INFORMED CONSENT OBTAINED'
),
-- the columns of dm that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."RFICDTC" AS "RFICDTC",
        i."USUBJID" AS "USUBJID",
        ds."DSDECOD" AS "ds.DSDECOD"
    FROM source.dm AS i
    LEFT JOIN join_ds AS ds ON ds.key1 = i."USUBJID" AND ds._nth = 1
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("RFICDTC" IS NOT NULL, FALSE) THEN 'dated'
            WHEN NOT coalesce("ds.DSDECOD" IS NULL, FALSE) THEN 'not_in_ds'
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
        "USUBJID" AS _key,
        o_id("USUBJID") AS "person.hash",
        "RFICDTC" AS "start.raw",
        'RFICDTC' AS source
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
        "start.raw",
        o_date("start.raw", '%Y-%m-%d') AS "start.full",
        o_datetime("start.raw", '%Y-%m-%d') AS "start.datetime",
        source
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("start.full", o_impute("start.raw", '%Y-%m-%d', 'earliest')) AS start
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
        coalesce(nullif(o_concept(4163733), 0), 0) AS concept,
        o_domain(4163733) AS "concept.domain",
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
        CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 1 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "start.full" IS NULL AND start IS NOT NULL THEN 1 ELSE 0 END AS _imputed,
        o_id('consent' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("start.datetime" AS varchar), '')
            || chr(31) || coalesce(CAST(source AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '') AS _content
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
    source,
    start,
    person,
    born,
    "start.after_birth",
    "start.before_birth",
    concept,
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
    count(*) FILTER (WHERE _left_out IS NULL AND ((o_concept(4163733) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE))))
FROM work.consent AS step;

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.consent AS step
    WHERE step._status = 'used' AND step._first
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
    observation_source_value
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce(concept, 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    CASE WHEN "start.after_birth" = start THEN "start.datetime" END AS observation_datetime,
    coalesce(type, 0) AS observation_type_concept_id,
    substr(source, 1, 50) AS observation_source_value
FROM work.consent AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'consent', step._file, step._row, NULL, step._n, step._of
FROM work.consent AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'consent', filter.name, count(step._left_out)
FROM (VALUES ('dated'), ('not_in_ds')) AS filter(name)
LEFT JOIN work.consent AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'consent', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.consent AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'consent', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.consent AS step
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
SELECT 'consent', why.field, why.reason, file.file, file.sheet, step._row
FROM work.consent AS step
JOIN (VALUES
    (1, 'start', 'moved to the day of birth')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'consent', why.field, why.reason, file.file, file.sheet, step._row
FROM work.consent AS step
JOIN (VALUES
    (1, 'start', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'consent', 'concept', '4163733 Patient consented to clinical trial', count(*)
FROM work.consent
WHERE _left_out IS NULL AND _target = 1 AND o_concept(4163733) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)
GROUP BY '4163733 Patient consented to clinical trial'
UNION ALL
SELECT 'consent', 'type', '32809 Case Report Form', count(*)
FROM work.consent
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form';
