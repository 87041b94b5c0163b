-- map cohort_membership

-- values
CREATE TABLE work."cohort_membership values" AS
WITH
-- the columns of dsp.cohort_allocation that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.allocation_date AS allocation_date,
        i.cohort_name AS cohort_name,
        i.cohort_tumour_type AS cohort_tumour_type,
        i.subject_id AS subject_id,
        i.target_mutation AS target_mutation,
        i.target_name AS target_name,
        i.trial AS trial
    FROM dsp.cohort_allocation AS i
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
        trial || chr(31) || subject_id || chr(31) || CAST(allocation_date AS varchar) || chr(31) || cohort_name AS _key,
        o_id(trial || chr(31) || subject_id) AS "person.hash",
        allocation_date AS start,
        'trial cohort' AS source,
        cohort_name AS "text",
        'planned' AS qualifier_source,
        'target of the trial cohort' AS "target.concept.1.said",
        nullif(coalesce(target_name, '') || coalesce(CASE WHEN target_name IS NOT NULL AND target_mutation IS NOT NULL THEN ' ' END, '') || coalesce(target_mutation, ''), '') AS "target.text",
        coalesce(target_name, target_mutation) IS NOT NULL AS "target.when",
        'tumour type of the trial cohort' AS "tumour_type.concept.1.said",
        cohort_tumour_type AS "tumour_type.text",
        cohort_tumour_type IS NOT NULL AS "tumour_type.when"
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
        start,
        source,
        "text",
        qualifier_source,
        "target.concept.1.said",
        "target.text",
        "target.when",
        "tumour_type.concept.1.said",
        "tumour_type.text",
        "tumour_type.when"
    FROM raw
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."cohort_membership concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'target.concept.1' AS slot, "target.concept.1.said" AS value
    FROM work."cohort_membership values"
    WHERE "target.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'tumour_type.concept.1' AS slot, "tumour_type.concept.1.said" AS value
    FROM work."cohort_membership values"
    WHERE "tumour_type.concept.1.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- target.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'target.concept.1'
    UNION ALL
    -- tumour_type.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'tumour_type.concept.1'
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
CREATE TABLE work.cohort_membership AS
WITH
typed AS (SELECT * FROM work."cohort_membership values"),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif(o_concept(37208111), 0), 0) AS concept,
        o_domain(37208111) AS "concept.domain",
        1 AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type,
        coalesce(nullif(o_concept(4161676), 0), 0) AS qualifier,
        coalesce(nullif("target.concept.1".concept_id, 0), CASE WHEN "target.concept.1.said" IS NOT NULL THEN 0 END) AS "target.concept",
        "target.concept.1.said" AS "target.concept.source",
        CASE WHEN "target.concept.1.said" IS NOT NULL THEN coalesce(nullif("target.concept.1".source_concept_id, 0), 0) END AS "target.concept.source_concept",
        "target.concept.1".decided AS "target.concept.decided",
        coalesce(nullif("tumour_type.concept.1".concept_id, 0), CASE WHEN "tumour_type.concept.1.said" IS NOT NULL THEN 0 END) AS "tumour_type.concept",
        "tumour_type.concept.1.said" AS "tumour_type.concept.source",
        CASE WHEN "tumour_type.concept.1.said" IS NOT NULL THEN coalesce(nullif("tumour_type.concept.1".source_concept_id, 0), 0) END AS "tumour_type.concept.source_concept",
        "tumour_type.concept.1".decided AS "tumour_type.concept.decided"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."cohort_membership concepts" AS "target.concept.1" ON "target.concept.1".slot = 'target.concept.1' AND "target.concept.1".value = typed."target.concept.1.said" AND "target.concept.1".nth = 1
    LEFT JOIN work."cohort_membership concepts" AS "tumour_type.concept.1" ON "tumour_type.concept.1".slot = 'tumour_type.concept.1' AND "tumour_type.concept.1".value = typed."tumour_type.concept.1.said" AND "tumour_type.concept.1".nth = 1
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
        CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(source) > 50 THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("text") > 60 THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(qualifier_source) > 50 THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("target.text") > 60 THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("tumour_type.text") > 60 THEN 32 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('cohort_membership' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST(source AS varchar), '')
            || chr(31) || coalesce(CAST("text" AS varchar), '')
            || chr(31) || coalesce(CAST(qualifier_source AS varchar), '')
            || chr(31) || coalesce(CAST("target.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("target.text" AS varchar), '')
            || chr(31) || coalesce(CAST("target.when" AS varchar), '')
            || chr(31) || coalesce(CAST("tumour_type.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("tumour_type.text" AS varchar), '')
            || chr(31) || coalesce(CAST("tumour_type.when" AS varchar), '') AS _content
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
    "text",
    qualifier_source,
    "target.text",
    "target.when",
    "tumour_type.text",
    "tumour_type.when",
    "target.concept.1.said",
    "tumour_type.concept.1.said",
    person,
    born,
    "start.after_birth",
    "start.before_birth",
    concept,
    "concept.domain",
    type,
    qualifier,
    "target.concept",
    "target.concept.source",
    "target.concept.source_concept",
    "target.concept.decided",
    "tumour_type.concept",
    "tumour_type.concept.source",
    "tumour_type.concept.source_concept",
    "tumour_type.concept.decided"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'cohort_membership', 'target.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."target.concept.1.said", count(*), count(CASE WHEN said."target.concept" = 0 AND said."target.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.cohort_membership AS said
LEFT JOIN work."cohort_membership concepts" AS found
    ON found.slot = 'target.concept.1' AND found.value = said."target.concept.1.said" AND found.nth = 1
WHERE said."target.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."target.concept.1.said"
UNION ALL
SELECT
    'cohort_membership', 'tumour_type.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."tumour_type.concept.1.said", count(*), count(CASE WHEN said."tumour_type.concept" = 0 AND said."tumour_type.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.cohort_membership AS said
LEFT JOIN work."cohort_membership concepts" AS found
    ON found.slot = 'tumour_type.concept.1' AND found.value = said."tumour_type.concept.1.said" AND found.nth = 1
WHERE said."tumour_type.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."tumour_type.concept.1.said";

-- accounting
SELECT
    count(*) FILTER (WHERE _target = 1) AS rows_read,
    count(*) FILTER (WHERE _target = 1 AND _status = 'used') AS rows_used,
    count(*) FILTER (WHERE _target = 1 AND _status = 'filtered') AS rows_filtered,
    count(*) FILTER (WHERE _target = 1 AND _status = 'deduplicated') AS rows_deduplicated,
    count(*) FILTER (WHERE _target = 1 AND _status = 'rejected') AS rows_rejected,
    count(*) FILTER (WHERE _status = 'used'),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("target.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("tumour_type.when"))),
    count(*) FILTER (WHERE _target = 1 AND _status IN ('filtered', 'deduplicated')),
    count(*) FILTER (WHERE _issues <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND ((o_concept(37208111) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)) OR (o_concept(4161676) = 0 AND coalesce(qualifier, 0) = 0 AND (TRUE)) OR ("target.concept" = 0 AND "target.concept.source" IS NOT NULL AND "target.concept.decided" IS NOT TRUE AND ("target.when")) OR ("tumour_type.concept" = 0 AND "tumour_type.concept.source" IS NOT NULL AND "tumour_type.concept.decided" IS NOT TRUE AND ("tumour_type.when"))))
FROM work.cohort_membership AS step;

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.cohort_membership AS step
    WHERE step._status = 'used' AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = _id_hash)
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
    qualifier_concept_id,
    observation_source_value,
    qualifier_source_value
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce(concept, 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("text", 1, 60) AS value_as_string,
    qualifier AS qualifier_concept_id,
    substr(source, 1, 50) AS observation_source_value,
    substr(qualifier_source, 1, 50) AS qualifier_source_value
FROM work.cohort_membership AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'cohort_membership', step._file, step._row, NULL, step._n, step._of
FROM work.cohort_membership AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- parents
CREATE TABLE work."cohort_membership parents" AS
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147165), 0) AS field_concept_id,
    nullif(o_concept(27), 0) AS domain_concept_id
FROM work.cohort_membership AS step
JOIN register.observation AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1;

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('cohort_membership' || chr(31) || _key || chr(31) || 'target') AS hash
    FROM work.cohort_membership AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("target.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('cohort_membership' || chr(31) || _key || chr(31) || 'target'))
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
    observation_source_value,
    observation_source_concept_id,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("target.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("target.text", 1, 60) AS value_as_string,
    substr("target.concept.source", 1, 50) AS observation_source_value,
    "target.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.cohort_membership AS step
JOIN register.observation AS ids ON ids.hash = o_id('cohort_membership' || chr(31) || _key || chr(31) || 'target')
JOIN work."cohort_membership parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("target.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'cohort_membership', step._file, step._row, 'target', step._n, step._of
FROM work.cohort_membership AS step
JOIN register.observation AS ids ON ids.hash = o_id('cohort_membership' || chr(31) || _key || chr(31) || 'target')
WHERE step._status = 'used' AND (_target = 1 AND ("target.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('cohort_membership' || chr(31) || _key || chr(31) || 'tumour_type') AS hash
    FROM work.cohort_membership AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("tumour_type.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('cohort_membership' || chr(31) || _key || chr(31) || 'tumour_type'))
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
    observation_source_value,
    observation_source_concept_id,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("tumour_type.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("tumour_type.text", 1, 60) AS value_as_string,
    substr("tumour_type.concept.source", 1, 50) AS observation_source_value,
    "tumour_type.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.cohort_membership AS step
JOIN register.observation AS ids ON ids.hash = o_id('cohort_membership' || chr(31) || _key || chr(31) || 'tumour_type')
JOIN work."cohort_membership parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("tumour_type.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'cohort_membership', step._file, step._row, 'tumour_type', step._n, step._of
FROM work.cohort_membership AS step
JOIN register.observation AS ids ON ids.hash = o_id('cohort_membership' || chr(31) || _key || chr(31) || 'tumour_type')
WHERE step._status = 'used' AND (_target = 1 AND ("tumour_type.when"));

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'cohort_membership', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.cohort_membership AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'cohort_membership', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.cohort_membership AS step
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
SELECT 'cohort_membership', why.field, why.reason, file.file, file.sheet, step._row
FROM work.cohort_membership AS step
JOIN (VALUES
    (1, 'start', 'moved to the day of birth'),
    (2, 'source', 'cut to its length'),
    (4, 'text', 'cut to its length'),
    (8, 'qualifier_source', 'cut to its length'),
    (16, 'target.text', 'cut to its length'),
    (32, 'tumour_type.text', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'cohort_membership', 'concept', '37208111 Clinical trial arm', count(*)
FROM work.cohort_membership
WHERE _left_out IS NULL AND _target = 1 AND o_concept(37208111) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)
GROUP BY '37208111 Clinical trial arm'
UNION ALL
SELECT 'cohort_membership', 'type', '32809 Case Report Form', count(*)
FROM work.cohort_membership
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form'
UNION ALL
SELECT 'cohort_membership', 'qualifier', '4161676 Planned', count(*)
FROM work.cohort_membership
WHERE _left_out IS NULL AND _target = 1 AND o_concept(4161676) = 0 AND coalesce(qualifier, 0) = 0 AND (TRUE)
GROUP BY '4161676 Planned'
UNION ALL
SELECT 'cohort_membership', 'target.concept', "target.concept.source", count(*)
FROM work.cohort_membership
WHERE _left_out IS NULL AND _target = 1 AND "target.concept" = 0 AND "target.concept.source" IS NOT NULL AND "target.concept.decided" IS NOT TRUE AND ("target.when")
GROUP BY "target.concept.source"
UNION ALL
SELECT 'cohort_membership', 'tumour_type.concept', "tumour_type.concept.source", count(*)
FROM work.cohort_membership
WHERE _left_out IS NULL AND _target = 1 AND "tumour_type.concept" = 0 AND "tumour_type.concept.source" IS NOT NULL AND "tumour_type.concept.decided" IS NOT TRUE AND ("tumour_type.when")
GROUP BY "tumour_type.concept.source";
