-- map impress_death

-- map
CREATE TABLE work.impress_death AS
WITH
-- the columns of eos and fu and ae that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        'eos' AS _source,
        NULL AS "AEOUT",
        i."SubjectId" AS "SubjectId",
        i."DEATHDTC" AS "day"
    FROM source.eos AS i
    UNION ALL
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        'fu' AS _source,
        NULL AS "AEOUT",
        i."SubjectId" AS "SubjectId",
        i."FUPDEDAT" AS "day"
    FROM source.fu AS i
    UNION ALL
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        'ae' AS _source,
        i."AEOUT" AS "AEOUT",
        i."SubjectId" AS "SubjectId",
        i."AEENDAT" AS "day"
    FROM source.ae AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("SubjectId" IN (SELECT subject FROM work."scope allocated"), FALSE) THEN 'allocated'
            WHEN NOT coalesce("day" IS NOT NULL, FALSE) THEN 'has_date'
            WHEN NOT coalesce(_source <> 'ae' OR o_fold("AEOUT") = 'fatal', FALSE) THEN 'fatal'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "SubjectId", (_filter IS NULL) ORDER BY CASE WHEN o_date("day", '%Y-%m-%d') IS NOT NULL THEN 1 WHEN o_month("day", '%Y-%m-%d') IS NOT NULL THEN 2 WHEN o_year("day", '%Y-%m-%d') IS NOT NULL THEN 3 ELSE 4 END ASC NULLS LAST, CASE WHEN _source = 'eos' THEN 1 WHEN _source = 'fu' THEN 2 ELSE 3 END ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank,
        o_date("day", '%Y-%m-%d') IS DISTINCT FROM first_value(o_date("day", '%Y-%m-%d')) OVER (PARTITION BY "SubjectId", (_filter IS NULL) ORDER BY CASE WHEN o_date("day", '%Y-%m-%d') IS NOT NULL THEN 1 WHEN o_month("day", '%Y-%m-%d') IS NOT NULL THEN 2 WHEN o_year("day", '%Y-%m-%d') IS NOT NULL THEN 3 ELSE 4 END ASC NULLS LAST, CASE WHEN _source = 'eos' THEN 1 WHEN _source = 'fu' THEN 2 ELSE 3 END ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs1,
        o_month("day", '%Y-%m-%d') IS DISTINCT FROM first_value(o_month("day", '%Y-%m-%d')) OVER (PARTITION BY "SubjectId", (_filter IS NULL) ORDER BY CASE WHEN o_date("day", '%Y-%m-%d') IS NOT NULL THEN 1 WHEN o_month("day", '%Y-%m-%d') IS NOT NULL THEN 2 WHEN o_year("day", '%Y-%m-%d') IS NOT NULL THEN 3 ELSE 4 END ASC NULLS LAST, CASE WHEN _source = 'eos' THEN 1 WHEN _source = 'fu' THEN 2 ELSE 3 END ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs2,
        o_year("day", '%Y-%m-%d') IS DISTINCT FROM first_value(o_year("day", '%Y-%m-%d')) OVER (PARTITION BY "SubjectId", (_filter IS NULL) ORDER BY CASE WHEN o_date("day", '%Y-%m-%d') IS NOT NULL THEN 1 WHEN o_month("day", '%Y-%m-%d') IS NOT NULL THEN 2 WHEN o_year("day", '%Y-%m-%d') IS NOT NULL THEN 3 ELSE 4 END ASC NULLS LAST, CASE WHEN _source = 'eos' THEN 1 WHEN _source = 'fu' THEN 2 ELSE 3 END ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs3
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
        "SubjectId" AS _key,
        "SubjectId" AS subject_id,
        "day" AS "date.raw",
        _source AS "recorded_in.raw"
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
        subject_id,
        "date.raw",
        o_date("date.raw", '%Y-%m-%d') AS "date.full",
        "recorded_in.raw",
        CASE o_fold("recorded_in.raw") WHEN 'eos' THEN 'end of study' WHEN 'fu' THEN 'follow-up' WHEN 'ae' THEN 'adverse event' END AS recorded_in
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("date.full", o_impute("date.raw", '%Y-%m-%d', 'latest')) AS "date"
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
            + CASE WHEN _left_out = 'keep' AND _differs3 THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "recorded_in.raw" IS NOT NULL AND recorded_in IS NULL THEN 8 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(recorded_in AS varchar), '')
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
    "recorded_in.raw",
    recorded_in,
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("recorded_in.raw" IS NOT NULL AND recorded_in IS NULL)))
FROM work.impress_death AS step;

-- write dsp.death
INSERT INTO dsp.death (
    _file,
    _row,
    trial,
    subject_id,
    "date",
    recorded_in
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    "date" AS "date",
    recorded_in AS recorded_in
FROM work.impress_death AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.death
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.death', (SELECT count(*) FROM dsp.death) - written.behind, 'impress_death', step._file, step._row, NULL, step._n, step._of
FROM work.impress_death AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_death AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_death', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('has_date'), ('fatal'), ('keep')) AS filter(name)
LEFT JOIN work.impress_death AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_death', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_death AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_death', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_death AS step
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
SELECT 'impress_death', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_death AS step
JOIN (VALUES
    (1, 'keep date(day)', 'differs from the row that is kept'),
    (2, 'keep month(day)', 'differs from the row that is kept'),
    (4, 'keep year(day)', 'differs from the row that is kept'),
    (8, 'recorded_in', 'not in the value map')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'impress_death', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_death AS step
JOIN (VALUES
    (1, 'date', 'latest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'impress_death', 'recorded_in', "recorded_in.raw", count(*)
FROM work.impress_death
WHERE _left_out IS NULL AND _target = 1 AND "recorded_in.raw" IS NOT NULL AND recorded_in IS NULL
GROUP BY "recorded_in.raw";
