-- map impress_previous_treatment

-- map
CREATE TABLE work.impress_previous_treatment AS
WITH
-- the columns of ct that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."CTENDAT" AS "CTENDAT",
        i."CTSPID" AS "CTSPID",
        i."CTSTDAT" AS "CTSTDAT",
        i."CTTYPE" AS "CTTYPE",
        i."CTTYPECD" AS "CTTYPECD",
        i."CTTYPESP" AS "CTTYPESP",
        i."SubjectId" AS "SubjectId"
    FROM source.ct AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("SubjectId" IN (SELECT subject FROM work."scope allocated"), FALSE) THEN 'allocated'
            WHEN NOT coalesce("CTTYPE" IS NOT NULL OR "CTTYPECD" IS NOT NULL OR "CTTYPESP" IS NOT NULL OR "CTSTDAT" IS NOT NULL OR "CTENDAT" IS NOT NULL, FALSE) THEN 'has_treatment'
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
        "SubjectId" || chr(31) || o_plain(o_num("CTSPID")) AS _key,
        "SubjectId" AS subject_id,
        o_plain(o_num("CTSPID")) AS treatment_id,
        "CTSPID" AS "line.raw",
        coalesce("CTTYPE", "CTTYPECD" || ' (code)') AS "kind.raw",
        coalesce("CTTYPE", "CTTYPECD") AS kind_recorded,
        "CTTYPESP" AS specification,
        "CTSTDAT" AS "start_date.raw",
        "CTENDAT" AS "end_date.raw"
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
        treatment_id,
        "line.raw",
        o_whole(o_num("line.raw")) AS line,
        "kind.raw",
        CASE o_fold("kind.raw") WHEN 'chemotherapy' THEN 'chemotherapy' WHEN 'radiotherapy' THEN 'radiotherapy' WHEN 'surgery' THEN 'surgery' WHEN 'immunotherapy' THEN 'immunotherapy' WHEN 'other' THEN 'other' END AS kind,
        kind_recorded,
        specification,
        "start_date.raw",
        o_date("start_date.raw", '%Y-%m-%d') AS "start_date.full",
        "end_date.raw",
        o_date("end_date.raw", '%Y-%m-%d') AS "end_date.full"
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("start_date.full", o_impute("start_date.raw", '%Y-%m-%d', 'earliest')) AS start_date,
        coalesce("end_date.full", o_impute("end_date.raw", '%Y-%m-%d', 'latest')) AS end_date
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
            WHEN treatment_id IS NULL THEN 3
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "line.raw" IS NOT NULL AND line IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "kind.raw" IS NOT NULL AND kind IS NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "start_date.raw" IS NOT NULL AND start_date IS NULL THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end_date.raw" IS NOT NULL AND end_date IS NULL THEN 8 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "start_date.full" IS NULL AND start_date IS NOT NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end_date.full" IS NULL AND end_date IS NOT NULL THEN 2 ELSE 0 END AS _imputed,
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
            || chr(31) || coalesce(CAST(treatment_id AS varchar), '')
            || chr(31) || coalesce(CAST(line AS varchar), '')
            || chr(31) || coalesce(CAST(kind AS varchar), '')
            || chr(31) || coalesce(CAST(kind_recorded AS varchar), '')
            || chr(31) || coalesce(CAST(specification AS varchar), '')
            || chr(31) || coalesce(CAST(start_date AS varchar), '')
            || chr(31) || coalesce(CAST(end_date AS varchar), '') AS _content
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
    treatment_id,
    line,
    "kind.raw",
    kind,
    kind_recorded,
    specification,
    start_date,
    end_date
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("kind.raw" IS NOT NULL AND kind IS NULL)))
FROM work.impress_previous_treatment AS step;

-- write dsp.previous_treatment
INSERT INTO dsp.previous_treatment (
    _file,
    _row,
    trial,
    subject_id,
    treatment_id,
    line,
    kind,
    kind_recorded,
    specification,
    start_date,
    end_date
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    treatment_id AS treatment_id,
    line AS line,
    kind AS kind,
    kind_recorded AS kind_recorded,
    specification AS specification,
    start_date AS start_date,
    end_date AS end_date
FROM work.impress_previous_treatment AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.previous_treatment
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.previous_treatment', (SELECT count(*) FROM dsp.previous_treatment) - written.behind, 'impress_previous_treatment', step._file, step._row, NULL, step._n, step._of
FROM work.impress_previous_treatment AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_previous_treatment AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_previous_treatment', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('has_treatment')) AS filter(name)
LEFT JOIN work.impress_previous_treatment AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_previous_treatment', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_previous_treatment AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_previous_treatment', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_previous_treatment AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'treatment_id', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'impress_previous_treatment', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_previous_treatment AS step
JOIN (VALUES
    (1, 'line', 'not a whole number'),
    (2, 'kind', 'not in the value map'),
    (4, 'start_date', 'not a date'),
    (8, 'end_date', 'not a date')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'impress_previous_treatment', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_previous_treatment AS step
JOIN (VALUES
    (1, 'start_date', 'earliest'),
    (2, 'end_date', 'latest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'impress_previous_treatment', 'kind', "kind.raw", count(*)
FROM work.impress_previous_treatment
WHERE _left_out IS NULL AND _target = 1 AND "kind.raw" IS NOT NULL AND kind IS NULL
GROUP BY "kind.raw";
