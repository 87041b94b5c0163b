-- map care_site

-- map
CREATE TABLE work.care_site AS
WITH
-- the columns of dsp.subject that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.site AS site,
        i.trial AS trial
    FROM dsp.subject AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(site IS NOT NULL, FALSE) THEN 'has_site'
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
        trial || chr(31) || site AS _key,
        o_id(trial) AS "location.hash",
        site AS care_site_name,
        site AS care_site_source_value,
        '0' AS "place_of_service_concept_id.raw"
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
        "location.hash",
        care_site_name,
        care_site_source_value,
        "place_of_service_concept_id.raw",
        o_whole(o_num("place_of_service_concept_id.raw")) AS place_of_service_concept_id
    FROM raw
),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "location ref".id AS location,
        1 AS _target
    FROM typed
    LEFT JOIN work."ids of location" AS "location ref" ON "location ref".hash = typed."location.hash"
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
        CASE WHEN _left_out IS NULL AND "location.hash" IS NOT NULL AND location IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(care_site_name) > 255 THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(care_site_source_value) > 50 THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "place_of_service_concept_id.raw" IS NOT NULL AND place_of_service_concept_id IS NULL THEN 8 ELSE 0 END AS _issues,
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
    care_site_name,
    care_site_source_value,
    place_of_service_concept_id,
    location
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
FROM work.care_site AS step;

-- ids cdm.care_site
INSERT INTO register.care_site (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.care_site AS step
    WHERE step._status = 'used' AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.care_site AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.care_site) AS last;

-- write cdm.care_site
INSERT INTO cdm.care_site (
    care_site_id,
    care_site_name,
    place_of_service_concept_id,
    location_id,
    care_site_source_value
)
SELECT
    ids.id AS care_site_id,
    substr(care_site_name, 1, 255) AS care_site_name,
    place_of_service_concept_id AS place_of_service_concept_id,
    location AS location_id,
    substr(care_site_source_value, 1, 50) AS care_site_source_value
FROM work.care_site AS step
JOIN register.care_site AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- referenced cdm.care_site
INSERT INTO work."ids of care_site" (hash, id)
SELECT ids.hash, ids.id
FROM work.care_site AS step
JOIN register.care_site AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.care_site
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'care_site', ids.id, 'care_site', step._file, step._row, NULL, step._n, step._of
FROM work.care_site AS step
JOIN register.care_site AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'care_site', filter.name, count(step._left_out)
FROM (VALUES ('has_site')) AS filter(name)
LEFT JOIN work.care_site AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'care_site', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.care_site AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'care_site', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.care_site AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'care_site', why.field, why.reason, file.file, file.sheet, step._row
FROM work.care_site AS step
JOIN (VALUES
    (1, 'location', 'not found'),
    (2, 'care_site_name', 'cut to its length'),
    (4, 'care_site_source_value', 'cut to its length'),
    (8, 'place_of_service_concept_id', 'not a whole number')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';
