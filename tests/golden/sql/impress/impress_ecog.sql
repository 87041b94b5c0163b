-- map impress_ecog

-- map
CREATE TABLE work.impress_ecog AS
WITH
-- the columns of ecog that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i."ECOGDAT" AS "ECOGDAT",
        i."ECOGS" AS "ECOGS",
        i."ECOGSCD" AS "ECOGSCD",
        i."EventDate" AS "EventDate",
        i."EventId" AS "EventId",
        i."SubjectId" AS "SubjectId"
    FROM source.ecog AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("SubjectId" IN (SELECT subject FROM work."scope allocated"), FALSE) THEN 'allocated'
            WHEN NOT coalesce("ECOGS" IS NOT NULL OR "ECOGSCD" IS NOT NULL, FALSE) THEN 'has_grade'
        END AS _left_out
    FROM input
),
-- the expressions of the map
raw AS (
    SELECT
        _file,
        _row,
        _n,
        _left_out,
        "SubjectId" || chr(31) || "EventId" AS _key,
        "SubjectId" AS subject_id,
        "EventId" AS event_id,
        coalesce("ECOGDAT", "EventDate") AS "date.raw",
        coalesce(left("ECOGS", 1), CASE WHEN o_num("ECOGSCD") = 1 THEN '0' WHEN o_num("ECOGSCD") = 2 THEN '1' WHEN o_num("ECOGSCD") = 3 THEN '2' ELSE "ECOGSCD" || ' (code)' END) AS "grade.raw",
        "ECOGS" AS description
    FROM filtered
),
-- read as the types that the target asks for
converted AS (
    SELECT
        _file,
        _row,
        _n,
        _left_out,
        _key,
        subject_id,
        event_id,
        "date.raw",
        o_date("date.raw", '%Y-%m-%d') AS "date.full",
        "grade.raw",
        CASE WHEN o_whole(o_num("grade.raw")) IN (0, 1, 2, 3, 4, 5) THEN o_whole(o_num("grade.raw")) END AS grade,
        description
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("date.full", o_impute("date.raw", '%Y-%m-%d', 'earliest')) AS "date"
    FROM converted
),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        1 AS _target
    FROM typed
),
-- what is wrong with each row
judged AS MATERIALIZED (
    SELECT
        resolved.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN _key IS NULL THEN 1
            WHEN subject_id IS NULL THEN 2
            WHEN "date.raw" IS NOT NULL AND "date" IS NULL THEN 3
            WHEN "date" IS NULL THEN 4
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "grade.raw" IS NOT NULL AND grade IS NULL THEN 1 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "date.full" IS NULL AND "date" IS NOT NULL THEN 1 ELSE 0 END AS _imputed,
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
        coalesce(CAST(subject_id AS varchar), '')
            || chr(31) || coalesce(CAST(event_id AS varchar), '')
            || chr(31) || coalesce(CAST(grade AS varchar), '')
            || chr(31) || coalesce(CAST(description AS varchar), '')
            || chr(31) || coalesce(CAST("date" AS varchar), '') AS _content
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
    subject_id,
    event_id,
    grade,
    description,
    "date"
FROM final;

-- write dsp.ecog
INSERT INTO dsp.ecog (
    _file,
    _row,
    trial,
    subject_id,
    event_id,
    "date",
    grade,
    description
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    event_id AS event_id,
    "date" AS "date",
    grade AS grade,
    description AS description
FROM work.impress_ecog AS step
WHERE step._status = 'used' AND step._first;

-- accounting
INSERT INTO audit.map_rows ("map", rows_read, rows_used, rows_filtered, rows_deduplicated, rows_rejected)
SELECT
    'impress_ecog',
    count(*),
    count(*) FILTER (WHERE _status = 'used'),
    count(*) FILTER (WHERE _status = 'filtered'),
    count(*) FILTER (WHERE _status = 'deduplicated'),
    count(*) FILTER (WHERE _status = 'rejected')
FROM work.impress_ecog
WHERE _target = 1;

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_ecog', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('has_grade')) AS filter(name)
LEFT JOIN work.impress_ecog AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row)
SELECT
    'impress_ecog', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row
FROM work.impress_ecog AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'date', 'not a date'),
    (4, 'date', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'impress_ecog', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_ecog AS step
JOIN (VALUES
    (1, 'grade', 'not in the value set')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'impress_ecog', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_ecog AS step
JOIN (VALUES
    (1, 'date', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';
