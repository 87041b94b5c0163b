-- map location

-- map
CREATE TABLE work.location AS
WITH
-- the columns of dm that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."COUNTRY" AS "COUNTRY"
    FROM source.dm AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("COUNTRY" IS NOT NULL, FALSE) THEN 'country'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "COUNTRY", (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _rank
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
        "COUNTRY" AS _key,
        "COUNTRY" AS location_source_value,
        "COUNTRY" AS country_source_value
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
        location_source_value,
        country_source_value
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
            ELSE 0
        END AS _reject,
        0 AS _issues,
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
        coalesce(CAST(location_source_value AS varchar), '')
            || chr(31) || coalesce(CAST(country_source_value AS varchar), '') AS _content
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
    location_source_value,
    country_source_value
FROM final;

-- accounting
SELECT
    count(*) FILTER (WHERE _target = 1) AS rows_read,
    count(*) FILTER (WHERE _target = 1 AND _status = 'used') AS rows_used,
    count(*) FILTER (WHERE _target = 1 AND _status = 'filtered') AS rows_filtered,
    count(*) FILTER (WHERE _target = 1 AND _status = 'deduplicated') AS rows_deduplicated,
    count(*) FILTER (WHERE _target = 1 AND _status = 'rejected') AS rows_rejected,
    count(*) FILTER (WHERE _status = 'used'),
    count(*) FILTER (WHERE _target = 1 AND _status IN ('filtered', 'deduplicated'))
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
    country_source_value
)
SELECT
    ids.id AS location_id,
    substr(location_source_value, 1, 50) AS location_source_value,
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

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'location', filter.name, count(step._left_out)
FROM (VALUES ('country'), ('keep')) AS filter(name)
LEFT JOIN work.location AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

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
