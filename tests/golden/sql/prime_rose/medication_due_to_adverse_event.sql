-- map medication_due_to_adverse_event

-- map
CREATE TABLE work.medication_due_to_adverse_event AS
WITH
-- the columns of dsp.medication_adverse_event that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.adverse_event_id AS adverse_event_id,
        i.medication_id AS medication_id,
        i.subject_id AS subject_id,
        i.trial AS trial
    FROM dsp.medication_adverse_event AS i
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
        trial || chr(31) || subject_id || chr(31) || medication_id || chr(31) || adverse_event_id AS _key,
        o_id('concomitant_medication' || chr(31) || trial || chr(31) || subject_id || chr(31) || medication_id) AS "fact_1.hash",
        o_id('adverse_event' || chr(31) || trial || chr(31) || subject_id || chr(31) || adverse_event_id) AS "fact_2.hash"
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
        "fact_1.hash",
        "fact_2.hash"
    FROM raw
),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "fact_1 row".id AS fact_1,
        "fact_1 row".domain_concept_id AS "fact_1.domain",
        "fact_2 row".id AS fact_2,
        "fact_2 row".domain_concept_id AS "fact_2.domain",
        coalesce(nullif(o_concept(44818780), 0), 0) AS relationship,
        1 AS _target
    FROM typed
    LEFT JOIN work."concomitant_medication parents" AS "fact_1 row" ON "fact_1 row".hash = typed."fact_1.hash"
    LEFT JOIN work."adverse_event parents" AS "fact_2 row" ON "fact_2 row".hash = typed."fact_2.hash"
),
-- what is wrong with each row
judged AS MATERIALIZED (
    SELECT
        resolved.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN _key IS NULL THEN 1
            WHEN "fact_1.hash" IS NULL THEN 2
            WHEN "fact_1.hash" IS NOT NULL AND fact_1 IS NULL THEN 3
            WHEN "fact_2.hash" IS NULL THEN 4
            WHEN "fact_2.hash" IS NOT NULL AND fact_2 IS NULL THEN 5
            ELSE 0
        END AS _reject,
        0 AS _issues,
        0 AS _imputed,
        o_id('medication_due_to_adverse_event' || chr(31) || _key) AS _hash,
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
        coalesce(CAST("fact_1.hash" AS varchar), '')
            || chr(31) || coalesce(CAST("fact_2.hash" AS varchar), '') AS _content
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
    fact_1,
    "fact_1.domain",
    fact_2,
    "fact_2.domain",
    relationship
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
    count(*) FILTER (WHERE _left_out IS NULL AND ((o_concept(44818780) = 0 AND coalesce(relationship, 0) = 0 AND (TRUE))))
FROM work.medication_due_to_adverse_event AS step;

-- write cdm.fact_relationship
INSERT INTO cdm.fact_relationship (
    domain_concept_id_1,
    fact_id_1,
    domain_concept_id_2,
    fact_id_2,
    relationship_concept_id
)
SELECT
    coalesce("fact_1.domain", 0) AS domain_concept_id_1,
    fact_1 AS fact_id_1,
    coalesce("fact_2.domain", 0) AS domain_concept_id_2,
    fact_2 AS fact_id_2,
    coalesce(relationship, 0) AS relationship_concept_id
FROM work.medication_due_to_adverse_event AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins cdm.fact_relationship
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'fact_relationship', (SELECT count(*) FROM cdm.fact_relationship) - written.behind, 'medication_due_to_adverse_event', step._file, step._row, NULL, step._n, step._of
FROM work.medication_due_to_adverse_event AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.medication_due_to_adverse_event AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'medication_due_to_adverse_event', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.medication_due_to_adverse_event AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'medication_due_to_adverse_event', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.medication_due_to_adverse_event AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'fact_1', 'missing'),
    (3, 'fact_1', 'not found'),
    (4, 'fact_2', 'missing'),
    (5, 'fact_2', 'not found')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'medication_due_to_adverse_event', 'relationship', '44818780 Has due to (SNOMED)', count(*)
FROM work.medication_due_to_adverse_event
WHERE _left_out IS NULL AND _target = 1 AND o_concept(44818780) = 0 AND coalesce(relationship, 0) = 0 AND (TRUE)
GROUP BY '44818780 Has due to (SNOMED)';
