-- map impress_study_drug

-- map
CREATE TABLE work.impress_study_drug AS
WITH
-- the columns of coh that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        CASE WHEN (CASE WHEN i."COHALLO1" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__2" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__3" IS NULL THEN 0 ELSE 1 END) > 1 THEN NULL ELSE coalesce(i."COHALLO1", i."COHALLO1__2", i."COHALLO1__3") END AS "COHALLO1",  -- one of its revisions
        (CASE WHEN i."COHALLO1" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__2" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__3" IS NULL THEN 0 ELSE 1 END) > 1 AS "COHALLO1 revisions",
        CASE WHEN (CASE WHEN i."COHALLO1CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__2CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__3CD" IS NULL THEN 0 ELSE 1 END) > 1 THEN NULL ELSE coalesce(i."COHALLO1CD", i."COHALLO1__2CD", i."COHALLO1__3CD") END AS "COHALLO1CD",  -- one of its revisions
        (CASE WHEN i."COHALLO1CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__2CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__3CD" IS NULL THEN 0 ELSE 1 END) > 1 AS "COHALLO1CD revisions",
        CASE WHEN (CASE WHEN i."COHALLO2" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__2" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__3" IS NULL THEN 0 ELSE 1 END) > 1 THEN NULL ELSE coalesce(i."COHALLO2", i."COHALLO2__2", i."COHALLO2__3") END AS "COHALLO2",  -- one of its revisions
        (CASE WHEN i."COHALLO2" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__2" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__3" IS NULL THEN 0 ELSE 1 END) > 1 AS "COHALLO2 revisions",
        CASE WHEN (CASE WHEN i."COHALLO2CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__2CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__3CD" IS NULL THEN 0 ELSE 1 END) > 1 THEN NULL ELSE coalesce(i."COHALLO2CD", i."COHALLO2__2CD", i."COHALLO2__3CD") END AS "COHALLO2CD",  -- one of its revisions
        (CASE WHEN i."COHALLO2CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__2CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__3CD" IS NULL THEN 0 ELSE 1 END) > 1 AS "COHALLO2CD revisions",
        i."COHORTNAME" AS "COHORTNAME",
        i."EventDate" AS "EventDate",
        i."SubjectId" AS "SubjectId"
    FROM source.coh AS i
),
-- one row for each of 2 slots
shaped AS (
    SELECT
        input.*,
        each.n AS _n,
        each.name AS slot,
        CASE each.n WHEN 1 THEN input."COHALLO1" WHEN 2 THEN input."COHALLO2" END AS drug,
        CASE each.n WHEN 1 THEN input."COHALLO1CD" WHEN 2 THEN input."COHALLO2CD" END AS drug_code,
        CASE each.n WHEN 1 THEN input."COHALLO1 revisions" OR input."COHALLO1CD revisions" WHEN 2 THEN input."COHALLO2 revisions" OR input."COHALLO2CD revisions" ELSE FALSE END AS _conflict
    FROM input
    CROSS JOIN (VALUES (1, '1'), (2, '2')) AS each(n, name)
),
-- which rows are left out, and why
filtered AS (
    SELECT
        shaped.*,
        CASE
            WHEN NOT coalesce("SubjectId" IN (SELECT subject FROM work."scope allocated"), FALSE) THEN 'allocated'
            WHEN NOT coalesce(drug IS NOT NULL OR drug_code IS NOT NULL OR _conflict, FALSE) THEN 'empty_slot'
            WHEN NOT coalesce("COHORTNAME" IS NOT NULL, FALSE) THEN 'has_cohort'
        END AS _left_out
    FROM shaped
),
-- the expressions of the map
raw AS (
    SELECT
        _file,
        _row,
        _of,
        _n,
        _left_out,
        "SubjectId" || chr(31) || "EventDate" || chr(31) || "COHORTNAME" || chr(31) || slot AS _key,
        "SubjectId" AS subject_id,
        "COHORTNAME" AS cohort_name,
        slot AS "drug_number.raw",
        drug,
        drug_code AS "drug_code.raw",
        "COHALLO1 revisions",
        "COHALLO1CD revisions",
        "COHALLO2 revisions",
        "COHALLO2CD revisions"
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
        cohort_name,
        "drug_number.raw",
        CASE WHEN o_whole(o_num("drug_number.raw")) IN (1, 2) THEN o_whole(o_num("drug_number.raw")) END AS drug_number,
        drug,
        "drug_code.raw",
        o_whole(o_num("drug_code.raw")) AS drug_code,
        "COHALLO1 revisions",
        "COHALLO1CD revisions",
        "COHALLO2 revisions",
        "COHALLO2CD revisions"
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
            WHEN "COHALLO1 revisions" THEN 2
            WHEN "COHALLO1CD revisions" THEN 3
            WHEN "COHALLO2 revisions" THEN 4
            WHEN "COHALLO2CD revisions" THEN 5
            WHEN subject_id IS NULL THEN 6
            WHEN cohort_name IS NULL THEN 7
            WHEN "drug_number.raw" IS NOT NULL AND drug_number IS NULL THEN 8
            WHEN drug_number IS NULL THEN 9
            WHEN drug IS NULL THEN 10
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "drug_code.raw" IS NOT NULL AND drug_code IS NULL THEN 1 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(cohort_name AS varchar), '')
            || chr(31) || coalesce(CAST(drug_number AS varchar), '')
            || chr(31) || coalesce(CAST(drug AS varchar), '')
            || chr(31) || coalesce(CAST(drug_code AS varchar), '')
            || chr(31) || coalesce(CAST("COHALLO1 revisions" AS varchar), '')
            || chr(31) || coalesce(CAST("COHALLO1CD revisions" AS varchar), '')
            || chr(31) || coalesce(CAST("COHALLO2 revisions" AS varchar), '')
            || chr(31) || coalesce(CAST("COHALLO2CD revisions" AS varchar), '') AS _content
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
    cohort_name,
    drug_number,
    drug,
    drug_code,
    "COHALLO1 revisions",
    "COHALLO1CD revisions",
    "COHALLO2 revisions",
    "COHALLO2CD revisions"
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
    count(*) FILTER (WHERE _issues <> 0)
FROM work.impress_study_drug AS step;

-- write dsp.study_drug
INSERT INTO dsp.study_drug (
    _file,
    _row,
    trial,
    subject_id,
    cohort_name,
    drug_number,
    drug,
    drug_code
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    cohort_name AS cohort_name,
    drug_number AS drug_number,
    drug AS drug,
    drug_code AS drug_code
FROM work.impress_study_drug AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.study_drug
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.study_drug', (SELECT count(*) FROM dsp.study_drug) - written.behind, 'impress_study_drug', step._file, step._row, NULL, step._n, step._of
FROM work.impress_study_drug AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_study_drug AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_study_drug', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('empty_slot'), ('has_cohort')) AS filter(name)
LEFT JOIN work.impress_study_drug AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_study_drug', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_study_drug AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_study_drug', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_study_drug AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'COHALLO1', 'several revisions filled'),
    (3, 'COHALLO1CD', 'several revisions filled'),
    (4, 'COHALLO2', 'several revisions filled'),
    (5, 'COHALLO2CD', 'several revisions filled'),
    (6, 'subject_id', 'missing'),
    (7, 'cohort_name', 'missing'),
    (8, 'drug_number', 'not in the value set'),
    (9, 'drug_number', 'missing'),
    (10, 'drug', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'impress_study_drug', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_study_drug AS step
JOIN (VALUES
    (1, 'drug_code', 'not a whole number')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';
