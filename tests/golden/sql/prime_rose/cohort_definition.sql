-- map cohort_definition

-- map
CREATE TABLE work.cohort_definition AS
WITH
-- the columns of dsp.cohort_allocation that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.cohort_name AS cohort_name,
        i.trial AS trial
    FROM dsp.cohort_allocation AS i
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
        trial || chr(31) || cohort_name AS _key,
        cohort_name AS cohort_definition_name,
        nullif(coalesce('Cohort of the trial ', '') || coalesce('DRUP', '') || coalesce(', as the trial named it and allocated to it; from start to end of treatment', ''), '') AS cohort_definition_description,
        '0' AS "definition_type_concept_id.raw",
        '0' AS "subject_concept_id.raw"
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
        cohort_definition_name,
        cohort_definition_description,
        "definition_type_concept_id.raw",
        o_whole(o_num("definition_type_concept_id.raw")) AS definition_type_concept_id,
        "subject_concept_id.raw",
        o_whole(o_num("subject_concept_id.raw")) AS subject_concept_id
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
judged AS (
    SELECT
        resolved.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN _key IS NULL THEN 1
            WHEN cohort_definition_name IS NULL THEN 2
            WHEN "definition_type_concept_id.raw" IS NOT NULL AND definition_type_concept_id IS NULL THEN 3
            WHEN definition_type_concept_id IS NULL THEN 4
            WHEN "subject_concept_id.raw" IS NOT NULL AND subject_concept_id IS NULL THEN 5
            WHEN subject_concept_id IS NULL THEN 6
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND length(cohort_definition_name) > 255 THEN 1 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id(_key) AS _hash
    FROM resolved
),
-- the status of each row; the first of a group is written
final AS (
    SELECT
        judged.*,
        CASE WHEN _left_out IS NOT NULL THEN 'filtered' WHEN _reject > 0 THEN 'rejected' ELSE 'used' END AS _status,
        row_number() OVER (PARTITION BY _hash, _target, (_left_out IS NULL AND _reject = 0) ORDER BY _file, _row, _n) = 1 AS _first,
        _hash AS _id_hash
    FROM judged
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
    cohort_definition_name,
    cohort_definition_description,
    definition_type_concept_id,
    subject_concept_id
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
FROM work.cohort_definition AS step;

-- ids cdm.cohort_definition
INSERT INTO register.cohort_definition (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.cohort_definition AS step
    WHERE step._status = 'used' AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.cohort_definition AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.cohort_definition) AS last;

-- write cdm.cohort_definition
INSERT INTO cdm.cohort_definition (
    cohort_definition_id,
    cohort_definition_name,
    cohort_definition_description,
    definition_type_concept_id,
    subject_concept_id
)
SELECT
    ids.id AS cohort_definition_id,
    substr(cohort_definition_name, 1, 255) AS cohort_definition_name,
    cohort_definition_description AS cohort_definition_description,
    coalesce(definition_type_concept_id, 0) AS definition_type_concept_id,
    coalesce(subject_concept_id, 0) AS subject_concept_id
FROM work.cohort_definition AS step
JOIN register.cohort_definition AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- referenced cdm.cohort_definition
INSERT INTO work."ids of cohort_definition" (hash, id)
SELECT ids.hash, ids.id
FROM work.cohort_definition AS step
JOIN register.cohort_definition AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.cohort_definition
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'cohort_definition', ids.id, 'cohort_definition', step._file, step._row, NULL, step._n, step._of
FROM work.cohort_definition AS step
JOIN register.cohort_definition AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'cohort_definition', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.cohort_definition AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'cohort_definition', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.cohort_definition AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'cohort_definition_name', 'missing'),
    (3, 'definition_type_concept_id', 'not a whole number'),
    (4, 'definition_type_concept_id', 'missing'),
    (5, 'subject_concept_id', 'not a whole number'),
    (6, 'subject_concept_id', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'cohort_definition', why.field, why.reason, file.file, file.sheet, step._row
FROM work.cohort_definition AS step
JOIN (VALUES
    (1, 'cohort_definition_name', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';
