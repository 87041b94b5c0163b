-- map person

-- map
CREATE TABLE work.person AS
WITH
-- the columns of dm that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."AGE" AS "AGE",
        i."AGEU" AS "AGEU",
        i."BRTHDTC" AS "BRTHDTC",
        i."DMDTC" AS "DMDTC",
        i."ETHNIC" AS "ETHNIC",
        i."RACE" AS "RACE",
        i."RFICDTC" AS "RFICDTC",
        i."RFSTDTC" AS "RFSTDTC",
        i."SEX" AS "SEX",
        i."SITEID" AS "SITEID",
        i."USUBJID" AS "USUBJID"
    FROM source.dm AS i
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
        "USUBJID" AS _key,
        o_id("SITEID") AS "care_site.hash",
        "SEX" AS "gender.1.said",
        "RACE" AS "race.1.said",
        "ETHNIC" AS "ethnicity.1.said",
        coalesce(o_year("BRTHDTC", '%Y-%m-%d'), CAST(o_year(coalesce("RFSTDTC", "RFICDTC", "DMDTC"), '%Y-%m-%d') AS double) - CASE WHEN coalesce("AGEU", 'YEARS') = 'YEARS' THEN o_num("AGE") WHEN "AGEU" = 'MONTHS' THEN floor(CAST(CAST(o_num("AGE") AS double) / nullif(12, 0) AS double)) WHEN "AGEU" = 'WEEKS' THEN floor(CAST(CAST(o_num("AGE") AS double) / nullif(52, 0) AS double)) WHEN "AGEU" = 'DAYS' THEN floor(CAST(CAST(o_num("AGE") AS double) / nullif(365, 0) AS double)) END) AS "year_of_birth.raw",
        o_month("BRTHDTC", '%Y-%m-%d') AS month_of_birth,
        CAST(extract(day FROM o_date("BRTHDTC", '%Y-%m-%d')) AS integer) AS day_of_birth
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
        "care_site.hash",
        "gender.1.said",
        "race.1.said",
        "ethnicity.1.said",
        "year_of_birth.raw",
        o_whole("year_of_birth.raw") AS year_of_birth,
        month_of_birth,
        day_of_birth
    FROM raw
),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "care_site ref".id AS care_site,
        coalesce(CASE o_fold("gender.1.said") WHEN 'm' THEN nullif(o_concept(8507), 0) WHEN 'f' THEN nullif(o_concept(8532), 0) END, CASE WHEN "gender.1.said" IS NOT NULL THEN 0 END) AS gender,
        "gender.1.said" AS "gender.source",
        CASE WHEN "gender.1.said" IS NOT NULL THEN 0 END AS "gender.source_concept",
        coalesce(CASE o_fold("race.1.said") WHEN 'white' THEN nullif(o_concept(8527), 0) WHEN 'black or african american' THEN nullif(o_concept(8516), 0) WHEN 'asian' THEN nullif(o_concept(8515), 0) WHEN 'american indian or alaska native' THEN nullif(o_concept(8657), 0) WHEN 'native hawaiian or other pacific islander' THEN nullif(o_concept(8557), 0) END, CASE WHEN "race.1.said" IS NOT NULL THEN 0 END) AS race,
        "race.1.said" AS "race.source",
        CASE WHEN "race.1.said" IS NOT NULL THEN 0 END AS "race.source_concept",
        coalesce(CASE o_fold("ethnicity.1.said") WHEN 'hispanic or latino' THEN nullif(o_concept(38003563), 0) WHEN 'not hispanic or latino' THEN nullif(o_concept(38003564), 0) END, CASE WHEN "ethnicity.1.said" IS NOT NULL THEN 0 END) AS ethnicity,
        "ethnicity.1.said" AS "ethnicity.source",
        CASE WHEN "ethnicity.1.said" IS NOT NULL THEN 0 END AS "ethnicity.source_concept",
        1 AS _target
    FROM typed
    LEFT JOIN work."ids of care_site" AS "care_site ref" ON "care_site ref".hash = typed."care_site.hash"
),
-- what is wrong with each row
judged AS MATERIALIZED (
    SELECT
        resolved.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN _key IS NULL THEN 1
            WHEN "year_of_birth.raw" IS NOT NULL AND year_of_birth IS NULL THEN 2
            WHEN year_of_birth IS NULL THEN 3
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "care_site.hash" IS NOT NULL AND care_site IS NULL THEN 1 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST("gender.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("race.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("ethnicity.1.said" AS varchar), '')
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
    year_of_birth,
    month_of_birth,
    day_of_birth,
    care_site,
    gender,
    "gender.source",
    "gender.source_concept",
    race,
    "race.source",
    "race.source_concept",
    ethnicity,
    "ethnicity.source",
    "ethnicity.source_concept"
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
    count(*) FILTER (WHERE _left_out IS NULL AND ((gender = 0 AND "gender.source" IS NOT NULL) OR (race = 0 AND "race.source" IS NOT NULL) OR (ethnicity = 0 AND "ethnicity.source" IS NOT NULL)))
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
    care_site_id,
    gender_source_value,
    gender_source_concept_id,
    race_source_value,
    race_source_concept_id,
    ethnicity_source_value,
    ethnicity_source_concept_id
)
SELECT
    ids.id AS person_id,
    coalesce(gender, 0) AS gender_concept_id,
    year_of_birth AS year_of_birth,
    month_of_birth AS month_of_birth,
    day_of_birth AS day_of_birth,
    coalesce(race, 0) AS race_concept_id,
    coalesce(ethnicity, 0) AS ethnicity_concept_id,
    care_site AS care_site_id,
    substr("gender.source", 1, 50) AS gender_source_value,
    "gender.source_concept" AS gender_source_concept_id,
    substr("race.source", 1, 50) AS race_source_value,
    "race.source_concept" AS race_source_concept_id,
    substr("ethnicity.source", 1, 50) AS ethnicity_source_value,
    "ethnicity.source_concept" AS ethnicity_source_concept_id
FROM work.person AS step
JOIN register.person AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- referenced cdm.person
INSERT INTO work."ids of person" (hash, id)
SELECT ids.hash, ids.id
FROM work.person AS step
JOIN register.person AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.person
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'person', ids.id, 'person', step._file, step._row, NULL, step._n, step._of
FROM work.person AS step
JOIN register.person AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

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
    (2, 'year_of_birth', 'not a whole number'),
    (3, 'year_of_birth', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'person', why.field, why.reason, file.file, file.sheet, step._row
FROM work.person AS step
JOIN (VALUES
    (1, 'care_site', 'not found')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'person', 'gender', "gender.source", count(*)
FROM work.person
WHERE _left_out IS NULL AND _target = 1 AND gender = 0 AND "gender.source" IS NOT NULL
GROUP BY "gender.source"
UNION ALL
SELECT 'person', 'race', "race.source", count(*)
FROM work.person
WHERE _left_out IS NULL AND _target = 1 AND race = 0 AND "race.source" IS NOT NULL
GROUP BY "race.source"
UNION ALL
SELECT 'person', 'ethnicity', "ethnicity.source", count(*)
FROM work.person
WHERE _left_out IS NULL AND _target = 1 AND ethnicity = 0 AND "ethnicity.source" IS NOT NULL
GROUP BY "ethnicity.source";
