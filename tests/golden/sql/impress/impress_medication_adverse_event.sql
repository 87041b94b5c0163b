-- map impress_medication_adverse_event

-- map
CREATE TABLE work.impress_medication_adverse_event AS
WITH
-- dsp.concomitant_medication, for the join 'medication'
join_medication AS (
    SELECT
        _file,
        _row,
        subject_id AS key1,
        medication_id AS key2,
        name AS key3
    FROM dsp.concomitant_medication
),
-- the columns of cm that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."CMAENO" AS "CMAENO",
        i."CMSPID" AS "CMSPID",
        i."SubjectId" AS "SubjectId",
        medication._row IS NULL AS "medication missing"
    FROM source.cm AS i
    LEFT JOIN join_medication AS medication ON medication.key1 = i."SubjectId" AND medication.key2 = o_plain(o_num(i."CMSPID")) AND medication.key3 = i."CMTRT"
),
-- one row for each piece of CMAENO
shaped AS (
    SELECT
        input.*,
        numbers.n AS _n,
        nullif(trim(o_part(input."CMAENO", ',', numbers.n)), '') AS "CMAENO piece",
        o_parts(input."CMAENO", ',') > 1000 AS "CMAENO too many"
    FROM input
    JOIN work.numbers AS numbers ON numbers.n <= o_parts(input."CMAENO", ',')
),
-- which rows are left out, and why
filtered AS (
    SELECT
        shaped.*,
        CASE
            WHEN NOT coalesce("SubjectId" IN (SELECT subject FROM work."scope allocated"), FALSE) THEN 'allocated'
            WHEN NOT coalesce("CMAENO piece" IS NOT NULL OR "CMAENO" IS NULL, FALSE) THEN 'empty_piece'
            WHEN NOT coalesce("CMAENO piece" IS NOT NULL, FALSE) THEN 'has_number'
        END AS _left_out
    FROM shaped
),
-- the expressions of the map
raw AS (
    SELECT
        _file,
        _row,
        _of,
        _n,
        _left_out,
        "SubjectId" || chr(31) || o_plain(o_num("CMSPID")) || chr(31) || "CMAENO piece" || chr(31) || CAST(_n AS varchar) AS _key,
        "SubjectId" AS subject_id,
        o_plain(o_num("CMSPID")) AS medication_id,
        o_plain(o_num("CMAENO piece")) AS adverse_event_id,
        "CMAENO too many",
        "medication missing"
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
        subject_id,
        medication_id,
        adverse_event_id,
        "CMAENO too many",
        "medication missing"
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
            WHEN "medication missing" THEN 1
            WHEN _key IS NULL THEN 2
            WHEN "CMAENO too many" THEN 3
            WHEN subject_id IS NULL THEN 4
            WHEN medication_id IS NULL THEN 5
            WHEN adverse_event_id IS NULL THEN 6
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
        coalesce(CAST(subject_id AS varchar), '')
            || chr(31) || coalesce(CAST(medication_id AS varchar), '')
            || chr(31) || coalesce(CAST(adverse_event_id AS varchar), '')
            || chr(31) || coalesce(CAST("CMAENO too many" AS varchar), '')
            || chr(31) || coalesce(CAST("medication missing" AS varchar), '') AS _content
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
    medication_id,
    adverse_event_id,
    "CMAENO too many",
    "medication missing"
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
FROM work.impress_medication_adverse_event AS step;

-- write dsp.medication_adverse_event
INSERT INTO dsp.medication_adverse_event (
    _file,
    _row,
    trial,
    subject_id,
    medication_id,
    adverse_event_id
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    medication_id AS medication_id,
    adverse_event_id AS adverse_event_id
FROM work.impress_medication_adverse_event AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.medication_adverse_event
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.medication_adverse_event', (SELECT count(*) FROM dsp.medication_adverse_event) - written.behind, 'impress_medication_adverse_event', step._file, step._row, NULL, step._n, step._of
FROM work.impress_medication_adverse_event AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_medication_adverse_event AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_medication_adverse_event', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('empty_piece'), ('has_number')) AS filter(name)
LEFT JOIN work.impress_medication_adverse_event AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_medication_adverse_event', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_medication_adverse_event AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_medication_adverse_event', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_medication_adverse_event AS step
LEFT JOIN (VALUES
    (1, 'join medication', 'no match'),
    (2, 'key', 'missing'),
    (3, 'CMAENO', 'more than 1000 pieces'),
    (4, 'subject_id', 'missing'),
    (5, 'medication_id', 'missing'),
    (6, 'adverse_event_id', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;
