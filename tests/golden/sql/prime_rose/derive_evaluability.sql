-- map derive_evaluability

-- map
CREATE TABLE work.derive_evaluability AS
WITH
-- the columns of derived/evaluability.sql.jinja that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i.evaluable AS evaluable,
        i.rule AS rule,
        i.subject_id AS subject_id
    FROM (
    SELECT _file, _row, CAST(subject_id AS varchar) AS subject_id, CAST(rule AS varchar) AS rule, o_bool(CAST(evaluable AS varchar)) AS evaluable FROM (
-- One row for each subject with a cycle and for each rule.
WITH cycles AS (
    SELECT *, coalesce(received, FALSE) AS was_received FROM dsp.treatment_cycle
),
first_rows AS (
    SELECT subject_id, _file, _row, row_number() OVER (PARTITION BY subject_id ORDER BY start_date, _file, _row) AS place
    FROM cycles
),
drugs AS (
    SELECT
        subject_id,
        max(CASE WHEN was_received AND type = 'iv' THEN start_date END) - min(CASE WHEN was_received AND type = 'iv' THEN start_date END) AS iv_days,
        max(CASE WHEN was_received AND type = 'oral' AND end_basis = 'recorded' THEN end_date - intake_start_date END) AS oral_days
    FROM cycles
    GROUP BY subject_id, drug_number, lower(trim(drug))
),
exposed AS (
    SELECT subject_id, max(CASE WHEN iv_days >= 21 OR oral_days >= 28 THEN 1 ELSE 0 END) = 1 AS long_enough
    FROM drugs
    GROUP BY subject_id
),
assessed AS (
    SELECT DISTINCT assessment.subject_id
    FROM dsp.tumour_assessment AS assessment
    JOIN dsp.treatment AS treatment ON treatment.subject_id = assessment.subject_id
    WHERE assessment.date - treatment.start_date > 28
),
progressed AS (
    SELECT DISTINCT subject_id FROM dsp.end_of_treatment WHERE reason = 'progression'
),
rules AS (
    SELECT 'evaluable-exposure' AS rule
    UNION ALL
    SELECT 'evaluable-exposure-and-assessment'
)
SELECT
    first_rows._file, first_rows._row, exposed.subject_id, rules.rule,
    long_enough AND (rules.rule = 'evaluable-exposure' OR assessed.subject_id IS NOT NULL OR progressed.subject_id IS NOT NULL) AS evaluable
FROM exposed
CROSS JOIN rules
JOIN first_rows ON first_rows.subject_id = exposed.subject_id AND first_rows.place = 1
LEFT JOIN assessed ON assessed.subject_id = exposed.subject_id
LEFT JOIN progressed ON progressed.subject_id = exposed.subject_id
    ) AS handwritten) AS i
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
        subject_id || chr(31) || rule AS _key,
        subject_id,
        evaluable,
        'derived' AS "basis.raw",
        rule
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
        evaluable,
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
            WHEN "basis.raw" IS NOT NULL AND basis IS NULL THEN 3
            WHEN basis IS NULL THEN 4
            WHEN rule IS NULL THEN 5
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
            || chr(31) || coalesce(CAST(evaluable AS varchar), '')
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
    evaluable,
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("basis.raw" IS NOT NULL AND basis IS NULL)))
FROM work.derive_evaluability AS step;

-- write dsp.evaluability
INSERT INTO dsp.evaluability (
    _file,
    _row,
    trial,
    subject_id,
    evaluable,
    basis,
    rule
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    evaluable AS evaluable,
    basis AS basis,
    rule AS rule
FROM work.derive_evaluability AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.evaluability
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.evaluability', (SELECT count(*) FROM dsp.evaluability) - written.behind, 'derive_evaluability', step._file, step._row, NULL, step._n, step._of
FROM work.derive_evaluability AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.derive_evaluability AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'derive_evaluability', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.derive_evaluability AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'derive_evaluability', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.derive_evaluability AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'basis', 'not in the value set'),
    (4, 'basis', 'missing'),
    (5, 'rule', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'derive_evaluability', 'basis', "basis.raw", count(*)
FROM work.derive_evaluability
WHERE _left_out IS NULL AND _target = 1 AND "basis.raw" IS NOT NULL AND basis IS NULL
GROUP BY "basis.raw";
