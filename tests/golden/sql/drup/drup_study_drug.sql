-- map drup_study_drug

-- map
CREATE TABLE work.drup_study_drug AS
WITH
-- drup, for the join 'cohort'
join_cohort AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "CohortName",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "CohortName" IS NOT NULL
),
-- drup, for the join 'given'
join_given AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "StudyTreatment",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "StudyTreatment" IS NOT NULL
),
-- the columns of drup that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."ID" AS "ID",
        i."StudyTreatment" AS "StudyTreatment",
        cohort."CohortName" AS "cohort.CohortName",
        given."StudyTreatment" AS "given.StudyTreatment"
    FROM source.drup AS i
    LEFT JOIN join_cohort AS cohort ON cohort.key1 = i."ID" AND cohort._nth = 1
    LEFT JOIN join_given AS given ON given.key1 = i."ID" AND given._nth = 1
),
-- one row for each of 3 slots
shaped AS (
    SELECT
        input.*,
        each.n AS _n,
        each.name AS slot,
        CASE each.n WHEN 1 THEN input."StudyTreatment" WHEN 2 THEN input."StudyTreatment" WHEN 3 THEN input."StudyTreatment" END AS treatment
    FROM input
    CROSS JOIN (VALUES (1, '1'), (2, '2'), (3, '3')) AS each(n, name)
),
-- which rows are left out, and why
filtered AS (
    SELECT
        shaped.*,
        CASE
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope has_patient"), FALSE) THEN 'has_patient'
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope of_this_trial"), FALSE) THEN 'of_this_trial'
            WHEN NOT coalesce(treatment IS NOT NULL, FALSE) THEN 'empty_slot'
            WHEN NOT coalesce(trim(o_part("given.StudyTreatment", '+', o_whole(o_num(slot)))) <> '', FALSE) THEN 'has_drug'
        END AS _filter
    FROM shaped
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "ID", slot, (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _rank,
        o_fold(treatment) IS DISTINCT FROM first_value(o_fold(treatment)) OVER (PARTITION BY "ID", slot, (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _differs1
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
        "ID" || chr(31) || slot AS _key,
        "ID" AS subject_id,
        "cohort.CohortName" AS cohort_name,
        slot AS "drug_number.raw",
        trim(o_part("given.StudyTreatment", '+', o_whole(o_num(slot)))) AS drug
    FROM kept
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
        _differs1,
        subject_id,
        cohort_name,
        "drug_number.raw",
        CASE WHEN o_whole(o_num("drug_number.raw")) IN (1, 2) THEN o_whole(o_num("drug_number.raw")) END AS drug_number,
        drug
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
            WHEN cohort_name IS NULL THEN 3
            WHEN "drug_number.raw" IS NOT NULL AND drug_number IS NULL THEN 4
            WHEN drug_number IS NULL THEN 5
            WHEN drug IS NULL THEN 6
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST(cohort_name AS varchar), '')
            || chr(31) || coalesce(CAST(drug_number AS varchar), '')
            || chr(31) || coalesce(CAST(drug AS varchar), '') AS _content
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
    cohort_name,
    drug_number,
    drug
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
    count(*) FILTER (WHERE _issues <> 0)
FROM work.drup_study_drug AS step;

-- write dsp.study_drug
INSERT INTO dsp.study_drug (
    _file,
    _row,
    trial,
    subject_id,
    cohort_name,
    drug_number,
    drug
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    cohort_name AS cohort_name,
    drug_number AS drug_number,
    drug AS drug
FROM work.drup_study_drug AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.study_drug
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.study_drug', (SELECT count(*) FROM dsp.study_drug) - written.behind, 'drup_study_drug', step._file, step._row, NULL, step._n, step._of
FROM work.drup_study_drug AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.drup_study_drug AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'drup_study_drug', filter.name, count(step._left_out)
FROM (VALUES ('has_patient'), ('of_this_trial'), ('empty_slot'), ('has_drug'), ('keep')) AS filter(name)
LEFT JOIN work.drup_study_drug AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'drup_study_drug', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.drup_study_drug AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'drup_study_drug', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.drup_study_drug AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'cohort_name', 'missing'),
    (4, 'drug_number', 'not in the value set'),
    (5, 'drug_number', 'missing'),
    (6, 'drug', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'drup_study_drug', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_study_drug AS step
JOIN (VALUES
    (1, 'keep fold(treatment)', 'differs from the row that is kept')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';
