-- map regimen_episode_whole_drug

-- map
CREATE TABLE work.regimen_episode_whole_drug AS
WITH
-- dsp.treatment_cycle, for the join 'cycle'
join_cycle AS (
    SELECT
        _file,
        _row,
        "trial" AS key1,
        subject_id AS key2,
        drug,
        row_number() OVER (PARTITION BY "trial", subject_id ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM dsp.treatment_cycle
),
-- dsp.treatment, for the join 'treatment'
join_treatment AS (
    SELECT
        _file,
        _row,
        "trial" AS key1,
        subject_id AS key2,
        start_date,
        row_number() OVER (PARTITION BY "trial", subject_id ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM dsp.treatment
),
-- the columns of dsp.study_drug that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.cohort_name AS cohort_name,
        i.drug_number AS drug_number,
        i.subject_id AS subject_id,
        i.trial AS trial,
        cycle.drug AS "cycle.drug",
        treatment.start_date AS "treatment.start_date"
    FROM dsp.study_drug AS i
    LEFT JOIN join_cycle AS cycle ON cycle.key1 = i.trial AND cycle.key2 = i.subject_id AND cycle._nth = 1
    LEFT JOIN join_treatment AS treatment ON treatment.key1 = i.trial AND treatment.key2 = i.subject_id AND treatment._nth = 1
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("cycle.drug" IS NULL, FALSE) THEN 'without_cycles'
            WHEN NOT coalesce("treatment.start_date" IS NOT NULL, FALSE) THEN 'treated'
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
        trial || chr(31) || subject_id || chr(31) || cohort_name || chr(31) || CAST(drug_number AS varchar) AS _key,
        o_id('study_drug_whole' || chr(31) || trial || chr(31) || subject_id || chr(31) || cohort_name || chr(31) || CAST(drug_number AS varchar)) AS "event.hash",
        o_id('regimen_episode' || chr(31) || trial || chr(31) || subject_id) AS "episode.hash"
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
        "event.hash",
        "episode.hash"
    FROM raw
),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "event row".id AS event,
        "event row".field_concept_id AS "event.field",
        "episode row".id AS episode,
        1 AS _target
    FROM typed
    LEFT JOIN work."study_drug_whole parents" AS "event row" ON "event row".hash = typed."event.hash"
    LEFT JOIN work."regimen_episode parents" AS "episode row" ON "episode row".hash = typed."episode.hash"
),
-- what is wrong with each row
judged AS MATERIALIZED (
    SELECT
        resolved.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN _key IS NULL THEN 1
            WHEN "event.hash" IS NULL THEN 2
            WHEN "event.hash" IS NOT NULL AND event IS NULL THEN 3
            WHEN "episode.hash" IS NULL THEN 4
            WHEN "episode.hash" IS NOT NULL AND episode IS NULL THEN 5
            ELSE 0
        END AS _reject,
        0 AS _issues,
        0 AS _imputed,
        o_id('regimen_episode_whole_drug' || chr(31) || _key) AS _hash,
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
        coalesce(CAST("event.hash" AS varchar), '')
            || chr(31) || coalesce(CAST("episode.hash" AS varchar), '') AS _content
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
    event,
    "event.field",
    episode
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
FROM work.regimen_episode_whole_drug AS step;

-- write cdm.episode_event
INSERT INTO cdm.episode_event (
    episode_id,
    event_id,
    episode_event_field_concept_id
)
SELECT
    episode AS episode_id,
    event AS event_id,
    coalesce("event.field", 0) AS episode_event_field_concept_id
FROM work.regimen_episode_whole_drug AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins cdm.episode_event
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'episode_event', (SELECT count(*) FROM cdm.episode_event) - written.behind, 'regimen_episode_whole_drug', step._file, step._row, NULL, step._n, step._of
FROM work.regimen_episode_whole_drug AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.regimen_episode_whole_drug AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'regimen_episode_whole_drug', filter.name, count(step._left_out)
FROM (VALUES ('without_cycles'), ('treated')) AS filter(name)
LEFT JOIN work.regimen_episode_whole_drug AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'regimen_episode_whole_drug', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.regimen_episode_whole_drug AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'regimen_episode_whole_drug', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.regimen_episode_whole_drug AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'event', 'missing'),
    (3, 'event', 'not found'),
    (4, 'episode', 'missing'),
    (5, 'episode', 'not found')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;
