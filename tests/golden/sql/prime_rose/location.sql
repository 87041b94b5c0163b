-- map location

-- map
CREATE TABLE work.location AS
WITH
-- the columns of dsp.subject that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.trial AS trial
    FROM dsp.subject AS i
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
        trial AS _key,
        'NL' AS location_source_value,
        'NL' AS country_source_value,
        '0' AS "country_concept_id.raw"
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
        location_source_value,
        country_source_value,
        "country_concept_id.raw",
        o_whole(o_num("country_concept_id.raw")) AS country_concept_id
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
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "country_concept_id.raw" IS NOT NULL AND country_concept_id IS NULL THEN 1 ELSE 0 END AS _issues,
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
    location_source_value,
    country_source_value,
    country_concept_id
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
FROM work.location AS step;

-- ids cdm.location
INSERT INTO register.location (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.location AS step
    WHERE step._status = 'used' AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.location AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.location) AS last;

-- write cdm.location
INSERT INTO cdm.location (
    location_id,
    location_source_value,
    country_concept_id,
    country_source_value
)
SELECT
    ids.id AS location_id,
    substr(location_source_value, 1, 50) AS location_source_value,
    country_concept_id AS country_concept_id,
    substr(country_source_value, 1, 80) AS country_source_value
FROM work.location AS step
JOIN register.location AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- referenced cdm.location
INSERT INTO work."ids of location" (hash, id)
SELECT ids.hash, ids.id
FROM work.location AS step
JOIN register.location AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.location
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'location', ids.id, 'location', step._file, step._row, NULL, step._n, step._of
FROM work.location AS step
JOIN register.location AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'location', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.location AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'location', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.location AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'location', why.field, why.reason, file.file, file.sheet, step._row
FROM work.location AS step
JOIN (VALUES
    (1, 'country_concept_id', 'not a whole number')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';
