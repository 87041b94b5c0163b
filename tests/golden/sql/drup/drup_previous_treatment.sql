-- map drup_previous_treatment

-- map
CREATE TABLE work.drup_previous_treatment AS
WITH
-- drup, for the join 'radiotherapy'
join_radiotherapy AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "PT_radiotherapy_YN",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "PT_radiotherapy_YN" IS NOT NULL
),
-- drup, for the join 'radiotherapy_last'
join_radiotherapy_last AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "PT_radiotherapy_end_date",
        row_number() OVER (PARTITION BY "ID" ORDER BY coalesce(o_date("PT_radiotherapy_end_date", '%d-%m-%Y'), o_date("PT_radiotherapy_end_date", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("PT_radiotherapy_end_date", '%d-%m-%Y'), o_year("PT_radiotherapy_end_date", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "PT_radiotherapy_end_date" IS NOT NULL
),
-- drup, for the join 'immunotherapy'
join_immunotherapy AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "PT_immunotherapy_YN",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "PT_immunotherapy_YN" IS NOT NULL
),
-- drup, for the join 'immunotherapy_last'
join_immunotherapy_last AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "PT_immunotherapy_end_date",
        row_number() OVER (PARTITION BY "ID" ORDER BY coalesce(o_date("PT_immunotherapy_end_date", '%d-%m-%Y'), o_date("PT_immunotherapy_end_date", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("PT_immunotherapy_end_date", '%d-%m-%Y'), o_year("PT_immunotherapy_end_date", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "PT_immunotherapy_end_date" IS NOT NULL
),
-- drup, for the join 'hormonaltherapy'
join_hormonaltherapy AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "PT_hormonaltherapy_YN",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "PT_hormonaltherapy_YN" IS NOT NULL
),
-- drup, for the join 'hormonaltherapy_last'
join_hormonaltherapy_last AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "PT_hormonaltherapy_end_date",
        row_number() OVER (PARTITION BY "ID" ORDER BY coalesce(o_date("PT_hormonaltherapy_end_date", '%d-%m-%Y'), o_date("PT_hormonaltherapy_end_date", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("PT_hormonaltherapy_end_date", '%d-%m-%Y'), o_year("PT_hormonaltherapy_end_date", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "PT_hormonaltherapy_end_date" IS NOT NULL
),
-- drup, for the join 'targetedtherapy'
join_targetedtherapy AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "PT_targetedtherapy_YN",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "PT_targetedtherapy_YN" IS NOT NULL
),
-- drup, for the join 'targetedtherapy_last'
join_targetedtherapy_last AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "PT_targetedtherapy_end_date",
        row_number() OVER (PARTITION BY "ID" ORDER BY coalesce(o_date("PT_targetedtherapy_end_date", '%d-%m-%Y'), o_date("PT_targetedtherapy_end_date", '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year("PT_targetedtherapy_end_date", '%d-%m-%Y'), o_year("PT_targetedtherapy_end_date", '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE "PT_targetedtherapy_end_date" IS NOT NULL
),
-- the columns of drup that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."ID" AS "ID",
        i."PT_hormonaltherapy_YN" AS "PT_hormonaltherapy_YN",
        i."PT_hormonaltherapy_end_date" AS "PT_hormonaltherapy_end_date",
        i."PT_immunotherapy_YN" AS "PT_immunotherapy_YN",
        i."PT_immunotherapy_end_date" AS "PT_immunotherapy_end_date",
        i."PT_radiotherapy_YN" AS "PT_radiotherapy_YN",
        i."PT_radiotherapy_end_date" AS "PT_radiotherapy_end_date",
        i."PT_targetedtherapy_YN" AS "PT_targetedtherapy_YN",
        i."PT_targetedtherapy_end_date" AS "PT_targetedtherapy_end_date",
        hormonaltherapy."PT_hormonaltherapy_YN" AS "hormonaltherapy.PT_hormonaltherapy_YN",
        hormonaltherapy_last."PT_hormonaltherapy_end_date" AS "hormonaltherapy_last.PT_hormonaltherapy_end_date",
        immunotherapy."PT_immunotherapy_YN" AS "immunotherapy.PT_immunotherapy_YN",
        immunotherapy_last."PT_immunotherapy_end_date" AS "immunotherapy_last.PT_immunotherapy_end_date",
        radiotherapy."PT_radiotherapy_YN" AS "radiotherapy.PT_radiotherapy_YN",
        radiotherapy_last."PT_radiotherapy_end_date" AS "radiotherapy_last.PT_radiotherapy_end_date",
        targetedtherapy."PT_targetedtherapy_YN" AS "targetedtherapy.PT_targetedtherapy_YN",
        targetedtherapy_last."PT_targetedtherapy_end_date" AS "targetedtherapy_last.PT_targetedtherapy_end_date"
    FROM source.drup AS i
    LEFT JOIN join_radiotherapy AS radiotherapy ON radiotherapy.key1 = i."ID" AND radiotherapy._nth = 1
    LEFT JOIN join_radiotherapy_last AS radiotherapy_last ON radiotherapy_last.key1 = i."ID" AND radiotherapy_last._nth = 1
    LEFT JOIN join_immunotherapy AS immunotherapy ON immunotherapy.key1 = i."ID" AND immunotherapy._nth = 1
    LEFT JOIN join_immunotherapy_last AS immunotherapy_last ON immunotherapy_last.key1 = i."ID" AND immunotherapy_last._nth = 1
    LEFT JOIN join_hormonaltherapy AS hormonaltherapy ON hormonaltherapy.key1 = i."ID" AND hormonaltherapy._nth = 1
    LEFT JOIN join_hormonaltherapy_last AS hormonaltherapy_last ON hormonaltherapy_last.key1 = i."ID" AND hormonaltherapy_last._nth = 1
    LEFT JOIN join_targetedtherapy AS targetedtherapy ON targetedtherapy.key1 = i."ID" AND targetedtherapy._nth = 1
    LEFT JOIN join_targetedtherapy_last AS targetedtherapy_last ON targetedtherapy_last.key1 = i."ID" AND targetedtherapy_last._nth = 1
),
-- one row for each of 4 slots
shaped AS (
    SELECT
        input.*,
        each.n AS _n,
        each.name AS slot,
        CASE each.n WHEN 1 THEN input."radiotherapy.PT_radiotherapy_YN" WHEN 2 THEN input."immunotherapy.PT_immunotherapy_YN" WHEN 3 THEN input."hormonaltherapy.PT_hormonaltherapy_YN" WHEN 4 THEN input."targetedtherapy.PT_targetedtherapy_YN" END AS given,
        CASE each.n WHEN 1 THEN input."radiotherapy_last.PT_radiotherapy_end_date" WHEN 2 THEN input."immunotherapy_last.PT_immunotherapy_end_date" WHEN 3 THEN input."hormonaltherapy_last.PT_hormonaltherapy_end_date" WHEN 4 THEN input."targetedtherapy_last.PT_targetedtherapy_end_date" END AS last_day,
        CASE each.n WHEN 1 THEN input."PT_radiotherapy_YN" WHEN 2 THEN input."PT_immunotherapy_YN" WHEN 3 THEN input."PT_hormonaltherapy_YN" WHEN 4 THEN input."PT_targetedtherapy_YN" END AS given_here,
        CASE each.n WHEN 1 THEN input."PT_radiotherapy_end_date" WHEN 2 THEN input."PT_immunotherapy_end_date" WHEN 3 THEN input."PT_hormonaltherapy_end_date" WHEN 4 THEN input."PT_targetedtherapy_end_date" END AS last_day_here
    FROM input
    CROSS JOIN (VALUES (1, 'radiotherapy'), (2, 'immunotherapy'), (3, 'hormonaltherapy'), (4, 'targetedtherapy')) AS each(n, name)
),
-- which rows are left out, and why
filtered AS (
    SELECT
        shaped.*,
        CASE
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope has_patient"), FALSE) THEN 'has_patient'
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope of_this_trial"), FALSE) THEN 'of_this_trial'
            WHEN NOT coalesce(given IS NOT NULL OR last_day IS NOT NULL OR given_here IS NOT NULL OR last_day_here IS NOT NULL, FALSE) THEN 'empty_slot'
            WHEN NOT coalesce(given_here IS NOT NULL OR last_day_here IS NOT NULL, FALSE) THEN 'has_answer'
            WHEN NOT coalesce(NOT (coalesce(o_fold(given), '') IN ('no', 'n', '0', 'false') AND last_day IS NOT NULL), FALSE) THEN 'not_contradicted'
            WHEN NOT coalesce(o_fold(given) IN ('yes', 'y', '1', 'true') OR last_day IS NOT NULL, FALSE) THEN 'received'
        END AS _filter
    FROM shaped
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "ID", slot, (_filter IS NULL) ORDER BY given_here IS NULL ASC NULLS LAST, coalesce(o_date(last_day_here, '%d-%m-%Y'), o_date(last_day_here, '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year(last_day_here, '%d-%m-%Y'), o_year(last_day_here, '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank,
        o_fold(given_here) IS DISTINCT FROM first_value(o_fold(given_here)) OVER (PARTITION BY "ID", slot, (_filter IS NULL) ORDER BY given_here IS NULL ASC NULLS LAST, coalesce(o_date(last_day_here, '%d-%m-%Y'), o_date(last_day_here, '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year(last_day_here, '%d-%m-%Y'), o_year(last_day_here, '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs1,
        coalesce(o_date(last_day_here, '%d-%m-%Y'), o_date(last_day_here, '%Y-%m-%d')) IS DISTINCT FROM first_value(coalesce(o_date(last_day_here, '%d-%m-%Y'), o_date(last_day_here, '%Y-%m-%d'))) OVER (PARTITION BY "ID", slot, (_filter IS NULL) ORDER BY given_here IS NULL ASC NULLS LAST, coalesce(o_date(last_day_here, '%d-%m-%Y'), o_date(last_day_here, '%Y-%m-%d')) IS NULL ASC NULLS LAST, coalesce(o_year(last_day_here, '%d-%m-%Y'), o_year(last_day_here, '%Y-%m-%d')) IS NULL ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs2
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
        "ID" || chr(31) || slot AS _key,
        "ID" AS subject_id,
        slot AS treatment_id,
        slot AS "kind.raw",
        slot AS kind_recorded,
        last_day AS "end_date.raw"
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
        treatment_id,
        "kind.raw",
        CASE o_fold("kind.raw") WHEN 'radiotherapy' THEN 'radiotherapy' WHEN 'immunotherapy' THEN 'immunotherapy' WHEN 'hormonaltherapy' THEN 'hormonal therapy' WHEN 'targetedtherapy' THEN 'targeted therapy' END AS kind,
        kind_recorded,
        "end_date.raw",
        coalesce(o_date("end_date.raw", '%d-%m-%Y'), o_date("end_date.raw", '%Y-%m-%d')) AS "end_date.full"
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
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
            WHEN treatment_id IS NULL THEN 3
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END
            + CASE WHEN _left_out = 'keep' AND _differs2 THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "kind.raw" IS NOT NULL AND kind IS NULL THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end_date.raw" IS NOT NULL AND end_date IS NULL THEN 8 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "end_date.full" IS NULL AND end_date IS NOT NULL THEN 1 ELSE 0 END AS _imputed,
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
            || chr(31) || coalesce(CAST(treatment_id AS varchar), '')
            || chr(31) || coalesce(CAST(kind AS varchar), '')
            || chr(31) || coalesce(CAST(kind_recorded AS varchar), '')
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
    treatment_id,
    "kind.raw",
    kind,
    kind_recorded,
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("kind.raw" IS NOT NULL AND kind IS NULL)))
FROM work.drup_previous_treatment AS step;

-- write dsp.previous_treatment
INSERT INTO dsp.previous_treatment (
    _file,
    _row,
    trial,
    subject_id,
    treatment_id,
    kind,
    kind_recorded,
    end_date
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    treatment_id AS treatment_id,
    kind AS kind,
    kind_recorded AS kind_recorded,
    end_date AS end_date
FROM work.drup_previous_treatment AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.previous_treatment
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.previous_treatment', (SELECT count(*) FROM dsp.previous_treatment) - written.behind, 'drup_previous_treatment', step._file, step._row, NULL, step._n, step._of
FROM work.drup_previous_treatment AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.drup_previous_treatment AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'drup_previous_treatment', filter.name, count(step._left_out)
FROM (VALUES ('has_patient'), ('of_this_trial'), ('empty_slot'), ('has_answer'), ('not_contradicted'), ('received'), ('keep')) AS filter(name)
LEFT JOIN work.drup_previous_treatment AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'drup_previous_treatment', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.drup_previous_treatment AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'drup_previous_treatment', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.drup_previous_treatment AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'treatment_id', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'drup_previous_treatment', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_previous_treatment AS step
JOIN (VALUES
    (1, 'keep fold(given_here)', 'differs from the row that is kept'),
    (2, 'keep date(last_day_here)', 'differs from the row that is kept'),
    (4, 'kind', 'not in the value map'),
    (8, 'end_date', 'not a date')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'drup_previous_treatment', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_previous_treatment AS step
JOIN (VALUES
    (1, 'end_date', 'latest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'drup_previous_treatment', 'kind', "kind.raw", count(*)
FROM work.drup_previous_treatment
WHERE _left_out IS NULL AND _target = 1 AND "kind.raw" IS NOT NULL AND kind IS NULL
GROUP BY "kind.raw";
