-- map drup_tumour_type

-- map
CREATE TABLE work.drup_tumour_type AS
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
-- drup, for the join 'coded'
join_coded AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "ICD10Code",
        "ICD10Description",
        row_number() OVER (PARTITION BY "ID" ORDER BY "ICD10Description" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "ICD10Code" IS NOT NULL
),
-- drup, for the join 'described'
join_described AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "ICD10Description",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "ICD10Description" IS NOT NULL
),
-- drup, for the join 'main'
join_main AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "TumourType",
        "TumourTypeOther",
        row_number() OVER (PARTITION BY "ID" ORDER BY "TumourTypeOther" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "TumourType" IS NOT NULL
),
-- drup, for the join 'other'
join_other AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "TumourTypeOther",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "TumourTypeOther" IS NOT NULL
),
-- drup, for the join 'cohort'
join_cohort AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "TumourType2",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "TumourType2" IS NOT NULL
),
-- the columns of drup that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."ICD10Code" AS "ICD10Code",
        i."ICD10Description" AS "ICD10Description",
        i."ID" AS "ID",
        i."TumourType" AS "TumourType",
        i."TumourType2" AS "TumourType2",
        i."TumourTypeOther" AS "TumourTypeOther",
        coded."ICD10Code" AS "coded.ICD10Code",
        coded."ICD10Description" AS "coded.ICD10Description",
        cohort."TumourType2" AS "cohort.TumourType2",
        described."ICD10Description" AS "described.ICD10Description",
        main."TumourType" AS "main.TumourType",
        main."TumourTypeOther" AS "main.TumourTypeOther",
        other."TumourTypeOther" AS "other.TumourTypeOther",
        started."Treatment_start" AS "started.Treatment_start"
    FROM source.drup AS i
    LEFT JOIN join_started AS started ON started.key1 = i."ID" AND started._nth = 1
    LEFT JOIN join_coded AS coded ON coded.key1 = i."ID" AND coded._nth = 1
    LEFT JOIN join_described AS described ON described.key1 = i."ID" AND described._nth = 1
    LEFT JOIN join_main AS main ON main.key1 = i."ID" AND main._nth = 1
    LEFT JOIN join_other AS other ON other.key1 = i."ID" AND other._nth = 1
    LEFT JOIN join_cohort AS cohort ON cohort.key1 = i."ID" AND cohort._nth = 1
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope has_patient"), FALSE) THEN 'has_patient'
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope of_this_trial"), FALSE) THEN 'of_this_trial'
            WHEN NOT coalesce(coalesce("ICD10Code", "ICD10Description", "TumourType", "TumourTypeOther", "TumourType2") IS NOT NULL, FALSE) THEN 'has_tumour_type'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY "ICD10Code" IS NULL ASC NULLS LAST, "TumourType" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank,
        o_fold("ICD10Code") IS DISTINCT FROM first_value(o_fold("ICD10Code")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY "ICD10Code" IS NULL ASC NULLS LAST, "TumourType" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs1,
        o_fold("ICD10Description") IS DISTINCT FROM first_value(o_fold("ICD10Description")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY "ICD10Code" IS NULL ASC NULLS LAST, "TumourType" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs2,
        o_fold("TumourType") IS DISTINCT FROM first_value(o_fold("TumourType")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY "ICD10Code" IS NULL ASC NULLS LAST, "TumourType" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs3,
        o_fold("TumourTypeOther") IS DISTINCT FROM first_value(o_fold("TumourTypeOther")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY "ICD10Code" IS NULL ASC NULLS LAST, "TumourType" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs4,
        o_fold("TumourType2") IS DISTINCT FROM first_value(o_fold("TumourType2")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY "ICD10Code" IS NULL ASC NULLS LAST, "TumourType" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs5
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
        _differs4,
        _differs5,
        "ID" AS _key,
        "ID" AS subject_id,
        "started.Treatment_start" AS "date.raw",
        'treatment start' AS "date_basis.raw",
        upper("coded.ICD10Code") AS icd10_code,
        coalesce("coded.ICD10Description", "described.ICD10Description") AS icd10_text,
        "main.TumourType" AS main_tumour_type,
        "cohort.TumourType2" AS cohort_tumour_type,
        coalesce("main.TumourTypeOther", "other.TumourTypeOther") AS other_tumour_type
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
        _differs3,
        _differs4,
        _differs5,
        subject_id,
        "date.raw",
        coalesce(o_date("date.raw", '%d-%m-%Y'), o_date("date.raw", '%Y-%m-%d')) AS "date.full",
        "date_basis.raw",
        CASE WHEN "date_basis.raw" IN ('diagnosis', 'allocation', 'treatment start') THEN "date_basis.raw" END AS date_basis,
        icd10_code,
        icd10_text,
        main_tumour_type,
        cohort_tumour_type,
        other_tumour_type
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("date.full", coalesce(o_impute("date.raw", '%d-%m-%Y', 'earliest'), o_impute("date.raw", '%Y-%m-%d', 'earliest'))) AS "date"
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
            WHEN "date_basis.raw" IS NOT NULL AND date_basis IS NULL THEN 5
            WHEN date_basis IS NULL THEN 6
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs2 THEN 2 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs3 THEN 4 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs4 THEN 8 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs5 THEN 16 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(date_basis AS varchar), '')
            || chr(31) || coalesce(CAST(icd10_code AS varchar), '')
            || chr(31) || coalesce(CAST(icd10_text AS varchar), '')
            || chr(31) || coalesce(CAST(main_tumour_type AS varchar), '')
            || chr(31) || coalesce(CAST(cohort_tumour_type AS varchar), '')
            || chr(31) || coalesce(CAST(other_tumour_type AS varchar), '')
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
    "date_basis.raw",
    date_basis,
    icd10_code,
    icd10_text,
    main_tumour_type,
    cohort_tumour_type,
    other_tumour_type,
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
    count(*) FILTER (WHERE _imputed <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND (("date_basis.raw" IS NOT NULL AND date_basis IS NULL)))
FROM work.drup_tumour_type AS step;

-- write dsp.tumour_type
INSERT INTO dsp.tumour_type (
    _file,
    _row,
    trial,
    subject_id,
    "date",
    date_basis,
    icd10_code,
    icd10_text,
    main_tumour_type,
    cohort_tumour_type,
    other_tumour_type
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    "date" AS "date",
    date_basis AS date_basis,
    icd10_code AS icd10_code,
    icd10_text AS icd10_text,
    main_tumour_type AS main_tumour_type,
    cohort_tumour_type AS cohort_tumour_type,
    other_tumour_type AS other_tumour_type
FROM work.drup_tumour_type AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.tumour_type
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.tumour_type', (SELECT count(*) FROM dsp.tumour_type) - written.behind, 'drup_tumour_type', step._file, step._row, NULL, step._n, step._of
FROM work.drup_tumour_type AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.drup_tumour_type AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'drup_tumour_type', filter.name, count(step._left_out)
FROM (VALUES ('has_patient'), ('of_this_trial'), ('has_tumour_type'), ('keep')) AS filter(name)
LEFT JOIN work.drup_tumour_type AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'drup_tumour_type', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.drup_tumour_type AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'drup_tumour_type', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.drup_tumour_type AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'date', 'not a date'),
    (4, 'date', 'missing'),
    (5, 'date_basis', 'not in the value set'),
    (6, 'date_basis', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'drup_tumour_type', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_tumour_type AS step
JOIN (VALUES
    (1, 'keep fold(ICD10Code)', 'differs from the row that is kept'),
    (2, 'keep fold(ICD10Description)', 'differs from the row that is kept'),
    (4, 'keep fold(TumourType)', 'differs from the row that is kept'),
    (8, 'keep fold(TumourTypeOther)', 'differs from the row that is kept'),
    (16, 'keep fold(TumourType2)', 'differs from the row that is kept')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'drup_tumour_type', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_tumour_type AS step
JOIN (VALUES
    (1, 'date', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'drup_tumour_type', 'date_basis', "date_basis.raw", count(*)
FROM work.drup_tumour_type
WHERE _left_out IS NULL AND _target = 1 AND "date_basis.raw" IS NOT NULL AND date_basis IS NULL
GROUP BY "date_basis.raw";
