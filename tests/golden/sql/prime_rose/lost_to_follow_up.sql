-- map lost_to_follow_up

-- map
CREATE TABLE work.lost_to_follow_up AS
WITH
-- dsp.follow_up, for the join 'later'
join_later AS (
    SELECT
        _file,
        _row,
        "trial" AS key1,
        subject_id AS key2,
        last_known_alive,
        row_number() OVER (PARTITION BY "trial", subject_id ORDER BY last_known_alive DESC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM dsp.follow_up
    WHERE status = 'alive'
),
-- the columns of dsp.follow_up that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.last_known_alive AS last_known_alive,
        i.status AS status,
        i.subject_id AS subject_id,
        i.trial AS trial,
        later.last_known_alive AS "later.last_known_alive"
    FROM dsp.follow_up AS i
    LEFT JOIN join_later AS later ON later.key1 = i.trial AND later.key2 = i.subject_id AND later._nth = 1
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(status = 'lost to follow-up', FALSE) THEN 'lost'
            WHEN NOT coalesce("later.last_known_alive" IS NULL OR last_known_alive IS NULL OR "later.last_known_alive" <= last_known_alive, FALSE) THEN 'not_seen_again'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY trial, subject_id, (_filter IS NULL) ORDER BY last_known_alive DESC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank
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
        trial || chr(31) || subject_id AS _key,
        o_id(trial || chr(31) || subject_id) AS "person.hash",
        last_known_alive AS start,
        status AS source
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
        "person.hash",
        start,
        source
    FROM raw
),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif(o_concept(4163894), 0), 0) AS concept,
        o_domain(4163894) AS "concept.domain",
        1 AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
),
-- what is wrong with each row
judged AS MATERIALIZED (
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
        CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 1 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('lost_to_follow_up' || chr(31) || _key) AS _hash,
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
        coalesce(CAST("person.hash" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST(source AS varchar), '') AS _content
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
        CASE WHEN _target = 1 THEN _hash ELSE o_id(CAST(_hash AS varchar) || chr(31) || CAST(_target AS varchar)) END AS _id_hash
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
    start,
    source,
    person,
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
    count(*) FILTER (WHERE _left_out IS NULL AND ((o_concept(4163894) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE))))
FROM work.lost_to_follow_up AS step;

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.lost_to_follow_up AS step
    WHERE step._status = 'used' AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.observation) AS last;

-- write cdm.observation
INSERT INTO cdm.observation (
    observation_id,
    person_id,
    observation_concept_id,
    observation_date,
    observation_type_concept_id,
    observation_source_value
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce(concept, 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr(source, 1, 50) AS observation_source_value
FROM work.lost_to_follow_up AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'lost_to_follow_up', step._file, step._row, NULL, step._n, step._of
FROM work.lost_to_follow_up AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'lost_to_follow_up', filter.name, count(step._left_out)
FROM (VALUES ('lost'), ('not_seen_again'), ('keep')) AS filter(name)
LEFT JOIN work.lost_to_follow_up AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'lost_to_follow_up', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.lost_to_follow_up AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'lost_to_follow_up', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.lost_to_follow_up AS step
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
SELECT 'lost_to_follow_up', why.field, why.reason, file.file, file.sheet, step._row
FROM work.lost_to_follow_up AS step
JOIN (VALUES
    (1, 'start', 'moved to the day of birth')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'lost_to_follow_up', 'concept', '4163894 Lost to follow-up', count(*)
FROM work.lost_to_follow_up
WHERE _left_out IS NULL AND _target = 1 AND o_concept(4163894) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)
GROUP BY '4163894 Lost to follow-up'
UNION ALL
SELECT 'lost_to_follow_up', 'type', '32809 Case Report Form', count(*)
FROM work.lost_to_follow_up
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form';
