-- map drup_observation_window

-- map
CREATE TABLE work.drup_observation_window AS
WITH
-- the columns of dsp.cohort_allocation and dsp.ecog and dsp.treatment and dsp.adverse_event and dsp.tumour_assessment and dsp.end_of_treatment and dsp.follow_up and dsp.death that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        'dsp.cohort_allocation' AS _source,
        i.allocation_date AS opens,
        i.allocation_date AS seen,
        NULL AS seen_last,
        i.subject_id AS subject_id
    FROM dsp.cohort_allocation AS i
    UNION ALL
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        'dsp.ecog' AS _source,
        i."date" AS opens,
        i."date" AS seen,
        NULL AS seen_last,
        i.subject_id AS subject_id
    FROM dsp.ecog AS i
    UNION ALL
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        'dsp.treatment' AS _source,
        i.start_date AS opens,
        i.start_date AS seen,
        i.end_date AS seen_last,
        i.subject_id AS subject_id
    FROM dsp.treatment AS i
    UNION ALL
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        'dsp.adverse_event' AS _source,
        NULL AS opens,
        i.start_date AS seen,
        NULL AS seen_last,
        i.subject_id AS subject_id
    FROM dsp.adverse_event AS i
    UNION ALL
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        'dsp.tumour_assessment' AS _source,
        NULL AS opens,
        i."date" AS seen,
        NULL AS seen_last,
        i.subject_id AS subject_id
    FROM dsp.tumour_assessment AS i
    UNION ALL
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        'dsp.end_of_treatment' AS _source,
        NULL AS opens,
        i.last_dose_date AS seen,
        NULL AS seen_last,
        i.subject_id AS subject_id
    FROM dsp.end_of_treatment AS i
    UNION ALL
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        'dsp.follow_up' AS _source,
        NULL AS opens,
        i.last_known_alive AS seen,
        NULL AS seen_last,
        i.subject_id AS subject_id
    FROM dsp.follow_up AS i
    UNION ALL
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        'dsp.death' AS _source,
        NULL AS opens,
        i."date" AS seen,
        NULL AS seen_last,
        i.subject_id AS subject_id
    FROM dsp.death AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CAST(NULL AS varchar) AS _left_out
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
        subject_id AS _key,
        subject_id,
        coalesce(min(opens) OVER (PARTITION BY subject_id, (_left_out IS NULL)), min(seen) OVER (PARTITION BY subject_id, (_left_out IS NULL))) AS start_date,
        'first event' AS "start_basis.raw",
        max(coalesce(seen_last, seen)) OVER (PARTITION BY subject_id, (_left_out IS NULL)) AS end_date
    FROM filtered
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
        start_date,
        "start_basis.raw",
        CASE WHEN "start_basis.raw" IN ('consent', 'first event') THEN "start_basis.raw" END AS start_basis,
        end_date
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
judged AS (
    SELECT
        resolved.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN _key IS NULL THEN 1
            WHEN subject_id IS NULL THEN 2
            WHEN start_date IS NULL THEN 3
            WHEN end_date IS NULL THEN 4
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "start_basis.raw" IS NOT NULL AND start_basis IS NULL THEN 1 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id(_key) AS _hash
    FROM resolved
),
-- the status of each row; the first of a group is written
final AS (
    SELECT
        judged.*,
        CASE WHEN _left_out IS NOT NULL THEN 'filtered' WHEN _reject > 0 THEN 'rejected' ELSE 'used' END AS _status,
        row_number() OVER (PARTITION BY _hash, _target, (_left_out IS NULL AND _reject = 0) ORDER BY _file, _row, _n) = 1 AS _first,
        _hash AS _id_hash
    FROM judged
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
    start_date,
    "start_basis.raw",
    start_basis,
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("start_basis.raw" IS NOT NULL AND start_basis IS NULL)))
FROM work.drup_observation_window AS step;

-- write dsp.observation_window
INSERT INTO dsp.observation_window (
    _file,
    _row,
    trial,
    subject_id,
    start_date,
    start_basis,
    end_date
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    start_date AS start_date,
    start_basis AS start_basis,
    end_date AS end_date
FROM work.drup_observation_window AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.observation_window
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.observation_window', (SELECT count(*) FROM dsp.observation_window) - written.behind, 'drup_observation_window', step._file, step._row, NULL, step._n, step._of
FROM work.drup_observation_window AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.drup_observation_window AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'drup_observation_window', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.drup_observation_window AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'drup_observation_window', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.drup_observation_window AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'start_date', 'missing'),
    (4, 'end_date', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'drup_observation_window', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_observation_window AS step
JOIN (VALUES
    (1, 'start_basis', 'not in the value set')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'drup_observation_window', 'start_basis', "start_basis.raw", count(*)
FROM work.drup_observation_window
WHERE _left_out IS NULL AND _target = 1 AND "start_basis.raw" IS NOT NULL AND start_basis IS NULL
GROUP BY "start_basis.raw";
