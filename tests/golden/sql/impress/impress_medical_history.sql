-- map impress_medical_history

-- map
CREATE TABLE work.impress_medical_history AS
WITH
-- the columns of mh that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."MHENDAT" AS "MHENDAT",
        i."MHONGO" AS "MHONGO",
        i."MHSPID" AS "MHSPID",
        i."MHSTDAT" AS "MHSTDAT",
        i."MHTERM" AS "MHTERM",
        i."SubjectId" AS "SubjectId"
    FROM source.mh AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("SubjectId" IN (SELECT subject FROM work."scope allocated"), FALSE) THEN 'allocated'
            WHEN NOT coalesce("MHTERM" IS NOT NULL OR "MHSTDAT" IS NOT NULL OR "MHENDAT" IS NOT NULL OR "MHONGO" IS NOT NULL, FALSE) THEN 'has_entry'
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
        "SubjectId" || chr(31) || o_plain(o_num("MHSPID")) AS _key,
        "SubjectId" AS subject_id,
        o_plain(o_num("MHSPID")) AS history_id,
        "MHTERM" AS term,
        "MHSTDAT" AS "start_date.raw",
        "MHENDAT" AS "end_date.raw",
        "MHONGO" AS "status.raw"
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
        subject_id,
        history_id,
        term,
        "start_date.raw",
        o_date("start_date.raw", '%Y-%m-%d') AS "start_date.full",
        "end_date.raw",
        o_date("end_date.raw", '%Y-%m-%d') AS "end_date.full",
        "status.raw",
        CASE o_fold("status.raw") WHEN 'past' THEN 'past' WHEN 'present/dormant' THEN 'dormant' WHEN 'current/active' THEN 'active' END AS status
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("start_date.full", o_impute("start_date.raw", '%Y-%m-%d', 'earliest')) AS start_date,
        coalesce("end_date.full", o_impute("end_date.raw", '%Y-%m-%d', 'latest')) AS end_date
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
            WHEN history_id IS NULL THEN 3
            WHEN term IS NULL THEN 4
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "start_date.raw" IS NOT NULL AND start_date IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end_date.raw" IS NOT NULL AND end_date IS NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "status.raw" IS NOT NULL AND status IS NULL THEN 4 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "start_date.full" IS NULL AND start_date IS NOT NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end_date.full" IS NULL AND end_date IS NOT NULL THEN 2 ELSE 0 END AS _imputed,
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
            || chr(31) || coalesce(CAST(history_id AS varchar), '')
            || chr(31) || coalesce(CAST(term AS varchar), '')
            || chr(31) || coalesce(CAST(status AS varchar), '')
            || chr(31) || coalesce(CAST(start_date AS varchar), '')
            || chr(31) || coalesce(CAST(end_date AS varchar), '') AS _content
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
    subject_id,
    history_id,
    term,
    "status.raw",
    status,
    start_date,
    end_date
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("status.raw" IS NOT NULL AND status IS NULL)))
FROM work.impress_medical_history AS step;

-- write dsp.medical_history
INSERT INTO dsp.medical_history (
    _file,
    _row,
    trial,
    subject_id,
    history_id,
    term,
    start_date,
    end_date,
    status
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    history_id AS history_id,
    term AS term,
    start_date AS start_date,
    end_date AS end_date,
    status AS status
FROM work.impress_medical_history AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.medical_history
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.medical_history', (SELECT count(*) FROM dsp.medical_history) - written.behind, 'impress_medical_history', step._file, step._row, NULL, step._n, step._of
FROM work.impress_medical_history AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_medical_history AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_medical_history', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('has_entry')) AS filter(name)
LEFT JOIN work.impress_medical_history AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_medical_history', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_medical_history AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_medical_history', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_medical_history AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'history_id', 'missing'),
    (4, 'term', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'impress_medical_history', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_medical_history AS step
JOIN (VALUES
    (1, 'start_date', 'not a date'),
    (2, 'end_date', 'not a date'),
    (4, 'status', 'not in the value map')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'impress_medical_history', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_medical_history AS step
JOIN (VALUES
    (1, 'start_date', 'earliest'),
    (2, 'end_date', 'latest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'impress_medical_history', 'status', "status.raw", count(*)
FROM work.impress_medical_history
WHERE _left_out IS NULL AND _target = 1 AND "status.raw" IS NOT NULL AND status IS NULL
GROUP BY "status.raw";
