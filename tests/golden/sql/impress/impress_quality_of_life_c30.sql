-- map impress_quality_of_life_c30

-- map
CREATE TABLE work.impress_quality_of_life_c30 AS
WITH
-- the columns of c30 that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."C30DAT" AS "C30DAT",
        i."C30_Q1" AS "C30_Q1",
        i."C30_Q10" AS "C30_Q10",
        i."C30_Q10CD" AS "C30_Q10CD",
        i."C30_Q11" AS "C30_Q11",
        i."C30_Q11CD" AS "C30_Q11CD",
        i."C30_Q12" AS "C30_Q12",
        i."C30_Q12CD" AS "C30_Q12CD",
        i."C30_Q13" AS "C30_Q13",
        i."C30_Q13CD" AS "C30_Q13CD",
        i."C30_Q14" AS "C30_Q14",
        i."C30_Q14CD" AS "C30_Q14CD",
        i."C30_Q15" AS "C30_Q15",
        i."C30_Q15CD" AS "C30_Q15CD",
        i."C30_Q16" AS "C30_Q16",
        i."C30_Q16CD" AS "C30_Q16CD",
        i."C30_Q17" AS "C30_Q17",
        i."C30_Q17CD" AS "C30_Q17CD",
        i."C30_Q18" AS "C30_Q18",
        i."C30_Q18CD" AS "C30_Q18CD",
        i."C30_Q19" AS "C30_Q19",
        i."C30_Q19CD" AS "C30_Q19CD",
        i."C30_Q1CD" AS "C30_Q1CD",
        i."C30_Q2" AS "C30_Q2",
        i."C30_Q20" AS "C30_Q20",
        i."C30_Q20CD" AS "C30_Q20CD",
        i."C30_Q21" AS "C30_Q21",
        i."C30_Q21CD" AS "C30_Q21CD",
        i."C30_Q22" AS "C30_Q22",
        i."C30_Q22CD" AS "C30_Q22CD",
        i."C30_Q23" AS "C30_Q23",
        i."C30_Q23CD" AS "C30_Q23CD",
        i."C30_Q24" AS "C30_Q24",
        i."C30_Q24CD" AS "C30_Q24CD",
        i."C30_Q25" AS "C30_Q25",
        i."C30_Q25CD" AS "C30_Q25CD",
        i."C30_Q26" AS "C30_Q26",
        i."C30_Q26CD" AS "C30_Q26CD",
        i."C30_Q27" AS "C30_Q27",
        i."C30_Q27CD" AS "C30_Q27CD",
        i."C30_Q28" AS "C30_Q28",
        i."C30_Q28CD" AS "C30_Q28CD",
        i."C30_Q29" AS "C30_Q29",
        i."C30_Q29CD" AS "C30_Q29CD",
        i."C30_Q2CD" AS "C30_Q2CD",
        i."C30_Q3" AS "C30_Q3",
        i."C30_Q30" AS "C30_Q30",
        i."C30_Q30CD" AS "C30_Q30CD",
        i."C30_Q3CD" AS "C30_Q3CD",
        i."C30_Q4" AS "C30_Q4",
        i."C30_Q4CD" AS "C30_Q4CD",
        i."C30_Q5" AS "C30_Q5",
        i."C30_Q5CD" AS "C30_Q5CD",
        i."C30_Q6" AS "C30_Q6",
        i."C30_Q6CD" AS "C30_Q6CD",
        i."C30_Q7" AS "C30_Q7",
        i."C30_Q7CD" AS "C30_Q7CD",
        i."C30_Q8" AS "C30_Q8",
        i."C30_Q8CD" AS "C30_Q8CD",
        i."C30_Q9" AS "C30_Q9",
        i."C30_Q9CD" AS "C30_Q9CD",
        i."EventDate" AS "EventDate",
        i."EventName" AS "EventName",
        i."SubjectId" AS "SubjectId"
    FROM source.c30 AS i
),
-- one row for each of 30 columns
shaped AS (
    SELECT
        input.*,
        each.n AS _n,
        each.name AS item,
        CASE each.n WHEN 1 THEN input."C30_Q1" WHEN 2 THEN input."C30_Q2" WHEN 3 THEN input."C30_Q3" WHEN 4 THEN input."C30_Q4" WHEN 5 THEN input."C30_Q5" WHEN 6 THEN input."C30_Q6" WHEN 7 THEN input."C30_Q7" WHEN 8 THEN input."C30_Q8" WHEN 9 THEN input."C30_Q9" WHEN 10 THEN input."C30_Q10" WHEN 11 THEN input."C30_Q11" WHEN 12 THEN input."C30_Q12" WHEN 13 THEN input."C30_Q13" WHEN 14 THEN input."C30_Q14" WHEN 15 THEN input."C30_Q15" WHEN 16 THEN input."C30_Q16" WHEN 17 THEN input."C30_Q17" WHEN 18 THEN input."C30_Q18" WHEN 19 THEN input."C30_Q19" WHEN 20 THEN input."C30_Q20" WHEN 21 THEN input."C30_Q21" WHEN 22 THEN input."C30_Q22" WHEN 23 THEN input."C30_Q23" WHEN 24 THEN input."C30_Q24" WHEN 25 THEN input."C30_Q25" WHEN 26 THEN input."C30_Q26" WHEN 27 THEN input."C30_Q27" WHEN 28 THEN input."C30_Q28" WHEN 29 THEN input."C30_Q29" WHEN 30 THEN input."C30_Q30" END AS answer,
        CASE each.n WHEN 1 THEN input."C30_Q1CD" WHEN 2 THEN input."C30_Q2CD" WHEN 3 THEN input."C30_Q3CD" WHEN 4 THEN input."C30_Q4CD" WHEN 5 THEN input."C30_Q5CD" WHEN 6 THEN input."C30_Q6CD" WHEN 7 THEN input."C30_Q7CD" WHEN 8 THEN input."C30_Q8CD" WHEN 9 THEN input."C30_Q9CD" WHEN 10 THEN input."C30_Q10CD" WHEN 11 THEN input."C30_Q11CD" WHEN 12 THEN input."C30_Q12CD" WHEN 13 THEN input."C30_Q13CD" WHEN 14 THEN input."C30_Q14CD" WHEN 15 THEN input."C30_Q15CD" WHEN 16 THEN input."C30_Q16CD" WHEN 17 THEN input."C30_Q17CD" WHEN 18 THEN input."C30_Q18CD" WHEN 19 THEN input."C30_Q19CD" WHEN 20 THEN input."C30_Q20CD" WHEN 21 THEN input."C30_Q21CD" WHEN 22 THEN input."C30_Q22CD" WHEN 23 THEN input."C30_Q23CD" WHEN 24 THEN input."C30_Q24CD" WHEN 25 THEN input."C30_Q25CD" WHEN 26 THEN input."C30_Q26CD" WHEN 27 THEN input."C30_Q27CD" WHEN 28 THEN input."C30_Q28CD" WHEN 29 THEN input."C30_Q29CD" WHEN 30 THEN input."C30_Q30CD" END AS answer_code
    FROM input
    CROSS JOIN (VALUES (1, '1'), (2, '2'), (3, '3'), (4, '4'), (5, '5'), (6, '6'), (7, '7'), (8, '8'), (9, '9'), (10, '10'), (11, '11'), (12, '12'), (13, '13'), (14, '14'), (15, '15'), (16, '16'), (17, '17'), (18, '18'), (19, '19'), (20, '20'), (21, '21'), (22, '22'), (23, '23'), (24, '24'), (25, '25'), (26, '26'), (27, '27'), (28, '28'), (29, '29'), (30, '30')) AS each(n, name)
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
        "SubjectId" || chr(31) || nullif(coalesce("EventName", '') || coalesce(' ', '') || coalesce(coalesce("EventDate", "C30DAT"), ''), '') || chr(31) || item AS _key,
        "SubjectId" AS subject_id,
        'QLQ-C30' AS "instrument.raw",
        nullif(coalesce("EventName", '') || coalesce(' ', '') || coalesce(coalesce("EventDate", "C30DAT"), ''), '') AS occasion,
        "EventName" AS event_name,
        "EventDate" AS "visit_date.raw",
        coalesce(CASE WHEN o_year("C30DAT", '%Y-%m-%d') IS NOT NULL THEN "C30DAT" END, "EventDate", "C30DAT") AS "date.raw",
        item,
        coalesce(CASE WHEN o_num(item) <= 28 AND o_num(answer_code) > 4 THEN nullif(coalesce(answer_code, '') || coalesce(' (of 4)', ''), '') ELSE o_plain(o_num(answer_code)) END, answer) AS "answer.raw",
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
        CASE o_fold("answer.raw") WHEN '1' THEN 1 WHEN 'not at all' THEN 1 WHEN '1 (very poor)' THEN 1 WHEN '2' THEN 2 WHEN 'a little' THEN 2 WHEN '3' THEN 3 WHEN 'quite a bit' THEN 3 WHEN '4' THEN 4 WHEN 'very much' THEN 4 WHEN '5' THEN 5 WHEN '6' THEN 6 WHEN '7' THEN 7 WHEN '7 (excellent)' THEN 7 END AS answer,
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
FROM work.impress_quality_of_life_c30 AS step;

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
FROM work.impress_quality_of_life_c30 AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.questionnaire_answer
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.questionnaire_answer', (SELECT count(*) FROM dsp.questionnaire_answer) - written.behind, 'impress_quality_of_life_c30', step._file, step._row, NULL, step._n, step._of
FROM work.impress_quality_of_life_c30 AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_quality_of_life_c30 AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_quality_of_life_c30', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('empty_cell')) AS filter(name)
LEFT JOIN work.impress_quality_of_life_c30 AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_quality_of_life_c30', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_quality_of_life_c30 AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_quality_of_life_c30', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_quality_of_life_c30 AS step
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
SELECT 'impress_quality_of_life_c30', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_quality_of_life_c30 AS step
JOIN (VALUES
    (1, 'visit_date', 'partial date'),
    (2, 'visit_date', 'not a date')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'impress_quality_of_life_c30', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_quality_of_life_c30 AS step
JOIN (VALUES
    (1, 'date', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'impress_quality_of_life_c30', 'instrument', "instrument.raw", count(*)
FROM work.impress_quality_of_life_c30
WHERE _left_out IS NULL AND _target = 1 AND "instrument.raw" IS NOT NULL AND instrument IS NULL
GROUP BY "instrument.raw"
UNION ALL
SELECT 'impress_quality_of_life_c30', 'answer', "answer.raw", count(*)
FROM work.impress_quality_of_life_c30
WHERE _left_out IS NULL AND _target = 1 AND "answer.raw" IS NOT NULL AND answer IS NULL
GROUP BY "answer.raw";
