-- map impress_biomarker

-- map
CREATE TABLE work.impress_biomarker AS
WITH
-- the columns of coh that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."COHCTN" AS "COHCTN",
        i."COHORTNAME" AS "COHORTNAME",
        i."COHTMN" AS "COHTMN",
        i."EventDate" AS "EventDate",
        i."GENMUT1" AS "GENMUT1",
        i."GENMUT1CD" AS "GENMUT1CD",
        i."SubjectId" AS "SubjectId"
    FROM source.coh AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("SubjectId" IN (SELECT subject FROM work."scope allocated"), FALSE) THEN 'allocated'
            WHEN NOT coalesce("COHORTNAME" IS NOT NULL, FALSE) THEN 'has_cohort'
            WHEN NOT coalesce("GENMUT1" IS NOT NULL OR "GENMUT1CD" IS NOT NULL OR "COHCTN" IS NOT NULL OR "COHTMN" IS NOT NULL, FALSE) THEN 'has_biomarker'
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
        "SubjectId" || chr(31) || "EventDate" || chr(31) || "COHORTNAME" AS _key,
        "SubjectId" AS subject_id,
        "EventDate" AS "date.raw",
        "GENMUT1" AS gene_mutation,
        "GENMUT1CD" AS "gene_mutation_code.raw",
        "COHCTN" AS target_name,
        "COHTMN" AS target_mutation
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
        "date.raw",
        o_date("date.raw", '%Y-%m-%d') AS "date.full",
        gene_mutation,
        "gene_mutation_code.raw",
        o_whole(o_num("gene_mutation_code.raw")) AS gene_mutation_code,
        target_name,
        target_mutation
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("date.full", o_impute("date.raw", '%Y-%m-%d', 'earliest')) AS "date"
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
            WHEN "date.raw" IS NOT NULL AND "date" IS NULL THEN 3
            WHEN "date" IS NULL THEN 4
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "gene_mutation_code.raw" IS NOT NULL AND gene_mutation_code IS NULL THEN 1 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "date.full" IS NULL AND "date" IS NOT NULL THEN 1 ELSE 0 END AS _imputed,
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
            || chr(31) || coalesce(CAST(gene_mutation AS varchar), '')
            || chr(31) || coalesce(CAST(gene_mutation_code AS varchar), '')
            || chr(31) || coalesce(CAST(target_name AS varchar), '')
            || chr(31) || coalesce(CAST(target_mutation AS varchar), '')
            || chr(31) || coalesce(CAST("date" AS varchar), '') AS _content
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
    gene_mutation,
    gene_mutation_code,
    target_name,
    target_mutation,
    "date"
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
    count(*) FILTER (WHERE _imputed <> 0)
FROM work.impress_biomarker AS step;

-- write dsp.biomarker
INSERT INTO dsp.biomarker (
    _file,
    _row,
    trial,
    subject_id,
    "date",
    gene_mutation,
    gene_mutation_code,
    target_name,
    target_mutation
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    "date" AS "date",
    gene_mutation AS gene_mutation,
    gene_mutation_code AS gene_mutation_code,
    target_name AS target_name,
    target_mutation AS target_mutation
FROM work.impress_biomarker AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.biomarker
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.biomarker', (SELECT count(*) FROM dsp.biomarker) - written.behind, 'impress_biomarker', step._file, step._row, NULL, step._n, step._of
FROM work.impress_biomarker AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_biomarker AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_biomarker', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('has_cohort'), ('has_biomarker')) AS filter(name)
LEFT JOIN work.impress_biomarker AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_biomarker', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_biomarker AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_biomarker', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_biomarker AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'date', 'not a date'),
    (4, 'date', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'impress_biomarker', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_biomarker AS step
JOIN (VALUES
    (1, 'gene_mutation_code', 'not a whole number')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'impress_biomarker', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_biomarker AS step
JOIN (VALUES
    (1, 'date', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';
