-- map impress_tumour_assessment_recist

-- map
CREATE TABLE work.impress_tumour_assessment_recist AS
WITH
-- the columns of ra that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."EventDate" AS "EventDate",
        i."EventId" AS "EventId",
        i."RAASSESS1" AS "RAASSESS1",
        i."RAASSESS2" AS "RAASSESS2",
        i."RABASECH" AS "RABASECH",
        i."RANLBASE" AS "RANLBASE",
        i."RANLBASECD" AS "RANLBASECD",
        i."RAPROGDT" AS "RAPROGDT",
        i."RARECBAS" AS "RARECBAS",
        i."RARECCH" AS "RARECCH",
        i."RARECCUR" AS "RARECCUR",
        i."RARECNAD" AS "RARECNAD",
        i."RATIMRES" AS "RATIMRES",
        i."RATIMRESCD" AS "RATIMRESCD",
        i."RAiMOD" AS "RAiMOD",
        i."RAiMODCD" AS "RAiMODCD",
        i."SubjectId" AS "SubjectId"
    FROM source.ra AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("SubjectId" IN (SELECT subject FROM work."scope allocated"), FALSE) THEN 'allocated'
            WHEN NOT coalesce(coalesce("RAASSESS1", "RATIMRES", "RATIMRESCD") IS NOT NULL OR coalesce("RAASSESS2", "RAiMOD", "RAiMODCD") IS NULL AND coalesce("RABASECH", "RARECCH", "RARECCUR", "RANLBASECD", "RANLBASE", "RAPROGDT") IS NOT NULL, FALSE) THEN 'recist'
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
        "SubjectId" || chr(31) || CASE WHEN o_matches("EventId", '^V[0-9]+$') THEN "EventId" ELSE nullif(coalesce("EventId", '') || coalesce(' ', '') || coalesce("EventDate", ''), '') END AS _key,
        "SubjectId" AS subject_id,
        CASE WHEN o_matches("EventId", '^V[0-9]+$') THEN "EventId" ELSE nullif(coalesce("EventId", '') || coalesce(' ', '') || coalesce("EventDate", ''), '') END AS assessment_id,
        "EventId" AS event_id,
        'recist' AS "criterion.raw",
        "EventDate" AS "date.raw",
        "RARECBAS" AS "baseline_sum.raw",
        "RARECNAD" AS "nadir_sum.raw",
        "RARECCUR" AS "current_sum.raw",
        'mm' AS "sum_unit.raw",
        "RABASECH" AS "change_from_baseline.raw",
        "RARECCH" AS "change_from_nadir.raw",
        coalesce(o_plain(o_num("RANLBASECD")), "RANLBASE") AS "new_lesion.raw",
        coalesce(o_plain(o_num("RATIMRESCD")), "RATIMRES") AS "response.raw",
        coalesce("RATIMRES", "RATIMRESCD") AS response_recorded,
        coalesce("RAPROGDT", CASE WHEN o_num("RATIMRESCD") = 4 OR o_fold("RATIMRES") = 'progressive disease (pd)' THEN "EventDate" END) AS "progression_date.raw"
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
        assessment_id,
        event_id,
        "criterion.raw",
        CASE WHEN "criterion.raw" IN ('recist', 'irecist', 'rano', 'lugano', 'imwg', 'eln aml') THEN "criterion.raw" END AS criterion,
        "date.raw",
        o_date("date.raw", '%Y-%m-%d') AS "date.full",
        "baseline_sum.raw",
        o_num("baseline_sum.raw") AS baseline_sum,
        "nadir_sum.raw",
        o_num("nadir_sum.raw") AS nadir_sum,
        "current_sum.raw",
        o_num("current_sum.raw") AS current_sum,
        "sum_unit.raw",
        CASE WHEN "sum_unit.raw" IN ('mm', 'mm2') THEN "sum_unit.raw" END AS sum_unit,
        "change_from_baseline.raw",
        o_num("change_from_baseline.raw") AS change_from_baseline,
        "change_from_nadir.raw",
        o_num("change_from_nadir.raw") AS change_from_nadir,
        "new_lesion.raw",
        CASE o_fold("new_lesion.raw") WHEN '1' THEN TRUE WHEN 'yes' THEN TRUE WHEN '0' THEN FALSE WHEN 'no' THEN FALSE END AS new_lesion,
        "response.raw",
        CASE o_fold("response.raw") WHEN '1' THEN 'CR' WHEN 'complete response (cr)' THEN 'CR' WHEN '2' THEN 'PR' WHEN 'partial response (pr)' THEN 'PR' WHEN '3' THEN 'SD' WHEN 'stable disease (sd)' THEN 'SD' WHEN '4' THEN 'PD' WHEN 'progressive disease (pd)' THEN 'PD' WHEN '96' THEN 'NE' WHEN 'not evaluable (ne)' THEN 'NE' END AS response,
        response_recorded,
        "progression_date.raw",
        o_date("progression_date.raw", '%Y-%m-%d') AS "progression_date.full"
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("date.full", o_impute("date.raw", '%Y-%m-%d', 'earliest')) AS "date",
        coalesce("progression_date.full", o_impute("progression_date.raw", '%Y-%m-%d', 'earliest')) AS progression_date
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
            WHEN assessment_id IS NULL THEN 3
            WHEN "criterion.raw" IS NOT NULL AND criterion IS NULL THEN 4
            WHEN criterion IS NULL THEN 5
            WHEN "date.raw" IS NOT NULL AND "date" IS NULL THEN 6
            WHEN "date" IS NULL THEN 7
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "baseline_sum.raw" IS NOT NULL AND baseline_sum IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "nadir_sum.raw" IS NOT NULL AND nadir_sum IS NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "current_sum.raw" IS NOT NULL AND current_sum IS NULL THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "sum_unit.raw" IS NOT NULL AND sum_unit IS NULL THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "change_from_baseline.raw" IS NOT NULL AND change_from_baseline IS NULL THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "change_from_nadir.raw" IS NOT NULL AND change_from_nadir IS NULL THEN 32 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "new_lesion.raw" IS NOT NULL AND new_lesion IS NULL THEN 64 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "response.raw" IS NOT NULL AND response IS NULL THEN 128 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "progression_date.raw" IS NOT NULL AND progression_date IS NULL THEN 256 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "date.full" IS NULL AND "date" IS NOT NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "progression_date.full" IS NULL AND progression_date IS NOT NULL THEN 2 ELSE 0 END AS _imputed,
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
            || chr(31) || coalesce(CAST(assessment_id AS varchar), '')
            || chr(31) || coalesce(CAST(event_id AS varchar), '')
            || chr(31) || coalesce(CAST(criterion AS varchar), '')
            || chr(31) || coalesce(CAST(baseline_sum AS varchar), '')
            || chr(31) || coalesce(CAST(nadir_sum AS varchar), '')
            || chr(31) || coalesce(CAST(current_sum AS varchar), '')
            || chr(31) || coalesce(CAST(sum_unit AS varchar), '')
            || chr(31) || coalesce(CAST(change_from_baseline AS varchar), '')
            || chr(31) || coalesce(CAST(change_from_nadir AS varchar), '')
            || chr(31) || coalesce(CAST(new_lesion AS varchar), '')
            || chr(31) || coalesce(CAST(response AS varchar), '')
            || chr(31) || coalesce(CAST(response_recorded AS varchar), '')
            || chr(31) || coalesce(CAST("date" AS varchar), '')
            || chr(31) || coalesce(CAST(progression_date AS varchar), '') AS _content
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
    assessment_id,
    event_id,
    "criterion.raw",
    criterion,
    baseline_sum,
    nadir_sum,
    current_sum,
    "sum_unit.raw",
    sum_unit,
    change_from_baseline,
    change_from_nadir,
    "new_lesion.raw",
    new_lesion,
    "response.raw",
    response,
    response_recorded,
    "date",
    progression_date
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("criterion.raw" IS NOT NULL AND criterion IS NULL) OR ("sum_unit.raw" IS NOT NULL AND sum_unit IS NULL) OR ("new_lesion.raw" IS NOT NULL AND new_lesion IS NULL) OR ("response.raw" IS NOT NULL AND response IS NULL)))
FROM work.impress_tumour_assessment_recist AS step;

-- write dsp.tumour_assessment
INSERT INTO dsp.tumour_assessment (
    _file,
    _row,
    trial,
    subject_id,
    assessment_id,
    event_id,
    criterion,
    "date",
    baseline_sum,
    nadir_sum,
    current_sum,
    sum_unit,
    change_from_baseline,
    change_from_nadir,
    new_lesion,
    response,
    response_recorded,
    progression_date
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    assessment_id AS assessment_id,
    event_id AS event_id,
    criterion AS criterion,
    "date" AS "date",
    baseline_sum AS baseline_sum,
    nadir_sum AS nadir_sum,
    current_sum AS current_sum,
    sum_unit AS sum_unit,
    change_from_baseline AS change_from_baseline,
    change_from_nadir AS change_from_nadir,
    new_lesion AS new_lesion,
    response AS response,
    response_recorded AS response_recorded,
    progression_date AS progression_date
FROM work.impress_tumour_assessment_recist AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.tumour_assessment
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.tumour_assessment', (SELECT count(*) FROM dsp.tumour_assessment) - written.behind, 'impress_tumour_assessment_recist', step._file, step._row, NULL, step._n, step._of
FROM work.impress_tumour_assessment_recist AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_tumour_assessment_recist AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_tumour_assessment_recist', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('recist')) AS filter(name)
LEFT JOIN work.impress_tumour_assessment_recist AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_tumour_assessment_recist', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_tumour_assessment_recist AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_tumour_assessment_recist', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_tumour_assessment_recist AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'assessment_id', 'missing'),
    (4, 'criterion', 'not in the value set'),
    (5, 'criterion', 'missing'),
    (6, 'date', 'not a date'),
    (7, 'date', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'impress_tumour_assessment_recist', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_tumour_assessment_recist AS step
JOIN (VALUES
    (1, 'baseline_sum', 'not a number'),
    (2, 'nadir_sum', 'not a number'),
    (4, 'current_sum', 'not a number'),
    (8, 'sum_unit', 'not in the value set'),
    (16, 'change_from_baseline', 'not a number'),
    (32, 'change_from_nadir', 'not a number'),
    (64, 'new_lesion', 'not in the value map'),
    (128, 'response', 'not in the value map'),
    (256, 'progression_date', 'not a date')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'impress_tumour_assessment_recist', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_tumour_assessment_recist AS step
JOIN (VALUES
    (1, 'date', 'earliest'),
    (2, 'progression_date', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'impress_tumour_assessment_recist', 'criterion', "criterion.raw", count(*)
FROM work.impress_tumour_assessment_recist
WHERE _left_out IS NULL AND _target = 1 AND "criterion.raw" IS NOT NULL AND criterion IS NULL
GROUP BY "criterion.raw"
UNION ALL
SELECT 'impress_tumour_assessment_recist', 'sum_unit', "sum_unit.raw", count(*)
FROM work.impress_tumour_assessment_recist
WHERE _left_out IS NULL AND _target = 1 AND "sum_unit.raw" IS NOT NULL AND sum_unit IS NULL
GROUP BY "sum_unit.raw"
UNION ALL
SELECT 'impress_tumour_assessment_recist', 'new_lesion', "new_lesion.raw", count(*)
FROM work.impress_tumour_assessment_recist
WHERE _left_out IS NULL AND _target = 1 AND "new_lesion.raw" IS NOT NULL AND new_lesion IS NULL
GROUP BY "new_lesion.raw"
UNION ALL
SELECT 'impress_tumour_assessment_recist', 'response', "response.raw", count(*)
FROM work.impress_tumour_assessment_recist
WHERE _left_out IS NULL AND _target = 1 AND "response.raw" IS NOT NULL AND response IS NULL
GROUP BY "response.raw";
