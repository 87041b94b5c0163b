-- map drup_age

-- map
CREATE TABLE work.drup_age AS
WITH
-- drup, for the join 'started'
join_started AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Treatment_start",
        row_number() OVER (PARTITION BY "ID" ORDER BY coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_start", '%d-%m-%Y'), o_year("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "Treatment_start" IS NOT NULL
),
-- the columns of drup that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."Age" AS "Age",
        i."ID" AS "ID",
        i."Treatment_start" AS "Treatment_start",
        started."Treatment_start" AS "started.Treatment_start"
    FROM source.drup AS i
    LEFT JOIN join_started AS started ON started.key1 = i."ID" AND started._nth = 1
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope has_patient"), FALSE) THEN 'has_patient'
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope of_this_trial"), FALSE) THEN 'of_this_trial'
            WHEN NOT coalesce("Age" IS NOT NULL, FALSE) THEN 'has_age'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY o_num_comma("Age") IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank,
        o_num_comma("Age") IS DISTINCT FROM first_value(o_num_comma("Age")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY o_num_comma("Age") IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs1,
        coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d')) IS DISTINCT FROM first_value(coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d'))) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY o_num_comma("Age") IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs2
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
        _differs2,
        "ID" AS _key,
        "ID" AS subject_id,
        "Age" AS "age.raw",
        "started.Treatment_start" AS "at.raw",
        'recorded' AS "basis.raw",
        'trial' AS rule
    FROM kept
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
        _differs1,
        _differs2,
        subject_id,
        "age.raw",
        o_whole(o_num_comma("age.raw")) AS age,
        "at.raw",
        coalesce(o_date("at.raw", '%d-%m-%Y'), o_date("at.raw", '%Y-%m-%d')) AS "at.full",
        "basis.raw",
        CASE WHEN "basis.raw" IN ('recorded', 'derived') THEN "basis.raw" END AS basis,
        rule
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("at.full", coalesce(o_impute("at.raw", '%d-%m-%Y', 'earliest'), o_impute("at.raw", '%Y-%m-%d', 'earliest'))) AS "at"
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
            WHEN "age.raw" IS NOT NULL AND age IS NULL THEN 3
            WHEN age IS NULL THEN 4
            WHEN "at.raw" IS NOT NULL AND "at" IS NULL THEN 5
            WHEN "at" IS NULL THEN 6
            WHEN "basis.raw" IS NOT NULL AND basis IS NULL THEN 7
            WHEN basis IS NULL THEN 8
            WHEN rule IS NULL THEN 9
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs2 THEN 2 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "at.full" IS NULL AND "at" IS NOT NULL THEN 1 ELSE 0 END AS _imputed,
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
            || chr(31) || coalesce(CAST(basis AS varchar), '')
            || chr(31) || coalesce(CAST(rule AS varchar), '')
            || chr(31) || coalesce(CAST("at" AS varchar), '') AS _content
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
    "basis.raw",
    basis,
    rule,
    "at"
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("basis.raw" IS NOT NULL AND basis IS NULL)))
FROM work.drup_age AS step;

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
FROM work.drup_age AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.age
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.age', (SELECT count(*) FROM dsp.age) - written.behind, 'drup_age', step._file, step._row, NULL, step._n, step._of
FROM work.drup_age AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.drup_age AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'drup_age', filter.name, count(step._left_out)
FROM (VALUES ('has_patient'), ('of_this_trial'), ('has_age'), ('keep')) AS filter(name)
LEFT JOIN work.drup_age AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'drup_age', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.drup_age AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'drup_age', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.drup_age AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'age', 'not a whole number'),
    (4, 'age', 'missing'),
    (5, 'at', 'not a date'),
    (6, 'at', 'missing'),
    (7, 'basis', 'not in the value set'),
    (8, 'basis', 'missing'),
    (9, 'rule', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'drup_age', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_age AS step
JOIN (VALUES
    (1, 'keep number(Age)', 'differs from the row that is kept'),
    (2, 'keep date(Treatment_start)', 'differs from the row that is kept')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'drup_age', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_age AS step
JOIN (VALUES
    (1, 'at', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'drup_age', 'basis', "basis.raw", count(*)
FROM work.drup_age
WHERE _left_out IS NULL AND _target = 1 AND "basis.raw" IS NOT NULL AND basis IS NULL
GROUP BY "basis.raw";
