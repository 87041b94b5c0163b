-- map progression_episode_response

-- map
CREATE TABLE work.progression_episode_response AS
WITH
-- the columns of progression_episode.sql.jinja that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i.assessment_id AS assessment_id,
        i.criterion AS criterion,
        i.subject_id AS subject_id,
        i.trial AS trial
    FROM (
    SELECT _file, _row, CAST(trial AS varchar) AS trial, CAST(subject_id AS varchar) AS subject_id, CAST(criterion AS varchar) AS criterion, CAST(assessment_id AS varchar) AS assessment_id FROM (
-- The first progression of each subject under each set of criteria, with the day from which it counts.
WITH judged AS (
    SELECT
        _file,
        _row,
        trial,
        subject_id,
        criterion,
        assessment_id,
        date,
        response,
        progression_date,
        unconfirmed_progression_date,
        CASE
            WHEN response IN ('PD', 'iCPD', 'PMD') THEN 'progression'
            WHEN response = 'iUPD' THEN 'unconfirmed'
            WHEN response IN ('NE', 'iNE') OR response IS NULL THEN 'none'
            ELSE 'control'
        END AS class
    FROM dsp.tumour_assessment
),
-- A progression before treatment is why the patient entered the trial, not an outcome of it.
began AS (
    SELECT trial, subject_id, min(start_date) AS first_day FROM dsp.treatment GROUP BY trial, subject_id
),
ranked AS (
    SELECT judged.*, row_number() OVER (PARTITION BY judged.trial, judged.subject_id, criterion ORDER BY date, judged._file, judged._row) AS place
    FROM judged
    LEFT JOIN began ON began.trial = judged.trial AND began.subject_id = judged.subject_id
    WHERE class = 'progression' AND (began.first_day IS NULL OR judged.date >= began.first_day)
),
-- iRECIST dates a confirmed progression by the first unconfirmed one since the disease was last under control.
controlled AS (
    SELECT first.trial, first.subject_id, first.criterion, max(control.date) AS last_day
    FROM ranked AS first
    JOIN judged AS control ON control.trial = first.trial AND control.subject_id = first.subject_id
        AND control.criterion = first.criterion AND control.class = 'control' AND control.date < first.date
    WHERE first.place = 1
    GROUP BY first.trial, first.subject_id, first.criterion
),
doubted AS (
    SELECT first.trial, first.subject_id, first.criterion, min(coalesce(doubt.unconfirmed_progression_date, doubt.date)) AS day
    FROM ranked AS first
    JOIN judged AS doubt ON doubt.trial = first.trial AND doubt.subject_id = first.subject_id
        AND doubt.criterion = first.criterion AND doubt.class = 'unconfirmed' AND doubt.date <= first.date
    LEFT JOIN controlled ON controlled.trial = first.trial AND controlled.subject_id = first.subject_id
        AND controlled.criterion = first.criterion
    WHERE first.place = 1 AND (controlled.last_day IS NULL OR doubt.date > controlled.last_day)
    GROUP BY first.trial, first.subject_id, first.criterion
)
SELECT
    ranked._file,
    ranked._row,
    ranked.trial,
    ranked.subject_id,
    ranked.criterion,
    ranked.assessment_id,
    ranked.response,
    coalesce(ranked.progression_date, ranked.unconfirmed_progression_date, doubted.day, ranked.date) AS start_date
FROM ranked
LEFT JOIN doubted ON doubted.trial = ranked.trial AND doubted.subject_id = ranked.subject_id
    AND doubted.criterion = ranked.criterion
WHERE ranked.place = 1
    ) AS handwritten) AS i
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
        trial || chr(31) || subject_id || chr(31) || criterion AS _key,
        o_id('tumour_response' || chr(31) || trial || chr(31) || subject_id || chr(31) || assessment_id || chr(31) || criterion) AS "event.hash",
        o_id('progression_episode' || chr(31) || trial || chr(31) || subject_id || chr(31) || criterion) AS "episode.hash"
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
    LEFT JOIN work."tumour_response parents" AS "event row" ON "event row".hash = typed."event.hash"
    LEFT JOIN work."progression_episode parents" AS "episode row" ON "episode row".hash = typed."episode.hash"
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
        o_id('progression_episode_response' || chr(31) || _key) AS _hash,
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
FROM work.progression_episode_response AS step;

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
FROM work.progression_episode_response AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins cdm.episode_event
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'episode_event', (SELECT count(*) FROM cdm.episode_event) - written.behind, 'progression_episode_response', step._file, step._row, NULL, step._n, step._of
FROM work.progression_episode_response AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.progression_episode_response AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'progression_episode_response', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.progression_episode_response AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'progression_episode_response', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.progression_episode_response AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'event', 'missing'),
    (3, 'event', 'not found'),
    (4, 'episode', 'missing'),
    (5, 'episode', 'not found')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;
