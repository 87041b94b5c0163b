-- map drup_subject

-- map
CREATE TABLE work.drup_subject AS
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
-- drup, for the join 'aged'
join_aged AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Age",
        row_number() OVER (PARTITION BY "ID" ORDER BY o_num_comma("Age") IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "Age" IS NOT NULL
),
-- drup, for the join 'sexed'
join_sexed AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Sex",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "Sex" IS NOT NULL
),
-- the columns of drup that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."Age" AS "Age",
        i."ID" AS "ID",
        i."Sex" AS "Sex",
        i."Treatment_start" AS "Treatment_start",
        aged."Age" AS "aged.Age",
        sexed."Sex" AS "sexed.Sex",
        started."Treatment_start" AS "started.Treatment_start"
    FROM source.drup AS i
    LEFT JOIN join_started AS started ON started.key1 = i."ID" AND started._nth = 1
    LEFT JOIN join_aged AS aged ON aged.key1 = i."ID" AND aged._nth = 1
    LEFT JOIN join_sexed AS sexed ON sexed.key1 = i."ID" AND sexed._nth = 1
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope has_patient"), FALSE) THEN 'has_patient'
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope of_this_trial"), FALSE) THEN 'of_this_trial'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY o_num_comma("Age") IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_start", '%d-%m-%Y'), o_year("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank,
        o_num_comma("Age") IS DISTINCT FROM first_value(o_num_comma("Age")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY o_num_comma("Age") IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_start", '%d-%m-%Y'), o_year("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs1,
        o_fold("Sex") IS DISTINCT FROM first_value(o_fold("Sex")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY o_num_comma("Age") IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_start", '%d-%m-%Y'), o_year("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs2,
        coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d')) IS DISTINCT FROM first_value(coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d'))) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY o_num_comma("Age") IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_start", '%d-%m-%Y'), o_year("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs3
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
        _differs3,
        "ID" AS _key,
        "ID" AS subject_id,
        "ID" AS person_key,
        "sexed.Sex" AS "sex.raw",
        CAST(CAST(coalesce(o_year("started.Treatment_start", '%d-%m-%Y'), o_year("started.Treatment_start", '%Y-%m-%d')) AS double) - o_num_comma("aged.Age") AS double) - CASE WHEN coalesce(coalesce(o_month("started.Treatment_start", '%d-%m-%Y'), o_month("started.Treatment_start", '%Y-%m-%d')), 1) <= 6 THEN 1 ELSE 0 END AS "birth_year.raw",
        'age' AS "birth_year_basis.raw"
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
        _differs2,
        _differs3,
        subject_id,
        person_key,
        "sex.raw",
        CASE o_fold("sex.raw") WHEN 'm' THEN 'male' WHEN 'male' THEN 'male' WHEN 'f' THEN 'female' WHEN 'female' THEN 'female' END AS sex,
        "birth_year.raw",
        o_whole("birth_year.raw") AS birth_year,
        "birth_year_basis.raw",
        CASE WHEN "birth_year_basis.raw" IN ('date of birth', 'age') THEN "birth_year_basis.raw" END AS birth_year_basis
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
            WHEN person_key IS NULL THEN 3
            WHEN "birth_year.raw" IS NOT NULL AND birth_year IS NULL THEN 4
            WHEN birth_year IS NULL THEN 5
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs2 THEN 2 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs3 THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "sex.raw" IS NOT NULL AND sex IS NULL THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "birth_year_basis.raw" IS NOT NULL AND birth_year_basis IS NULL THEN 16 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(person_key AS varchar), '')
            || chr(31) || coalesce(CAST(sex AS varchar), '')
            || chr(31) || coalesce(CAST(birth_year AS varchar), '')
            || chr(31) || coalesce(CAST(birth_year_basis AS varchar), '') AS _content
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
    person_key,
    "sex.raw",
    sex,
    birth_year,
    "birth_year_basis.raw",
    birth_year_basis
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("sex.raw" IS NOT NULL AND sex IS NULL) OR ("birth_year_basis.raw" IS NOT NULL AND birth_year_basis IS NULL)))
FROM work.drup_subject AS step;

-- write dsp.subject
INSERT INTO dsp.subject (
    _file,
    _row,
    trial,
    subject_id,
    person_key,
    sex,
    birth_year,
    birth_year_basis
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    person_key AS person_key,
    sex AS sex,
    birth_year AS birth_year,
    birth_year_basis AS birth_year_basis
FROM work.drup_subject AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.subject
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.subject', (SELECT count(*) FROM dsp.subject) - written.behind, 'drup_subject', step._file, step._row, NULL, step._n, step._of
FROM work.drup_subject AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.drup_subject AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'drup_subject', filter.name, count(step._left_out)
FROM (VALUES ('has_patient'), ('of_this_trial'), ('keep')) AS filter(name)
LEFT JOIN work.drup_subject AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'drup_subject', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.drup_subject AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'drup_subject', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.drup_subject AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'person_key', 'missing'),
    (4, 'birth_year', 'not a whole number'),
    (5, 'birth_year', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'drup_subject', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_subject AS step
JOIN (VALUES
    (1, 'keep number(Age)', 'differs from the row that is kept'),
    (2, 'keep fold(Sex)', 'differs from the row that is kept'),
    (4, 'keep date(Treatment_start)', 'differs from the row that is kept'),
    (8, 'sex', 'not in the value map'),
    (16, 'birth_year_basis', 'not in the value set')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'drup_subject', 'sex', "sex.raw", count(*)
FROM work.drup_subject
WHERE _left_out IS NULL AND _target = 1 AND "sex.raw" IS NOT NULL AND sex IS NULL
GROUP BY "sex.raw"
UNION ALL
SELECT 'drup_subject', 'birth_year_basis', "birth_year_basis.raw", count(*)
FROM work.drup_subject
WHERE _left_out IS NULL AND _target = 1 AND "birth_year_basis.raw" IS NOT NULL AND birth_year_basis IS NULL
GROUP BY "birth_year_basis.raw";
