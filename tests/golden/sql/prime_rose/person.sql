-- map person

-- map
CREATE TABLE work.person AS
WITH
-- the columns of dsp.subject that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.birth_date AS birth_date,
        i.birth_year AS birth_year,
        i.enrolment AS enrolment,
        i.person_key AS person_key,
        i.sex AS sex,
        i.site AS site,
        i.subject_id AS subject_id,
        i.trial AS trial
    FROM dsp.subject AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CAST(NULL AS varchar) AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY trial, person_key, (_filter IS NULL) ORDER BY CASE WHEN sex IS NULL THEN 1 ELSE 0 END ASC NULLS LAST, enrolment ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank,
        sex IS DISTINCT FROM first_value(sex) OVER (PARTITION BY trial, person_key, (_filter IS NULL) ORDER BY CASE WHEN sex IS NULL THEN 1 ELSE 0 END ASC NULLS LAST, enrolment ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs1,
        birth_year IS DISTINCT FROM first_value(birth_year) OVER (PARTITION BY trial, person_key, (_filter IS NULL) ORDER BY CASE WHEN sex IS NULL THEN 1 ELSE 0 END ASC NULLS LAST, enrolment ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs2
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
        trial || chr(31) || person_key AS _key,
        o_id(trial || chr(31) || subject_id) AS known_by,
        o_id(trial || chr(31) || site) AS "care_site.hash",
        o_id(trial) AS "location.hash",
        sex AS "gender.1.said",
        birth_year AS year_of_birth,
        CAST(extract(month FROM birth_date) AS integer) AS month_of_birth,
        CAST(extract(day FROM birth_date) AS integer) AS day_of_birth
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
        known_by,
        "care_site.hash",
        "location.hash",
        "gender.1.said",
        year_of_birth,
        month_of_birth,
        day_of_birth
    FROM raw
),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "care_site ref".id AS care_site,
        "location ref".id AS location,
        coalesce(CASE o_fold("gender.1.said") WHEN 'male' THEN nullif(o_concept(8507), 0) WHEN 'female' THEN nullif(o_concept(8532), 0) END, CASE WHEN "gender.1.said" IS NOT NULL THEN 0 END) AS gender,
        "gender.1.said" AS "gender.source",
        CASE WHEN "gender.1.said" IS NOT NULL THEN 0 END AS "gender.source_concept",
        1 AS _target
    FROM typed
    LEFT JOIN work."ids of care_site" AS "care_site ref" ON "care_site ref".hash = typed."care_site.hash"
    LEFT JOIN work."ids of location" AS "location ref" ON "location ref".hash = typed."location.hash"
),
-- what is wrong with each row
judged AS MATERIALIZED (
    SELECT
        resolved.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN _key IS NULL THEN 1
            WHEN year_of_birth IS NULL THEN 2
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs2 THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "care_site.hash" IS NOT NULL AND care_site IS NULL THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "location.hash" IS NOT NULL AND location IS NULL THEN 8 ELSE 0 END AS _issues,
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
        coalesce(CAST("care_site.hash" AS varchar), '')
            || chr(31) || coalesce(CAST("location.hash" AS varchar), '')
            || chr(31) || coalesce(CAST("gender.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST(year_of_birth AS varchar), '')
            || chr(31) || coalesce(CAST(month_of_birth AS varchar), '')
            || chr(31) || coalesce(CAST(day_of_birth AS varchar), '') AS _content
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
    known_by,
    year_of_birth,
    month_of_birth,
    day_of_birth,
    care_site,
    location,
    gender,
    "gender.source",
    "gender.source_concept"
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
    count(*) FILTER (WHERE _left_out IS NULL AND ((gender = 0 AND "gender.source" IS NOT NULL)))
FROM work.person AS step;

-- ids cdm.person
INSERT INTO register.person (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.person AS step
    WHERE step._status = 'used' AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.person AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.person) AS last;

-- write cdm.person
INSERT INTO cdm.person (
    person_id,
    gender_concept_id,
    year_of_birth,
    month_of_birth,
    day_of_birth,
    race_concept_id,
    ethnicity_concept_id,
    location_id,
    care_site_id,
    gender_source_value,
    gender_source_concept_id
)
SELECT
    ids.id AS person_id,
    coalesce(gender, 0) AS gender_concept_id,
    year_of_birth AS year_of_birth,
    month_of_birth AS month_of_birth,
    day_of_birth AS day_of_birth,
    coalesce(0, 0) AS race_concept_id,
    coalesce(0, 0) AS ethnicity_concept_id,
    location AS location_id,
    care_site AS care_site_id,
    substr("gender.source", 1, 50) AS gender_source_value,
    "gender.source_concept" AS gender_source_concept_id
FROM work.person AS step
JOIN register.person AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- referenced cdm.person
INSERT INTO work."ids of person" (hash, id)
SELECT ids.hash, ids.id
FROM work.person AS step
JOIN register.person AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first
UNION
SELECT step.known_by, ids.id
FROM work.person AS step
JOIN register.person AS ids ON ids.hash = _id_hash
WHERE step.known_by IS NOT NULL
  AND (step._status IN ('used', 'deduplicated') OR step._left_out = 'keep')
  AND _id_hash IN (SELECT kept._hash FROM work.person AS kept WHERE kept._status = 'used');

-- origins cdm.person
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'person', ids.id, 'person', step._file, step._row, NULL, step._n, step._of
FROM work.person AS step
JOIN register.person AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'person', filter.name, count(step._left_out)
FROM (VALUES ('keep')) AS filter(name)
LEFT JOIN work.person AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'person', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.person AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'person', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.person AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'year_of_birth', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'person', why.field, why.reason, file.file, file.sheet, step._row
FROM work.person AS step
JOIN (VALUES
    (1, 'keep sex', 'differs from the row that is kept'),
    (2, 'keep birth_year', 'differs from the row that is kept'),
    (4, 'care_site', 'not found'),
    (8, 'location', 'not found')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'person', 'gender', "gender.source", count(*)
FROM work.person
WHERE _left_out IS NULL AND _target = 1 AND gender = 0 AND "gender.source" IS NOT NULL
GROUP BY "gender.source";
