-- map derive_adverse_event_summary

-- map
CREATE TABLE work.derive_adverse_event_summary AS
WITH
-- dsp.adverse_event, for the join 'event'
join_event AS (
    SELECT
        _file,
        _row,
        "trial" AS key1,
        subject_id AS key2,
        adverse_event_id,
        grade,
        serious
    FROM dsp.adverse_event
),
-- the columns of dsp.subject that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.subject_id AS subject_id,
        i.trial AS trial,
        event.adverse_event_id AS "event.adverse_event_id",
        event.grade AS "event.grade",
        event.serious AS "event.serious"
    FROM dsp.subject AS i
    LEFT JOIN join_event AS event ON event.key1 = i.trial AND event.key2 = i.subject_id
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
        trial || chr(31) || subject_id AS _key,
        subject_id,
        (max(CASE WHEN "event.adverse_event_id" IS NOT NULL THEN 1 ELSE 0 END) OVER (PARTITION BY trial, subject_id, (_left_out IS NULL)) = 1) AS any_event,
        count("event.adverse_event_id") OVER (PARTITION BY trial, subject_id, (_left_out IS NULL)) AS number_of_events,
        sum(CAST(CASE WHEN "event.serious" THEN 1 ELSE 0 END AS double)) OVER (PARTITION BY trial, subject_id, (_left_out IS NULL)) AS "number_of_serious_events.raw",
        max("event.grade") OVER (PARTITION BY trial, subject_id, (_left_out IS NULL)) AS "worst_grade.raw",
        'derived' AS "basis.raw",
        'ae-count' AS rule
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
        any_event,
        number_of_events,
        "number_of_serious_events.raw",
        o_whole("number_of_serious_events.raw") AS number_of_serious_events,
        "worst_grade.raw",
        CASE WHEN "worst_grade.raw" IN (1, 2, 3, 4, 5) THEN "worst_grade.raw" END AS worst_grade,
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
judged AS (
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
        CASE WHEN _left_out IS NULL AND "number_of_serious_events.raw" IS NOT NULL AND number_of_serious_events IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "worst_grade.raw" IS NOT NULL AND worst_grade IS NULL THEN 2 ELSE 0 END AS _issues,
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
    any_event,
    number_of_events,
    number_of_serious_events,
    worst_grade,
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("basis.raw" IS NOT NULL AND basis IS NULL)))
FROM work.derive_adverse_event_summary AS step;

-- write dsp.adverse_event_summary
INSERT INTO dsp.adverse_event_summary (
    _file,
    _row,
    trial,
    subject_id,
    any_event,
    number_of_events,
    number_of_serious_events,
    worst_grade,
    basis,
    rule
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    any_event AS any_event,
    number_of_events AS number_of_events,
    number_of_serious_events AS number_of_serious_events,
    worst_grade AS worst_grade,
    basis AS basis,
    rule AS rule
FROM work.derive_adverse_event_summary AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.adverse_event_summary
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.adverse_event_summary', (SELECT count(*) FROM dsp.adverse_event_summary) - written.behind, 'derive_adverse_event_summary', step._file, step._row, NULL, step._n, step._of
FROM work.derive_adverse_event_summary AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.derive_adverse_event_summary AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'derive_adverse_event_summary', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.derive_adverse_event_summary AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'derive_adverse_event_summary', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.derive_adverse_event_summary AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'basis', 'not in the value set'),
    (4, 'basis', 'missing'),
    (5, 'rule', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'derive_adverse_event_summary', why.field, why.reason, file.file, file.sheet, step._row
FROM work.derive_adverse_event_summary AS step
JOIN (VALUES
    (1, 'number_of_serious_events', 'not a whole number'),
    (2, 'worst_grade', 'not in the value set')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'derive_adverse_event_summary', 'basis', "basis.raw", count(*)
FROM work.derive_adverse_event_summary
WHERE _left_out IS NULL AND _target = 1 AND "basis.raw" IS NOT NULL AND basis IS NULL
GROUP BY "basis.raw";
