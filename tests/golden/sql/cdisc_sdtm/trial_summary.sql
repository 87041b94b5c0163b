-- map trial_summary

-- map
CREATE TABLE work.trial_summary AS
WITH
-- the columns of ts that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."TSPARM" AS "TSPARM",
        i."TSPARMCD" AS "TSPARMCD",
        i."TSSEQ" AS "TSSEQ",
        i."TSVAL" AS "TSVAL"
    FROM source.ts AS i
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
        "TSPARMCD" || chr(31) || o_plain(o_num("TSSEQ")) AS _key,
        "TSPARM" AS name,
        "TSVAL" AS value_as_string
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
        name,
        value_as_string
    FROM raw
),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        coalesce(nullif(o_concept(32809), 0), 0) AS metadata_type,
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
            WHEN name IS NULL THEN 2
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND length(name) > 250 THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(value_as_string) > 250 THEN 2 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('trial_summary' || chr(31) || _key) AS _hash,
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
        coalesce(CAST(name AS varchar), '')
            || chr(31) || coalesce(CAST(value_as_string AS varchar), '') AS _content
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
    name,
    value_as_string,
    metadata_type
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
    count(*) FILTER (WHERE _left_out IS NULL AND ((o_concept(32809) = 0 AND coalesce(metadata_type, 0) = 0 AND (TRUE))))
FROM work.trial_summary AS step;

-- ids cdm.metadata
INSERT INTO register.metadata (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.trial_summary AS step
    WHERE step._status = 'used' AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.metadata AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.metadata) AS last;

-- write cdm.metadata
INSERT INTO cdm.metadata (
    metadata_id,
    metadata_concept_id,
    metadata_type_concept_id,
    name,
    value_as_string
)
SELECT
    ids.id AS metadata_id,
    coalesce(0, 0) AS metadata_concept_id,
    coalesce(metadata_type, 0) AS metadata_type_concept_id,
    substr(name, 1, 250) AS name,
    substr(value_as_string, 1, 250) AS value_as_string
FROM work.trial_summary AS step
JOIN register.metadata AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.metadata
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'metadata', ids.id, 'trial_summary', step._file, step._row, NULL, step._n, step._of
FROM work.trial_summary AS step
JOIN register.metadata AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'trial_summary', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.trial_summary AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'trial_summary', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.trial_summary AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'name', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'trial_summary', why.field, why.reason, file.file, file.sheet, step._row
FROM work.trial_summary AS step
JOIN (VALUES
    (1, 'name', 'cut to its length'),
    (2, 'value_as_string', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'trial_summary', 'metadata_type', '32809 Case Report Form', count(*)
FROM work.trial_summary
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(metadata_type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form';
