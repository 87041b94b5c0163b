-- map impress_quality_of_life_eq5d

-- map
CREATE TABLE work.impress_quality_of_life_eq5d AS
WITH
-- the columns of eq5d that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."EQ5D1" AS "EQ5D1",
        i."EQ5D1CD" AS "EQ5D1CD",
        i."EQ5D2" AS "EQ5D2",
        i."EQ5D2CD" AS "EQ5D2CD",
        i."EQ5D3" AS "EQ5D3",
        i."EQ5D3CD" AS "EQ5D3CD",
        i."EQ5D4" AS "EQ5D4",
        i."EQ5D4CD" AS "EQ5D4CD",
        i."EQ5D5" AS "EQ5D5",
        i."EQ5D5CD" AS "EQ5D5CD",
        i."EQ5DDAT" AS "EQ5DDAT",
        i."EventDate" AS "EventDate",
        i."EventName" AS "EventName",
        i."SubjectId" AS "SubjectId"
    FROM source.eq5d AS i
),
-- one row for each of 5 columns
shaped AS (
    SELECT
        input.*,
        each.n AS _n,
        each.name AS item,
        CASE each.n WHEN 1 THEN input."EQ5D1" WHEN 2 THEN input."EQ5D2" WHEN 3 THEN input."EQ5D3" WHEN 4 THEN input."EQ5D4" WHEN 5 THEN input."EQ5D5" END AS answer,
        CASE each.n WHEN 1 THEN input."EQ5D1CD" WHEN 2 THEN input."EQ5D2CD" WHEN 3 THEN input."EQ5D3CD" WHEN 4 THEN input."EQ5D4CD" WHEN 5 THEN input."EQ5D5CD" END AS answer_code
    FROM input
    CROSS JOIN (VALUES (1, '1'), (2, '2'), (3, '3'), (4, '4'), (5, '5')) AS each(n, name)
),
-- which rows are left out, and why
filtered AS (
    SELECT
        shaped.*,
        CASE
            WHEN NOT coalesce("SubjectId" IN (SELECT subject FROM work."scope allocated"), FALSE) THEN 'allocated'
            WHEN NOT coalesce(answer IS NOT NULL OR answer_code IS NOT NULL, FALSE) THEN 'empty_cell'
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
        "SubjectId" || chr(31) || nullif(coalesce("EventName", '') || coalesce(' ', '') || coalesce(coalesce("EventDate", "EQ5DDAT"), ''), '') || chr(31) || item AS _key,
        "SubjectId" AS subject_id,
        'EQ-5D-5L' AS "instrument.raw",
        nullif(coalesce("EventName", '') || coalesce(' ', '') || coalesce(coalesce("EventDate", "EQ5DDAT"), ''), '') AS occasion,
        "EventName" AS event_name,
        "EventDate" AS "visit_date.raw",
        coalesce(CASE WHEN o_year("EQ5DDAT", '%Y-%m-%d') IS NOT NULL THEN "EQ5DDAT" END, "EventDate", "EQ5DDAT") AS "date.raw",
        item,
        coalesce(o_plain(o_num(answer_code)), answer) AS "answer.raw",
        answer AS answer_recorded
    FROM filtered
),
-- read as the types that the target asks for
converted AS (
    SELECT
        _file,
        _row,
        _of,
        _n,
        _left_out,
        _key,
        subject_id,
        "instrument.raw",
        CASE WHEN "instrument.raw" IN ('QLQ-C30', 'EQ-5D-5L') THEN "instrument.raw" END AS instrument,
        occasion,
        event_name,
        "visit_date.raw",
        o_date("visit_date.raw", '%Y-%m-%d') AS "visit_date.full",
        "date.raw",
        o_date("date.raw", '%Y-%m-%d') AS "date.full",
        item,
        "answer.raw",
        CASE coalesce(o_plain(o_num("answer.raw")), o_fold("answer.raw")) WHEN '1' THEN 1 WHEN '2' THEN 2 WHEN '3' THEN 3 WHEN '4' THEN 4 WHEN '5' THEN 5 END AS answer,
        answer_recorded
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        "visit_date.full" AS visit_date,
        coalesce("date.full", o_impute("date.raw", '%Y-%m-%d', 'earliest')) AS "date"
    FROM converted
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
            WHEN _key IS NULL THEN 1
            WHEN subject_id IS NULL THEN 2
            WHEN "instrument.raw" IS NOT NULL AND instrument IS NULL THEN 3
            WHEN instrument IS NULL THEN 4
            WHEN occasion IS NULL THEN 5
            WHEN "date.raw" IS NOT NULL AND "date" IS NULL THEN 6
            WHEN "date" IS NULL THEN 7
            WHEN item IS NULL THEN 8
            WHEN "answer.raw" IS NOT NULL AND answer IS NULL THEN 9
            WHEN answer IS NULL THEN 10
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "visit_date.raw" IS NOT NULL AND visit_date IS NULL AND o_impute("visit_date.raw", '%Y-%m-%d', 'reject') IS NOT NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "visit_date.raw" IS NOT NULL AND visit_date IS NULL AND o_impute("visit_date.raw", '%Y-%m-%d', 'reject') IS NULL THEN 2 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "date.full" IS NULL AND "date" IS NOT NULL THEN 1 ELSE 0 END AS _imputed,
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
            || chr(31) || coalesce(CAST(instrument AS varchar), '')
            || chr(31) || coalesce(CAST(occasion AS varchar), '')
            || chr(31) || coalesce(CAST(event_name AS varchar), '')
            || chr(31) || coalesce(CAST(item AS varchar), '')
            || chr(31) || coalesce(CAST(answer AS varchar), '')
            || chr(31) || coalesce(CAST(answer_recorded AS varchar), '')
            || chr(31) || coalesce(CAST(visit_date AS varchar), '')
            || chr(31) || coalesce(CAST("date" AS varchar), '') AS _content
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
    "instrument.raw",
    instrument,
    occasion,
    event_name,
    item,
    "answer.raw",
    answer,
    answer_recorded,
    visit_date,
    "date"
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
    count(*) FILTER (WHERE _imputed <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND (("instrument.raw" IS NOT NULL AND instrument IS NULL) OR ("answer.raw" IS NOT NULL AND answer IS NULL)))
FROM work.impress_quality_of_life_eq5d AS step;

-- write dsp.questionnaire_answer
INSERT INTO dsp.questionnaire_answer (
    _file,
    _row,
    trial,
    subject_id,
    instrument,
    occasion,
    event_name,
    visit_date,
    "date",
    item,
    answer,
    answer_recorded
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    instrument AS instrument,
    occasion AS occasion,
    event_name AS event_name,
    visit_date AS visit_date,
    "date" AS "date",
    item AS item,
    answer AS answer,
    answer_recorded AS answer_recorded
FROM work.impress_quality_of_life_eq5d AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.questionnaire_answer
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.questionnaire_answer', (SELECT count(*) FROM dsp.questionnaire_answer) - written.behind, 'impress_quality_of_life_eq5d', step._file, step._row, NULL, step._n, step._of
FROM work.impress_quality_of_life_eq5d AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_quality_of_life_eq5d AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_quality_of_life_eq5d', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('empty_cell')) AS filter(name)
LEFT JOIN work.impress_quality_of_life_eq5d AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_quality_of_life_eq5d', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_quality_of_life_eq5d AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_quality_of_life_eq5d', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_quality_of_life_eq5d AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'instrument', 'not in the value set'),
    (4, 'instrument', 'missing'),
    (5, 'occasion', 'missing'),
    (6, 'date', 'not a date'),
    (7, 'date', 'missing'),
    (8, 'item', 'missing'),
    (9, 'answer', 'not in the value map'),
    (10, 'answer', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'impress_quality_of_life_eq5d', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_quality_of_life_eq5d AS step
JOIN (VALUES
    (1, 'visit_date', 'partial date'),
    (2, 'visit_date', 'not a date')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'impress_quality_of_life_eq5d', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_quality_of_life_eq5d AS step
JOIN (VALUES
    (1, 'date', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'impress_quality_of_life_eq5d', 'instrument', "instrument.raw", count(*)
FROM work.impress_quality_of_life_eq5d
WHERE _left_out IS NULL AND _target = 1 AND "instrument.raw" IS NOT NULL AND instrument IS NULL
GROUP BY "instrument.raw"
UNION ALL
SELECT 'impress_quality_of_life_eq5d', 'answer', "answer.raw", count(*)
FROM work.impress_quality_of_life_eq5d
WHERE _left_out IS NULL AND _target = 1 AND "answer.raw" IS NOT NULL AND answer IS NULL
GROUP BY "answer.raw";
