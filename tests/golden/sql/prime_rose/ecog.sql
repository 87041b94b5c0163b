-- map ecog

-- values
CREATE TABLE work."ecog values" AS
WITH
-- the columns of dsp.ecog that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.baseline AS baseline,
        i."date" AS "date",
        i.date_basis AS date_basis,
        i.description AS description,
        i.eligible AS eligible,
        i.event_id AS event_id,
        i.grade AS grade,
        i.subject_id AS subject_id,
        i.trial AS trial
    FROM dsp.ecog AS i
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
        trial || chr(31) || subject_id || chr(31) || coalesce(event_id, 'no visit') || chr(31) || CAST("date" AS varchar) AS _key,
        o_id(trial || chr(31) || subject_id) AS "person.hash",
        o_id(trial || chr(31) || subject_id || chr(31) || event_id) AS "visit.hash",
        CAST(grade AS varchar) AS "value.1.said",
        "date" AS start,
        grade AS number,
        'ECOG performance status' AS source,
        coalesce(CAST(grade AS varchar), description) AS value_source,
        'ECOG assessed before treatment' AS "baseline.concept.1.said",
        baseline AS "baseline.when",
        'ECOG grade within the trial''s limits' AS "eligible.concept.1.said",
        CASE WHEN eligible THEN 'yes' ELSE 'no' END AS "eligible.text",
        'ecog-eligible' AS "eligible.qualifier_source",
        eligible IS NOT NULL AS "eligible.when",
        'what the date of the ECOG grade is of' AS "date_basis.concept.1.said",
        date_basis AS "date_basis.text",
        date_basis <> 'assessment' AS "date_basis.when"
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
        "value.1.said",
        start,
        number,
        source,
        value_source,
        "baseline.concept.1.said",
        "baseline.when",
        "eligible.concept.1.said",
        "eligible.text",
        "eligible.qualifier_source",
        "eligible.when",
        "date_basis.concept.1.said",
        "date_basis.text",
        "date_basis.when"
    FROM raw
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."ecog concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'value.1' AS slot, "value.1.said" AS value
    FROM work."ecog values"
    WHERE "value.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'baseline.concept.1' AS slot, "baseline.concept.1.said" AS value
    FROM work."ecog values"
    WHERE "baseline.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'eligible.concept.1' AS slot, "eligible.concept.1.said" AS value
    FROM work."ecog values"
    WHERE "eligible.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'date_basis.concept.1' AS slot, "date_basis.concept.1.said" AS value
    FROM work."ecog values"
    WHERE "date_basis.concept.1.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- value.1: the reviewed mapping prime_rose/concepts/ecog_grade.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/ecog_grade.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'value.1'
    UNION ALL
    -- baseline.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'baseline.concept.1'
    UNION ALL
    -- eligible.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'eligible.concept.1'
    UNION ALL
    -- date_basis.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'date_basis.concept.1'
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
CREATE TABLE work.ecog AS
WITH
typed AS (SELECT * FROM work."ecog values"),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        "visit ref".id AS visit,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif(o_concept(36305384), 0), 0) AS concept,
        o_domain(36305384) AS "concept.domain",
        1 AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type,
        coalesce(nullif("value.1".concept_id, 0), CASE WHEN "value.1.said" IS NOT NULL THEN 0 END) AS "value",
        "value.1.said" AS "value.source",
        CASE WHEN "value.1.said" IS NOT NULL THEN coalesce(nullif("value.1".source_concept_id, 0), 0) END AS "value.source_concept",
        "value.1".decided AS "value.decided",
        coalesce(nullif("baseline.concept.1".concept_id, 0), CASE WHEN "baseline.concept.1.said" IS NOT NULL THEN 0 END) AS "baseline.concept",
        "baseline.concept.1.said" AS "baseline.concept.source",
        CASE WHEN "baseline.concept.1.said" IS NOT NULL THEN coalesce(nullif("baseline.concept.1".source_concept_id, 0), 0) END AS "baseline.concept.source_concept",
        "baseline.concept.1".decided AS "baseline.concept.decided",
        coalesce(nullif("eligible.concept.1".concept_id, 0), CASE WHEN "eligible.concept.1.said" IS NOT NULL THEN 0 END) AS "eligible.concept",
        "eligible.concept.1.said" AS "eligible.concept.source",
        CASE WHEN "eligible.concept.1.said" IS NOT NULL THEN coalesce(nullif("eligible.concept.1".source_concept_id, 0), 0) END AS "eligible.concept.source_concept",
        "eligible.concept.1".decided AS "eligible.concept.decided",
        coalesce(nullif(o_concept(32880), 0), 0) AS "eligible.type",
        coalesce(nullif("date_basis.concept.1".concept_id, 0), CASE WHEN "date_basis.concept.1.said" IS NOT NULL THEN 0 END) AS "date_basis.concept",
        "date_basis.concept.1.said" AS "date_basis.concept.source",
        CASE WHEN "date_basis.concept.1.said" IS NOT NULL THEN coalesce(nullif("date_basis.concept.1".source_concept_id, 0), 0) END AS "date_basis.concept.source_concept",
        "date_basis.concept.1".decided AS "date_basis.concept.decided"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN work."ids of visit_occurrence" AS "visit ref" ON "visit ref".hash = typed."visit.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."ecog concepts" AS "value.1" ON "value.1".slot = 'value.1' AND "value.1".value = typed."value.1.said" AND "value.1".nth = 1
    LEFT JOIN work."ecog concepts" AS "baseline.concept.1" ON "baseline.concept.1".slot = 'baseline.concept.1' AND "baseline.concept.1".value = typed."baseline.concept.1.said" AND "baseline.concept.1".nth = 1
    LEFT JOIN work."ecog concepts" AS "eligible.concept.1" ON "eligible.concept.1".slot = 'eligible.concept.1' AND "eligible.concept.1".value = typed."eligible.concept.1.said" AND "eligible.concept.1".nth = 1
    LEFT JOIN work."ecog concepts" AS "date_basis.concept.1" ON "date_basis.concept.1".slot = 'date_basis.concept.1' AND "date_basis.concept.1".value = typed."date_basis.concept.1.said" AND "date_basis.concept.1".nth = 1
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
            + CASE WHEN _left_out IS NULL AND length("value.source") > 50 THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("eligible.text") > 60 THEN 32 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("eligible.qualifier_source") > 50 THEN 64 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("date_basis.text") > 60 THEN 128 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('ecog' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("value.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST(number AS varchar), '')
            || chr(31) || coalesce(CAST(source AS varchar), '')
            || chr(31) || coalesce(CAST(value_source AS varchar), '')
            || chr(31) || coalesce(CAST("baseline.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("baseline.when" AS varchar), '')
            || chr(31) || coalesce(CAST("eligible.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("eligible.text" AS varchar), '')
            || chr(31) || coalesce(CAST("eligible.qualifier_source" AS varchar), '')
            || chr(31) || coalesce(CAST("eligible.when" AS varchar), '')
            || chr(31) || coalesce(CAST("date_basis.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("date_basis.text" AS varchar), '')
            || chr(31) || coalesce(CAST("date_basis.when" AS varchar), '') AS _content
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
    value_source,
    "baseline.when",
    "eligible.text",
    "eligible.qualifier_source",
    "eligible.when",
    "date_basis.text",
    "date_basis.when",
    "value.1.said",
    "baseline.concept.1.said",
    "eligible.concept.1.said",
    "date_basis.concept.1.said",
    person,
    visit,
    born,
    "start.after_birth",
    "start.before_birth",
    concept,
    "concept.domain",
    type,
    "value",
    "value.source",
    "value.source_concept",
    "value.decided",
    "baseline.concept",
    "baseline.concept.source",
    "baseline.concept.source_concept",
    "baseline.concept.decided",
    "eligible.concept",
    "eligible.concept.source",
    "eligible.concept.source_concept",
    "eligible.concept.decided",
    "eligible.type",
    "date_basis.concept",
    "date_basis.concept.source",
    "date_basis.concept.source_concept",
    "date_basis.concept.decided"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'ecog', 'value', 1, 'prime_rose/concepts/ecog_grade.csv', 'prime_rose/concepts/ecog_grade.csv',
    said."value.1.said", count(*), count(CASE WHEN said."value" = 0 AND said."value.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.ecog AS said
LEFT JOIN work."ecog concepts" AS found
    ON found.slot = 'value.1' AND found.value = said."value.1.said" AND found.nth = 1
WHERE said."value.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."value.1.said"
UNION ALL
SELECT
    'ecog', 'baseline.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."baseline.concept.1.said", count(*), count(CASE WHEN said."baseline.concept" = 0 AND said."baseline.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.ecog AS said
LEFT JOIN work."ecog concepts" AS found
    ON found.slot = 'baseline.concept.1' AND found.value = said."baseline.concept.1.said" AND found.nth = 1
WHERE said."baseline.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."baseline.concept.1.said"
UNION ALL
SELECT
    'ecog', 'eligible.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."eligible.concept.1.said", count(*), count(CASE WHEN said."eligible.concept" = 0 AND said."eligible.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.ecog AS said
LEFT JOIN work."ecog concepts" AS found
    ON found.slot = 'eligible.concept.1' AND found.value = said."eligible.concept.1.said" AND found.nth = 1
WHERE said."eligible.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."eligible.concept.1.said"
UNION ALL
SELECT
    'ecog', 'date_basis.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."date_basis.concept.1.said", count(*), count(CASE WHEN said."date_basis.concept" = 0 AND said."date_basis.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.ecog AS said
LEFT JOIN work."ecog concepts" AS found
    ON found.slot = 'date_basis.concept.1' AND found.value = said."date_basis.concept.1.said" AND found.nth = 1
WHERE said."date_basis.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."date_basis.concept.1.said";

-- accounting
SELECT
    count(*) FILTER (WHERE _target = 1) AS rows_read,
    count(*) FILTER (WHERE _target = 1 AND _status = 'used') AS rows_used,
    count(*) FILTER (WHERE _target = 1 AND _status = 'filtered') AS rows_filtered,
    count(*) FILTER (WHERE _target = 1 AND _status = 'deduplicated') AS rows_deduplicated,
    count(*) FILTER (WHERE _target = 1 AND _status = 'rejected') AS rows_rejected,
    count(*) FILTER (WHERE _status = 'used'),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("baseline.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("eligible.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("date_basis.when"))),
    count(*) FILTER (WHERE _target = 1 AND _status IN ('filtered', 'deduplicated')),
    count(*) FILTER (WHERE _issues <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND (("value" = 0 AND "value.source" IS NOT NULL AND "value.decided" IS NOT TRUE) OR (o_concept(36305384) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)) OR ("baseline.concept" = 0 AND "baseline.concept.source" IS NOT NULL AND "baseline.concept.decided" IS NOT TRUE AND ("baseline.when")) OR ("eligible.concept" = 0 AND "eligible.concept.source" IS NOT NULL AND "eligible.concept.decided" IS NOT TRUE AND ("eligible.when")) OR (o_concept(32880) = 0 AND coalesce("eligible.type", 0) = 0 AND ("eligible.when")) OR ("date_basis.concept" = 0 AND "date_basis.concept.source" IS NOT NULL AND "date_basis.concept.decided" IS NOT TRUE AND ("date_basis.when"))))
FROM work.ecog AS step;

-- ids cdm.measurement
INSERT INTO register.measurement (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.ecog AS step
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
    value_as_concept_id,
    visit_occurrence_id,
    measurement_source_value,
    value_source_value
)
SELECT
    ids.id AS measurement_id,
    person AS person_id,
    coalesce(concept, 0) AS measurement_concept_id,
    "start.after_birth" AS measurement_date,
    coalesce(type, 0) AS measurement_type_concept_id,
    number AS value_as_number,
    "value" AS value_as_concept_id,
    visit AS visit_occurrence_id,
    substr(source, 1, 50) AS measurement_source_value,
    substr(value_source, 1, 50) AS value_source_value
FROM work.ecog AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.measurement
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'measurement', ids.id, 'ecog', step._file, step._row, NULL, step._n, step._of
FROM work.ecog AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- parents
CREATE TABLE work."ecog parents" AS
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147138), 0) AS field_concept_id,
    nullif(o_concept(21), 0) AS domain_concept_id
FROM work.ecog AS step
JOIN register.measurement AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1;

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('ecog' || chr(31) || _key || chr(31) || 'baseline') AS hash
    FROM work.ecog AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("baseline.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('ecog' || chr(31) || _key || chr(31) || 'baseline'))
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.observation) AS last;

-- write cdm.observation
INSERT INTO cdm.observation (
    observation_id,
    person_id,
    observation_concept_id,
    observation_date,
    observation_type_concept_id,
    visit_occurrence_id,
    observation_source_value,
    observation_source_concept_id,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("baseline.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    visit AS visit_occurrence_id,
    substr("baseline.concept.source", 1, 50) AS observation_source_value,
    "baseline.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.ecog AS step
JOIN register.observation AS ids ON ids.hash = o_id('ecog' || chr(31) || _key || chr(31) || 'baseline')
JOIN work."ecog parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("baseline.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'ecog', step._file, step._row, 'baseline', step._n, step._of
FROM work.ecog AS step
JOIN register.observation AS ids ON ids.hash = o_id('ecog' || chr(31) || _key || chr(31) || 'baseline')
WHERE step._status = 'used' AND (_target = 1 AND ("baseline.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('ecog' || chr(31) || _key || chr(31) || 'eligible') AS hash
    FROM work.ecog AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("eligible.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('ecog' || chr(31) || _key || chr(31) || 'eligible'))
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.observation) AS last;

-- write cdm.observation
INSERT INTO cdm.observation (
    observation_id,
    person_id,
    observation_concept_id,
    observation_date,
    observation_type_concept_id,
    value_as_string,
    visit_occurrence_id,
    observation_source_value,
    observation_source_concept_id,
    qualifier_source_value,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("eligible.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce("eligible.type", 0) AS observation_type_concept_id,
    substr("eligible.text", 1, 60) AS value_as_string,
    visit AS visit_occurrence_id,
    substr("eligible.concept.source", 1, 50) AS observation_source_value,
    "eligible.concept.source_concept" AS observation_source_concept_id,
    substr("eligible.qualifier_source", 1, 50) AS qualifier_source_value,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.ecog AS step
JOIN register.observation AS ids ON ids.hash = o_id('ecog' || chr(31) || _key || chr(31) || 'eligible')
JOIN work."ecog parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("eligible.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'ecog', step._file, step._row, 'eligible', step._n, step._of
FROM work.ecog AS step
JOIN register.observation AS ids ON ids.hash = o_id('ecog' || chr(31) || _key || chr(31) || 'eligible')
WHERE step._status = 'used' AND (_target = 1 AND ("eligible.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('ecog' || chr(31) || _key || chr(31) || 'date_basis') AS hash
    FROM work.ecog AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("date_basis.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('ecog' || chr(31) || _key || chr(31) || 'date_basis'))
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.observation) AS last;

-- write cdm.observation
INSERT INTO cdm.observation (
    observation_id,
    person_id,
    observation_concept_id,
    observation_date,
    observation_type_concept_id,
    value_as_string,
    visit_occurrence_id,
    observation_source_value,
    observation_source_concept_id,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("date_basis.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("date_basis.text", 1, 60) AS value_as_string,
    visit AS visit_occurrence_id,
    substr("date_basis.concept.source", 1, 50) AS observation_source_value,
    "date_basis.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.ecog AS step
JOIN register.observation AS ids ON ids.hash = o_id('ecog' || chr(31) || _key || chr(31) || 'date_basis')
JOIN work."ecog parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("date_basis.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'ecog', step._file, step._row, 'date_basis', step._n, step._of
FROM work.ecog AS step
JOIN register.observation AS ids ON ids.hash = o_id('ecog' || chr(31) || _key || chr(31) || 'date_basis')
WHERE step._status = 'used' AND (_target = 1 AND ("date_basis.when"));

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'ecog', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.ecog AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'ecog', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.ecog AS step
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
SELECT 'ecog', why.field, why.reason, file.file, file.sheet, step._row
FROM work.ecog AS step
JOIN (VALUES
    (1, 'visit', 'not found'),
    (2, 'start', 'moved to the day of birth'),
    (4, 'source', 'cut to its length'),
    (8, 'value_source', 'cut to its length'),
    (16, 'value source', 'cut to its length'),
    (32, 'eligible.text', 'cut to its length'),
    (64, 'eligible.qualifier_source', 'cut to its length'),
    (128, 'date_basis.text', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'ecog', 'value', "value.source", count(*)
FROM work.ecog
WHERE _left_out IS NULL AND _target = 1 AND "value" = 0 AND "value.source" IS NOT NULL AND "value.decided" IS NOT TRUE
GROUP BY "value.source"
UNION ALL
SELECT 'ecog', 'concept', '36305384 ECOG Performance Status score', count(*)
FROM work.ecog
WHERE _left_out IS NULL AND _target = 1 AND o_concept(36305384) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)
GROUP BY '36305384 ECOG Performance Status score'
UNION ALL
SELECT 'ecog', 'type', '32809 Case Report Form', count(*)
FROM work.ecog
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form'
UNION ALL
SELECT 'ecog', 'baseline.concept', "baseline.concept.source", count(*)
FROM work.ecog
WHERE _left_out IS NULL AND _target = 1 AND "baseline.concept" = 0 AND "baseline.concept.source" IS NOT NULL AND "baseline.concept.decided" IS NOT TRUE AND ("baseline.when")
GROUP BY "baseline.concept.source"
UNION ALL
SELECT 'ecog', 'eligible.concept', "eligible.concept.source", count(*)
FROM work.ecog
WHERE _left_out IS NULL AND _target = 1 AND "eligible.concept" = 0 AND "eligible.concept.source" IS NOT NULL AND "eligible.concept.decided" IS NOT TRUE AND ("eligible.when")
GROUP BY "eligible.concept.source"
UNION ALL
SELECT 'ecog', 'eligible.type', '32880 Standard algorithm', count(*)
FROM work.ecog
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32880) = 0 AND coalesce("eligible.type", 0) = 0 AND ("eligible.when")
GROUP BY '32880 Standard algorithm'
UNION ALL
SELECT 'ecog', 'date_basis.concept', "date_basis.concept.source", count(*)
FROM work.ecog
WHERE _left_out IS NULL AND _target = 1 AND "date_basis.concept" = 0 AND "date_basis.concept.source" IS NOT NULL AND "date_basis.concept.decided" IS NOT TRUE AND ("date_basis.when")
GROUP BY "date_basis.concept.source";
