-- map drup_treatment

-- map
CREATE TABLE work.drup_treatment AS
WITH
-- drup, for the join 'started'
join_started AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Treatment_start",
        row_number() OVER (PARTITION BY "ID" ORDER BY coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_start", '%d-%m-%Y'), o_year("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "Treatment_start" IS NOT NULL
),
-- drup, for the join 'last'
join_last AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Treatment_end_last_dose",
        row_number() OVER (PARTITION BY "ID" ORDER BY coalesce(o_date("Treatment_end_last_dose", '%d-%m-%Y'), o_date("Treatment_end_last_dose", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_end_last_dose", '%d-%m-%Y'), o_year("Treatment_end_last_dose", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "Treatment_end_last_dose" IS NOT NULL
),
-- drup, for the join 'decided'
join_decided AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Treatment_end",
        row_number() OVER (PARTITION BY "ID" ORDER BY coalesce(o_date("Treatment_end", '%d-%m-%Y'), o_date("Treatment_end", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_end", '%d-%m-%Y'), o_year("Treatment_end", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "Treatment_end" IS NOT NULL
),
-- drup, for the join 'days'
join_days AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Days_treated",
        row_number() OVER (PARTITION BY "ID" ORDER BY o_num_comma("Days_treated") IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "Days_treated" IS NOT NULL
),
-- drup, for the join 'cycles'
join_cycles AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Number_of_cyles",
        row_number() OVER (PARTITION BY "ID" ORDER BY o_num_comma("Number_of_cyles") IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "Number_of_cyles" IS NOT NULL
),
-- drup, for the join 'way'
join_way AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Treatment_type",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "Treatment_type" IS NOT NULL
),
-- drup, for the join 'dose'
join_dose AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Dose_delivered",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "Dose_delivered" IS NOT NULL
),
-- the columns of drup that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."Days_treated" AS "Days_treated",
        i."Dose_delivered" AS "Dose_delivered",
        i."ID" AS "ID",
        i."Number_of_cyles" AS "Number_of_cyles",
        i."Treatment_end" AS "Treatment_end",
        i."Treatment_end_last_dose" AS "Treatment_end_last_dose",
        i."Treatment_start" AS "Treatment_start",
        i."Treatment_type" AS "Treatment_type",
        cycles."Number_of_cyles" AS "cycles.Number_of_cyles",
        days."Days_treated" AS "days.Days_treated",
        decided."Treatment_end" AS "decided.Treatment_end",
        dose."Dose_delivered" AS "dose.Dose_delivered",
        "last"."Treatment_end_last_dose" AS "last.Treatment_end_last_dose",
        started."Treatment_start" AS "started.Treatment_start",
        way."Treatment_type" AS "way.Treatment_type"
    FROM source.drup AS i
    LEFT JOIN join_started AS started ON started.key1 = i."ID" AND started._nth = 1
    LEFT JOIN join_last AS "last" ON "last".key1 = i."ID" AND "last"._nth = 1
    LEFT JOIN join_decided AS decided ON decided.key1 = i."ID" AND decided._nth = 1
    LEFT JOIN join_days AS days ON days.key1 = i."ID" AND days._nth = 1
    LEFT JOIN join_cycles AS cycles ON cycles.key1 = i."ID" AND cycles._nth = 1
    LEFT JOIN join_way AS way ON way.key1 = i."ID" AND way._nth = 1
    LEFT JOIN join_dose AS dose ON dose.key1 = i."ID" AND dose._nth = 1
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope has_patient"), FALSE) THEN 'has_patient'
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope of_this_trial"), FALSE) THEN 'of_this_trial'
            WHEN NOT coalesce(coalesce("Treatment_start", "Treatment_end", "Treatment_end_last_dose", "Days_treated", "Number_of_cyles", "Treatment_type", "Dose_delivered") IS NOT NULL, FALSE) THEN 'has_treatment'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_start", '%d-%m-%Y'), o_year("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank,
        coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d')) IS DISTINCT FROM first_value(coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d'))) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_start", '%d-%m-%Y'), o_year("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs1,
        coalesce(o_date("Treatment_end_last_dose", '%d-%m-%Y'), o_date("Treatment_end_last_dose", '%Y-%m-%d')) IS DISTINCT FROM first_value(coalesce(o_date("Treatment_end_last_dose", '%d-%m-%Y'), o_date("Treatment_end_last_dose", '%Y-%m-%d'))) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_start", '%d-%m-%Y'), o_year("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs2,
        coalesce(o_date("Treatment_end", '%d-%m-%Y'), o_date("Treatment_end", '%Y-%m-%d')) IS DISTINCT FROM first_value(coalesce(o_date("Treatment_end", '%d-%m-%Y'), o_date("Treatment_end", '%Y-%m-%d'))) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_start", '%d-%m-%Y'), o_year("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs3,
        o_num_comma("Days_treated") IS DISTINCT FROM first_value(o_num_comma("Days_treated")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_start", '%d-%m-%Y'), o_year("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs4,
        o_num_comma("Number_of_cyles") IS DISTINCT FROM first_value(o_num_comma("Number_of_cyles")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_start", '%d-%m-%Y'), o_year("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs5,
        o_fold("Treatment_type") IS DISTINCT FROM first_value(o_fold("Treatment_type")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_start", '%d-%m-%Y'), o_year("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs6,
        o_fold("Dose_delivered") IS DISTINCT FROM first_value(o_fold("Dose_delivered")) OVER (PARTITION BY "ID", (_filter IS NULL) ORDER BY coalesce(o_date("Treatment_start", '%d-%m-%Y'), o_date("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("Treatment_start", '%d-%m-%Y'), o_year("Treatment_start", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs7
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
        _differs1,
        _differs2,
        _differs3,
        _differs4,
        _differs5,
        _differs6,
        _differs7,
        "ID" AS _key,
        "ID" AS subject_id,
        "started.Treatment_start" AS "start_date.raw",
        coalesce("last.Treatment_end_last_dose", "decided.Treatment_end") AS "end_date.raw",
        CASE WHEN coalesce("last.Treatment_end_last_dose", "decided.Treatment_end") IS NOT NULL THEN 'recorded' END AS "end_source.raw",
        "cycles.Number_of_cyles" AS "number_of_cycles.raw",
        "days.Days_treated" AS "days_treated.raw",
        "way.Treatment_type" AS "type.raw",
        "dose.Dose_delivered" AS dose_delivered,
        'recorded' AS "basis.raw",
        'trial' AS rule
    FROM kept
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
        _differs1,
        _differs2,
        _differs3,
        _differs4,
        _differs5,
        _differs6,
        _differs7,
        subject_id,
        "start_date.raw",
        coalesce(o_date("start_date.raw", '%d-%m-%Y'), o_date("start_date.raw", '%Y-%m-%d')) AS "start_date.full",
        "end_date.raw",
        coalesce(o_date("end_date.raw", '%d-%m-%Y'), o_date("end_date.raw", '%Y-%m-%d')) AS "end_date.full",
        "end_source.raw",
        CASE WHEN "end_source.raw" IN ('end of treatment', 'last intake', 'last cycle start', 'recorded') THEN "end_source.raw" END AS end_source,
        "number_of_cycles.raw",
        o_whole(o_num_comma("number_of_cycles.raw")) AS number_of_cycles,
        "days_treated.raw",
        o_whole(o_num_comma("days_treated.raw")) AS days_treated,
        "type.raw",
        CASE o_fold("type.raw") WHEN 'oral' THEN 'oral' WHEN 'iv' THEN 'iv' WHEN 'oral + iv' THEN 'oral and iv' WHEN 'iv + oral' THEN 'oral and iv' END AS type,
        dose_delivered,
        "basis.raw",
        CASE WHEN "basis.raw" IN ('recorded', 'derived') THEN "basis.raw" END AS basis,
        rule
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("start_date.full", coalesce(o_impute("start_date.raw", '%d-%m-%Y', 'earliest'), o_impute("start_date.raw", '%Y-%m-%d', 'earliest'))) AS start_date,
        coalesce("end_date.full", coalesce(o_impute("end_date.raw", '%d-%m-%Y', 'latest'), o_impute("end_date.raw", '%Y-%m-%d', 'latest'))) AS end_date
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
            WHEN "start_date.raw" IS NOT NULL AND start_date IS NULL THEN 3
            WHEN start_date IS NULL THEN 4
            WHEN "basis.raw" IS NOT NULL AND basis IS NULL THEN 5
            WHEN basis IS NULL THEN 6
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs2 THEN 2 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs3 THEN 4 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs4 THEN 8 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs5 THEN 16 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs6 THEN 32 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs7 THEN 64 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end_date.raw" IS NOT NULL AND end_date IS NULL THEN 128 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end_source.raw" IS NOT NULL AND end_source IS NULL THEN 256 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "number_of_cycles.raw" IS NOT NULL AND number_of_cycles IS NULL THEN 512 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "days_treated.raw" IS NOT NULL AND days_treated IS NULL THEN 1024 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "type.raw" IS NOT NULL AND type IS NULL THEN 2048 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "start_date.full" IS NULL AND start_date IS NOT NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end_date.full" IS NULL AND end_date IS NOT NULL THEN 2 ELSE 0 END AS _imputed,
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
            || chr(31) || coalesce(CAST(end_source AS varchar), '')
            || chr(31) || coalesce(CAST(number_of_cycles AS varchar), '')
            || chr(31) || coalesce(CAST(days_treated AS varchar), '')
            || chr(31) || coalesce(CAST(type AS varchar), '')
            || chr(31) || coalesce(CAST(dose_delivered AS varchar), '')
            || chr(31) || coalesce(CAST(basis AS varchar), '')
            || chr(31) || coalesce(CAST(rule AS varchar), '')
            || chr(31) || coalesce(CAST(start_date AS varchar), '')
            || chr(31) || coalesce(CAST(end_date AS varchar), '') AS _content
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
    "end_source.raw",
    end_source,
    number_of_cycles,
    days_treated,
    "type.raw",
    type,
    dose_delivered,
    "basis.raw",
    basis,
    rule,
    start_date,
    end_date
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("end_source.raw" IS NOT NULL AND end_source IS NULL) OR ("type.raw" IS NOT NULL AND type IS NULL) OR ("basis.raw" IS NOT NULL AND basis IS NULL)))
FROM work.drup_treatment AS step;

-- write dsp.treatment
INSERT INTO dsp.treatment (
    _file,
    _row,
    trial,
    subject_id,
    start_date,
    end_date,
    end_source,
    number_of_cycles,
    days_treated,
    type,
    dose_delivered,
    basis,
    rule
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    start_date AS start_date,
    end_date AS end_date,
    end_source AS end_source,
    number_of_cycles AS number_of_cycles,
    days_treated AS days_treated,
    type AS type,
    dose_delivered AS dose_delivered,
    basis AS basis,
    rule AS rule
FROM work.drup_treatment AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.treatment
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.treatment', (SELECT count(*) FROM dsp.treatment) - written.behind, 'drup_treatment', step._file, step._row, NULL, step._n, step._of
FROM work.drup_treatment AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.drup_treatment AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'drup_treatment', filter.name, count(step._left_out)
FROM (VALUES ('has_patient'), ('of_this_trial'), ('has_treatment'), ('keep')) AS filter(name)
LEFT JOIN work.drup_treatment AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'drup_treatment', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.drup_treatment AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'drup_treatment', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.drup_treatment AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'start_date', 'not a date'),
    (4, 'start_date', 'missing'),
    (5, 'basis', 'not in the value set'),
    (6, 'basis', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'drup_treatment', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_treatment AS step
JOIN (VALUES
    (1, 'keep date(Treatment_start)', 'differs from the row that is kept'),
    (2, 'keep date(Treatment_end_last_dose)', 'differs from the row that is kept'),
    (4, 'keep date(Treatment_end)', 'differs from the row that is kept'),
    (8, 'keep number(Days_treated)', 'differs from the row that is kept'),
    (16, 'keep number(Number_of_cyles)', 'differs from the row that is kept'),
    (32, 'keep fold(Treatment_type)', 'differs from the row that is kept'),
    (64, 'keep fold(Dose_delivered)', 'differs from the row that is kept'),
    (128, 'end_date', 'not a date'),
    (256, 'end_source', 'not in the value set'),
    (512, 'number_of_cycles', 'not a whole number'),
    (1024, 'days_treated', 'not a whole number'),
    (2048, 'type', 'not in the value map')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'drup_treatment', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_treatment AS step
JOIN (VALUES
    (1, 'start_date', 'earliest'),
    (2, 'end_date', 'latest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'drup_treatment', 'end_source', "end_source.raw", count(*)
FROM work.drup_treatment
WHERE _left_out IS NULL AND _target = 1 AND "end_source.raw" IS NOT NULL AND end_source IS NULL
GROUP BY "end_source.raw"
UNION ALL
SELECT 'drup_treatment', 'type', "type.raw", count(*)
FROM work.drup_treatment
WHERE _left_out IS NULL AND _target = 1 AND "type.raw" IS NOT NULL AND type IS NULL
GROUP BY "type.raw"
UNION ALL
SELECT 'drup_treatment', 'basis', "basis.raw", count(*)
FROM work.drup_treatment
WHERE _left_out IS NULL AND _target = 1 AND "basis.raw" IS NOT NULL AND basis IS NULL
GROUP BY "basis.raw";
