-- map cohort

-- map
CREATE TABLE work.cohort AS
WITH
-- the columns of cohort.sql.jinja that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i.cohort_name AS cohort_name,
        i.end_date AS end_date,
        i.start_date AS start_date,
        i.subject_id AS subject_id,
        i.trial AS trial
    FROM (
    SELECT _file, _row, CAST(trial AS varchar) AS trial, CAST(subject_id AS varchar) AS subject_id, CAST(cohort_name AS varchar) AS cohort_name, o_date(CAST(start_date AS varchar), '%Y-%m-%d') AS start_date, o_date(CAST(end_date AS varchar), '%Y-%m-%d') AS end_date FROM (
-- One row for each subject and cohort, with the first and last day of treatment in that cohort.
-- A subject who is allocated again belongs to a cohort from its allocation until the next one; the first cohort takes earlier days, too.
WITH allocation AS (
    SELECT
        min(_file) AS _file,
        min(_row) AS _row,
        trial,
        subject_id,
        cohort_name,
        min(allocation_date) AS allocation_date
    FROM dsp.cohort_allocation
    GROUP BY trial, subject_id, cohort_name
),
stay AS (
    SELECT
        *,
        row_number() OVER turn = 1 AS is_first,
        lead(allocation_date) OVER turn AS next_allocation
    FROM allocation
    WINDOW turn AS (PARTITION BY trial, subject_id ORDER BY allocation_date, _file, _row)
),
cycle AS (
    SELECT trial, subject_id, start_date AS first_day, coalesce(end_date, start_date) AS last_day
    FROM dsp.treatment_cycle
    WHERE received
),
treated AS (
    SELECT * FROM cycle
    UNION ALL
    -- a trial without cycles: while treatment goes on, to the last contact
    SELECT given.trial, given.subject_id, given.start_date, coalesce(given.end_date, seen.end_date, given.start_date)
    FROM dsp.treatment AS given
    LEFT JOIN dsp.observation_window AS seen ON seen.trial = given.trial AND seen.subject_id = given.subject_id
    WHERE NOT EXISTS (SELECT 1 FROM cycle WHERE cycle.trial = given.trial AND cycle.subject_id = given.subject_id)
),
spell AS (
    SELECT
        stay.trial,
        stay.subject_id,
        stay.cohort_name,
        min(treated.first_day) AS first_day,
        max(treated.last_day) AS last_day
    FROM stay
    JOIN treated ON treated.trial = stay.trial AND treated.subject_id = stay.subject_id
        AND (stay.is_first OR treated.first_day >= stay.allocation_date)
        AND (stay.next_allocation IS NULL OR treated.first_day < stay.next_allocation)
    GROUP BY stay.trial, stay.subject_id, stay.cohort_name
),
whole AS (
    SELECT trial, subject_id, max(end_date) AS end_date FROM dsp.treatment GROUP BY trial, subject_id
)
SELECT
    stay._file,
    stay._row,
    stay.trial,
    stay.subject_id,
    stay.cohort_name,
    spell.first_day AS start_date,
    CASE
        WHEN stay.next_allocation IS NOT NULL THEN least(spell.last_day, o_add(stay.next_allocation, -1))
        ELSE coalesce(whole.end_date, spell.last_day)
    END AS end_date
FROM stay
LEFT JOIN spell ON spell.trial = stay.trial AND spell.subject_id = stay.subject_id AND spell.cohort_name = stay.cohort_name
LEFT JOIN whole ON whole.trial = stay.trial AND whole.subject_id = stay.subject_id
    ) AS handwritten) AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(start_date IS NOT NULL, FALSE) THEN 'treated'
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
        trial || chr(31) || subject_id || chr(31) || cohort_name AS _key,
        o_id(trial || chr(31) || subject_id) AS "person.hash",
        o_id(trial || chr(31) || cohort_name) AS "cohort.hash",
        start_date AS start,
        end_date AS "end"
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
        "cohort.hash",
        start,
        "end"
    FROM raw
),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        "cohort ref".id AS cohort,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        1 AS _target
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN work."ids of cohort_definition" AS "cohort ref" ON "cohort ref".hash = typed."cohort.hash"
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
            WHEN "cohort.hash" IS NULL THEN 4
            WHEN "cohort.hash" IS NOT NULL AND cohort IS NULL THEN 5
            WHEN start IS NULL THEN 6
            WHEN "start.before_birth" THEN 7
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end" < "start.after_birth" THEN 2 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END IS NULL AND "start.after_birth" IS NOT NULL THEN 1 ELSE 0 END AS _imputed,
        o_id('cohort' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("cohort.hash" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST("end" AS varchar), '') AS _content
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
    start,
    "end",
    person,
    cohort,
    born,
    "start.after_birth",
    "start.before_birth"
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
    count(*) FILTER (WHERE _imputed <> 0)
FROM work.cohort AS step;

-- write cdm.cohort
INSERT INTO cdm.cohort (
    cohort_definition_id,
    subject_id,
    cohort_start_date,
    cohort_end_date
)
SELECT
    cohort AS cohort_definition_id,
    person AS subject_id,
    "start.after_birth" AS cohort_start_date,
    coalesce(CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END, "start.after_birth") AS cohort_end_date
FROM work.cohort AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins cdm.cohort
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'cohort', (SELECT count(*) FROM cdm.cohort) - written.behind, 'cohort', step._file, step._row, NULL, step._n, step._of
FROM work.cohort AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.cohort AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'cohort', filter.name, count(step._left_out)
FROM (VALUES ('treated')) AS filter(name)
LEFT JOIN work.cohort AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'cohort', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.cohort AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'cohort', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.cohort AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'person', 'missing'),
    (3, 'person', 'not found'),
    (4, 'cohort', 'missing'),
    (5, 'cohort', 'not found'),
    (6, 'start', 'missing'),
    (7, 'start', 'before birth')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'cohort', why.field, why.reason, file.file, file.sheet, step._row
FROM work.cohort AS step
JOIN (VALUES
    (1, 'start', 'moved to the day of birth'),
    (2, 'end', 'before the start')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'cohort', why.field, why.reason, file.file, file.sheet, step._row
FROM work.cohort AS step
JOIN (VALUES
    (1, 'end', 'start')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';
