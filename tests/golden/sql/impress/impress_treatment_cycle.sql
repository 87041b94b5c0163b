-- map impress_treatment_cycle

-- map
CREATE TABLE work.impress_treatment_cycle AS
WITH
-- the columns of tr that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."SubjectId" AS "SubjectId",
        i."TRC1_DT" AS "TRC1_DT",
        i."TRCNO1" AS "TRCNO1",
        i."TRCYN" AS "TRCYN",
        i."TRCYNCD" AS "TRCYNCD",
        i."TRDSDEL1" AS "TRDSDEL1",
        i."TRIVDELYN1" AS "TRIVDELYN1",
        i."TRIVDS1" AS "TRIVDS1",
        i."TRIVU1" AS "TRIVU1",
        i."TRNAME" AS "TRNAME",
        i."TRODSTOT" AS "TRODSTOT",
        i."TRODSU" AS "TRODSU",
        i."TRODSUOT" AS "TRODSUOT",
        i."TROOTH" AS "TROOTH",
        i."TROREA" AS "TROREA",
        i."TROSPE" AS "TROSPE",
        i."TROSTPDT" AS "TROSTPDT",
        i."TROTABNO" AS "TROTABNO",
        i."TROTAKE" AS "TROTAKE",
        i."TROTAKECD" AS "TROTAKECD",
        i."TRO_STDT" AS "TRO_STDT",
        i."TRO_YN" AS "TRO_YN",
        i."TRO_YNCD" AS "TRO_YNCD",
        i."TRTNO" AS "TRTNO"
    FROM source.tr AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("SubjectId" IN (SELECT subject FROM work."scope allocated"), FALSE) THEN 'allocated'
            WHEN NOT coalesce("TRNAME" IS NOT NULL, FALSE) THEN 'has_drug'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "SubjectId", o_num("TRTNO"), o_num("TRCNO1"), o_fold("TRNAME"), (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _rank,
        "TRNAME" IS DISTINCT FROM first_value("TRNAME") OVER (PARTITION BY "SubjectId", o_num("TRTNO"), o_num("TRCNO1"), o_fold("TRNAME"), (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _differs1,
        "TRC1_DT" IS DISTINCT FROM first_value("TRC1_DT") OVER (PARTITION BY "SubjectId", o_num("TRTNO"), o_num("TRCNO1"), o_fold("TRNAME"), (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _differs2,
        "TRCYNCD" IS DISTINCT FROM first_value("TRCYNCD") OVER (PARTITION BY "SubjectId", o_num("TRTNO"), o_num("TRCNO1"), o_fold("TRNAME"), (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _differs3,
        "TROSTPDT" IS DISTINCT FROM first_value("TROSTPDT") OVER (PARTITION BY "SubjectId", o_num("TRTNO"), o_num("TRCNO1"), o_fold("TRNAME"), (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _differs4
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
        "SubjectId" || chr(31) || o_plain(o_num("TRTNO")) || chr(31) || o_plain(o_num("TRCNO1")) || chr(31) || o_fold("TRNAME") AS _key,
        "SubjectId" AS subject_id,
        "TRNAME" AS drug,
        "TRTNO" AS "drug_number.raw",
        "TRCNO1" AS "cycle_number.raw",
        CASE WHEN coalesce("TRO_YN", "TRODSTOT", "TRO_STDT", "TROSTPDT") IS NOT NULL THEN 'oral' WHEN coalesce("TRIVDS1", "TRIVU1", "TRIVDELYN1") IS NOT NULL THEN 'iv' END AS "type.raw",
        coalesce(o_plain(o_num("TRCYNCD")), "TRCYN") AS "received.raw",
        "TRC1_DT" AS "start_date.raw",
        coalesce("TROSTPDT", CAST(CASE WHEN coalesce("TRO_YN", "TRODSTOT", "TRO_STDT") IS NULL AND coalesce("TRIVDS1", "TRIVU1", "TRIVDELYN1") IS NOT NULL AND lead(o_date("TRC1_DT", '%Y-%m-%d')) OVER (PARTITION BY "SubjectId", o_num("TRTNO"), o_fold("TRNAME"), (_left_out IS NULL) ORDER BY o_date("TRC1_DT", '%Y-%m-%d') ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) > o_date("TRC1_DT", '%Y-%m-%d') THEN o_add(lead(o_date("TRC1_DT", '%Y-%m-%d')) OVER (PARTITION BY "SubjectId", o_num("TRTNO"), o_fold("TRNAME"), (_left_out IS NULL) ORDER BY o_date("TRC1_DT", '%Y-%m-%d') ASC NULLS LAST, _row ASC NULLS LAST, _file ASC), -1) END AS varchar)) AS "end_date.raw",
        CASE WHEN o_year("TROSTPDT", '%Y-%m-%d') IS NOT NULL THEN 'recorded' WHEN coalesce("TRO_YN", "TRODSTOT", "TRO_STDT", "TROSTPDT") IS NULL AND coalesce("TRIVDS1", "TRIVU1", "TRIVDELYN1") IS NOT NULL AND lead(o_date("TRC1_DT", '%Y-%m-%d')) OVER (PARTITION BY "SubjectId", o_num("TRTNO"), o_fold("TRNAME"), (_left_out IS NULL) ORDER BY o_date("TRC1_DT", '%Y-%m-%d') ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) > o_date("TRC1_DT", '%Y-%m-%d') THEN 'derived' END AS "end_basis.raw",
        "TRO_STDT" AS "intake_start_date.raw",
        coalesce("TRODSTOT", CASE WHEN o_fold("TRIVU1") = 'mg (milligram)' THEN o_rx("TRIVDS1", '^([0-9.]+) mg( [(].*)?$', 1) END, "TRIVDS1") AS "dose.raw",
        coalesce("TRODSU", "TRIVU1") AS "dose_unit.raw",
        CASE WHEN "TRODSTOT" IS NOT NULL THEN 'per day' WHEN "TRIVDS1" IS NOT NULL THEN 'per cycle' END AS "dose_basis.raw",
        "TRODSUOT" AS other_dose_unit,
        "TRDSDEL1" AS "dose_delivered.raw",
        "TRIVDELYN1" AS "total_dose_delivered.raw",
        coalesce(o_plain(o_num("TRO_YNCD")), "TRO_YN") AS "given_as_specified.raw",
        "TROREA" AS reason_not_as_specified,
        "TROOTH" AS reason_not_as_specified_other,
        "TROTABNO" AS "days_not_taken.raw",
        "TROSPE" AS reason_not_taken,
        coalesce(o_plain(o_num("TROTAKECD")), "TROTAKE") AS "previous_cycle_as_prescribed.raw"
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
        subject_id,
        drug,
        "drug_number.raw",
        o_whole(o_num("drug_number.raw")) AS drug_number,
        "cycle_number.raw",
        o_whole(o_num("cycle_number.raw")) AS cycle_number,
        "type.raw",
        CASE WHEN "type.raw" IN ('oral', 'iv') THEN "type.raw" END AS type,
        "received.raw",
        CASE o_fold("received.raw") WHEN '1' THEN TRUE WHEN 'yes' THEN TRUE WHEN '0' THEN FALSE WHEN 'no' THEN FALSE END AS received,
        "start_date.raw",
        o_date("start_date.raw", '%Y-%m-%d') AS "start_date.full",
        "end_date.raw",
        o_date("end_date.raw", '%Y-%m-%d') AS "end_date.full",
        "end_basis.raw",
        CASE WHEN "end_basis.raw" IN ('recorded', 'derived') THEN "end_basis.raw" END AS end_basis,
        "intake_start_date.raw",
        o_date("intake_start_date.raw", '%Y-%m-%d') AS "intake_start_date.full",
        "dose.raw",
        o_num("dose.raw") AS dose,
        "dose_unit.raw",
        CASE o_fold("dose_unit.raw") WHEN 'mg (milligram)' THEN 'mg' WHEN 'ug (microgram)' THEN 'ug' WHEN 'ml (milliliter)' THEN 'mL' WHEN 'other' THEN 'other' END AS dose_unit,
        "dose_basis.raw",
        CASE WHEN "dose_basis.raw" IN ('per day', 'per cycle') THEN "dose_basis.raw" END AS dose_basis,
        other_dose_unit,
        "dose_delivered.raw",
        o_num("dose_delivered.raw") AS dose_delivered,
        "total_dose_delivered.raw",
        o_bool("total_dose_delivered.raw") AS total_dose_delivered,
        "given_as_specified.raw",
        CASE o_fold("given_as_specified.raw") WHEN '1' THEN TRUE WHEN 'yes' THEN TRUE WHEN '0' THEN FALSE WHEN 'no' THEN FALSE END AS given_as_specified,
        reason_not_as_specified,
        reason_not_as_specified_other,
        "days_not_taken.raw",
        o_whole(o_num("days_not_taken.raw")) AS days_not_taken,
        reason_not_taken,
        "previous_cycle_as_prescribed.raw",
        CASE o_fold("previous_cycle_as_prescribed.raw") WHEN '1' THEN TRUE WHEN 'yes' THEN TRUE WHEN '0' THEN FALSE WHEN 'no' THEN FALSE END AS previous_cycle_as_prescribed
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("start_date.full", o_impute("start_date.raw", '%Y-%m-%d', 'earliest')) AS start_date,
        coalesce("end_date.full", o_impute("end_date.raw", '%Y-%m-%d', 'latest')) AS end_date,
        coalesce("intake_start_date.full", o_impute("intake_start_date.raw", '%Y-%m-%d', 'earliest')) AS intake_start_date
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
            WHEN drug IS NULL THEN 3
            WHEN "drug_number.raw" IS NOT NULL AND drug_number IS NULL THEN 4
            WHEN drug_number IS NULL THEN 5
            WHEN "cycle_number.raw" IS NOT NULL AND cycle_number IS NULL THEN 6
            WHEN cycle_number IS NULL THEN 7
            WHEN "start_date.raw" IS NOT NULL AND start_date IS NULL THEN 8
            WHEN start_date IS NULL THEN 9
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs2 THEN 2 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs3 THEN 4 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs4 THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "type.raw" IS NOT NULL AND type IS NULL THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "received.raw" IS NOT NULL AND received IS NULL THEN 32 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end_date.raw" IS NOT NULL AND end_date IS NULL THEN 64 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end_basis.raw" IS NOT NULL AND end_basis IS NULL THEN 128 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "intake_start_date.raw" IS NOT NULL AND intake_start_date IS NULL THEN 256 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "dose.raw" IS NOT NULL AND dose IS NULL THEN 512 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "dose_unit.raw" IS NOT NULL AND dose_unit IS NULL THEN 1024 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "dose_basis.raw" IS NOT NULL AND dose_basis IS NULL THEN 2048 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "dose_delivered.raw" IS NOT NULL AND dose_delivered IS NULL THEN 4096 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "total_dose_delivered.raw" IS NOT NULL AND total_dose_delivered IS NULL THEN 8192 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "given_as_specified.raw" IS NOT NULL AND given_as_specified IS NULL THEN 16384 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "days_not_taken.raw" IS NOT NULL AND days_not_taken IS NULL THEN 32768 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "previous_cycle_as_prescribed.raw" IS NOT NULL AND previous_cycle_as_prescribed IS NULL THEN 65536 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "start_date.full" IS NULL AND start_date IS NOT NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end_date.full" IS NULL AND end_date IS NOT NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "intake_start_date.full" IS NULL AND intake_start_date IS NOT NULL THEN 4 ELSE 0 END AS _imputed,
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
            || chr(31) || coalesce(CAST(drug AS varchar), '')
            || chr(31) || coalesce(CAST(drug_number AS varchar), '')
            || chr(31) || coalesce(CAST(cycle_number AS varchar), '')
            || chr(31) || coalesce(CAST(type AS varchar), '')
            || chr(31) || coalesce(CAST(received AS varchar), '')
            || chr(31) || coalesce(CAST(end_basis AS varchar), '')
            || chr(31) || coalesce(CAST(dose AS varchar), '')
            || chr(31) || coalesce(CAST(dose_unit AS varchar), '')
            || chr(31) || coalesce(CAST(dose_basis AS varchar), '')
            || chr(31) || coalesce(CAST(other_dose_unit AS varchar), '')
            || chr(31) || coalesce(CAST(dose_delivered AS varchar), '')
            || chr(31) || coalesce(CAST(total_dose_delivered AS varchar), '')
            || chr(31) || coalesce(CAST(given_as_specified AS varchar), '')
            || chr(31) || coalesce(CAST(reason_not_as_specified AS varchar), '')
            || chr(31) || coalesce(CAST(reason_not_as_specified_other AS varchar), '')
            || chr(31) || coalesce(CAST(days_not_taken AS varchar), '')
            || chr(31) || coalesce(CAST(reason_not_taken AS varchar), '')
            || chr(31) || coalesce(CAST(previous_cycle_as_prescribed AS varchar), '')
            || chr(31) || coalesce(CAST(start_date AS varchar), '')
            || chr(31) || coalesce(CAST(end_date AS varchar), '')
            || chr(31) || coalesce(CAST(intake_start_date AS varchar), '') AS _content
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
    drug,
    drug_number,
    cycle_number,
    "type.raw",
    type,
    "received.raw",
    received,
    "end_basis.raw",
    end_basis,
    dose,
    "dose_unit.raw",
    dose_unit,
    "dose_basis.raw",
    dose_basis,
    other_dose_unit,
    dose_delivered,
    total_dose_delivered,
    "given_as_specified.raw",
    given_as_specified,
    reason_not_as_specified,
    reason_not_as_specified_other,
    days_not_taken,
    reason_not_taken,
    "previous_cycle_as_prescribed.raw",
    previous_cycle_as_prescribed,
    start_date,
    end_date,
    intake_start_date
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("type.raw" IS NOT NULL AND type IS NULL) OR ("received.raw" IS NOT NULL AND received IS NULL) OR ("end_basis.raw" IS NOT NULL AND end_basis IS NULL) OR ("dose_unit.raw" IS NOT NULL AND dose_unit IS NULL) OR ("dose_basis.raw" IS NOT NULL AND dose_basis IS NULL) OR ("given_as_specified.raw" IS NOT NULL AND given_as_specified IS NULL) OR ("previous_cycle_as_prescribed.raw" IS NOT NULL AND previous_cycle_as_prescribed IS NULL)))
FROM work.impress_treatment_cycle AS step;

-- write dsp.treatment_cycle
INSERT INTO dsp.treatment_cycle (
    _file,
    _row,
    trial,
    subject_id,
    drug,
    drug_number,
    cycle_number,
    type,
    received,
    start_date,
    end_date,
    end_basis,
    intake_start_date,
    dose,
    dose_unit,
    dose_basis,
    other_dose_unit,
    dose_delivered,
    total_dose_delivered,
    given_as_specified,
    reason_not_as_specified,
    reason_not_as_specified_other,
    days_not_taken,
    reason_not_taken,
    previous_cycle_as_prescribed
)
SELECT
    _file AS _file,
    _row AS _row,
    'impress' AS trial,
    subject_id AS subject_id,
    drug AS drug,
    drug_number AS drug_number,
    cycle_number AS cycle_number,
    type AS type,
    received AS received,
    start_date AS start_date,
    end_date AS end_date,
    end_basis AS end_basis,
    intake_start_date AS intake_start_date,
    dose AS dose,
    dose_unit AS dose_unit,
    dose_basis AS dose_basis,
    other_dose_unit AS other_dose_unit,
    dose_delivered AS dose_delivered,
    total_dose_delivered AS total_dose_delivered,
    given_as_specified AS given_as_specified,
    reason_not_as_specified AS reason_not_as_specified,
    reason_not_as_specified_other AS reason_not_as_specified_other,
    days_not_taken AS days_not_taken,
    reason_not_taken AS reason_not_taken,
    previous_cycle_as_prescribed AS previous_cycle_as_prescribed
FROM work.impress_treatment_cycle AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.treatment_cycle
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.treatment_cycle', (SELECT count(*) FROM dsp.treatment_cycle) - written.behind, 'impress_treatment_cycle', step._file, step._row, NULL, step._n, step._of
FROM work.impress_treatment_cycle AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.impress_treatment_cycle AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'impress_treatment_cycle', filter.name, count(step._left_out)
FROM (VALUES ('allocated'), ('has_drug'), ('keep')) AS filter(name)
LEFT JOIN work.impress_treatment_cycle AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'impress_treatment_cycle', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.impress_treatment_cycle AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'impress_treatment_cycle', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.impress_treatment_cycle AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'drug', 'missing'),
    (4, 'drug_number', 'not a whole number'),
    (5, 'drug_number', 'missing'),
    (6, 'cycle_number', 'not a whole number'),
    (7, 'cycle_number', 'missing'),
    (8, 'start_date', 'not a date'),
    (9, 'start_date', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'impress_treatment_cycle', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_treatment_cycle AS step
JOIN (VALUES
    (1, 'keep TRNAME', 'differs from the row that is kept'),
    (2, 'keep TRC1_DT', 'differs from the row that is kept'),
    (4, 'keep TRCYNCD', 'differs from the row that is kept'),
    (8, 'keep TROSTPDT', 'differs from the row that is kept'),
    (16, 'type', 'not in the value set'),
    (32, 'received', 'not in the value map'),
    (64, 'end_date', 'not a date'),
    (128, 'end_basis', 'not in the value set'),
    (256, 'intake_start_date', 'not a date'),
    (512, 'dose', 'not a number'),
    (1024, 'dose_unit', 'not in the value map'),
    (2048, 'dose_basis', 'not in the value set'),
    (4096, 'dose_delivered', 'not a number'),
    (8192, 'total_dose_delivered', 'not yes or no'),
    (16384, 'given_as_specified', 'not in the value map'),
    (32768, 'days_not_taken', 'not a whole number'),
    (65536, 'previous_cycle_as_prescribed', 'not in the value map')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'impress_treatment_cycle', why.field, why.reason, file.file, file.sheet, step._row
FROM work.impress_treatment_cycle AS step
JOIN (VALUES
    (1, 'start_date', 'earliest'),
    (2, 'end_date', 'latest'),
    (4, 'intake_start_date', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'impress_treatment_cycle', 'type', "type.raw", count(*)
FROM work.impress_treatment_cycle
WHERE _left_out IS NULL AND _target = 1 AND "type.raw" IS NOT NULL AND type IS NULL
GROUP BY "type.raw"
UNION ALL
SELECT 'impress_treatment_cycle', 'received', "received.raw", count(*)
FROM work.impress_treatment_cycle
WHERE _left_out IS NULL AND _target = 1 AND "received.raw" IS NOT NULL AND received IS NULL
GROUP BY "received.raw"
UNION ALL
SELECT 'impress_treatment_cycle', 'end_basis', "end_basis.raw", count(*)
FROM work.impress_treatment_cycle
WHERE _left_out IS NULL AND _target = 1 AND "end_basis.raw" IS NOT NULL AND end_basis IS NULL
GROUP BY "end_basis.raw"
UNION ALL
SELECT 'impress_treatment_cycle', 'dose_unit', "dose_unit.raw", count(*)
FROM work.impress_treatment_cycle
WHERE _left_out IS NULL AND _target = 1 AND "dose_unit.raw" IS NOT NULL AND dose_unit IS NULL
GROUP BY "dose_unit.raw"
UNION ALL
SELECT 'impress_treatment_cycle', 'dose_basis', "dose_basis.raw", count(*)
FROM work.impress_treatment_cycle
WHERE _left_out IS NULL AND _target = 1 AND "dose_basis.raw" IS NOT NULL AND dose_basis IS NULL
GROUP BY "dose_basis.raw"
UNION ALL
SELECT 'impress_treatment_cycle', 'given_as_specified', "given_as_specified.raw", count(*)
FROM work.impress_treatment_cycle
WHERE _left_out IS NULL AND _target = 1 AND "given_as_specified.raw" IS NOT NULL AND given_as_specified IS NULL
GROUP BY "given_as_specified.raw"
UNION ALL
SELECT 'impress_treatment_cycle', 'previous_cycle_as_prescribed', "previous_cycle_as_prescribed.raw", count(*)
FROM work.impress_treatment_cycle
WHERE _left_out IS NULL AND _target = 1 AND "previous_cycle_as_prescribed.raw" IS NOT NULL AND previous_cycle_as_prescribed IS NULL
GROUP BY "previous_cycle_as_prescribed.raw";
