-- map cycle_episode

-- map
CREATE TABLE work.cycle_episode AS
WITH
-- the columns of dsp.treatment_cycle that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.cycle_number AS cycle_number,
        i.end_date AS end_date,
        i.received AS received,
        i.start_date AS start_date,
        i.subject_id AS subject_id,
        i.trial AS trial
    FROM dsp.treatment_cycle AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(received, FALSE) THEN 'received'
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
        trial || chr(31) || subject_id || chr(31) || CAST(cycle_number AS varchar) AS _key,
        o_id(trial || chr(31) || subject_id) AS "person.hash",
        o_id('regimen_episode' || chr(31) || trial || chr(31) || subject_id) AS "parent.hash",
        min(start_date) OVER (PARTITION BY trial, subject_id, cycle_number, (_left_out IS NULL)) AS start,
        max(end_date) OVER (PARTITION BY trial, subject_id, cycle_number, (_left_out IS NULL)) AS "end",
        nullif(coalesce('cycle ', '') || coalesce(CAST(cycle_number AS varchar), ''), '') AS source,
        cycle_number AS episode_number
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
        "person.hash",
        "parent.hash",
        start,
        "end",
        source,
        episode_number
    FROM raw
),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        "parent row".id AS parent,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif(o_concept(32532), 0), 0) AS concept,
        o_domain(32532) AS "concept.domain",
        1 AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN work."regimen_episode parents" AS "parent row" ON "parent row".hash = typed."parent.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
),
-- what is wrong with each row
judged AS (
    SELECT
        resolved.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN _key IS NULL THEN 1
            WHEN "person.hash" IS NULL THEN 2
            WHEN "person.hash" IS NOT NULL AND person IS NULL THEN 3
            WHEN start IS NULL THEN 4
            WHEN "start.before_birth" THEN 5
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "parent.hash" IS NOT NULL AND parent IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end" < "start.after_birth" THEN 4 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('cycle_episode' || chr(31) || _key) AS _hash
    FROM resolved
),
-- the status of each row; the first of a group is written
final AS (
    SELECT
        judged.*,
        CASE WHEN _left_out IS NOT NULL THEN 'filtered' WHEN _reject > 0 THEN 'rejected' ELSE 'used' END AS _status,
        row_number() OVER (PARTITION BY _hash, _target, (_left_out IS NULL AND _reject = 0) ORDER BY _file, _row, _n) = 1 AS _first,
        CASE WHEN _target = 1 THEN _hash ELSE o_id(CAST(_hash AS varchar) || chr(31) || CAST(_target AS varchar)) END AS _id_hash
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
    start,
    "end",
    source,
    episode_number,
    person,
    parent,
    born,
    "start.after_birth",
    "start.before_birth",
    concept,
    "concept.domain",
    type
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
    count(*) FILTER (WHERE _left_out IS NULL AND ((o_concept(32532) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE))))
FROM work.cycle_episode AS step;

-- ids cdm.episode
INSERT INTO register.episode (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.cycle_episode AS step
    WHERE step._status = 'used' AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.episode AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.episode) AS last;

-- write cdm.episode
INSERT INTO cdm.episode (
    episode_id,
    person_id,
    episode_concept_id,
    episode_start_date,
    episode_end_date,
    episode_parent_id,
    episode_number,
    episode_object_concept_id,
    episode_type_concept_id,
    episode_source_value
)
SELECT
    ids.id AS episode_id,
    person AS person_id,
    coalesce(concept, 0) AS episode_concept_id,
    "start.after_birth" AS episode_start_date,
    CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END AS episode_end_date,
    parent AS episode_parent_id,
    episode_number AS episode_number,
    coalesce(0, 0) AS episode_object_concept_id,
    coalesce(type, 0) AS episode_type_concept_id,
    substr(source, 1, 50) AS episode_source_value
FROM work.cycle_episode AS step
JOIN register.episode AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.episode
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'episode', ids.id, 'cycle_episode', step._file, step._row, NULL, step._n, step._of
FROM work.cycle_episode AS step
JOIN register.episode AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- parents
CREATE TABLE work."cycle_episode parents" AS
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(756290), 0) AS field_concept_id,
    nullif(o_concept(32527), 0) AS domain_concept_id
FROM work.cycle_episode AS step
JOIN register.episode AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1;

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'cycle_episode', filter.name, count(step._left_out)
FROM (VALUES ('received')) AS filter(name)
LEFT JOIN work.cycle_episode AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'cycle_episode', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.cycle_episode AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'cycle_episode', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.cycle_episode AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'person', 'missing'),
    (3, 'person', 'not found'),
    (4, 'start', 'missing'),
    (5, 'start', 'before birth')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'cycle_episode', why.field, why.reason, file.file, file.sheet, step._row
FROM work.cycle_episode AS step
JOIN (VALUES
    (1, 'parent', 'not found'),
    (2, 'start', 'moved to the day of birth'),
    (4, 'end', 'before the start')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'cycle_episode', 'concept', '32532 Treatment Cycle', count(*)
FROM work.cycle_episode
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32532) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)
GROUP BY '32532 Treatment Cycle'
UNION ALL
SELECT 'cycle_episode', 'type', '32809 Case Report Form', count(*)
FROM work.cycle_episode
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form';
