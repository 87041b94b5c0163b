-- map derive_treatment

-- map
CREATE TABLE work.derive_treatment AS
WITH
-- the columns of derived/treatment.sql.jinja that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i.days_treated AS days_treated,
        i.end_date AS end_date,
        i.end_source AS end_source,
        i.last_cycle_start AS last_cycle_start,
        i.number_of_cycles AS number_of_cycles,
        i.start_date AS start_date,
        i.subject_id AS subject_id,
        i.type AS type
    FROM (
    SELECT _file, _row, CAST(subject_id AS varchar) AS subject_id, o_date(CAST(start_date AS varchar), '%Y-%m-%d') AS start_date, o_date(CAST(end_date AS varchar), '%Y-%m-%d') AS end_date, CAST(end_source AS varchar) AS end_source, o_date(CAST(last_cycle_start AS varchar), '%Y-%m-%d') AS last_cycle_start, o_whole(o_num(CAST(number_of_cycles AS varchar))) AS number_of_cycles, o_whole(o_num(CAST(days_treated AS varchar))) AS days_treated, CAST(type AS varchar) AS type FROM (
-- One row for each subject who received a cycle. Several drugs are one treatment: from the first dose of any to the last dose of any.
WITH received AS (
    SELECT * FROM dsp.treatment_cycle WHERE received
),
first_rows AS (
    SELECT subject_id, _file, _row, row_number() OVER (PARTITION BY subject_id ORDER BY start_date, _file, _row) AS place
    FROM received
),
spans AS (
    SELECT
        subject_id,
        min(start_date) AS start_date,
        max(start_date) AS last_cycle_start,
        max(CASE WHEN type = 'oral' AND end_basis = 'recorded' THEN end_date END) AS last_intake,
        count(DISTINCT cycle_number) AS number_of_cycles,
        max(CASE WHEN type = 'oral' THEN 1 ELSE 0 END) AS oral,
        max(CASE WHEN type = 'iv' THEN 1 ELSE 0 END) AS iv
    FROM received
    GROUP BY subject_id
),
ends AS (
    SELECT subject_id, max(last_dose_date) AS last_dose FROM dsp.end_of_treatment GROUP BY subject_id
),
ended AS (
    SELECT
        spans.*,
        -- A last intake before the start of a later cycle is not the last dose: that cycle was received.
        CASE WHEN last_dose IS NOT NULL THEN last_dose WHEN last_intake >= last_cycle_start THEN last_intake ELSE last_cycle_start END AS end_date,
        CASE WHEN last_dose IS NOT NULL THEN 'end of treatment' WHEN last_intake >= last_cycle_start THEN 'last intake' ELSE 'last cycle start' END
            AS end_source
    FROM spans
    LEFT JOIN ends ON ends.subject_id = spans.subject_id
)
SELECT
    first_rows._file, first_rows._row, ended.subject_id, start_date, end_date, end_source, last_cycle_start, number_of_cycles,
    CASE WHEN end_date >= start_date THEN end_date - start_date + 1 END AS days_treated,
    CASE WHEN oral = 1 AND iv = 1 THEN 'oral and iv' WHEN oral = 1 THEN 'oral' WHEN iv = 1 THEN 'iv' END AS type
FROM ended
JOIN first_rows ON first_rows.subject_id = ended.subject_id AND first_rows.place = 1
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
        subject_id AS _key,
        subject_id,
        start_date,
        end_date,
        end_source AS "end_source.raw",
        last_cycle_start,
        number_of_cycles,
        days_treated,
        type AS "type.raw",
        'derived' AS "basis.raw",
        'treatment-span' AS rule
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
        start_date,
        end_date,
        "end_source.raw",
        CASE WHEN "end_source.raw" IN ('end of treatment', 'last intake', 'last cycle start', 'recorded') THEN "end_source.raw" END AS end_source,
        last_cycle_start,
        number_of_cycles,
        days_treated,
        "type.raw",
        CASE WHEN "type.raw" IN ('oral', 'iv', 'oral and iv') THEN "type.raw" END AS type,
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
            WHEN start_date IS NULL THEN 3
            WHEN "basis.raw" IS NOT NULL AND basis IS NULL THEN 4
            WHEN basis IS NULL THEN 5
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "end_source.raw" IS NOT NULL AND end_source IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "type.raw" IS NOT NULL AND type IS NULL THEN 2 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(start_date AS varchar), '')
            || chr(31) || coalesce(CAST(end_date AS varchar), '')
            || chr(31) || coalesce(CAST(end_source AS varchar), '')
            || chr(31) || coalesce(CAST(last_cycle_start AS varchar), '')
            || chr(31) || coalesce(CAST(number_of_cycles AS varchar), '')
            || chr(31) || coalesce(CAST(days_treated AS varchar), '')
            || chr(31) || coalesce(CAST(type AS varchar), '')
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
    start_date,
    end_date,
    "end_source.raw",
    end_source,
    last_cycle_start,
    number_of_cycles,
    days_treated,
    "type.raw",
    type,
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("end_source.raw" IS NOT NULL AND end_source IS NULL) OR ("type.raw" IS NOT NULL AND type IS NULL) OR ("basis.raw" IS NOT NULL AND basis IS NULL)))
FROM work.derive_treatment AS step;

-- write dsp.treatment
INSERT INTO dsp.treatment (
    _file,
    _row,
    trial,
    subject_id,
    start_date,
    end_date,
    end_source,
    last_cycle_start,
    number_of_cycles,
    days_treated,
    type,
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
    last_cycle_start AS last_cycle_start,
    number_of_cycles AS number_of_cycles,
    days_treated AS days_treated,
    type AS type,
    basis AS basis,
    rule AS rule
FROM work.derive_treatment AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.treatment
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.treatment', (SELECT count(*) FROM dsp.treatment) - written.behind, 'derive_treatment', step._file, step._row, NULL, step._n, step._of
FROM work.derive_treatment AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.derive_treatment AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'derive_treatment', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.derive_treatment AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'derive_treatment', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.derive_treatment AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'start_date', 'missing'),
    (4, 'basis', 'not in the value set'),
    (5, 'basis', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'derive_treatment', why.field, why.reason, file.file, file.sheet, step._row
FROM work.derive_treatment AS step
JOIN (VALUES
    (1, 'end_source', 'not in the value set'),
    (2, 'type', 'not in the value set')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'derive_treatment', 'end_source', "end_source.raw", count(*)
FROM work.derive_treatment
WHERE _left_out IS NULL AND _target = 1 AND "end_source.raw" IS NOT NULL AND end_source IS NULL
GROUP BY "end_source.raw"
UNION ALL
SELECT 'derive_treatment', 'type', "type.raw", count(*)
FROM work.derive_treatment
WHERE _left_out IS NULL AND _target = 1 AND "type.raw" IS NOT NULL AND type IS NULL
GROUP BY "type.raw"
UNION ALL
SELECT 'derive_treatment', 'basis', "basis.raw", count(*)
FROM work.derive_treatment
WHERE _left_out IS NULL AND _target = 1 AND "basis.raw" IS NOT NULL AND basis IS NULL
GROUP BY "basis.raw";
