-- map impress_cohort_allocation

-- map
CREATE TABLE work.impress_cohort_allocation AS
WITH
-- the columns of coh that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CASE WHEN (CASE WHEN i."COHALLO1" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__2" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__3" IS NULL THEN 0 ELSE 1 END) > 1 THEN NULL ELSE coalesce(i."COHALLO1", i."COHALLO1__2", i."COHALLO1__3") END AS "COHALLO1",  -- one of its revisions
        (CASE WHEN i."COHALLO1" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__2" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__3" IS NULL THEN 0 ELSE 1 END) > 1 AS "COHALLO1 revisions",
        CASE WHEN (CASE WHEN i."COHALLO1CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__2CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__3CD" IS NULL THEN 0 ELSE 1 END) > 1 THEN NULL ELSE coalesce(i."COHALLO1CD", i."COHALLO1__2CD", i."COHALLO1__3CD") END AS "COHALLO1CD",  -- one of its revisions
        (CASE WHEN i."COHALLO1CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__2CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO1__3CD" IS NULL THEN 0 ELSE 1 END) > 1 AS "COHALLO1CD revisions",
        CASE WHEN (CASE WHEN i."COHALLO2" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__2" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__3" IS NULL THEN 0 ELSE 1 END) > 1 THEN NULL ELSE coalesce(i."COHALLO2", i."COHALLO2__2", i."COHALLO2__3") END AS "COHALLO2",  -- one of its revisions
        (CASE WHEN i."COHALLO2" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__2" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__3" IS NULL THEN 0 ELSE 1 END) > 1 AS "COHALLO2 revisions",
        CASE WHEN (CASE WHEN i."COHALLO2CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__2CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__3CD" IS NULL THEN 0 ELSE 1 END) > 1 THEN NULL ELSE coalesce(i."COHALLO2CD", i."COHALLO2__2CD", i."COHALLO2__3CD") END AS "COHALLO2CD",  -- one of its revisions
        (CASE WHEN i."COHALLO2CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__2CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHALLO2__3CD" IS NULL THEN 0 ELSE 1 END) > 1 AS "COHALLO2CD revisions",
        i."COHCTN" AS "COHCTN",
        i."COHORTNAME" AS "COHORTNAME",
        i."COHTMN" AS "COHTMN",
        i."COHTT" AS "COHTT",
        i."COHTTOSP" AS "COHTTOSP",
        CASE WHEN (CASE WHEN i."COHTTYPE" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHTTYPE__2" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHTTYPE__3" IS NULL THEN 0 ELSE 1 END) > 1 THEN NULL ELSE coalesce(i."COHTTYPE", i."COHTTYPE__2", i."COHTTYPE__3") END AS "COHTTYPE",  -- one of its revisions
        (CASE WHEN i."COHTTYPE" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHTTYPE__2" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHTTYPE__3" IS NULL THEN 0 ELSE 1 END) > 1 AS "COHTTYPE revisions",
        CASE WHEN (CASE WHEN i."COHTTYPECD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHTTYPE__2CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHTTYPE__3CD" IS NULL THEN 0 ELSE 1 END) > 1 THEN NULL ELSE coalesce(i."COHTTYPECD", i."COHTTYPE__2CD", i."COHTTYPE__3CD") END AS "COHTTYPECD",  -- one of its revisions
        (CASE WHEN i."COHTTYPECD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHTTYPE__2CD" IS NULL THEN 0 ELSE 1 END + CASE WHEN i."COHTTYPE__3CD" IS NULL THEN 0 ELSE 1 END) > 1 AS "COHTTYPECD revisions",
        i."EventDate" AS "EventDate",
        i."GENMUT1" AS "GENMUT1",
        i."GENMUT1CD" AS "GENMUT1CD",
        i."ICD10COD" AS "ICD10COD",
        i."ICD10DES" AS "ICD10DES",
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
        END AS _left_out
    FROM input
),
-- the expressions of the map
raw AS (
    SELECT
        _file,
        _row,
        _n,
        _left_out,
        "SubjectId" || chr(31) || "EventDate" || chr(31) || "COHORTNAME" AS _key,
        "SubjectId" AS subject_id,
        "EventDate" AS "allocation_date.raw",
        "COHORTNAME" AS cohort_name,
        upper("ICD10COD") AS icd10_code,
        "ICD10DES" AS icd10_text,
        "COHTTYPE" AS main_tumour_type,
        "COHTTYPECD" AS "main_tumour_type_code.raw",
        "COHTT" AS cohort_tumour_type,
        "COHTTOSP" AS other_tumour_type,
        "COHALLO1" AS study_drug_1,
        "COHALLO1CD" AS "study_drug_1_code.raw",
        "COHALLO2" AS study_drug_2,
        "COHALLO2CD" AS "study_drug_2_code.raw",
        "GENMUT1" AS gene_mutation,
        "GENMUT1CD" AS "gene_mutation_code.raw",
        "COHCTN" AS target_name,
        "COHTMN" AS target_mutation,
        "COHALLO1 revisions",
        "COHALLO1CD revisions",
        "COHALLO2 revisions",
        "COHALLO2CD revisions",
        "COHTTYPE revisions",
        "COHTTYPECD revisions"
    FROM filtered
),
-- read as the types that the target asks for
converted AS (
    SELECT
        _file,
        _row,
        _n,
        _left_out,
        _key,
        subject_id,
        "allocation_date.raw",
        o_date("allocation_date.raw", '%Y-%m-%d') AS "allocation_date.full",
        cohort_name,
        icd10_code,
        icd10_text,
        main_tumour_type,
        "main_tumour_type_code.raw",
        o_whole(o_num("main_tumour_type_code.raw")) AS main_tumour_type_code,
        cohort_tumour_type,
        other_tumour_type,
        study_drug_1,
        "study_drug_1_code.raw",
        o_whole(o_num("study_drug_1_code.raw")) AS study_drug_1_code,
        study_drug_2,
        "study_drug_2_code.raw",
        o_whole(o_num("study_drug_2_code.raw")) AS study_drug_2_code,
        gene_mutation,
        "gene_mutation_code.raw",
        o_whole(o_num("gene_mutation_code.raw")) AS gene_mutation_code,
        target_name,
        target_mutation,
        "COHALLO1 revisions",
        "COHALLO1CD revisions",
        "COHALLO2 revisions",
        "COHALLO2CD revisions",
        "COHTTYPE revisions",
        "COHTTYPECD revisions"
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("allocation_date.full", o_impute("allocation_date.raw", '%Y-%m-%d', 'earliest')) AS allocation_date
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
            WHEN "allocation_date.raw" IS NOT NULL AND allocation_date IS NULL THEN 3
            WHEN allocation_date IS NULL THEN 4
            WHEN cohort_name IS NULL THEN 5
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "main_tumour_type_code.raw" IS NOT NULL AND main_tumour_type_code IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "study_drug_1_code.raw" IS NOT NULL AND study_drug_1_code IS NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "study_drug_2_code.raw" IS NOT NULL AND study_drug_2_code IS NULL THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "gene_mutation_code.raw" IS NOT NULL AND gene_mutation_code IS NULL THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "COHALLO1 revisions" THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "COHALLO1CD revisions" THEN 32 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "COHALLO2 revisions" THEN 64 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "COHALLO2CD revisions" THEN 128 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "COHTTYPE revisions" THEN 256 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "COHTTYPECD revisions" THEN 512 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "allocation_date.full" IS NULL AND allocation_date IS NOT NULL THEN 1 ELSE 0 END AS _imputed,
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
            || chr(31) || coalesce(CAST(icd10_code AS varchar), '')
            || chr(31) || coalesce(CAST(icd10_text AS varchar), '')
            || chr(31) || coalesce(CAST(main_tumour_type AS varchar), '')
            || chr(31) || coalesce(CAST(main_tumour_type_code AS varchar), '')
            || chr(31) || coalesce(CAST(cohort_tumour_type AS varchar), '')
            || chr(31) || coalesce(CAST(other_tumour_type AS varchar), '')
            || chr(31) || coalesce(CAST(study_drug_1 AS varchar), '')
            || chr(31) || coalesce(CAST(study_drug_1_code AS varchar), '')
            || chr(31) || coalesce(CAST(study_drug_2 AS varchar), '')
            || chr(31) || coalesce(CAST(study_drug_2_code AS varchar), '')
            || chr(31) || coalesce(CAST(gene_mutation AS varchar), '')
            || chr(31) || coalesce(CAST(gene_mutation_code AS varchar), '')
            || chr(31) || coalesce(CAST(target_name AS varchar), '')
            || chr(31) || coalesce(CAST(target_mutation AS varchar), '')
            || chr(31) || coalesce(CAST("COHALLO1 revisions" AS varchar), '')
            || chr(31) || coalesce(CAST("COHALLO1CD revisions" AS varchar), '')
            || chr(31) || coalesce(CAST("COHALLO2 revisions" AS varchar), '')
            || chr(31) || coalesce(CAST("COHALLO2CD revisions" AS varchar), '')
            || chr(31) || coalesce(CAST("COHTTYPE revisions" AS varchar), '')
            || chr(31) || coalesce(CAST("COHTTYPECD revisions" AS varchar), '')
            || chr(31) || coalesce(CAST(allocation_date AS varchar), '') AS _content
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
    icd10_code,
    icd10_text,
    main_tumour_type,
    main_tumour_type_code,
    cohort_tumour_type,
    other_tumour_type,
    study_drug_1,
    study_drug_1_code,
    study_drug_2,
    study_drug_2_code,
    gene_mutation,
    gene_mutation_code,
    target_name,
    target_mutation,
    "COHALLO1 revisions",
    "COHALLO1CD revisions",
    "COHALLO2 revisions",
    "COHALLO2CD revisions",
    "COHTTYPE revisions",
    "COHTTYPECD revisions",
    allocation_date
FROM final;

-- write dsp.cohort_allocation
INSERT INTO dsp.cohort_allocation (
    _file,
    _row,
    trial,
    subject_id,
    allocation_date,
    cohort_name,
    icd10_code,
    icd10_text,
    main_tumour_type,
    main_tumour_type_code,
    cohort_tumour_type,
    other_tumour_type,
    study_drug_1,
    study_drug_1_code,
    study_drug_2,
    study_drug_2_code,
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
    allocation_date AS allocation_date,
    cohort_name AS cohort_name,
    icd10_code AS icd10_code,
    icd10_text AS icd10_text,
    main_tumour_type AS main_tumour_type,
    main_tumour_type_code AS main_tumour_type_code,
    cohort_tumour_type AS cohort_tumour_type,
    other_tumour_type AS other_tumour_type,
    study_drug_1 AS study_drug_1,
    study_drug_1_code AS study_drug_1_code,
    study_drug_2 AS study_drug_2,
    study_drug_2_code AS study_drug_2_code,
    gene_mutation AS gene_mutation,
    gene_mutation_code AS gene_mutation_code,
    target_name AS target_name,
    target_mutation AS target_mutation
FROM work.impress_cohort_allocation AS step
WHERE step._status = 'used' AND step._first;

-- accounting
INSERT INTO audit.map_rows ("map", rows_read, rows_used, rows_filtered, rows_deduplicated, rows_rejected)
SELECT
    'impress_cohort_allocation',
    count(*),
    count(*) FILTER (WHERE _status = 'used'),
    count(*) FILTER (WHERE _status = 'filtered'),
    count(*) FILTER (WHERE _status = 'deduplicated'),
    count(*) FILTER (WHERE _status = 'rejected')
FROM work.impress_cohort_allocation
WHERE _target = 1;

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_cohort_allocation', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('has_cohort')) AS filter(name)
LEFT JOIN work.impress_cohort_allocation AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row)
SELECT
    'impress_cohort_allocation', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row
FROM work.impress_cohort_allocation AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'allocation_date', 'not a date'),
    (4, 'allocation_date', 'missing'),
    (5, 'cohort_name', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'impress_cohort_allocation', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_cohort_allocation AS step
JOIN (VALUES
    (1, 'main_tumour_type_code', 'not a whole number'),
    (2, 'study_drug_1_code', 'not a whole number'),
    (4, 'study_drug_2_code', 'not a whole number'),
    (8, 'gene_mutation_code', 'not a whole number'),
    (16, 'COHALLO1', 'several revisions filled'),
    (32, 'COHALLO1CD', 'several revisions filled'),
    (64, 'COHALLO2', 'several revisions filled'),
    (128, 'COHALLO2CD', 'several revisions filled'),
    (256, 'COHTTYPE', 'several revisions filled'),
    (512, 'COHTTYPECD', 'several revisions filled')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'impress_cohort_allocation', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_cohort_allocation AS step
JOIN (VALUES
    (1, 'allocation_date', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';
