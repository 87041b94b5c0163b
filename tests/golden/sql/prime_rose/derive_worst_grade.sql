-- map derive_worst_grade

-- map
CREATE TABLE work.derive_worst_grade AS
WITH
-- the columns of derived/worst_grade.sql.jinja that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i.ctcae_version AS ctcae_version,
        i.number_of_events AS number_of_events,
        i.related_worst_grade AS related_worst_grade,
        i.serious AS serious,
        i.start_date AS start_date,
        i.subject_id AS subject_id,
        i.term AS term,
        i.word AS word,
        i.worst_grade AS worst_grade
    FROM (
    SELECT _file, _row, CAST(subject_id AS varchar) AS subject_id, CAST(word AS varchar) AS word, CAST(term AS varchar) AS term, CAST(ctcae_version AS varchar) AS ctcae_version, o_whole(o_num(CAST(worst_grade AS varchar))) AS worst_grade, o_date(CAST(start_date AS varchar), '%Y-%m-%d') AS start_date, o_whole(o_num(CAST(related_worst_grade AS varchar))) AS related_worst_grade, o_whole(o_num(CAST(number_of_events AS varchar))) AS number_of_events, o_bool(CAST(serious AS varchar)) AS serious FROM (
-- One row for each subject and term; terms that differ in capitals only are one.
WITH related AS (
    SELECT DISTINCT subject_id, adverse_event_id FROM dsp.adverse_event_relation WHERE relation = 'related'
),
events AS (
    SELECT
        e._file, e._row, e.subject_id, e.term, lower(trim(e.term)) AS word, e.grade, e.ctcae_version, e.start_date, e.serious,
        CASE WHEN related.subject_id IS NOT NULL THEN e.grade END AS related_grade
    FROM dsp.adverse_event AS e
    LEFT JOIN related ON related.subject_id = e.subject_id AND related.adverse_event_id = e.adverse_event_id
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY subject_id, word ORDER BY coalesce(grade, 0) DESC, start_date, _file, _row) AS place FROM events
),
summed AS (
    SELECT
        subject_id, word, max(related_grade) AS related_worst_grade, count(*) AS number_of_events,
        CASE max(CASE WHEN serious THEN 1 WHEN NOT serious THEN 0 END) WHEN 1 THEN TRUE WHEN 0 THEN FALSE END AS serious
    FROM events
    GROUP BY subject_id, word
)
SELECT
    ranked._file, ranked._row, ranked.subject_id, ranked.word, ranked.term, ranked.ctcae_version, ranked.grade AS worst_grade, ranked.start_date,
    summed.related_worst_grade, summed.number_of_events, summed.serious
FROM ranked
JOIN summed ON summed.subject_id = ranked.subject_id AND summed.word = ranked.word
WHERE ranked.place = 1
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
        subject_id || chr(31) || word AS _key,
        subject_id,
        term,
        ctcae_version,
        worst_grade AS "worst_grade.raw",
        related_worst_grade AS "related_worst_grade.raw",
        start_date AS "date",
        number_of_events,
        serious,
        'derived' AS "basis.raw",
        'worst-grade' AS rule
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
        term,
        ctcae_version,
        "worst_grade.raw",
        CASE WHEN "worst_grade.raw" IN (1, 2, 3, 4, 5) THEN "worst_grade.raw" END AS worst_grade,
        "related_worst_grade.raw",
        CASE WHEN "related_worst_grade.raw" IN (1, 2, 3, 4, 5) THEN "related_worst_grade.raw" END AS related_worst_grade,
        "date",
        number_of_events,
        serious,
        "basis.raw",
        CASE WHEN "basis.raw" IN ('derived') THEN "basis.raw" END AS basis,
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
            WHEN term IS NULL THEN 3
            WHEN "date" IS NULL THEN 4
            WHEN number_of_events IS NULL THEN 5
            WHEN "basis.raw" IS NOT NULL AND basis IS NULL THEN 6
            WHEN basis IS NULL THEN 7
            WHEN rule IS NULL THEN 8
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "worst_grade.raw" IS NOT NULL AND worst_grade IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "related_worst_grade.raw" IS NOT NULL AND related_worst_grade IS NULL THEN 2 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(term AS varchar), '')
            || chr(31) || coalesce(CAST(ctcae_version AS varchar), '')
            || chr(31) || coalesce(CAST(worst_grade AS varchar), '')
            || chr(31) || coalesce(CAST(related_worst_grade AS varchar), '')
            || chr(31) || coalesce(CAST("date" AS varchar), '')
            || chr(31) || coalesce(CAST(number_of_events AS varchar), '')
            || chr(31) || coalesce(CAST(serious AS varchar), '')
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
    term,
    ctcae_version,
    worst_grade,
    related_worst_grade,
    "date",
    number_of_events,
    serious,
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
FROM work.derive_worst_grade AS step;

-- write dsp.worst_grade
INSERT INTO dsp.worst_grade (
    _file,
    _row,
    trial,
    subject_id,
    term,
    ctcae_version,
    worst_grade,
    related_worst_grade,
    "date",
    number_of_events,
    serious,
    basis,
    rule
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    term AS term,
    ctcae_version AS ctcae_version,
    worst_grade AS worst_grade,
    related_worst_grade AS related_worst_grade,
    "date" AS "date",
    number_of_events AS number_of_events,
    serious AS serious,
    basis AS basis,
    rule AS rule
FROM work.derive_worst_grade AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.worst_grade
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.worst_grade', (SELECT count(*) FROM dsp.worst_grade) - written.behind, 'derive_worst_grade', step._file, step._row, NULL, step._n, step._of
FROM work.derive_worst_grade AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.derive_worst_grade AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'derive_worst_grade', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.derive_worst_grade AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'derive_worst_grade', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.derive_worst_grade AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'term', 'missing'),
    (4, 'date', 'missing'),
    (5, 'number_of_events', 'missing'),
    (6, 'basis', 'not in the value set'),
    (7, 'basis', 'missing'),
    (8, 'rule', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'derive_worst_grade', why.field, why.reason, file.file, file.sheet, step._row
FROM work.derive_worst_grade AS step
JOIN (VALUES
    (1, 'worst_grade', 'not in the value set'),
    (2, 'related_worst_grade', 'not in the value set')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'derive_worst_grade', 'basis', "basis.raw", count(*)
FROM work.derive_worst_grade
WHERE _left_out IS NULL AND _target = 1 AND "basis.raw" IS NOT NULL AND basis IS NULL
GROUP BY "basis.raw";
