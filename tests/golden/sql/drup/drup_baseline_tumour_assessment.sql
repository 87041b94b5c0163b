-- map drup_baseline_tumour_assessment

-- map
CREATE TABLE work.drup_baseline_tumour_assessment AS
WITH
-- drup, for the join 'named'
join_named AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "ID",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "Type_tumour_assessment" IS NOT NULL
),
-- drup, for the join 'unnamed'
join_unnamed AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Baseline_evaluation",
        row_number() OVER (PARTITION BY "ID" ORDER BY o_num_comma("Baseline_evaluation") IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "Type_tumour_assessment" IS NULL AND "Baseline_evaluation" IS NOT NULL
),
-- the columns of drup that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."Baseline_evaluation" AS "Baseline_evaluation",
        i."ID" AS "ID",
        i."Type_tumour_assessment" AS "Type_tumour_assessment",
        named."ID" AS "named.ID",
        unnamed."Baseline_evaluation" AS "unnamed.Baseline_evaluation"
    FROM source.drup AS i
    LEFT JOIN join_named AS named ON named.key1 = i."ID" AND named._nth = 1
    LEFT JOIN join_unnamed AS unnamed ON unnamed.key1 = i."ID" AND unnamed._nth = 1
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope has_patient"), FALSE) THEN 'has_patient'
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope of_this_trial"), FALSE) THEN 'of_this_trial'
            WHEN NOT coalesce("Type_tumour_assessment" IS NOT NULL OR "Baseline_evaluation" IS NOT NULL, FALSE) THEN 'has_baseline'
            WHEN NOT coalesce("Type_tumour_assessment" IS NOT NULL OR "named.ID" IS NULL, FALSE) THEN 'of_named_criteria'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "ID", o_fold("Type_tumour_assessment"), (_filter IS NULL) ORDER BY o_num_comma("Baseline_evaluation") IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank,
        o_num_comma("Baseline_evaluation") IS DISTINCT FROM first_value(o_num_comma("Baseline_evaluation")) OVER (PARTITION BY "ID", o_fold("Type_tumour_assessment"), (_filter IS NULL) ORDER BY o_num_comma("Baseline_evaluation") IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs1
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
        "ID" || chr(31) || coalesce(o_fold("Type_tumour_assessment"), '') AS _key,
        "ID" AS subject_id,
        "Type_tumour_assessment" AS "criterion.raw",
        "Type_tumour_assessment" AS criterion_recorded,
        coalesce("Baseline_evaluation", "unnamed.Baseline_evaluation") AS "target_sum.raw",
        "Type_tumour_assessment" AS "sum_unit.raw"
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
        "criterion.raw",
        CASE o_fold("criterion.raw") WHEN 'recist 1.1' THEN 'recist' WHEN 'recist' THEN 'recist' WHEN 'irecist' THEN 'irecist' WHEN 'rano' THEN 'rano' END AS criterion,
        criterion_recorded,
        "target_sum.raw",
        o_num_comma("target_sum.raw") AS target_sum,
        "sum_unit.raw",
        CASE o_fold("sum_unit.raw") WHEN 'recist 1.1' THEN 'mm' WHEN 'recist' THEN 'mm' WHEN 'irecist' THEN 'mm' WHEN 'rano' THEN 'mm2' END AS sum_unit
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
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "criterion.raw" IS NOT NULL AND criterion IS NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "target_sum.raw" IS NOT NULL AND target_sum IS NULL THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "sum_unit.raw" IS NOT NULL AND sum_unit IS NULL THEN 8 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(criterion AS varchar), '')
            || chr(31) || coalesce(CAST(criterion_recorded AS varchar), '')
            || chr(31) || coalesce(CAST(target_sum AS varchar), '')
            || chr(31) || coalesce(CAST(sum_unit AS varchar), '') AS _content
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
    "criterion.raw",
    criterion,
    criterion_recorded,
    target_sum,
    "sum_unit.raw",
    sum_unit
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("criterion.raw" IS NOT NULL AND criterion IS NULL) OR ("sum_unit.raw" IS NOT NULL AND sum_unit IS NULL)))
FROM work.drup_baseline_tumour_assessment AS step;

-- write dsp.baseline_tumour_assessment
INSERT INTO dsp.baseline_tumour_assessment (
    _file,
    _row,
    trial,
    subject_id,
    criterion,
    criterion_recorded,
    target_sum,
    sum_unit
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    criterion AS criterion,
    criterion_recorded AS criterion_recorded,
    target_sum AS target_sum,
    sum_unit AS sum_unit
FROM work.drup_baseline_tumour_assessment AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.baseline_tumour_assessment
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.baseline_tumour_assessment', (SELECT count(*) FROM dsp.baseline_tumour_assessment) - written.behind, 'drup_baseline_tumour_assessment', step._file, step._row, NULL, step._n, step._of
FROM work.drup_baseline_tumour_assessment AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.drup_baseline_tumour_assessment AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'drup_baseline_tumour_assessment', filter.name, count(step._left_out)
FROM (VALUES ('has_patient'), ('of_this_trial'), ('has_baseline'), ('of_named_criteria'), ('keep')) AS filter(name)
LEFT JOIN work.drup_baseline_tumour_assessment AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'drup_baseline_tumour_assessment', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.drup_baseline_tumour_assessment AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'drup_baseline_tumour_assessment', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.drup_baseline_tumour_assessment AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'drup_baseline_tumour_assessment', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_baseline_tumour_assessment AS step
JOIN (VALUES
    (1, 'keep number(Baseline_evaluation)', 'differs from the row that is kept'),
    (2, 'criterion', 'not in the value map'),
    (4, 'target_sum', 'not a number'),
    (8, 'sum_unit', 'not in the value map')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'drup_baseline_tumour_assessment', 'criterion', "criterion.raw", count(*)
FROM work.drup_baseline_tumour_assessment
WHERE _left_out IS NULL AND _target = 1 AND "criterion.raw" IS NOT NULL AND criterion IS NULL
GROUP BY "criterion.raw"
UNION ALL
SELECT 'drup_baseline_tumour_assessment', 'sum_unit', "sum_unit.raw", count(*)
FROM work.drup_baseline_tumour_assessment
WHERE _left_out IS NULL AND _target = 1 AND "sum_unit.raw" IS NOT NULL AND sum_unit IS NULL
GROUP BY "sum_unit.raw";
