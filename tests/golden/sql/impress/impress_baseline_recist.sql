-- map impress_baseline_recist

-- map
CREATE TABLE work.impress_baseline_recist AS
WITH
-- dsp.visit, for the join 'visit'
join_visit AS (
    SELECT
        _file,
        _row,
        subject_id AS key1,
        "date",
        event_id
    FROM dsp.visit
    WHERE event_id = 'V00'
),
-- the columns of vi and ra and rcnt that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        'vi' AS _source,
        i."EventDate" AS "EventDate",
        i."EventId" AS "EventId",
        i."SubjectId" AS "SubjectId",
        i."VIAMLTYP" AS "VIAMLTYP",
        NULL AS lesions,
        coalesce(i."VITUMA", i."VITUMA__2") AS recorded,  -- its revisions, the first that is filled
        NULL AS total,
        visit."date" AS "visit.date",
        visit.event_id AS "visit.event_id"
    FROM source.vi AS i
    LEFT JOIN join_visit AS visit ON visit.key1 = i."SubjectId"
    UNION ALL
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        'ra' AS _source,
        i."EventDate" AS "EventDate",
        i."EventId" AS "EventId",
        i."SubjectId" AS "SubjectId",
        NULL AS "VIAMLTYP",
        NULL AS lesions,
        NULL AS recorded,
        i."RARECBAS" AS total,
        visit."date" AS "visit.date",
        visit.event_id AS "visit.event_id"
    FROM source.ra AS i
    LEFT JOIN join_visit AS visit ON visit.key1 = i."SubjectId"
    UNION ALL
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        'rcnt' AS _source,
        i."EventDate" AS "EventDate",
        i."EventId" AS "EventId",
        i."SubjectId" AS "SubjectId",
        NULL AS "VIAMLTYP",
        i."RCNTNOB" AS lesions,
        NULL AS recorded,
        NULL AS total,
        visit."date" AS "visit.date",
        visit.event_id AS "visit.event_id"
    FROM source.rcnt AS i
    LEFT JOIN join_visit AS visit ON visit.key1 = i."SubjectId"
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("SubjectId" IN (SELECT subject FROM work."scope allocated"), FALSE) THEN 'allocated'
            WHEN NOT coalesce(_source = 'ra' OR "EventId" = 'V00', FALSE) THEN 'at_baseline'
            WHEN NOT coalesce(coalesce(recorded, "VIAMLTYP", total, lesions) IS NOT NULL, FALSE) THEN 'has_content'
            WHEN NOT coalesce(recorded IS NULL OR NOT (strpos(o_fold(recorded), 'rano') > 0), FALSE) THEN 'not_rano'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "SubjectId", _source, (_filter IS NULL) ORDER BY CASE WHEN _source = 'vi' OR o_num(coalesce(total, lesions)) IS NOT NULL THEN 1 ELSE 2 END ASC NULLS LAST, o_date("EventDate", '%Y-%m-%d') ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank,
        o_fold(recorded) IS DISTINCT FROM first_value(o_fold(recorded)) OVER (PARTITION BY "SubjectId", _source, (_filter IS NULL) ORDER BY CASE WHEN _source = 'vi' OR o_num(coalesce(total, lesions)) IS NOT NULL THEN 1 ELSE 2 END ASC NULLS LAST, o_date("EventDate", '%Y-%m-%d') ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs1,
        o_num(total) IS DISTINCT FROM first_value(o_num(total)) OVER (PARTITION BY "SubjectId", _source, (_filter IS NULL) ORDER BY CASE WHEN _source = 'vi' OR o_num(coalesce(total, lesions)) IS NOT NULL THEN 1 ELSE 2 END ASC NULLS LAST, o_date("EventDate", '%Y-%m-%d') ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs2,
        o_num(lesions) IS DISTINCT FROM first_value(o_num(lesions)) OVER (PARTITION BY "SubjectId", _source, (_filter IS NULL) ORDER BY CASE WHEN _source = 'vi' OR o_num(coalesce(total, lesions)) IS NOT NULL THEN 1 ELSE 2 END ASC NULLS LAST, o_date("EventDate", '%Y-%m-%d') ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs3
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
        coalesce(min(CASE WHEN o_num("VIAMLTYP") = 1 THEN 'ELN (AML)' WHEN o_num("VIAMLTYP") = 2 THEN 'IWG (AML)' END) OVER (PARTITION BY "SubjectId", (_left_out IS NULL)), min(recorded) OVER (PARTITION BY "SubjectId", (_left_out IS NULL))) AS "criterion.raw",
        min(recorded) OVER (PARTITION BY "SubjectId", (_left_out IS NULL)) AS criterion_recorded,
        min("visit.event_id") OVER (PARTITION BY "SubjectId", (_left_out IS NULL)) AS event_id,
        min("visit.date") OVER (PARTITION BY "SubjectId", (_left_out IS NULL)) AS "date",
        min(total) OVER (PARTITION BY "SubjectId", (_left_out IS NULL)) AS "target_sum.raw",
        CASE WHEN min(total) OVER (PARTITION BY "SubjectId", (_left_out IS NULL)) IS NOT NULL THEN 'mm' END AS "sum_unit.raw",
        min(lesions) OVER (PARTITION BY "SubjectId", (_left_out IS NULL)) AS "non_target_lesions.raw",
        min(CASE WHEN _source = 'rcnt' THEN "EventDate" END) OVER (PARTITION BY "SubjectId", (_left_out IS NULL)) AS "non_target_recorded.raw"
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
        "criterion.raw",
        CASE o_fold("criterion.raw") WHEN 'recist 1.1' THEN 'recist' WHEN 'irecist 1.1' THEN 'irecist' WHEN 'lugano' THEN 'lugano' WHEN 'eln (aml)' THEN 'eln aml' END AS criterion,
        criterion_recorded,
        event_id,
        "date",
        "target_sum.raw",
        o_num("target_sum.raw") AS target_sum,
        "sum_unit.raw",
        CASE WHEN "sum_unit.raw" IN ('mm', 'mm2') THEN "sum_unit.raw" END AS sum_unit,
        "non_target_lesions.raw",
        o_whole(o_num("non_target_lesions.raw")) AS non_target_lesions,
        "non_target_recorded.raw",
        o_date("non_target_recorded.raw", '%Y-%m-%d') AS "non_target_recorded.full"
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("non_target_recorded.full", o_impute("non_target_recorded.raw", '%Y-%m-%d', 'earliest')) AS non_target_recorded
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
judged AS (
    SELECT
        resolved.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN _key IS NULL THEN 1
            WHEN subject_id IS NULL THEN 2
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs2 THEN 2 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs3 THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "criterion.raw" IS NOT NULL AND criterion IS NULL THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "target_sum.raw" IS NOT NULL AND target_sum IS NULL THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "sum_unit.raw" IS NOT NULL AND sum_unit IS NULL THEN 32 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "non_target_lesions.raw" IS NOT NULL AND non_target_lesions IS NULL THEN 64 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "non_target_recorded.raw" IS NOT NULL AND non_target_recorded IS NULL THEN 128 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "non_target_recorded.full" IS NULL AND non_target_recorded IS NOT NULL THEN 1 ELSE 0 END AS _imputed,
        o_id(_key) AS _hash
    FROM resolved
),
-- the status of each row; the first of a group is written
final AS (
    SELECT
        judged.*,
        CASE WHEN _left_out IS NOT NULL THEN 'filtered' WHEN _reject > 0 THEN 'rejected' ELSE 'used' END AS _status,
        row_number() OVER (PARTITION BY _hash, _target, (_left_out IS NULL AND _reject = 0) ORDER BY _file, _row, _n) = 1 AS _first,
        _hash AS _id_hash
    FROM judged
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
    "criterion.raw",
    criterion,
    criterion_recorded,
    event_id,
    "date",
    target_sum,
    "sum_unit.raw",
    sum_unit,
    non_target_lesions,
    non_target_recorded
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("criterion.raw" IS NOT NULL AND criterion IS NULL) OR ("sum_unit.raw" IS NOT NULL AND sum_unit IS NULL)))
FROM work.impress_baseline_recist AS step;

-- write dsp.baseline_tumour_assessment
INSERT INTO dsp.baseline_tumour_assessment (
    _file,
    _row,
    trial,
    subject_id,
    criterion,
    criterion_recorded,
    event_id,
    "date",
    target_sum,
    sum_unit,
    non_target_lesions,
    non_target_recorded
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    criterion AS criterion,
    criterion_recorded AS criterion_recorded,
    event_id AS event_id,
    "date" AS "date",
    target_sum AS target_sum,
    sum_unit AS sum_unit,
    non_target_lesions AS non_target_lesions,
    non_target_recorded AS non_target_recorded
FROM work.impress_baseline_recist AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.baseline_tumour_assessment
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.baseline_tumour_assessment', (SELECT count(*) FROM dsp.baseline_tumour_assessment) - written.behind, 'impress_baseline_recist', step._file, step._row, NULL, step._n, step._of
FROM work.impress_baseline_recist AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_baseline_recist AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_baseline_recist', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('at_baseline'), ('has_content'), ('not_rano'), ('keep')) AS filter(name)
LEFT JOIN work.impress_baseline_recist AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_baseline_recist', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_baseline_recist AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_baseline_recist', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_baseline_recist AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'impress_baseline_recist', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_baseline_recist AS step
JOIN (VALUES
    (1, 'keep fold(recorded)', 'differs from the row that is kept'),
    (2, 'keep number(total)', 'differs from the row that is kept'),
    (4, 'keep number(lesions)', 'differs from the row that is kept'),
    (8, 'criterion', 'not in the value map'),
    (16, 'target_sum', 'not a number'),
    (32, 'sum_unit', 'not in the value set'),
    (64, 'non_target_lesions', 'not a whole number'),
    (128, 'non_target_recorded', 'not a date')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'impress_baseline_recist', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_baseline_recist AS step
JOIN (VALUES
    (1, 'non_target_recorded', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'impress_baseline_recist', 'criterion', "criterion.raw", count(*)
FROM work.impress_baseline_recist
WHERE _left_out IS NULL AND _target = 1 AND "criterion.raw" IS NOT NULL AND criterion IS NULL
GROUP BY "criterion.raw"
UNION ALL
SELECT 'impress_baseline_recist', 'sum_unit', "sum_unit.raw", count(*)
FROM work.impress_baseline_recist
WHERE _left_out IS NULL AND _target = 1 AND "sum_unit.raw" IS NOT NULL AND sum_unit IS NULL
GROUP BY "sum_unit.raw";
