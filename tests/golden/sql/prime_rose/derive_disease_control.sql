-- map derive_disease_control

-- map
CREATE TABLE work.derive_disease_control AS
WITH
-- the columns of derived/disease_control.sql.jinja that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i.assessment_date AS assessment_date,
        i.criterion AS criterion,
        i.days_from_start AS days_from_start,
        i.disease_control AS disease_control,
        i.response AS response,
        i.subject_id AS subject_id,
        i.timepoint_source AS timepoint_source,
        i.week AS week,
        i.week_used AS week_used,
        i.window_days AS window_days
    FROM (
    SELECT _file, _row, CAST(subject_id AS varchar) AS subject_id, o_whole(o_num(CAST(week AS varchar))) AS week, o_bool(CAST(disease_control AS varchar)) AS disease_control, CAST(response AS varchar) AS response, CAST(criterion AS varchar) AS criterion, o_date(CAST(assessment_date AS varchar), '%Y-%m-%d') AS assessment_date, o_whole(o_num(CAST(days_from_start AS varchar))) AS days_from_start, o_num(CAST(week_used AS varchar)) AS week_used, o_whole(o_num(CAST(window_days AS varchar))) AS window_days, CAST(timepoint_source AS varchar) AS timepoint_source FROM (
-- One row for each treated subject and each week of the trial: was the disease under control then?
WITH classes (response, class, place) AS (
    VALUES ('CR', 'control', 1), ('iCR', 'control', 1), ('PR', 'control', 2), ('iPR', 'control', 2), ('SD', 'control', 3), ('iSD', 'control', 3),
        ('NON-CR/NON-PD', 'control', 4), ('PD', 'progression', 5), ('iCPD', 'progression', 5), ('iUPD', 'unconfirmed', 6), ('NE', 'none', 7), ('iNE', 'none', 7)
),
started AS (
    SELECT _file, _row, subject_id, start_date, row_number() OVER (PARTITION BY subject_id ORDER BY start_date, _file, _row) AS place FROM dsp.treatment
),
weeks (week) AS (
    VALUES (16)

),
targets AS (
    SELECT started._file, started._row, subject_id, week, start_date, start_date + week * 7 AS target FROM started CROSS JOIN weeks WHERE place = 1
),
by_day AS (
    -- Of one day's assessments the one that could be evaluated, then the preferred criteria, then the worse response.
    SELECT
        a._file, a._row, a.subject_id, a.criterion, a.date, a.response, c.class,
        row_number() OVER (
            PARTITION BY a.subject_id, a.date
            ORDER BY CASE WHEN c.class = 'none' THEN 1 ELSE 0 END,
                CASE a.criterion WHEN 'irecist' THEN 1 WHEN 'recist' THEN 2 WHEN 'rano' THEN 3 ELSE 99 END,
                c.place DESC, a._file, a._row) AS choice
    FROM dsp.tumour_assessment AS a
    JOIN classes AS c ON c.response = a.response
    JOIN started AS s ON s.subject_id = a.subject_id AND s.place = 1
    WHERE a.criterion IN ('recist', 'irecist', 'rano') AND a.date >= s.start_date
),
chosen AS (
    SELECT * FROM by_day WHERE choice = 1
),
confirming AS (
    SELECT
        a.subject_id, a.date,
        min(CASE WHEN b.class = 'progression' THEN b.date END) AS progression,
        min(CASE WHEN b.class = 'control' THEN b.date END) AS control
    FROM chosen AS a
    JOIN chosen AS b ON b.subject_id = a.subject_id AND b.date > a.date
    WHERE a.class = 'unconfirmed'
    GROUP BY a.subject_id, a.date
),
judged AS (
    -- An unconfirmed progression counts from its own day if what decides next is the confirmed one; else it says nothing.
    SELECT
        chosen._file, chosen._row, chosen.subject_id, chosen.criterion, chosen.date, chosen.response,
        CASE WHEN class = 'unconfirmed' AND progression < coalesce(control, progression + 1) THEN 'progression' ELSE class END AS class
    FROM chosen
    LEFT JOIN confirming ON confirming.subject_id = chosen.subject_id AND confirming.date = chosen.date
),
found AS (
    SELECT
        t.subject_id, t.week, a._file, a._row, a.criterion, a.date, a.response, a.class,
        CASE WHEN abs(a.date - t.target) <= 7 THEN 'in window' WHEN a.date > t.target THEN 'after window' ELSE 'before window' END AS lies,
        a.class = 'progression' AND a.date < t.target AS progressed,
        abs(a.date - t.target) AS distance
    FROM targets AS t
    JOIN judged AS a ON a.subject_id = t.subject_id
    WHERE a.class IN ('control', 'progression')
),
placed AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY subject_id, week, lies ORDER BY distance, date) AS nearest,
        row_number() OVER (PARTITION BY subject_id, week, progressed ORDER BY date) AS first_one
    FROM found
),
died AS (
    SELECT subject_id, min(date) AS death FROM dsp.death GROUP BY subject_id
),
stopped AS (
    SELECT subject_id, min(progression_date) AS progression FROM dsp.end_of_treatment WHERE progression_date IS NOT NULL GROUP BY subject_id
),
told AS (
    SELECT
        t._file, t._row, t.subject_id, t.week, t.start_date,
        CASE
            WHEN near.class = 'progression' THEN 'in window'
            WHEN worse.subject_id IS NOT NULL THEN 'progression before'
            WHEN died.death < t.target THEN 'death before'
            WHEN near.class = 'control' THEN 'in window'
            WHEN stopped.progression < t.target THEN 'progression before'
            WHEN later.class = 'control' THEN 'after window'
        END AS timepoint_source,
        near._file AS near_file, near._row AS near_row, near.criterion AS near_criterion, near.date AS near_date, near.response AS near_response,
        near.class AS near_class,
        worse._file AS worse_file, worse._row AS worse_row, worse.criterion AS worse_criterion, worse.date AS worse_date, worse.response AS worse_response,
        later._file AS later_file, later._row AS later_row, later.criterion AS later_criterion, later.date AS later_date, later.response AS later_response
    FROM targets AS t
    LEFT JOIN placed AS near ON near.subject_id = t.subject_id AND near.week = t.week AND near.lies = 'in window' AND near.nearest = 1
    LEFT JOIN placed AS worse ON worse.subject_id = t.subject_id AND worse.week = t.week AND worse.progressed AND worse.first_one = 1
    LEFT JOIN placed AS later ON later.subject_id = t.subject_id AND later.week = t.week AND later.lies = 'after window' AND later.nearest = 1
    LEFT JOIN died ON died.subject_id = t.subject_id
    LEFT JOIN stopped ON stopped.subject_id = t.subject_id
),
decided AS (
    SELECT
        subject_id, week, start_date, timepoint_source,
        CASE timepoint_source WHEN 'in window' THEN near_class = 'control' WHEN 'after window' THEN TRUE WHEN 'progression before' THEN FALSE
            WHEN 'death before' THEN FALSE END AS disease_control,
        CASE timepoint_source WHEN 'in window' THEN near_date WHEN 'progression before' THEN worse_date WHEN 'after window' THEN later_date END AS assessment_date,
        CASE timepoint_source WHEN 'in window' THEN near_response WHEN 'progression before' THEN worse_response WHEN 'after window' THEN later_response END
            AS response,
        CASE timepoint_source WHEN 'in window' THEN near_criterion WHEN 'progression before' THEN worse_criterion WHEN 'after window' THEN later_criterion END
            AS criterion,
        coalesce(CASE timepoint_source WHEN 'in window' THEN near_file WHEN 'progression before' THEN worse_file WHEN 'after window' THEN later_file END, _file)
            AS _file,
        coalesce(CASE timepoint_source WHEN 'in window' THEN near_row WHEN 'progression before' THEN worse_row WHEN 'after window' THEN later_row END, _row)
            AS _row
    FROM told
)
SELECT
    _file, _row, subject_id, week, disease_control, response, criterion, assessment_date, assessment_date - start_date AS days_from_start,
    round((assessment_date - start_date) / 7.0, 2) AS week_used, 7 AS window_days, timepoint_source
FROM decided
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
        subject_id || chr(31) || CAST(week AS varchar) AS _key,
        subject_id,
        week,
        disease_control,
        response,
        criterion AS "criterion.raw",
        assessment_date,
        days_from_start,
        week_used,
        window_days,
        timepoint_source AS "timepoint_source.raw",
        'derived' AS "basis.raw",
        'disease-control-at-week' AS rule
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
        week,
        disease_control,
        response,
        "criterion.raw",
        CASE WHEN "criterion.raw" IN ('recist', 'irecist', 'rano', 'lugano', 'imwg', 'eln aml') THEN "criterion.raw" END AS criterion,
        assessment_date,
        days_from_start,
        week_used,
        window_days,
        "timepoint_source.raw",
        CASE WHEN "timepoint_source.raw" IN ('in window', 'after window', 'progression before', 'death before', 'recorded') THEN "timepoint_source.raw" END AS timepoint_source,
        "basis.raw",
        CASE WHEN "basis.raw" IN ('recorded', 'derived') THEN "basis.raw" END AS basis,
        rule
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
            WHEN _key IS NULL THEN 1
            WHEN subject_id IS NULL THEN 2
            WHEN week IS NULL THEN 3
            WHEN "basis.raw" IS NOT NULL AND basis IS NULL THEN 4
            WHEN basis IS NULL THEN 5
            WHEN rule IS NULL THEN 6
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "criterion.raw" IS NOT NULL AND criterion IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "timepoint_source.raw" IS NOT NULL AND timepoint_source IS NULL THEN 2 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(week AS varchar), '')
            || chr(31) || coalesce(CAST(disease_control AS varchar), '')
            || chr(31) || coalesce(CAST(response AS varchar), '')
            || chr(31) || coalesce(CAST(criterion AS varchar), '')
            || chr(31) || coalesce(CAST(assessment_date AS varchar), '')
            || chr(31) || coalesce(CAST(days_from_start AS varchar), '')
            || chr(31) || coalesce(CAST(week_used AS varchar), '')
            || chr(31) || coalesce(CAST(window_days AS varchar), '')
            || chr(31) || coalesce(CAST(timepoint_source AS varchar), '')
            || chr(31) || coalesce(CAST(basis AS varchar), '')
            || chr(31) || coalesce(CAST(rule AS varchar), '') AS _content
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
    week,
    disease_control,
    response,
    "criterion.raw",
    criterion,
    assessment_date,
    days_from_start,
    week_used,
    window_days,
    "timepoint_source.raw",
    timepoint_source,
    "basis.raw",
    basis,
    rule
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("criterion.raw" IS NOT NULL AND criterion IS NULL) OR ("timepoint_source.raw" IS NOT NULL AND timepoint_source IS NULL) OR ("basis.raw" IS NOT NULL AND basis IS NULL)))
FROM work.derive_disease_control AS step;

-- write dsp.disease_control
INSERT INTO dsp.disease_control (
    _file,
    _row,
    trial,
    subject_id,
    week,
    disease_control,
    response,
    criterion,
    assessment_date,
    days_from_start,
    week_used,
    window_days,
    timepoint_source,
    basis,
    rule
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    week AS week,
    disease_control AS disease_control,
    response AS response,
    criterion AS criterion,
    assessment_date AS assessment_date,
    days_from_start AS days_from_start,
    week_used AS week_used,
    window_days AS window_days,
    timepoint_source AS timepoint_source,
    basis AS basis,
    rule AS rule
FROM work.derive_disease_control AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.disease_control
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.disease_control', (SELECT count(*) FROM dsp.disease_control) - written.behind, 'derive_disease_control', step._file, step._row, NULL, step._n, step._of
FROM work.derive_disease_control AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.derive_disease_control AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'derive_disease_control', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.derive_disease_control AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'derive_disease_control', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.derive_disease_control AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'week', 'missing'),
    (4, 'basis', 'not in the value set'),
    (5, 'basis', 'missing'),
    (6, 'rule', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'derive_disease_control', why.field, why.reason, file.file, file.sheet, step._row
FROM work.derive_disease_control AS step
JOIN (VALUES
    (1, 'criterion', 'not in the value set'),
    (2, 'timepoint_source', 'not in the value set')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'derive_disease_control', 'criterion', "criterion.raw", count(*)
FROM work.derive_disease_control
WHERE _left_out IS NULL AND _target = 1 AND "criterion.raw" IS NOT NULL AND criterion IS NULL
GROUP BY "criterion.raw"
UNION ALL
SELECT 'derive_disease_control', 'timepoint_source', "timepoint_source.raw", count(*)
FROM work.derive_disease_control
WHERE _left_out IS NULL AND _target = 1 AND "timepoint_source.raw" IS NOT NULL AND timepoint_source IS NULL
GROUP BY "timepoint_source.raw"
UNION ALL
SELECT 'derive_disease_control', 'basis', "basis.raw", count(*)
FROM work.derive_disease_control
WHERE _left_out IS NULL AND _target = 1 AND "basis.raw" IS NOT NULL AND basis IS NULL
GROUP BY "basis.raw";
