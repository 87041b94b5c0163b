-- map impress_ecog

-- map
CREATE TABLE work.impress_ecog AS
WITH
-- the columns of ecog that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."ECOGDAT" AS "ECOGDAT",
        i."ECOGS" AS "ECOGS",
        i."ECOGSCD" AS "ECOGSCD",
        i."EventDate" AS "EventDate",
        i."EventId" AS "EventId",
        i."SubjectId" AS "SubjectId"
    FROM source.ecog AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("SubjectId" IN (SELECT subject FROM work."scope allocated"), FALSE) THEN 'allocated'
            WHEN NOT coalesce("ECOGS" IS NOT NULL OR "ECOGSCD" IS NOT NULL, FALSE) THEN 'has_grade'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "SubjectId", "EventId", "ECOGDAT", "EventDate", (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _rank,
        "ECOGS" IS DISTINCT FROM first_value("ECOGS") OVER (PARTITION BY "SubjectId", "EventId", "ECOGDAT", "EventDate", (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _differs1,
        o_num("ECOGSCD") IS DISTINCT FROM first_value(o_num("ECOGSCD")) OVER (PARTITION BY "SubjectId", "EventId", "ECOGDAT", "EventDate", (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _differs2
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
        "SubjectId" || chr(31) || "EventId" || chr(31) || coalesce("ECOGDAT", "EventDate") AS _key,
        "SubjectId" AS subject_id,
        "EventId" AS event_id,
        coalesce(CASE WHEN o_year("ECOGDAT", '%Y-%m-%d') IS NOT NULL THEN "ECOGDAT" END, "EventDate", "ECOGDAT") AS "date.raw",
        CASE WHEN o_year("ECOGDAT", '%Y-%m-%d') IS NOT NULL THEN 'assessment' WHEN "EventDate" IS NOT NULL THEN 'visit' END AS "date_basis.raw",
        "EventId" = 'V00' AND row_number() OVER (PARTITION BY "SubjectId", "EventId", (_left_out IS NULL) ORDER BY o_date("ECOGDAT", '%Y-%m-%d') DESC NULLS LAST, o_date("EventDate", '%Y-%m-%d') DESC NULLS LAST, _row DESC NULLS LAST, _file ASC) = 1 AS baseline,
        coalesce(left("ECOGS", 1), CASE WHEN o_num("ECOGSCD") = 1 THEN '0' WHEN o_num("ECOGSCD") = 2 THEN '1' WHEN o_num("ECOGSCD") = 3 THEN '2' ELSE "ECOGSCD" || ' (code)' END) AS "grade.raw",
        "ECOGS" AS description,
        CASE WHEN "EventId" <> 'V00' OR row_number() OVER (PARTITION BY "SubjectId", "EventId", (_left_out IS NULL) ORDER BY o_date("ECOGDAT", '%Y-%m-%d') DESC NULLS LAST, o_date("EventDate", '%Y-%m-%d') DESC NULLS LAST, _row DESC NULLS LAST, _file ASC) <> 1 THEN NULL WHEN "ECOGS" IS NOT NULL THEN (strpos('0, 1, 2', left("ECOGS", 1)) > 0) WHEN o_num("ECOGSCD") BETWEEN 1 AND 3 THEN (strpos('0, 1, 2', o_plain(CAST(o_num("ECOGSCD") AS double) - 1)) > 0) END AS eligible
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
        subject_id,
        event_id,
        "date.raw",
        o_date("date.raw", '%Y-%m-%d') AS "date.full",
        "date_basis.raw",
        CASE WHEN "date_basis.raw" IN ('assessment', 'visit', 'treatment start') THEN "date_basis.raw" END AS date_basis,
        baseline,
        "grade.raw",
        CASE WHEN o_whole(o_num("grade.raw")) IN (0, 1, 2, 3, 4, 5) THEN o_whole(o_num("grade.raw")) END AS grade,
        description,
        eligible
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
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
            WHEN "date.raw" IS NOT NULL AND "date" IS NULL THEN 3
            WHEN "date" IS NULL THEN 4
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs2 THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "date_basis.raw" IS NOT NULL AND date_basis IS NULL THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "grade.raw" IS NOT NULL AND grade IS NULL THEN 8 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(event_id AS varchar), '')
            || chr(31) || coalesce(CAST(date_basis AS varchar), '')
            || chr(31) || coalesce(CAST(baseline AS varchar), '')
            || chr(31) || coalesce(CAST(grade AS varchar), '')
            || chr(31) || coalesce(CAST(description AS varchar), '')
            || chr(31) || coalesce(CAST(eligible AS varchar), '')
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
    event_id,
    "date_basis.raw",
    date_basis,
    baseline,
    grade,
    description,
    eligible,
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("date_basis.raw" IS NOT NULL AND date_basis IS NULL)))
FROM work.impress_ecog AS step;

-- write dsp.ecog
INSERT INTO dsp.ecog (
    _file,
    _row,
    trial,
    subject_id,
    event_id,
    "date",
    date_basis,
    baseline,
    grade,
    description,
    eligible
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    event_id AS event_id,
    "date" AS "date",
    date_basis AS date_basis,
    baseline AS baseline,
    grade AS grade,
    description AS description,
    eligible AS eligible
FROM work.impress_ecog AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.ecog
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.ecog', (SELECT count(*) FROM dsp.ecog) - written.behind, 'impress_ecog', step._file, step._row, NULL, step._n, step._of
FROM work.impress_ecog AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_ecog AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_ecog', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('has_grade'), ('keep')) AS filter(name)
LEFT JOIN work.impress_ecog AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_ecog', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_ecog AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_ecog', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_ecog AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'date', 'not a date'),
    (4, 'date', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'impress_ecog', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_ecog AS step
JOIN (VALUES
    (1, 'keep ECOGS', 'differs from the row that is kept'),
    (2, 'keep number(ECOGSCD)', 'differs from the row that is kept'),
    (4, 'date_basis', 'not in the value set'),
    (8, 'grade', 'not in the value set')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'impress_ecog', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_ecog AS step
JOIN (VALUES
    (1, 'date', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'impress_ecog', 'date_basis', "date_basis.raw", count(*)
FROM work.impress_ecog
WHERE _left_out IS NULL AND _target = 1 AND "date_basis.raw" IS NOT NULL AND date_basis IS NULL
GROUP BY "date_basis.raw";
