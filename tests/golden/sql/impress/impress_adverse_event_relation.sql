-- map impress_adverse_event_relation

-- map
CREATE TABLE work.impress_adverse_event_relation AS
WITH
-- dsp.adverse_event, for the join 'event'
join_event AS (
    SELECT
        _file,
        _row,
        subject_id AS key1,
        adverse_event_id AS key2
    FROM dsp.adverse_event
),
-- the columns of ae that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."AEREL1" AS "AEREL1",
        i."AEREL1CD" AS "AEREL1CD",
        i."AEREL2" AS "AEREL2",
        i."AEREL2CD" AS "AEREL2CD",
        i."AESPID" AS "AESPID",
        i."AETRT1" AS "AETRT1",
        i."AETRT2" AS "AETRT2",
        i."AETRTMM1" AS "AETRTMM1",
        i."AETRTMM2" AS "AETRTMM2",
        i."SAEEXP1" AS "SAEEXP1",
        i."SAEEXP1CD" AS "SAEEXP1CD",
        i."SAEEXP2" AS "SAEEXP2",
        i."SAEEXP2CD" AS "SAEEXP2CD",
        i."SAEREL1" AS "SAEREL1",
        i."SAEREL1CD" AS "SAEREL1CD",
        i."SAEREL2" AS "SAEREL2",
        i."SAEREL2CD" AS "SAEREL2CD",
        i."SubjectId" AS "SubjectId",
        event._row IS NULL AS "event missing"
    FROM source.ae AS i
    LEFT JOIN join_event AS event ON event.key1 = i."SubjectId" AND event.key2 = o_plain(o_num(i."AESPID"))
),
-- one row for each of 2 slots
shaped AS (
    SELECT
        input.*,
        each.n AS _n,
        each.name AS slot,
        CASE each.n WHEN 1 THEN input."AETRT1" WHEN 2 THEN input."AETRT2" END AS drug,
        CASE each.n WHEN 1 THEN input."AEREL1" WHEN 2 THEN input."AEREL2" END AS relation,
        CASE each.n WHEN 1 THEN input."AEREL1CD" WHEN 2 THEN input."AEREL2CD" END AS relation_code,
        CASE each.n WHEN 1 THEN input."SAEREL1" WHEN 2 THEN input."SAEREL2" END AS serious_relation,
        CASE each.n WHEN 1 THEN input."SAEREL1CD" WHEN 2 THEN input."SAEREL2CD" END AS serious_relation_code,
        CASE each.n WHEN 1 THEN input."SAEEXP1" WHEN 2 THEN input."SAEEXP2" END AS expected,
        CASE each.n WHEN 1 THEN input."SAEEXP1CD" WHEN 2 THEN input."SAEEXP2CD" END AS expected_code,
        CASE each.n WHEN 1 THEN input."AETRTMM1" WHEN 2 THEN input."AETRTMM2" END AS action
    FROM input
    CROSS JOIN (VALUES (1, '1'), (2, '2')) AS each(n, name)
),
-- which rows are left out, and why
filtered AS (
    SELECT
        shaped.*,
        CASE
            WHEN NOT coalesce("SubjectId" IN (SELECT subject FROM work."scope allocated"), FALSE) THEN 'allocated'
            WHEN NOT coalesce(drug IS NOT NULL OR relation IS NOT NULL OR relation_code IS NOT NULL OR serious_relation IS NOT NULL OR serious_relation_code IS NOT NULL OR expected IS NOT NULL OR expected_code IS NOT NULL OR action IS NOT NULL, FALSE) THEN 'empty_slot'
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
        "SubjectId" || chr(31) || o_plain(o_num("AESPID")) || chr(31) || slot AS _key,
        "SubjectId" AS subject_id,
        o_plain(o_num("AESPID")) AS adverse_event_id,
        slot AS "drug_number.raw",
        drug,
        coalesce(o_plain(o_num(relation_code)), relation) AS "relation.raw",
        coalesce(relation, relation_code) AS relation_recorded,
        coalesce(o_plain(o_num(serious_relation_code)), serious_relation) AS "serious_relation.raw",
        coalesce(serious_relation, serious_relation_code) AS serious_relation_recorded,
        coalesce(o_plain(o_num(expected_code)), expected) AS "expected.raw",
        action,
        "event missing"
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
        adverse_event_id,
        "drug_number.raw",
        o_whole(o_num("drug_number.raw")) AS drug_number,
        drug,
        "relation.raw",
        CASE o_fold("relation.raw") WHEN '1' THEN 'not related' WHEN 'not related' THEN 'not related' WHEN '2' THEN 'unknown' WHEN 'unlikely' THEN 'unknown' WHEN '3' THEN 'unknown' WHEN 'possibly' THEN 'unknown' WHEN '4' THEN 'related' WHEN 'related' THEN 'related' END AS relation,
        relation_recorded,
        "serious_relation.raw",
        CASE o_fold("serious_relation.raw") WHEN '1' THEN 'not related' WHEN 'not related' THEN 'not related' WHEN '2' THEN 'unknown' WHEN 'unlikely' THEN 'unknown' WHEN '3' THEN 'unknown' WHEN 'possibly' THEN 'unknown' WHEN '4' THEN 'related' WHEN 'related' THEN 'related' END AS serious_relation,
        serious_relation_recorded,
        "expected.raw",
        CASE o_fold("expected.raw") WHEN '1' THEN TRUE WHEN 'expected' THEN TRUE WHEN '2' THEN FALSE WHEN 'not expected' THEN FALSE END AS expected,
        action,
        "event missing"
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
            WHEN "event missing" THEN 1
            WHEN _key IS NULL THEN 2
            WHEN subject_id IS NULL THEN 3
            WHEN adverse_event_id IS NULL THEN 4
            WHEN "drug_number.raw" IS NOT NULL AND drug_number IS NULL THEN 5
            WHEN drug_number IS NULL THEN 6
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "relation.raw" IS NOT NULL AND relation IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "serious_relation.raw" IS NOT NULL AND serious_relation IS NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "expected.raw" IS NOT NULL AND expected IS NULL THEN 4 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(adverse_event_id AS varchar), '')
            || chr(31) || coalesce(CAST(drug_number AS varchar), '')
            || chr(31) || coalesce(CAST(drug AS varchar), '')
            || chr(31) || coalesce(CAST(relation AS varchar), '')
            || chr(31) || coalesce(CAST(relation_recorded AS varchar), '')
            || chr(31) || coalesce(CAST(serious_relation AS varchar), '')
            || chr(31) || coalesce(CAST(serious_relation_recorded AS varchar), '')
            || chr(31) || coalesce(CAST(expected AS varchar), '')
            || chr(31) || coalesce(CAST(action AS varchar), '')
            || chr(31) || coalesce(CAST("event missing" AS varchar), '') AS _content
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
    adverse_event_id,
    drug_number,
    drug,
    "relation.raw",
    relation,
    relation_recorded,
    "serious_relation.raw",
    serious_relation,
    serious_relation_recorded,
    "expected.raw",
    expected,
    action,
    "event missing"
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("relation.raw" IS NOT NULL AND relation IS NULL) OR ("serious_relation.raw" IS NOT NULL AND serious_relation IS NULL) OR ("expected.raw" IS NOT NULL AND expected IS NULL)))
FROM work.impress_adverse_event_relation AS step;

-- write dsp.adverse_event_relation
INSERT INTO dsp.adverse_event_relation (
    _file,
    _row,
    trial,
    subject_id,
    adverse_event_id,
    drug_number,
    drug,
    relation,
    relation_recorded,
    serious_relation,
    serious_relation_recorded,
    expected,
    action
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    adverse_event_id AS adverse_event_id,
    drug_number AS drug_number,
    drug AS drug,
    relation AS relation,
    relation_recorded AS relation_recorded,
    serious_relation AS serious_relation,
    serious_relation_recorded AS serious_relation_recorded,
    expected AS expected,
    action AS action
FROM work.impress_adverse_event_relation AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.adverse_event_relation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.adverse_event_relation', (SELECT count(*) FROM dsp.adverse_event_relation) - written.behind, 'impress_adverse_event_relation', step._file, step._row, NULL, step._n, step._of
FROM work.impress_adverse_event_relation AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_adverse_event_relation AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_adverse_event_relation', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('empty_slot')) AS filter(name)
LEFT JOIN work.impress_adverse_event_relation AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_adverse_event_relation', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_adverse_event_relation AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_adverse_event_relation', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_adverse_event_relation AS step
LEFT JOIN (VALUES
    (1, 'join event', 'no match'),
    (2, 'key', 'missing'),
    (3, 'subject_id', 'missing'),
    (4, 'adverse_event_id', 'missing'),
    (5, 'drug_number', 'not a whole number'),
    (6, 'drug_number', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'impress_adverse_event_relation', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_adverse_event_relation AS step
JOIN (VALUES
    (1, 'relation', 'not in the value map'),
    (2, 'serious_relation', 'not in the value map'),
    (4, 'expected', 'not in the value map')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'impress_adverse_event_relation', 'relation', "relation.raw", count(*)
FROM work.impress_adverse_event_relation
WHERE _left_out IS NULL AND _target = 1 AND "relation.raw" IS NOT NULL AND relation IS NULL
GROUP BY "relation.raw"
UNION ALL
SELECT 'impress_adverse_event_relation', 'serious_relation', "serious_relation.raw", count(*)
FROM work.impress_adverse_event_relation
WHERE _left_out IS NULL AND _target = 1 AND "serious_relation.raw" IS NOT NULL AND serious_relation IS NULL
GROUP BY "serious_relation.raw"
UNION ALL
SELECT 'impress_adverse_event_relation', 'expected', "expected.raw", count(*)
FROM work.impress_adverse_event_relation
WHERE _left_out IS NULL AND _target = 1 AND "expected.raw" IS NOT NULL AND expected IS NULL
GROUP BY "expected.raw";
