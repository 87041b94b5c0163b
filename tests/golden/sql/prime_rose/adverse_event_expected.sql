-- map adverse_event_expected

-- values
CREATE TABLE work."adverse_event_expected values" AS
WITH
-- dsp.adverse_event, for the join 'ae'
join_ae AS (
    SELECT
        _file,
        _row,
        "trial" AS key1,
        subject_id AS key2,
        adverse_event_id AS key3,
        serious_date,
        start_date
    FROM dsp.adverse_event
),
-- the columns of dsp.adverse_event_relation that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.adverse_event_id AS adverse_event_id,
        i.drug AS drug,
        i.drug_number AS drug_number,
        i.expected AS expected,
        i.subject_id AS subject_id,
        i.trial AS trial,
        ae.serious_date AS "ae.serious_date",
        ae.start_date AS "ae.start_date",
        ae._row IS NULL AS "ae missing"
    FROM dsp.adverse_event_relation AS i
    LEFT JOIN join_ae AS ae ON ae.key1 = i.trial AND ae.key2 = i.subject_id AND ae.key3 = i.adverse_event_id
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(expected IS NOT NULL, FALSE) THEN 'has_answer'
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
        trial || chr(31) || subject_id || chr(31) || adverse_event_id || chr(31) || CAST(drug_number AS varchar) AS _key,
        o_id(trial || chr(31) || subject_id) AS "person.hash",
        o_id('adverse_event' || chr(31) || trial || chr(31) || subject_id || chr(31) || adverse_event_id) AS "event.hash",
        'expected for study drug' AS "concept.1.said",
        coalesce("ae.serious_date", "ae.start_date") AS start,
        CASE WHEN expected THEN 'expected' ELSE 'not expected' END AS "text",
        coalesce(drug, nullif(coalesce('drug ', '') || coalesce(CAST(drug_number AS varchar), ''), '')) AS qualifier_source,
        "ae missing"
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
        "event.hash",
        "concept.1.said",
        start,
        "text",
        qualifier_source,
        "ae missing"
    FROM raw
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."adverse_event_expected concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'concept.1' AS slot, "concept.1.said" AS value
    FROM work."adverse_event_expected values"
    WHERE "concept.1.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
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
CREATE TABLE work.adverse_event_expected AS
WITH
typed AS (SELECT * FROM work."adverse_event_expected values"),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        "event row".id AS event,
        "event row".field_concept_id AS "event.field",
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif("concept.1".concept_id, 0), CASE WHEN "concept.1.said" IS NOT NULL THEN 0 END) AS concept,
        "concept.1.said" AS "concept.source",
        CASE WHEN "concept.1.said" IS NOT NULL THEN coalesce(nullif("concept.1".source_concept_id, 0), 0) END AS "concept.source_concept",
        "concept.1".decided AS "concept.decided",
        "concept.1".domain_id AS "concept.domain",
        "concept.1".value_concept_id AS "concept.value",
        coalesce(CASE WHEN "concept.1".concept_id <> 0 THEN "concept.1".nth END, 1) AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN work."adverse_event parents" AS "event row" ON "event row".hash = typed."event.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."adverse_event_expected concepts" AS "concept.1" ON "concept.1".slot = 'concept.1' AND "concept.1".value = typed."concept.1.said"
),
-- what is wrong with each row
judged AS MATERIALIZED (
    SELECT
        resolved.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN "ae missing" THEN 1
            WHEN _key IS NULL THEN 2
            WHEN "person.hash" IS NULL THEN 3
            WHEN "person.hash" IS NOT NULL AND person IS NULL THEN 4
            WHEN start IS NULL THEN 5
            WHEN "start.before_birth" THEN 6
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "event.hash" IS NOT NULL AND event IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("text") > 60 THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(qualifier_source) > 50 THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("concept.source") > 50 THEN 16 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('adverse_event_expected' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("event.hash" AS varchar), '')
            || chr(31) || coalesce(CAST("concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST("text" AS varchar), '')
            || chr(31) || coalesce(CAST(qualifier_source AS varchar), '')
            || chr(31) || coalesce(CAST("ae missing" AS varchar), '') AS _content
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
    "text",
    qualifier_source,
    "ae missing",
    "concept.1.said",
    person,
    event,
    "event.field",
    born,
    "start.after_birth",
    "start.before_birth",
    concept,
    "concept.source",
    "concept.source_concept",
    "concept.decided",
    "concept.domain",
    "concept.value",
    type
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'adverse_event_expected', 'concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."concept.1.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.adverse_event_expected AS said
LEFT JOIN work."adverse_event_expected concepts" AS found
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
    count(*) FILTER (WHERE _target = 1 AND _status IN ('filtered', 'deduplicated')),
    count(*) FILTER (WHERE _issues <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND ((concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE))))
FROM work.adverse_event_expected AS step;

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.adverse_event_expected AS step
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
    value_as_concept_id,
    observation_source_value,
    observation_source_concept_id,
    qualifier_source_value,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce(concept, 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("text", 1, 60) AS value_as_string,
    "concept.value" AS value_as_concept_id,
    substr("concept.source", 1, 50) AS observation_source_value,
    "concept.source_concept" AS observation_source_concept_id,
    substr(qualifier_source, 1, 50) AS qualifier_source_value,
    event AS observation_event_id,
    "event.field" AS obs_event_field_concept_id
FROM work.adverse_event_expected AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'adverse_event_expected', step._file, step._row, NULL, step._n, step._of
FROM work.adverse_event_expected AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'adverse_event_expected', filter.name, count(step._left_out)
FROM (VALUES ('has_answer')) AS filter(name)
LEFT JOIN work.adverse_event_expected AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'adverse_event_expected', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.adverse_event_expected AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'adverse_event_expected', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.adverse_event_expected AS step
LEFT JOIN (VALUES
    (1, 'join ae', 'no match'),
    (2, 'key', 'missing'),
    (3, 'person', 'missing'),
    (4, 'person', 'not found'),
    (5, 'start', 'missing'),
    (6, 'start', 'before birth')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'adverse_event_expected', why.field, why.reason, file.file, file.sheet, step._row
FROM work.adverse_event_expected AS step
JOIN (VALUES
    (1, 'event', 'not found'),
    (2, 'start', 'moved to the day of birth'),
    (4, 'text', 'cut to its length'),
    (8, 'qualifier_source', 'cut to its length'),
    (16, 'concept source', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'adverse_event_expected', 'concept', "concept.source", count(*)
FROM work.adverse_event_expected
WHERE _left_out IS NULL AND _target = 1 AND concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE
GROUP BY "concept.source"
UNION ALL
SELECT 'adverse_event_expected', 'type', '32809 Case Report Form', count(*)
FROM work.adverse_event_expected
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form';
