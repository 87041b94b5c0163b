-- map arm_membership

-- map
CREATE TABLE work.arm_membership AS
WITH
-- the columns of dm that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."ACTARM" AS "ACTARM",
        i."ARM" AS "ARM",
        i."DMDTC" AS "DMDTC",
        i."RFENDTC" AS "RFENDTC",
        i."RFSTDTC" AS "RFSTDTC",
        i."RFXENDTC" AS "RFXENDTC",
        i."USUBJID" AS "USUBJID"
    FROM source.dm AS i
),
-- one row for each of 2 columns
shaped AS (
    SELECT
        input.*,
        each.n AS _n,
        each.name AS kind,
        CASE each.n WHEN 1 THEN input."ARM" WHEN 2 THEN input."ACTARM" END AS description
    FROM input
    CROSS JOIN (VALUES (1, 'ARM'), (2, 'ACTARM')) AS each(n, name)
),
-- which rows are left out, and why
filtered AS (
    SELECT
        shaped.*,
        CASE
            WHEN NOT coalesce(description IS NOT NULL, FALSE) THEN 'empty_cell'
            WHEN NOT coalesce(NOT upper(description) IN ('SCREEN FAILURE', 'NOT ASSIGNED', 'NOT TREATED', 'UNPLANNED TREATMENT'), FALSE) THEN 'assigned'
        END AS _left_out
    FROM shaped
),
-- the expressions of the map
raw AS (
    SELECT
        _file,
        _row,
        _of,
        _n,
        _left_out,
        "USUBJID" || chr(31) || kind AS _key,
        o_id("USUBJID") AS "person.hash",
        o_id(kind || chr(31) || description) AS "cohort.hash",
        coalesce("RFSTDTC", "DMDTC") AS "start.raw",
        coalesce("RFXENDTC", "RFENDTC") AS "end.raw"
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
        "cohort.hash",
        "start.raw",
        o_date("start.raw", '%Y-%m-%d') AS "start.full",
        o_datetime("start.raw", '%Y-%m-%d') AS "start.datetime",
        "end.raw",
        o_date("end.raw", '%Y-%m-%d') AS "end.full",
        o_datetime("end.raw", '%Y-%m-%d') AS "end.datetime"
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
        "cohort ref".id AS cohort,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        1 AS _target
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN work."ids of cohort_definition" AS "cohort ref" ON "cohort ref".hash = typed."cohort.hash"
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
            WHEN "cohort.hash" IS NULL THEN 4
            WHEN "cohort.hash" IS NOT NULL AND cohort IS NULL THEN 5
            WHEN "start.raw" IS NOT NULL AND start IS NULL THEN 6
            WHEN start IS NULL THEN 7
            WHEN "start.before_birth" THEN 8
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "end.raw" IS NOT NULL AND "end" IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("end" < "start.after_birth" OR "end.datetime" < CASE WHEN "start.after_birth" = start THEN "start.datetime" END) THEN 4 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "start.full" IS NULL AND start IS NOT NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end.full" IS NULL AND "end" IS NOT NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END IS NULL AND "start.after_birth" IS NOT NULL THEN 4 ELSE 0 END AS _imputed,
        o_id('arm_membership' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("cohort.hash" AS varchar), '')
            || chr(31) || coalesce(CAST("start.datetime" AS varchar), '')
            || chr(31) || coalesce(CAST("end.datetime" AS varchar), '')
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
        _hash AS _id_hash
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
    start,
    "end",
    person,
    cohort,
    born,
    "start.after_birth",
    "start.before_birth"
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
    count(*) FILTER (WHERE _imputed <> 0)
FROM work.arm_membership AS step;

-- write cdm.cohort
INSERT INTO cdm.cohort (
    cohort_definition_id,
    subject_id,
    cohort_start_date,
    cohort_end_date
)
SELECT
    cohort AS cohort_definition_id,
    person AS subject_id,
    "start.after_birth" AS cohort_start_date,
    coalesce(CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END, "start.after_birth") AS cohort_end_date
FROM work.arm_membership AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins cdm.cohort
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'cohort', (SELECT count(*) FROM cdm.cohort) - written.behind, 'arm_membership', step._file, step._row, NULL, step._n, step._of
FROM work.arm_membership AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.arm_membership AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'arm_membership', filter.name, count(step._left_out)
FROM (VALUES ('empty_cell'), ('assigned')) AS filter(name)
LEFT JOIN work.arm_membership AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'arm_membership', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.arm_membership AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'arm_membership', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.arm_membership AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'person', 'missing'),
    (3, 'person', 'not found'),
    (4, 'cohort', 'missing'),
    (5, 'cohort', 'not found'),
    (6, 'start', 'not a date'),
    (7, 'start', 'missing'),
    (8, 'start', 'before birth')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'arm_membership', why.field, why.reason, file.file, file.sheet, step._row
FROM work.arm_membership AS step
JOIN (VALUES
    (1, 'end', 'not a date'),
    (2, 'start', 'moved to the day of birth'),
    (4, 'end', 'before the start')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'arm_membership', why.field, why.reason, file.file, file.sheet, step._row
FROM work.arm_membership AS step
JOIN (VALUES
    (1, 'start', 'earliest'),
    (2, 'end', 'latest'),
    (4, 'end', 'start')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';
