-- map drup_concomitant_medication

-- map
CREATE TABLE work.drup_concomitant_medication AS
WITH
-- the columns of drup that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."Concominant_end_date" AS "Concominant_end_date",
        i."Concominant_indication" AS "Concominant_indication",
        i."Concominant_medication" AS "Concominant_medication",
        i."Concominant_ongoing" AS "Concominant_ongoing",
        i."Concominant_start_date" AS "Concominant_start_date",
        i."ID" AS "ID"
    FROM source.drup AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope has_patient"), FALSE) THEN 'has_patient'
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope of_this_trial"), FALSE) THEN 'of_this_trial'
            WHEN NOT coalesce(coalesce("Concominant_medication", "Concominant_start_date", "Concominant_end_date", "Concominant_indication") IS NOT NULL, FALSE) THEN 'has_medication'
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
        "ID" || chr(31) || coalesce(o_fold("Concominant_medication"), '') || chr(31) || coalesce(CAST(coalesce(o_date("Concominant_start_date", '%d-%m-%Y'), o_date("Concominant_start_date", '%Y-%m-%d')) AS varchar), "Concominant_start_date", '') AS _key,
        "ID" AS subject_id,
        nullif(coalesce("Concominant_medication", '') || coalesce(' / ', '') || coalesce(coalesce(CAST(coalesce(o_date("Concominant_start_date", '%d-%m-%Y'), o_date("Concominant_start_date", '%Y-%m-%d')) AS varchar), "Concominant_start_date"), ''), '') AS medication_id,
        "Concominant_medication" AS name,
        "Concominant_start_date" AS "start_date.raw",
        "Concominant_end_date" AS "end_date.raw",
        "Concominant_ongoing" AS "ongoing.raw",
        "Concominant_indication" AS indication
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
        medication_id,
        name,
        "start_date.raw",
        coalesce(o_date("start_date.raw", '%d-%m-%Y'), o_date("start_date.raw", '%Y-%m-%d')) AS "start_date.full",
        "end_date.raw",
        coalesce(o_date("end_date.raw", '%d-%m-%Y'), o_date("end_date.raw", '%Y-%m-%d')) AS "end_date.full",
        "ongoing.raw",
        o_bool("ongoing.raw") AS ongoing,
        indication
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
            WHEN medication_id IS NULL THEN 3
            WHEN name IS NULL THEN 4
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "start_date.raw" IS NOT NULL AND start_date IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end_date.raw" IS NOT NULL AND end_date IS NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "ongoing.raw" IS NOT NULL AND ongoing IS NULL THEN 4 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(medication_id AS varchar), '')
            || chr(31) || coalesce(CAST(name AS varchar), '')
            || chr(31) || coalesce(CAST(ongoing AS varchar), '')
            || chr(31) || coalesce(CAST(indication AS varchar), '')
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
    medication_id,
    name,
    ongoing,
    indication,
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
    count(*) FILTER (WHERE _imputed <> 0)
FROM work.drup_concomitant_medication AS step;

-- write dsp.concomitant_medication
INSERT INTO dsp.concomitant_medication (
    _file,
    _row,
    trial,
    subject_id,
    medication_id,
    name,
    start_date,
    end_date,
    ongoing,
    indication
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    medication_id AS medication_id,
    name AS name,
    start_date AS start_date,
    end_date AS end_date,
    ongoing AS ongoing,
    indication AS indication
FROM work.drup_concomitant_medication AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.concomitant_medication
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.concomitant_medication', (SELECT count(*) FROM dsp.concomitant_medication) - written.behind, 'drup_concomitant_medication', step._file, step._row, NULL, step._n, step._of
FROM work.drup_concomitant_medication AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.drup_concomitant_medication AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'drup_concomitant_medication', filter.name, count(step._left_out)
FROM (VALUES ('has_patient'), ('of_this_trial'), ('has_medication')) AS filter(name)
LEFT JOIN work.drup_concomitant_medication AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'drup_concomitant_medication', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.drup_concomitant_medication AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'drup_concomitant_medication', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.drup_concomitant_medication AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'medication_id', 'missing'),
    (4, 'name', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'drup_concomitant_medication', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_concomitant_medication AS step
JOIN (VALUES
    (1, 'start_date', 'not a date'),
    (2, 'end_date', 'not a date'),
    (4, 'ongoing', 'not yes or no')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'drup_concomitant_medication', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_concomitant_medication AS step
JOIN (VALUES
    (1, 'start_date', 'earliest'),
    (2, 'end_date', 'latest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';
