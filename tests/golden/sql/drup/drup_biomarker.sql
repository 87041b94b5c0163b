-- map drup_biomarker

-- map
CREATE TABLE work.drup_biomarker AS
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
-- drup, for the join 'gene'
join_gene AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Biomarker",
        "BiomarkerCategory",
        "Biomarker_mutation",
        row_number() OVER (PARTITION BY "ID" ORDER BY "Biomarker_mutation" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "Biomarker" IS NOT NULL
),
-- drup, for the join 'altered'
join_altered AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Biomarker_mutation",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "Biomarker_mutation" IS NOT NULL
),
-- drup, for the join 'target'
join_target AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "BiomarkerTargets",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "BiomarkerTargets" IS NOT NULL
),
-- drup, for the join 'category'
join_category AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "BiomarkerCategory",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "BiomarkerCategory" IS NOT NULL
),
-- drup, for the join 'other'
join_other AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "BiomarkerOther",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "BiomarkerOther" IS NOT NULL
),
-- the columns of drup that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."Biomarker" AS "Biomarker",
        i."BiomarkerCategory" AS "BiomarkerCategory",
        i."BiomarkerOther" AS "BiomarkerOther",
        i."BiomarkerTargets" AS "BiomarkerTargets",
        i."Biomarker_mutation" AS "Biomarker_mutation",
        i."ID" AS "ID",
        altered."Biomarker_mutation" AS "altered.Biomarker_mutation",
        category."BiomarkerCategory" AS "category.BiomarkerCategory",
        gene."Biomarker" AS "gene.Biomarker",
        gene."BiomarkerCategory" AS "gene.BiomarkerCategory",
        gene."Biomarker_mutation" AS "gene.Biomarker_mutation",
        other."BiomarkerOther" AS "other.BiomarkerOther",
        started."Treatment_start" AS "started.Treatment_start",
        target."BiomarkerTargets" AS "target.BiomarkerTargets"
    FROM source.drup AS i
    LEFT JOIN join_started AS started ON started.key1 = i."ID" AND started._nth = 1
    LEFT JOIN join_gene AS gene ON gene.key1 = i."ID" AND gene._nth = 1
    LEFT JOIN join_altered AS altered ON altered.key1 = i."ID" AND altered._nth = 1
    LEFT JOIN join_target AS target ON target.key1 = i."ID" AND target._nth = 1
    LEFT JOIN join_category AS category ON category.key1 = i."ID" AND category._nth = 1
    LEFT JOIN join_other AS other ON other.key1 = i."ID" AND other._nth = 1
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope has_patient"), FALSE) THEN 'has_patient'
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope of_this_trial"), FALSE) THEN 'of_this_trial'
            WHEN NOT coalesce(coalesce("Biomarker", "Biomarker_mutation", "BiomarkerTargets", "BiomarkerOther") IS NOT NULL, FALSE) THEN 'has_biomarker'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY "Biomarker" IS NULL ASC NULLS LAST, "Biomarker_mutation" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank,
        o_fold("Biomarker") IS DISTINCT FROM first_value(o_fold("Biomarker")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY "Biomarker" IS NULL ASC NULLS LAST, "Biomarker_mutation" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs1,
        o_fold("Biomarker_mutation") IS DISTINCT FROM first_value(o_fold("Biomarker_mutation")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY "Biomarker" IS NULL ASC NULLS LAST, "Biomarker_mutation" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs2,
        o_fold("BiomarkerTargets") IS DISTINCT FROM first_value(o_fold("BiomarkerTargets")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY "Biomarker" IS NULL ASC NULLS LAST, "Biomarker_mutation" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs3,
        o_fold("BiomarkerCategory") IS DISTINCT FROM first_value(o_fold("BiomarkerCategory")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY "Biomarker" IS NULL ASC NULLS LAST, "Biomarker_mutation" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs4,
        o_fold("BiomarkerOther") IS DISTINCT FROM first_value(o_fold("BiomarkerOther")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY "Biomarker" IS NULL ASC NULLS LAST, "Biomarker_mutation" IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs5
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
        "target.BiomarkerTargets" AS gene_mutation,
        "gene.Biomarker" AS target_name,
        coalesce("gene.Biomarker_mutation", "altered.Biomarker_mutation") AS target_mutation,
        coalesce("gene.BiomarkerCategory", "category.BiomarkerCategory") AS category,
        "other.BiomarkerOther" AS other
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
        gene_mutation,
        target_name,
        target_mutation,
        category,
        other
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
            || chr(31) || coalesce(CAST(gene_mutation AS varchar), '')
            || chr(31) || coalesce(CAST(target_name AS varchar), '')
            || chr(31) || coalesce(CAST(target_mutation AS varchar), '')
            || chr(31) || coalesce(CAST(category AS varchar), '')
            || chr(31) || coalesce(CAST(other AS varchar), '')
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
    target_name,
    target_mutation,
    category,
    other,
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
FROM work.drup_biomarker AS step;

-- write dsp.biomarker
INSERT INTO dsp.biomarker (
    _file,
    _row,
    trial,
    subject_id,
    "date",
    gene_mutation,
    target_name,
    target_mutation,
    category,
    other
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    "date" AS "date",
    gene_mutation AS gene_mutation,
    target_name AS target_name,
    target_mutation AS target_mutation,
    category AS category,
    other AS other
FROM work.drup_biomarker AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.biomarker
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.biomarker', (SELECT count(*) FROM dsp.biomarker) - written.behind, 'drup_biomarker', step._file, step._row, NULL, step._n, step._of
FROM work.drup_biomarker AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.drup_biomarker AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'drup_biomarker', filter.name, count(step._left_out)
FROM (VALUES ('has_patient'), ('of_this_trial'), ('has_biomarker'), ('keep')) AS filter(name)
LEFT JOIN work.drup_biomarker AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'drup_biomarker', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.drup_biomarker AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'drup_biomarker', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.drup_biomarker AS step
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
SELECT 'drup_biomarker', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_biomarker AS step
JOIN (VALUES
    (1, 'keep fold(Biomarker)', 'differs from the row that is kept'),
    (2, 'keep fold(Biomarker_mutation)', 'differs from the row that is kept'),
    (4, 'keep fold(BiomarkerTargets)', 'differs from the row that is kept'),
    (8, 'keep fold(BiomarkerCategory)', 'differs from the row that is kept'),
    (16, 'keep fold(BiomarkerOther)', 'differs from the row that is kept')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'drup_biomarker', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_biomarker AS step
JOIN (VALUES
    (1, 'date', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';
