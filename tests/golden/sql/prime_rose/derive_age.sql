-- map derive_age

-- map
CREATE TABLE work.derive_age AS
WITH
-- dsp.subject, for the join 'subject'
join_subject AS (
    SELECT
        _file,
        _row,
        "trial" AS key1,
        subject_id AS key2,
        birth_date,
        birth_year,
        birth_year_basis
    FROM dsp.subject
),
-- the columns of dsp.treatment that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.start_date AS start_date,
        i.subject_id AS subject_id,
        i.trial AS trial,
        subject.birth_date AS "subject.birth_date",
        subject.birth_year AS "subject.birth_year",
        subject.birth_year_basis AS "subject.birth_year_basis",
        subject._row IS NULL AS "subject missing"
    FROM dsp.treatment AS i
    LEFT JOIN join_subject AS subject ON subject.key1 = i.trial AND subject.key2 = i.subject_id
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("subject.birth_date" IS NOT NULL OR "subject.birth_year_basis" = 'date of birth', FALSE) THEN 'birth_is_recorded'
            WHEN NOT coalesce(coalesce("subject.birth_date", o_ymd("subject.birth_year", 7, 1)) <= start_date, FALSE) THEN 'born_before'
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
        trial || chr(31) || subject_id AS _key,
        subject_id,
        o_years(coalesce("subject.birth_date", o_ymd("subject.birth_year", 7, 1)), start_date) AS age,
        start_date AS "at",
        'derived' AS "basis.raw",
        CASE WHEN "subject.birth_date" IS NOT NULL THEN 'age-at-treatment-start' ELSE 'age-from-birth-year' END AS rule,
        "subject missing"
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
        age,
        "at",
        "basis.raw",
        CASE WHEN "basis.raw" IN ('recorded', 'derived') THEN "basis.raw" END AS basis,
        rule,
        "subject missing"
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
            WHEN "subject missing" THEN 1
            WHEN _key IS NULL THEN 2
            WHEN subject_id IS NULL THEN 3
            WHEN age IS NULL THEN 4
            WHEN "at" IS NULL THEN 5
            WHEN "basis.raw" IS NOT NULL AND basis IS NULL THEN 6
            WHEN basis IS NULL THEN 7
            WHEN rule IS NULL THEN 8
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
            || chr(31) || coalesce(CAST(age AS varchar), '')
            || chr(31) || coalesce(CAST("at" AS varchar), '')
            || chr(31) || coalesce(CAST(basis AS varchar), '')
            || chr(31) || coalesce(CAST(rule AS varchar), '')
            || chr(31) || coalesce(CAST("subject missing" AS varchar), '') AS _content
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
    age,
    "at",
    "basis.raw",
    basis,
    rule,
    "subject missing"
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
FROM work.derive_age AS step;

-- write dsp.age
INSERT INTO dsp.age (
    _file,
    _row,
    trial,
    subject_id,
    age,
    "at",
    basis,
    rule
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    age AS age,
    "at" AS "at",
    basis AS basis,
    rule AS rule
FROM work.derive_age AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.age
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.age', (SELECT count(*) FROM dsp.age) - written.behind, 'derive_age', step._file, step._row, NULL, step._n, step._of
FROM work.derive_age AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.derive_age AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'derive_age', filter.name, count(step._left_out)
FROM (VALUES ('birth_is_recorded'), ('born_before')) AS filter(name)
LEFT JOIN work.derive_age AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'derive_age', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.derive_age AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'derive_age', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.derive_age AS step
LEFT JOIN (VALUES
    (1, 'join subject', 'no match'),
    (2, 'key', 'missing'),
    (3, 'subject_id', 'missing'),
    (4, 'age', 'missing'),
    (5, 'at', 'missing'),
    (6, 'basis', 'not in the value set'),
    (7, 'basis', 'missing'),
    (8, 'rule', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'derive_age', 'basis', "basis.raw", count(*)
FROM work.derive_age
WHERE _left_out IS NULL AND _target = 1 AND "basis.raw" IS NOT NULL AND basis IS NULL
GROUP BY "basis.raw";
