-- map best_overall_response

-- values
CREATE TABLE work."best_overall_response values" AS
WITH
-- dsp.treatment, for the join 'treated'
join_treated AS (
    SELECT
        _file,
        _row,
        "trial" AS key1,
        subject_id AS key2,
        end_date,
        start_date,
        row_number() OVER (PARTITION BY "trial", subject_id ORDER BY start_date ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM dsp.treatment
),
-- dsp.observation_window, for the join 'seen'
join_seen AS (
    SELECT
        _file,
        _row,
        "trial" AS key1,
        subject_id AS key2,
        end_date
    FROM dsp.observation_window
),
-- the columns of dsp.best_overall_response that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.basis AS basis,
        i.criterion AS criterion,
        i."date" AS "date",
        i.response AS response,
        i.response_recorded AS response_recorded,
        i.rule AS rule,
        i.subject_id AS subject_id,
        i.trial AS trial,
        seen.end_date AS "seen.end_date",
        treated.end_date AS "treated.end_date",
        treated.start_date AS "treated.start_date"
    FROM dsp.best_overall_response AS i
    LEFT JOIN join_treated AS treated ON treated.key1 = i.trial AND treated.key2 = i.subject_id AND treated._nth = 1
    LEFT JOIN join_seen AS seen ON seen.key1 = i.trial AND seen.key2 = i.subject_id
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(coalesce(response, response_recorded) IS NOT NULL, FALSE) THEN 'told'
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
        trial || chr(31) || subject_id || chr(31) || coalesce(criterion, 'not said') || chr(31) || rule AS _key,
        o_id(trial || chr(31) || subject_id) AS "person.hash",
        basis AS "type.1.said",
        nullif(coalesce(criterion, '') || coalesce(' ', '') || coalesce(coalesce(response, response_recorded), ''), '') AS "value.1.said",
        coalesce("date", "treated.end_date", "treated.start_date", "seen.end_date") AS start,
        'best overall response' AS source,
        nullif(coalesce(criterion, '') || coalesce(CASE WHEN criterion IS NOT NULL THEN ' ' END, '') || coalesce(coalesce(response, response_recorded), ''), '') AS "text",
        coalesce(response_recorded, response) AS value_source,
        rule AS qualifier_source
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
        "type.1.said",
        "value.1.said",
        start,
        source,
        "text",
        value_source,
        qualifier_source
    FROM raw
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."best_overall_response concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'value.1' AS slot, "value.1.said" AS value
    FROM work."best_overall_response values"
    WHERE "value.1.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- value.1: the reviewed mapping prime_rose/concepts/tumour_response.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/tumour_response.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'value.1'
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
CREATE TABLE work.best_overall_response AS
WITH
typed AS (SELECT * FROM work."best_overall_response values"),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif(o_concept(36305408), 0), 0) AS concept,
        o_domain(36305408) AS "concept.domain",
        1 AS _target,
        coalesce(CASE o_fold("type.1.said") WHEN 'recorded' THEN nullif(o_concept(32809), 0) WHEN 'derived' THEN nullif(o_concept(32880), 0) END, CASE WHEN "type.1.said" IS NOT NULL THEN 0 END) AS type,
        "type.1.said" AS "type.source",
        CASE WHEN "type.1.said" IS NOT NULL THEN 0 END AS "type.source_concept",
        coalesce(nullif("value.1".concept_id, 0), CASE WHEN "value.1.said" IS NOT NULL THEN 0 END) AS "value",
        "value.1.said" AS "value.source",
        CASE WHEN "value.1.said" IS NOT NULL THEN coalesce(nullif("value.1".source_concept_id, 0), 0) END AS "value.source_concept",
        "value.1".decided AS "value.decided"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."best_overall_response concepts" AS "value.1" ON "value.1".slot = 'value.1' AND "value.1".value = typed."value.1.said" AND "value.1".nth = 1
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
            + CASE WHEN _left_out IS NULL AND length(value_source) > 50 THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(qualifier_source) > 50 THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("value.source") > 50 THEN 32 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('best_overall_response' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("type.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("value.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST(source AS varchar), '')
            || chr(31) || coalesce(CAST("text" AS varchar), '')
            || chr(31) || coalesce(CAST(value_source AS varchar), '')
            || chr(31) || coalesce(CAST(qualifier_source AS varchar), '') AS _content
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
    value_source,
    qualifier_source,
    "value.1.said",
    person,
    born,
    "start.after_birth",
    "start.before_birth",
    concept,
    "concept.domain",
    type,
    "type.source",
    "type.source_concept",
    "value",
    "value.source",
    "value.source_concept",
    "value.decided"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'best_overall_response', 'value', 1, 'prime_rose/concepts/tumour_response.csv', 'prime_rose/concepts/tumour_response.csv',
    said."value.1.said", count(*), count(CASE WHEN said."value" = 0 AND said."value.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.best_overall_response AS said
LEFT JOIN work."best_overall_response concepts" AS found
    ON found.slot = 'value.1' AND found.value = said."value.1.said" AND found.nth = 1
WHERE said."value.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."value.1.said";

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
    count(*) FILTER (WHERE _left_out IS NULL AND ((type = 0 AND "type.source" IS NOT NULL) OR ("value" = 0 AND "value.source" IS NOT NULL AND "value.decided" IS NOT TRUE) OR (o_concept(36305408) = 0 AND coalesce(concept, 0) = 0 AND (TRUE))))
FROM work.best_overall_response AS step;

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.best_overall_response AS step
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
    qualifier_source_value,
    value_source_value
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce(concept, 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("text", 1, 60) AS value_as_string,
    "value" AS value_as_concept_id,
    substr(source, 1, 50) AS observation_source_value,
    substr(qualifier_source, 1, 50) AS qualifier_source_value,
    substr(value_source, 1, 50) AS value_source_value
FROM work.best_overall_response AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'best_overall_response', step._file, step._row, NULL, step._n, step._of
FROM work.best_overall_response AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'best_overall_response', filter.name, count(step._left_out)
FROM (VALUES ('told')) AS filter(name)
LEFT JOIN work.best_overall_response AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'best_overall_response', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.best_overall_response AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'best_overall_response', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.best_overall_response AS step
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
SELECT 'best_overall_response', why.field, why.reason, file.file, file.sheet, step._row
FROM work.best_overall_response AS step
JOIN (VALUES
    (1, 'start', 'moved to the day of birth'),
    (2, 'source', 'cut to its length'),
    (4, 'text', 'cut to its length'),
    (8, 'value_source', 'cut to its length'),
    (16, 'qualifier_source', 'cut to its length'),
    (32, 'value source', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'best_overall_response', 'type', "type.source", count(*)
FROM work.best_overall_response
WHERE _left_out IS NULL AND _target = 1 AND type = 0 AND "type.source" IS NOT NULL
GROUP BY "type.source"
UNION ALL
SELECT 'best_overall_response', 'value', "value.source", count(*)
FROM work.best_overall_response
WHERE _left_out IS NULL AND _target = 1 AND "value" = 0 AND "value.source" IS NOT NULL AND "value.decided" IS NOT TRUE
GROUP BY "value.source"
UNION ALL
SELECT 'best_overall_response', 'concept', '36305408 Response to cancer treatment', count(*)
FROM work.best_overall_response
WHERE _left_out IS NULL AND _target = 1 AND o_concept(36305408) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)
GROUP BY '36305408 Response to cancer treatment';
