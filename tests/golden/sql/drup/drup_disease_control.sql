-- map drup_disease_control

-- map
CREATE TABLE work.drup_disease_control AS
WITH
-- the columns of drup that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."Clinical_benefit" AS "Clinical_benefit",
        i."ID" AS "ID"
    FROM source.drup AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope has_patient"), FALSE) THEN 'has_patient'
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope of_this_trial"), FALSE) THEN 'of_this_trial'
            WHEN NOT coalesce("Clinical_benefit" IS NOT NULL, FALSE) THEN 'has_answer'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _rank,
        o_fold("Clinical_benefit") IS DISTINCT FROM first_value(o_fold("Clinical_benefit")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _differs1
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
        _differs1,
        "ID" AS _key,
        "ID" AS subject_id,
        '16' AS "week.raw",
        "Clinical_benefit" AS "disease_control.raw",
        'recorded' AS "timepoint_source.raw",
        'recorded' AS "basis.raw",
        'trial' AS rule
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
        _differs1,
        subject_id,
        "week.raw",
        o_whole(o_num("week.raw")) AS week,
        "disease_control.raw",
        o_bool("disease_control.raw") AS disease_control,
        "timepoint_source.raw",
        CASE WHEN "timepoint_source.raw" IN ('in window', 'after window', 'progression before', 'death before', 'recorded') THEN "timepoint_source.raw" END AS timepoint_source,
        "basis.raw",
        CASE WHEN "basis.raw" IN ('recorded', 'derived') THEN "basis.raw" END AS basis,
        rule
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
            WHEN "week.raw" IS NOT NULL AND week IS NULL THEN 3
            WHEN week IS NULL THEN 4
            WHEN "basis.raw" IS NOT NULL AND basis IS NULL THEN 5
            WHEN basis IS NULL THEN 6
            WHEN rule IS NULL THEN 7
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "disease_control.raw" IS NOT NULL AND disease_control IS NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "timepoint_source.raw" IS NOT NULL AND timepoint_source IS NULL THEN 4 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(week AS varchar), '')
            || chr(31) || coalesce(CAST(disease_control AS varchar), '')
            || chr(31) || coalesce(CAST(timepoint_source AS varchar), '')
            || chr(31) || coalesce(CAST(basis AS varchar), '')
            || chr(31) || coalesce(CAST(rule AS varchar), '') AS _content
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
    week,
    disease_control,
    "timepoint_source.raw",
    timepoint_source,
    "basis.raw",
    basis,
    rule
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("timepoint_source.raw" IS NOT NULL AND timepoint_source IS NULL) OR ("basis.raw" IS NOT NULL AND basis IS NULL)))
FROM work.drup_disease_control AS step;

-- write dsp.disease_control
INSERT INTO dsp.disease_control (
    _file,
    _row,
    trial,
    subject_id,
    week,
    disease_control,
    timepoint_source,
    basis,
    rule
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    week AS week,
    disease_control AS disease_control,
    timepoint_source AS timepoint_source,
    basis AS basis,
    rule AS rule
FROM work.drup_disease_control AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.disease_control
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.disease_control', (SELECT count(*) FROM dsp.disease_control) - written.behind, 'drup_disease_control', step._file, step._row, NULL, step._n, step._of
FROM work.drup_disease_control AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.drup_disease_control AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'drup_disease_control', filter.name, count(step._left_out)
FROM (VALUES ('has_patient'), ('of_this_trial'), ('has_answer'), ('keep')) AS filter(name)
LEFT JOIN work.drup_disease_control AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'drup_disease_control', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.drup_disease_control AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'drup_disease_control', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.drup_disease_control AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'week', 'not a whole number'),
    (4, 'week', 'missing'),
    (5, 'basis', 'not in the value set'),
    (6, 'basis', 'missing'),
    (7, 'rule', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'drup_disease_control', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_disease_control AS step
JOIN (VALUES
    (1, 'keep fold(Clinical_benefit)', 'differs from the row that is kept'),
    (2, 'disease_control', 'not yes or no'),
    (4, 'timepoint_source', 'not in the value set')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'drup_disease_control', 'timepoint_source', "timepoint_source.raw", count(*)
FROM work.drup_disease_control
WHERE _left_out IS NULL AND _target = 1 AND "timepoint_source.raw" IS NOT NULL AND timepoint_source IS NULL
GROUP BY "timepoint_source.raw"
UNION ALL
SELECT 'drup_disease_control', 'basis', "basis.raw", count(*)
FROM work.drup_disease_control
WHERE _left_out IS NULL AND _target = 1 AND "basis.raw" IS NOT NULL AND basis IS NULL
GROUP BY "basis.raw";
