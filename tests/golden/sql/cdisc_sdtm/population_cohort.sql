-- map population_cohort

-- map
CREATE TABLE work.population_cohort AS
WITH
-- the columns of suppdm that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."QLABEL" AS "QLABEL",
        i."QNAM" AS "QNAM",
        i."QVAL" AS "QVAL"
    FROM source.suppdm AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(upper("QVAL") = 'Y', FALSE) THEN 'flag'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "QNAM", (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _rank
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
        'POPULATION' || chr(31) || "QNAM" AS _key,
        nullif(coalesce('Population: ', '') || coalesce(coalesce("QLABEL", "QNAM"), ''), '') AS cohort_definition_name,
        nullif(coalesce('Subjects with ', '') || coalesce("QNAM", '') || coalesce(' = Y in suppdm', ''), '') AS cohort_definition_description
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
        cohort_definition_name,
        cohort_definition_description
    FROM raw
),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        coalesce(nullif(o_concept(0), 0), 0) AS definition_type,
        coalesce(nullif(o_concept(0), 0), 0) AS subject,
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
            WHEN cohort_definition_name IS NULL THEN 2
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND length(cohort_definition_name) > 255 THEN 1 ELSE 0 END AS _issues,
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
        coalesce(CAST(cohort_definition_name AS varchar), '')
            || chr(31) || coalesce(CAST(cohort_definition_description AS varchar), '') AS _content
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
    cohort_definition_name,
    cohort_definition_description,
    definition_type,
    subject
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
FROM work.population_cohort AS step;

-- ids cdm.cohort_definition
INSERT INTO register.cohort_definition (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.population_cohort AS step
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
    coalesce(definition_type, 0) AS definition_type_concept_id,
    coalesce(subject, 0) AS subject_concept_id
FROM work.population_cohort AS step
JOIN register.cohort_definition AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- referenced cdm.cohort_definition
INSERT INTO work."ids of cohort_definition" (hash, id)
SELECT ids.hash, ids.id
FROM work.population_cohort AS step
JOIN register.cohort_definition AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.cohort_definition
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'cohort_definition', ids.id, 'population_cohort', step._file, step._row, NULL, step._n, step._of
FROM work.population_cohort AS step
JOIN register.cohort_definition AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'population_cohort', filter.name, count(step._left_out)
FROM (VALUES ('flag'), ('keep')) AS filter(name)
LEFT JOIN work.population_cohort AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'population_cohort', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.population_cohort AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'population_cohort', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.population_cohort AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'cohort_definition_name', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'population_cohort', why.field, why.reason, file.file, file.sheet, step._row
FROM work.population_cohort AS step
JOIN (VALUES
    (1, 'cohort_definition_name', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';
