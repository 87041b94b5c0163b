-- map impress_milestone

-- map
CREATE TABLE work.impress_milestone AS
WITH
-- the columns of dsp.cohort_allocation and dsp.follow_up that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        'dsp.cohort_allocation' AS _source,
        i.allocation_date AS "day",
        NULL AS status,
        i.subject_id AS subject_id
    FROM dsp.cohort_allocation AS i
    UNION ALL
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        'dsp.follow_up' AS _source,
        i.last_known_alive AS "day",
        i.status AS status,
        i.subject_id AS subject_id
    FROM dsp.follow_up AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(_source = 'dsp.cohort_allocation' OR status = 'lost to follow-up', FALSE) THEN 'step'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY subject_id, _source, (_filter IS NULL) ORDER BY CASE WHEN _source = 'dsp.cohort_allocation' THEN "day" END ASC NULLS LAST, "day" DESC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank
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
        subject_id || chr(31) || _source AS _key,
        subject_id,
        _source AS "milestone.raw",
        "day" AS "date"
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
        subject_id,
        "milestone.raw",
        CASE o_fold("milestone.raw") WHEN 'dsp.cohort_allocation' THEN 'entered' WHEN 'dsp.follow_up' THEN 'lost to follow-up' END AS milestone,
        "date"
    FROM raw
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
            WHEN "milestone.raw" IS NOT NULL AND milestone IS NULL THEN 3
            WHEN milestone IS NULL THEN 4
            WHEN "date" IS NULL THEN 5
            ELSE 0
        END AS _reject,
        0 AS _issues,
        0 AS _imputed,
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
            || chr(31) || coalesce(CAST(milestone AS varchar), '')
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
    "milestone.raw",
    milestone,
    "date"
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("milestone.raw" IS NOT NULL AND milestone IS NULL)))
FROM work.impress_milestone AS step;

-- write dsp.milestone
INSERT INTO dsp.milestone (
    _file,
    _row,
    trial,
    subject_id,
    milestone,
    "date"
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    milestone AS milestone,
    "date" AS "date"
FROM work.impress_milestone AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.milestone
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.milestone', (SELECT count(*) FROM dsp.milestone) - written.behind, 'impress_milestone', step._file, step._row, NULL, step._n, step._of
FROM work.impress_milestone AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_milestone AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_milestone', filter.name, count(step._left_out)
FROM (VALUES ('step'), ('keep')) AS filter(name)
LEFT JOIN work.impress_milestone AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_milestone', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_milestone AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_milestone', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_milestone AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'milestone', 'not in the value map'),
    (4, 'milestone', 'missing'),
    (5, 'date', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'impress_milestone', 'milestone', "milestone.raw", count(*)
FROM work.impress_milestone
WHERE _left_out IS NULL AND _target = 1 AND "milestone.raw" IS NOT NULL AND milestone IS NULL
GROUP BY "milestone.raw";
