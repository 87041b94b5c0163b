-- map impress_subject

-- map
CREATE TABLE work.impress_subject AS
WITH
-- the columns of dm that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."BRTHDAT" AS "BRTHDAT",
        i."SEX" AS "SEX",
        i."SEXCD" AS "SEXCD",
        i."SubjectId" AS "SubjectId"
    FROM source.dm AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("SubjectId" IN (SELECT subject FROM work."scope allocated"), FALSE) THEN 'allocated'
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
        "SubjectId" AS _key,
        "SubjectId" AS subject_id,
        CASE WHEN o_fold('each a person') = 'one person' THEN coalesce(o_rx("SubjectId", '^(.+)_[0-9]+$', 1), "SubjectId") ELSE "SubjectId" END AS person_key,
        o_rx("SubjectId", '_([0-9]+)$', 1) AS "enrolment.raw",
        o_rx("SubjectId", '^([A-Za-z]+)_', 1) AS site,
        coalesce("SEX", o_plain(o_num("SEXCD"))) AS "sex.raw",
        o_year("BRTHDAT", '%Y-%m-%d') AS birth_year,
        CASE WHEN o_year("BRTHDAT", '%Y-%m-%d') IS NOT NULL THEN 'date of birth' END AS "birth_year_basis.raw",
        "BRTHDAT" AS "birth_date.raw"
    FROM filtered
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
        subject_id,
        person_key,
        "enrolment.raw",
        o_whole(o_num("enrolment.raw")) AS enrolment,
        site,
        "sex.raw",
        CASE o_fold("sex.raw") WHEN 'male' THEN 'male' WHEN 'm' THEN 'male' WHEN '1' THEN 'male' WHEN 'female' THEN 'female' WHEN 'f' THEN 'female' WHEN '2' THEN 'female' END AS sex,
        birth_year,
        "birth_year_basis.raw",
        CASE WHEN "birth_year_basis.raw" IN ('date of birth', 'age') THEN "birth_year_basis.raw" END AS birth_year_basis,
        "birth_date.raw",
        o_date("birth_date.raw", '%Y-%m-%d') AS "birth_date.full"
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        "birth_date.full" AS birth_date
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
            WHEN person_key IS NULL THEN 3
            WHEN birth_year IS NULL THEN 4
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "enrolment.raw" IS NOT NULL AND enrolment IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "sex.raw" IS NOT NULL AND sex IS NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "birth_year_basis.raw" IS NOT NULL AND birth_year_basis IS NULL THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "birth_date.raw" IS NOT NULL AND birth_date IS NULL AND o_impute("birth_date.raw", '%Y-%m-%d', 'reject') IS NOT NULL THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "birth_date.raw" IS NOT NULL AND birth_date IS NULL AND o_impute("birth_date.raw", '%Y-%m-%d', 'reject') IS NULL THEN 16 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(enrolment AS varchar), '')
            || chr(31) || coalesce(CAST(site AS varchar), '')
            || chr(31) || coalesce(CAST(sex AS varchar), '')
            || chr(31) || coalesce(CAST(birth_year AS varchar), '')
            || chr(31) || coalesce(CAST(birth_year_basis AS varchar), '')
            || chr(31) || coalesce(CAST(birth_date AS varchar), '') AS _content
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
    enrolment,
    site,
    "sex.raw",
    sex,
    birth_year,
    "birth_year_basis.raw",
    birth_year_basis,
    birth_date
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
FROM work.impress_subject AS step;

-- write dsp.subject
INSERT INTO dsp.subject (
    _file,
    _row,
    trial,
    subject_id,
    person_key,
    enrolment,
    site,
    sex,
    birth_year,
    birth_year_basis,
    birth_date
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    person_key AS person_key,
    enrolment AS enrolment,
    site AS site,
    sex AS sex,
    birth_year AS birth_year,
    birth_year_basis AS birth_year_basis,
    birth_date AS birth_date
FROM work.impress_subject AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.subject
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.subject', (SELECT count(*) FROM dsp.subject) - written.behind, 'impress_subject', step._file, step._row, NULL, step._n, step._of
FROM work.impress_subject AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_subject AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_subject', filter.name, count(step._left_out)
FROM (VALUES ('allocated')) AS filter(name)
LEFT JOIN work.impress_subject AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_subject', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_subject AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_subject', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_subject AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'person_key', 'missing'),
    (4, 'birth_year', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'impress_subject', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_subject AS step
JOIN (VALUES
    (1, 'enrolment', 'not a whole number'),
    (2, 'sex', 'not in the value map'),
    (4, 'birth_year_basis', 'not in the value set'),
    (8, 'birth_date', 'partial date'),
    (16, 'birth_date', 'not a date')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'impress_subject', 'sex', "sex.raw", count(*)
FROM work.impress_subject
WHERE _left_out IS NULL AND _target = 1 AND "sex.raw" IS NOT NULL AND sex IS NULL
GROUP BY "sex.raw"
UNION ALL
SELECT 'impress_subject', 'birth_year_basis', "birth_year_basis.raw", count(*)
FROM work.impress_subject
WHERE _left_out IS NULL AND _target = 1 AND "birth_year_basis.raw" IS NOT NULL AND birth_year_basis IS NULL
GROUP BY "birth_year_basis.raw";
