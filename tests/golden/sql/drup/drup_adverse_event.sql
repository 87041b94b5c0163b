-- map drup_adverse_event

-- map
CREATE TABLE work.drup_adverse_event AS
WITH
-- dsp.death, for the join 'death'
join_death AS (
    SELECT
        _file,
        _row,
        subject_id AS key1,
        "date"
    FROM dsp.death
),
-- the columns of drup that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."AE_end_date" AS "AE_end_date",
        i."AE_grade" AS "AE_grade",
        i."AE_start_date" AS "AE_start_date",
        i."CTCAE_term" AS "CTCAE_term",
        i."ID" AS "ID",
        i."SAE" AS "SAE",
        death."date" AS "death.date"
    FROM source.drup AS i
    LEFT JOIN join_death AS death ON death.key1 = CASE WHEN o_fold(i."SAE") IN ('yes', 'y', '1', 'true') AND i."AE_end_date" IS NULL THEN i."ID" END
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope has_patient"), FALSE) THEN 'has_patient'
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope of_this_trial"), FALSE) THEN 'of_this_trial'
            WHEN NOT coalesce(coalesce("CTCAE_term", "AE_start_date", "AE_grade", "AE_end_date") IS NOT NULL, FALSE) THEN 'has_event'
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
        "ID" || chr(31) || coalesce(o_fold("CTCAE_term"), '') || chr(31) || coalesce(CAST(coalesce(o_date("AE_start_date", '%d-%m-%Y'), o_date("AE_start_date", '%Y-%m-%d')) AS varchar), "AE_start_date", '') || chr(31) || coalesce(o_plain(o_num_comma("AE_grade")), "AE_grade", '') AS _key,
        "ID" AS subject_id,
        nullif(coalesce("CTCAE_term", '') || coalesce(' / ', '') || coalesce(coalesce(CAST(coalesce(o_date("AE_start_date", '%d-%m-%Y'), o_date("AE_start_date", '%Y-%m-%d')) AS varchar), "AE_start_date"), '') || coalesce(' / ', '') || coalesce(coalesce(o_plain(o_num_comma("AE_grade")), "AE_grade"), ''), '') AS adverse_event_id,
        "CTCAE_term" AS term,
        "AE_grade" AS "grade.raw",
        '4.03' AS ctcae_version,
        "AE_start_date" AS "start_date.raw",
        coalesce("AE_end_date", CAST(CASE WHEN coalesce(coalesce(o_date("AE_start_date", '%d-%m-%Y'), o_date("AE_start_date", '%Y-%m-%d')), o_ymd(coalesce(o_year("AE_start_date", '%d-%m-%Y'), o_year("AE_start_date", '%Y-%m-%d')), coalesce(coalesce(o_month("AE_start_date", '%d-%m-%Y'), o_month("AE_start_date", '%Y-%m-%d')), 1), 1)) <= "death.date" THEN "death.date" END AS varchar)) AS "end_date.raw",
        CASE WHEN coalesce(o_year("AE_end_date", '%d-%m-%Y'), o_year("AE_end_date", '%Y-%m-%d')) IS NOT NULL THEN 'recorded' WHEN coalesce(coalesce(o_date("AE_start_date", '%d-%m-%Y'), o_date("AE_start_date", '%Y-%m-%d')), o_ymd(coalesce(o_year("AE_start_date", '%d-%m-%Y'), o_year("AE_start_date", '%Y-%m-%d')), coalesce(coalesce(o_month("AE_start_date", '%d-%m-%Y'), o_month("AE_start_date", '%Y-%m-%d')), 1), 1)) <= "death.date" THEN 'death' END AS "end_basis.raw",
        "SAE" AS "serious.raw"
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
        adverse_event_id,
        term,
        "grade.raw",
        CASE WHEN o_whole(o_num_comma("grade.raw")) IN (1, 2, 3, 4, 5) THEN o_whole(o_num_comma("grade.raw")) END AS grade,
        ctcae_version,
        "start_date.raw",
        coalesce(o_date("start_date.raw", '%d-%m-%Y'), o_date("start_date.raw", '%Y-%m-%d')) AS "start_date.full",
        "end_date.raw",
        coalesce(o_date("end_date.raw", '%d-%m-%Y'), o_date("end_date.raw", '%Y-%m-%d')) AS "end_date.full",
        "end_basis.raw",
        CASE WHEN "end_basis.raw" IN ('recorded', 'death') THEN "end_basis.raw" END AS end_basis,
        "serious.raw",
        o_bool("serious.raw") AS serious
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
            WHEN adverse_event_id IS NULL THEN 3
            WHEN term IS NULL THEN 4
            WHEN "start_date.raw" IS NOT NULL AND start_date IS NULL THEN 5
            WHEN start_date IS NULL THEN 6
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "grade.raw" IS NOT NULL AND grade IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end_date.raw" IS NOT NULL AND end_date IS NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end_basis.raw" IS NOT NULL AND end_basis IS NULL THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "serious.raw" IS NOT NULL AND serious IS NULL THEN 8 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(adverse_event_id AS varchar), '')
            || chr(31) || coalesce(CAST(term AS varchar), '')
            || chr(31) || coalesce(CAST(grade AS varchar), '')
            || chr(31) || coalesce(CAST(ctcae_version AS varchar), '')
            || chr(31) || coalesce(CAST(end_basis AS varchar), '')
            || chr(31) || coalesce(CAST(serious AS varchar), '')
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
    adverse_event_id,
    term,
    grade,
    ctcae_version,
    "end_basis.raw",
    end_basis,
    serious,
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("end_basis.raw" IS NOT NULL AND end_basis IS NULL)))
FROM work.drup_adverse_event AS step;

-- write dsp.adverse_event
INSERT INTO dsp.adverse_event (
    _file,
    _row,
    trial,
    subject_id,
    adverse_event_id,
    term,
    grade,
    ctcae_version,
    start_date,
    end_date,
    end_basis,
    serious
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    adverse_event_id AS adverse_event_id,
    term AS term,
    grade AS grade,
    ctcae_version AS ctcae_version,
    start_date AS start_date,
    end_date AS end_date,
    end_basis AS end_basis,
    serious AS serious
FROM work.drup_adverse_event AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.adverse_event
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.adverse_event', (SELECT count(*) FROM dsp.adverse_event) - written.behind, 'drup_adverse_event', step._file, step._row, NULL, step._n, step._of
FROM work.drup_adverse_event AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.drup_adverse_event AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'drup_adverse_event', filter.name, count(step._left_out)
FROM (VALUES ('has_patient'), ('of_this_trial'), ('has_event')) AS filter(name)
LEFT JOIN work.drup_adverse_event AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'drup_adverse_event', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.drup_adverse_event AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'drup_adverse_event', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.drup_adverse_event AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'adverse_event_id', 'missing'),
    (4, 'term', 'missing'),
    (5, 'start_date', 'not a date'),
    (6, 'start_date', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'drup_adverse_event', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_adverse_event AS step
JOIN (VALUES
    (1, 'grade', 'not in the value set'),
    (2, 'end_date', 'not a date'),
    (4, 'end_basis', 'not in the value set'),
    (8, 'serious', 'not yes or no')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'drup_adverse_event', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_adverse_event AS step
JOIN (VALUES
    (1, 'start_date', 'earliest'),
    (2, 'end_date', 'latest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'drup_adverse_event', 'end_basis', "end_basis.raw", count(*)
FROM work.drup_adverse_event
WHERE _left_out IS NULL AND _target = 1 AND "end_basis.raw" IS NOT NULL AND end_basis IS NULL
GROUP BY "end_basis.raw";
