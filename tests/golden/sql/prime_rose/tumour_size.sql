-- map tumour_size

-- map
CREATE TABLE work.tumour_size AS
WITH
-- the columns of dsp.tumour_assessment that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.assessment_id AS assessment_id,
        i.criterion AS criterion,
        i.current_sum AS current_sum,
        i."date" AS "date",
        i.event_id AS event_id,
        i.subject_id AS subject_id,
        i.sum_unit AS sum_unit,
        i.trial AS trial
    FROM dsp.tumour_assessment AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(current_sum IS NOT NULL, FALSE) THEN 'has_sum'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY trial, subject_id, assessment_id, sum_unit, (_filter IS NULL) ORDER BY CASE WHEN criterion = 'recist' THEN 1 ELSE 2 END ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank,
        current_sum IS DISTINCT FROM first_value(current_sum) OVER (PARTITION BY trial, subject_id, assessment_id, sum_unit, (_filter IS NULL) ORDER BY CASE WHEN criterion = 'recist' THEN 1 ELSE 2 END ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs1
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
        trial || chr(31) || subject_id || chr(31) || assessment_id || chr(31) || coalesce(sum_unit, 'not said') AS _key,
        o_id(trial || chr(31) || subject_id) AS "person.hash",
        o_id(trial || chr(31) || subject_id || chr(31) || event_id) AS "visit.hash",
        sum_unit AS "unit.1.said",
        "date" AS start,
        current_sum AS number,
        'sum of target lesions' AS source
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
        "person.hash",
        "visit.hash",
        "unit.1.said",
        start,
        number,
        source
    FROM raw
),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        "visit ref".id AS visit,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif(o_concept(4084390), 0), 0) AS concept,
        o_domain(4084390) AS "concept.domain",
        1 AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type,
        coalesce(CASE o_fold("unit.1.said") WHEN 'mm' THEN nullif(o_concept(8588), 0) WHEN 'mm2' THEN nullif(o_concept(9572), 0) END, CASE WHEN "unit.1.said" IS NOT NULL THEN 0 END) AS unit,
        "unit.1.said" AS "unit.source",
        CASE WHEN "unit.1.said" IS NOT NULL THEN 0 END AS "unit.source_concept"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN work."ids of visit_occurrence" AS "visit ref" ON "visit ref".hash = typed."visit.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
),
-- what is wrong with each row
judged AS MATERIALIZED (
    SELECT
        resolved.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN _key IS NULL THEN 1
            WHEN "person.hash" IS NULL THEN 2
            WHEN "person.hash" IS NOT NULL AND person IS NULL THEN 3
            WHEN start IS NULL THEN 4
            WHEN "start.before_birth" THEN 5
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "visit.hash" IS NOT NULL AND visit IS NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 4 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('tumour_size' || chr(31) || _key) AS _hash,
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
        coalesce(CAST("person.hash" AS varchar), '')
            || chr(31) || coalesce(CAST("visit.hash" AS varchar), '')
            || chr(31) || coalesce(CAST("unit.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST(number AS varchar), '')
            || chr(31) || coalesce(CAST(source AS varchar), '') AS _content
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
        CASE WHEN _target = 1 THEN _hash ELSE o_id(CAST(_hash AS varchar) || chr(31) || CAST(_target AS varchar)) END AS _id_hash
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
    start,
    number,
    source,
    person,
    visit,
    born,
    "start.after_birth",
    "start.before_birth",
    concept,
    "concept.domain",
    type,
    unit,
    "unit.source",
    "unit.source_concept"
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
    count(*) FILTER (WHERE _left_out IS NULL AND ((unit = 0 AND "unit.source" IS NOT NULL) OR (o_concept(4084390) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE))))
FROM work.tumour_size AS step;

-- ids cdm.measurement
INSERT INTO register.measurement (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.tumour_size AS step
    WHERE step._status = 'used' AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.measurement AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.measurement) AS last;

-- write cdm.measurement
INSERT INTO cdm.measurement (
    measurement_id,
    person_id,
    measurement_concept_id,
    measurement_date,
    measurement_type_concept_id,
    value_as_number,
    unit_concept_id,
    visit_occurrence_id,
    measurement_source_value,
    unit_source_value,
    unit_source_concept_id
)
SELECT
    ids.id AS measurement_id,
    person AS person_id,
    coalesce(concept, 0) AS measurement_concept_id,
    "start.after_birth" AS measurement_date,
    coalesce(type, 0) AS measurement_type_concept_id,
    number AS value_as_number,
    unit AS unit_concept_id,
    visit AS visit_occurrence_id,
    substr(source, 1, 50) AS measurement_source_value,
    substr("unit.source", 1, 50) AS unit_source_value,
    "unit.source_concept" AS unit_source_concept_id
FROM work.tumour_size AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.measurement
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'measurement', ids.id, 'tumour_size', step._file, step._row, NULL, step._n, step._of
FROM work.tumour_size AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'tumour_size', filter.name, count(step._left_out)
FROM (VALUES ('has_sum'), ('keep')) AS filter(name)
LEFT JOIN work.tumour_size AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'tumour_size', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.tumour_size AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'tumour_size', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.tumour_size AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'person', 'missing'),
    (3, 'person', 'not found'),
    (4, 'start', 'missing'),
    (5, 'start', 'before birth')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'tumour_size', why.field, why.reason, file.file, file.sheet, step._row
FROM work.tumour_size AS step
JOIN (VALUES
    (1, 'keep current_sum', 'differs from the row that is kept'),
    (2, 'visit', 'not found'),
    (4, 'start', 'moved to the day of birth')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'tumour_size', 'unit', "unit.source", count(*)
FROM work.tumour_size
WHERE _left_out IS NULL AND _target = 1 AND unit = 0 AND "unit.source" IS NOT NULL
GROUP BY "unit.source"
UNION ALL
SELECT 'tumour_size', 'concept', '4084390 Lesion size', count(*)
FROM work.tumour_size
WHERE _left_out IS NULL AND _target = 1 AND o_concept(4084390) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)
GROUP BY '4084390 Lesion size'
UNION ALL
SELECT 'tumour_size', 'type', '32809 Case Report Form', count(*)
FROM work.tumour_size
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form';
