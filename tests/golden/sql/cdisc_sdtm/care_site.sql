-- map care_site

-- map
CREATE TABLE work.care_site AS
WITH
-- the columns of dm that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."COUNTRY" AS "COUNTRY",
        i."SITEID" AS "SITEID"
    FROM source.dm AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("SITEID" IS NOT NULL, FALSE) THEN 'site'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "SITEID", (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _rank
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
        "SITEID" AS _key,
        o_id("COUNTRY") AS "location.hash",
        "SITEID" AS care_site_source_value
    FROM kept
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
        care_site_source_value
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
judged AS MATERIALIZED (
    SELECT
        resolved.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN _key IS NULL THEN 1
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "location.hash" IS NOT NULL AND location IS NULL THEN 1 ELSE 0 END AS _issues,
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
        coalesce(CAST("location.hash" AS varchar), '')
            || chr(31) || coalesce(CAST(care_site_source_value AS varchar), '') AS _content
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
    care_site_source_value,
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
    location_id,
    care_site_source_value
)
SELECT
    ids.id AS care_site_id,
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
FROM (VALUES ('site'), ('keep')) AS filter(name)
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
    (1, 'location', 'not found')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';
