-- map baseline_tumour_assessment

-- values
CREATE TABLE work."baseline_tumour_assessment values" AS
WITH
-- dsp.treatment, for the join 'treated'
join_treated AS (
    SELECT
        _file,
        _row,
        "trial" AS key1,
        subject_id AS key2,
        start_date,
        row_number() OVER (PARTITION BY "trial", subject_id ORDER BY start_date ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM dsp.treatment
),
-- the columns of dsp.baseline_tumour_assessment that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.criterion AS criterion,
        i.criterion_recorded AS criterion_recorded,
        i."date" AS "date",
        i.event_id AS event_id,
        i.non_target_lesions AS non_target_lesions,
        i.non_target_recorded AS non_target_recorded,
        i.subject_id AS subject_id,
        i.sum_unit AS sum_unit,
        i.target_sum AS target_sum,
        i.trial AS trial,
        treated.start_date AS "treated.start_date"
    FROM dsp.baseline_tumour_assessment AS i
    LEFT JOIN join_treated AS treated ON treated.key1 = i.trial AND treated.key2 = i.subject_id AND treated._nth = 1
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
        trial || chr(31) || subject_id || chr(31) || coalesce(criterion, criterion_recorded, 'not said') AS _key,
        o_id(trial || chr(31) || subject_id) AS "person.hash",
        o_id(trial || chr(31) || subject_id || chr(31) || event_id) AS "visit.hash",
        CASE WHEN criterion = 'recist' THEN 'RECIST finding' WHEN criterion = 'irecist' THEN 'iRECIST finding' WHEN criterion = 'rano' THEN 'RANO finding' END AS "concept.1.said",
        coalesce("date", non_target_recorded, "treated.start_date") AS start,
        nullif(coalesce('baseline tumour assessment', '') || coalesce(CASE WHEN criterion IS NOT NULL THEN ' ' END, '') || coalesce(criterion, ''), '') AS source,
        coalesce(criterion_recorded, criterion) AS value_source,
        sum_unit AS "target_sum.unit.1.said",
        target_sum AS "target_sum.number",
        'sum of target lesions' AS "target_sum.source",
        target_sum IS NOT NULL AS "target_sum.when",
        non_target_lesions AS "non_target_lesions.number",
        'number of non-target lesions' AS "non_target_lesions.source",
        CASE WHEN non_target_recorded <> "date" THEN nullif(coalesce('recorded ', '') || coalesce(CAST(non_target_recorded AS varchar), ''), '') END AS "non_target_lesions.qualifier_source",
        non_target_lesions IS NOT NULL AS "non_target_lesions.when"
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
        "person.hash",
        "visit.hash",
        "concept.1.said",
        start,
        source,
        value_source,
        "target_sum.unit.1.said",
        "target_sum.number",
        "target_sum.source",
        "target_sum.when",
        "non_target_lesions.number",
        "non_target_lesions.source",
        "non_target_lesions.qualifier_source",
        "non_target_lesions.when"
    FROM raw
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."baseline_tumour_assessment concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'concept.1' AS slot, "concept.1.said" AS value
    FROM work."baseline_tumour_assessment values"
    WHERE "concept.1.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- concept.1: the name in Cancer Modifier
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'Cancer Modifier' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'Cancer Modifier' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.1'
),
-- 'Maps to' leads to the standard concept, also from a standard one (to itself).
linked AS (
    SELECT found.*, coalesce(link.target_id, 0) AS target_id, link.domain_id
    FROM found
    LEFT JOIN work.maps_to AS link ON link.concept_id = found.concept_id AND link.purpose = 'MAPS_TO'
),
-- Of several concepts of one vocabulary (a retired one beside its successor, 'mL' and 'ML' in UCUM, 'C50.9' and 'C509'
-- where dots do not count) one that is spelt exactly so comes before others, a valid one before an invalid one, one
-- that leads to a standard concept before its namesakes.  A reviewed mapping may name several concepts.
placed AS (
    SELECT
        linked.*,
        dense_rank() OVER (
            PARTITION BY linked.slot, linked.value, linked.preference
            ORDER BY
                linked.respelt, CASE WHEN linked.preference = 0 OR linked.target_id <> 0 THEN 0 ELSE 1 END,
                CASE WHEN linked.preference = 0 THEN 0 ELSE linked.concept_id END
        ) AS place
    FROM linked
),
-- Of several vocabularies the first that leads to a standard concept; if none does, the first that knows the value.
ranked AS (
    SELECT
        placed.*,
        dense_rank() OVER (
            PARTITION BY placed.slot, placed.value
            ORDER BY CASE WHEN placed.preference = 0 OR placed.target_id <> 0 THEN 0 ELSE 1 END, placed.preference
        ) AS rank
    FROM placed
    WHERE placed.place = 1
),
targets AS (
    SELECT slot, value, concept_id AS said_id, source_concept_id, purpose, target_id AS concept_id, domain_id
    FROM ranked
    WHERE rank = 1
),
-- What a reviewer names as the value comes before what the vocabulary says, which counts only beside its 'Maps to':
-- a value belongs to the concept that it was said of.
results AS (
    SELECT slot, value, coalesce(min(reviewed), min(linked)) AS value_concept_id
    FROM (
        SELECT slot, value, concept_id AS reviewed, NULL AS linked FROM targets WHERE purpose = 'MAPS_TO_VALUE' AND concept_id <> 0
        UNION ALL
        SELECT targets.slot, targets.value, NULL AS reviewed, link.target_id AS linked
        FROM targets
        JOIN work.maps_to AS link ON link.concept_id = targets.said_id AND link.purpose = 'MAPS_TO_VALUE'
        WHERE targets.purpose = 'MAPS_TO' AND targets.concept_id <> 0
    ) AS every_result
    GROUP BY slot, value
),
mapped AS (
    SELECT
        slot, value, max(source_concept_id) AS source_concept_id, concept_id, max(domain_id) AS domain_id,
        max(said_id) = 0 AS decided
    FROM targets
    WHERE purpose = 'MAPS_TO'
    GROUP BY slot, value, concept_id
)
SELECT
    mapped.slot, mapped.value, mapped.source_concept_id, mapped.concept_id, mapped.domain_id,
    results.value_concept_id, mapped.decided,
    row_number() OVER (PARTITION BY mapped.slot, mapped.value ORDER BY mapped.concept_id) AS nth
FROM mapped
LEFT JOIN results ON results.slot = mapped.slot AND results.value = mapped.value
WHERE mapped.concept_id <> 0
   OR NOT EXISTS (
       SELECT 1 FROM mapped AS better
       WHERE better.slot = mapped.slot AND better.value = mapped.value AND better.concept_id <> 0
   );

-- map
CREATE TABLE work.baseline_tumour_assessment AS
WITH
typed AS (SELECT * FROM work."baseline_tumour_assessment values"),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        "visit ref".id AS visit,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif("concept.1".concept_id, 0), CASE WHEN "concept.1.said" IS NOT NULL THEN 0 END) AS concept,
        "concept.1.said" AS "concept.source",
        CASE WHEN "concept.1.said" IS NOT NULL THEN coalesce(nullif("concept.1".source_concept_id, 0), 0) END AS "concept.source_concept",
        FALSE AS "concept.decided",
        "concept.1".domain_id AS "concept.domain",
        "concept.1".value_concept_id AS "concept.value",
        coalesce(CASE WHEN "concept.1".concept_id <> 0 THEN "concept.1".nth END, 1) AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type,
        coalesce(nullif(o_concept(4084390), 0), 0) AS "target_sum.concept",
        coalesce(CASE o_fold("target_sum.unit.1.said") WHEN 'mm' THEN nullif(o_concept(8588), 0) WHEN 'mm2' THEN nullif(o_concept(9572), 0) END, CASE WHEN "target_sum.unit.1.said" IS NOT NULL THEN 0 END) AS "target_sum.unit",
        "target_sum.unit.1.said" AS "target_sum.unit.source",
        CASE WHEN "target_sum.unit.1.said" IS NOT NULL THEN 0 END AS "target_sum.unit.source_concept",
        coalesce(nullif(o_concept(4085855), 0), 0) AS "non_target_lesions.concept"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN work."ids of visit_occurrence" AS "visit ref" ON "visit ref".hash = typed."visit.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."baseline_tumour_assessment concepts" AS "concept.1" ON "concept.1".slot = 'concept.1' AND "concept.1".value = typed."concept.1.said"
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
        CASE WHEN _left_out IS NULL AND "visit.hash" IS NOT NULL AND visit IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(source) > 50 THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(value_source) > 50 THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("target_sum.source") > 50 THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("target_sum.unit.source") > 50 THEN 32 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("non_target_lesions.source") > 50 THEN 64 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("non_target_lesions.qualifier_source") > 50 THEN 128 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('baseline_tumour_assessment' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST(source AS varchar), '')
            || chr(31) || coalesce(CAST(value_source AS varchar), '')
            || chr(31) || coalesce(CAST("target_sum.unit.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("target_sum.number" AS varchar), '')
            || chr(31) || coalesce(CAST("target_sum.source" AS varchar), '')
            || chr(31) || coalesce(CAST("target_sum.when" AS varchar), '')
            || chr(31) || coalesce(CAST("non_target_lesions.number" AS varchar), '')
            || chr(31) || coalesce(CAST("non_target_lesions.source" AS varchar), '')
            || chr(31) || coalesce(CAST("non_target_lesions.qualifier_source" AS varchar), '')
            || chr(31) || coalesce(CAST("non_target_lesions.when" AS varchar), '') AS _content
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
    source,
    value_source,
    "target_sum.number",
    "target_sum.source",
    "target_sum.when",
    "non_target_lesions.number",
    "non_target_lesions.source",
    "non_target_lesions.qualifier_source",
    "non_target_lesions.when",
    "concept.1.said",
    person,
    visit,
    born,
    "start.after_birth",
    "start.before_birth",
    concept,
    "concept.source",
    "concept.source_concept",
    "concept.decided",
    "concept.domain",
    "concept.value",
    type,
    "target_sum.concept",
    "target_sum.unit",
    "target_sum.unit.source",
    "target_sum.unit.source_concept",
    "non_target_lesions.concept"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'baseline_tumour_assessment', 'concept', 1, 'Cancer Modifier by name', NULL,
    said."concept.1.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.baseline_tumour_assessment AS said
LEFT JOIN work."baseline_tumour_assessment concepts" AS found
    ON found.slot = 'concept.1' AND found.value = said."concept.1.said" AND found.nth = 1
WHERE said."concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.1.said";

-- accounting
SELECT
    count(*) FILTER (WHERE _target = 1) AS rows_read,
    count(*) FILTER (WHERE _target = 1 AND _status = 'used') AS rows_used,
    count(*) FILTER (WHERE _target = 1 AND _status = 'filtered') AS rows_filtered,
    count(*) FILTER (WHERE _target = 1 AND _status = 'deduplicated') AS rows_deduplicated,
    count(*) FILTER (WHERE _target = 1 AND _status = 'rejected') AS rows_rejected,
    count(*) FILTER (WHERE _status = 'used'),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("target_sum.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("non_target_lesions.when"))),
    count(*) FILTER (WHERE _target = 1 AND _status IN ('filtered', 'deduplicated')),
    count(*) FILTER (WHERE _issues <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND ((concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)) OR ("target_sum.unit" = 0 AND "target_sum.unit.source" IS NOT NULL AND ("target_sum.when")) OR (o_concept(4084390) = 0 AND coalesce("target_sum.concept", 0) = 0 AND ("target_sum.when")) OR (o_concept(4085855) = 0 AND coalesce("non_target_lesions.concept", 0) = 0 AND ("non_target_lesions.when"))))
FROM work.baseline_tumour_assessment AS step;

-- ids cdm.measurement
INSERT INTO register.measurement (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.baseline_tumour_assessment AS step
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
    value_as_concept_id,
    visit_occurrence_id,
    measurement_source_value,
    measurement_source_concept_id,
    value_source_value
)
SELECT
    ids.id AS measurement_id,
    person AS person_id,
    coalesce(concept, 0) AS measurement_concept_id,
    "start.after_birth" AS measurement_date,
    coalesce(type, 0) AS measurement_type_concept_id,
    "concept.value" AS value_as_concept_id,
    visit AS visit_occurrence_id,
    substr(source, 1, 50) AS measurement_source_value,
    "concept.source_concept" AS measurement_source_concept_id,
    substr(value_source, 1, 50) AS value_source_value
FROM work.baseline_tumour_assessment AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.measurement
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'measurement', ids.id, 'baseline_tumour_assessment', step._file, step._row, NULL, step._n, step._of
FROM work.baseline_tumour_assessment AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- parents
CREATE TABLE work."baseline_tumour_assessment parents" AS
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147138), 0) AS field_concept_id,
    nullif(o_concept(21), 0) AS domain_concept_id
FROM work.baseline_tumour_assessment AS step
JOIN register.measurement AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1;

-- ids cdm.measurement
INSERT INTO register.measurement (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('baseline_tumour_assessment' || chr(31) || _key || chr(31) || 'target_sum') AS hash
    FROM work.baseline_tumour_assessment AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("target_sum.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.measurement AS known WHERE known.hash = o_id('baseline_tumour_assessment' || chr(31) || _key || chr(31) || 'target_sum'))
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
    unit_source_concept_id,
    measurement_event_id,
    meas_event_field_concept_id
)
SELECT
    ids.id AS measurement_id,
    person AS person_id,
    coalesce("target_sum.concept", 0) AS measurement_concept_id,
    "start.after_birth" AS measurement_date,
    coalesce(type, 0) AS measurement_type_concept_id,
    "target_sum.number" AS value_as_number,
    "target_sum.unit" AS unit_concept_id,
    visit AS visit_occurrence_id,
    substr("target_sum.source", 1, 50) AS measurement_source_value,
    substr("target_sum.unit.source", 1, 50) AS unit_source_value,
    "target_sum.unit.source_concept" AS unit_source_concept_id,
    parent.id AS measurement_event_id,
    parent.field_concept_id AS meas_event_field_concept_id
FROM work.baseline_tumour_assessment AS step
JOIN register.measurement AS ids ON ids.hash = o_id('baseline_tumour_assessment' || chr(31) || _key || chr(31) || 'target_sum')
JOIN work."baseline_tumour_assessment parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("target_sum.when")) AND step._first;

-- origins cdm.measurement
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'measurement', ids.id, 'baseline_tumour_assessment', step._file, step._row, 'target_sum', step._n, step._of
FROM work.baseline_tumour_assessment AS step
JOIN register.measurement AS ids ON ids.hash = o_id('baseline_tumour_assessment' || chr(31) || _key || chr(31) || 'target_sum')
WHERE step._status = 'used' AND (_target = 1 AND ("target_sum.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('baseline_tumour_assessment' || chr(31) || _key || chr(31) || 'non_target_lesions') AS hash
    FROM work.baseline_tumour_assessment AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("non_target_lesions.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('baseline_tumour_assessment' || chr(31) || _key || chr(31) || 'non_target_lesions'))
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.observation) AS last;

-- write cdm.observation
INSERT INTO cdm.observation (
    observation_id,
    person_id,
    observation_concept_id,
    observation_date,
    observation_type_concept_id,
    value_as_number,
    visit_occurrence_id,
    observation_source_value,
    qualifier_source_value,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("non_target_lesions.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    "non_target_lesions.number" AS value_as_number,
    visit AS visit_occurrence_id,
    substr("non_target_lesions.source", 1, 50) AS observation_source_value,
    substr("non_target_lesions.qualifier_source", 1, 50) AS qualifier_source_value,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.baseline_tumour_assessment AS step
JOIN register.observation AS ids ON ids.hash = o_id('baseline_tumour_assessment' || chr(31) || _key || chr(31) || 'non_target_lesions')
JOIN work."baseline_tumour_assessment parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("non_target_lesions.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'baseline_tumour_assessment', step._file, step._row, 'non_target_lesions', step._n, step._of
FROM work.baseline_tumour_assessment AS step
JOIN register.observation AS ids ON ids.hash = o_id('baseline_tumour_assessment' || chr(31) || _key || chr(31) || 'non_target_lesions')
WHERE step._status = 'used' AND (_target = 1 AND ("non_target_lesions.when"));

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'baseline_tumour_assessment', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.baseline_tumour_assessment AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'baseline_tumour_assessment', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.baseline_tumour_assessment AS step
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
SELECT 'baseline_tumour_assessment', why.field, why.reason, file.file, file.sheet, step._row
FROM work.baseline_tumour_assessment AS step
JOIN (VALUES
    (1, 'visit', 'not found'),
    (2, 'start', 'moved to the day of birth'),
    (4, 'source', 'cut to its length'),
    (8, 'value_source', 'cut to its length'),
    (16, 'target_sum.source', 'cut to its length'),
    (32, 'target_sum.unit source', 'cut to its length'),
    (64, 'non_target_lesions.source', 'cut to its length'),
    (128, 'non_target_lesions.qualifier_source', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'baseline_tumour_assessment', 'concept', "concept.source", count(*)
FROM work.baseline_tumour_assessment
WHERE _left_out IS NULL AND _target = 1 AND concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE
GROUP BY "concept.source"
UNION ALL
SELECT 'baseline_tumour_assessment', 'type', '32809 Case Report Form', count(*)
FROM work.baseline_tumour_assessment
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form'
UNION ALL
SELECT 'baseline_tumour_assessment', 'target_sum.unit', "target_sum.unit.source", count(*)
FROM work.baseline_tumour_assessment
WHERE _left_out IS NULL AND _target = 1 AND "target_sum.unit" = 0 AND "target_sum.unit.source" IS NOT NULL AND ("target_sum.when")
GROUP BY "target_sum.unit.source"
UNION ALL
SELECT 'baseline_tumour_assessment', 'target_sum.concept', '4084390 Lesion size', count(*)
FROM work.baseline_tumour_assessment
WHERE _left_out IS NULL AND _target = 1 AND o_concept(4084390) = 0 AND coalesce("target_sum.concept", 0) = 0 AND ("target_sum.when")
GROUP BY '4084390 Lesion size'
UNION ALL
SELECT 'baseline_tumour_assessment', 'non_target_lesions.concept', '4085855 Number of lesions', count(*)
FROM work.baseline_tumour_assessment
WHERE _left_out IS NULL AND _target = 1 AND o_concept(4085855) = 0 AND coalesce("non_target_lesions.concept", 0) = 0 AND ("non_target_lesions.when")
GROUP BY '4085855 Number of lesions';
