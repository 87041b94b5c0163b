-- map medical_history_undated

-- values
CREATE TABLE work."medical_history_undated values" AS
WITH
-- dsp.observation_window, for the join 'seen'
join_seen AS (
    SELECT
        _file,
        _row,
        "trial" AS key1,
        subject_id AS key2,
        start_date
    FROM dsp.observation_window
),
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
-- the columns of dsp.medical_history that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.end_date AS end_date,
        i.history_id AS history_id,
        i.start_date AS start_date,
        i.status AS status,
        i.subject_id AS subject_id,
        i.term AS term,
        i.trial AS trial,
        seen.start_date AS "seen.start_date",
        treated.start_date AS "treated.start_date"
    FROM dsp.medical_history AS i
    LEFT JOIN join_seen AS seen ON seen.key1 = i.trial AND seen.key2 = i.subject_id
    LEFT JOIN join_treated AS treated ON treated.key1 = i.trial AND treated.key2 = i.subject_id AND treated._nth = 1
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(start_date IS NULL, FALSE) THEN 'undated'
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
        trial || chr(31) || subject_id || chr(31) || history_id AS _key,
        o_id(trial || chr(31) || subject_id) AS "person.hash",
        term AS "value.1.said",
        term AS "value.2.said",
        term AS "value.3.said",
        term AS "value.4.said",
        coalesce("seen.start_date", "treated.start_date", end_date) AS start,
        term AS source,
        term AS "text",
        'status in medical history' AS "status.concept.1.said",
        status AS "status.value.1.said",
        status AS "status.text",
        status IS NOT NULL AS "status.when",
        'end of medical history without a known start' AS "end.concept.1.said",
        coalesce(end_date, "seen.start_date", "treated.start_date") AS "end.start",
        end_date IS NOT NULL AS "end.when"
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
        "value.1.said",
        "value.2.said",
        "value.3.said",
        "value.4.said",
        start,
        source,
        "text",
        "status.concept.1.said",
        "status.value.1.said",
        "status.text",
        "status.when",
        "end.concept.1.said",
        "end.start",
        "end.when"
    FROM raw
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."medical_history_undated concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'value.1' AS slot, "value.1.said" AS value
    FROM work."medical_history_undated values"
    WHERE "value.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'value.2' AS slot, "value.2.said" AS value
    FROM work."medical_history_undated values"
    WHERE "value.2.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'value.3' AS slot, "value.3.said" AS value
    FROM work."medical_history_undated values"
    WHERE "value.3.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'value.4' AS slot, "value.4.said" AS value
    FROM work."medical_history_undated values"
    WHERE "value.4.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'status.concept.1' AS slot, "status.concept.1.said" AS value
    FROM work."medical_history_undated values"
    WHERE "status.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'end.concept.1' AS slot, "end.concept.1.said" AS value
    FROM work."medical_history_undated values"
    WHERE "end.concept.1.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- value.1: the reviewed mapping prime_rose/concepts/medical_history.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/medical_history.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'value.1'
    UNION ALL
    -- value.2: the reviewed mapping prime_rose/concepts/ctcae_terms.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/ctcae_terms.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'value.2'
    UNION ALL
    -- value.3: the reviewed mapping prime_rose/concepts/tumour_types.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/tumour_types.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'value.3'
    UNION ALL
    -- value.4: the name in SNOMED, then MedDRA
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'value.4'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'value.4'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 2 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'MedDRA' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'value.4'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 102 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'MedDRA' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'value.4'
    UNION ALL
    -- status.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'status.concept.1'
    UNION ALL
    -- end.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'end.concept.1'
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
CREATE TABLE work.medical_history_undated AS
WITH
typed AS (SELECT * FROM work."medical_history_undated values"),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif(o_concept(4214956), 0), 0) AS concept,
        o_domain(4214956) AS "concept.domain",
        1 AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type,
        coalesce(nullif("value.1".concept_id, 0), nullif("value.2".concept_id, 0), nullif("value.3".concept_id, 0), nullif("value.4".concept_id, 0), CASE WHEN coalesce("value.1.said", "value.2.said", "value.3.said", "value.4.said") IS NOT NULL THEN 0 END) AS "value",
        coalesce("value.1.said", "value.2.said", "value.3.said", "value.4.said") AS "value.source",
        CASE WHEN coalesce("value.1.said", "value.2.said", "value.3.said", "value.4.said") IS NOT NULL THEN CASE WHEN "value.1".concept_id <> 0 THEN coalesce("value.1".source_concept_id, 0) WHEN "value.2".concept_id <> 0 THEN coalesce("value.2".source_concept_id, 0) WHEN "value.3".concept_id <> 0 THEN coalesce("value.3".source_concept_id, 0) WHEN "value.4".concept_id <> 0 THEN coalesce("value.4".source_concept_id, 0) ELSE coalesce(nullif("value.1".source_concept_id, 0), nullif("value.2".source_concept_id, 0), nullif("value.3".source_concept_id, 0), nullif("value.4".source_concept_id, 0), 0) END END AS "value.source_concept",
        coalesce("value.1".decided, "value.2".decided, "value.3".decided) AS "value.decided",
        coalesce(nullif("status.concept.1".concept_id, 0), CASE WHEN "status.concept.1.said" IS NOT NULL THEN 0 END) AS "status.concept",
        "status.concept.1.said" AS "status.concept.source",
        CASE WHEN "status.concept.1.said" IS NOT NULL THEN coalesce(nullif("status.concept.1".source_concept_id, 0), 0) END AS "status.concept.source_concept",
        "status.concept.1".decided AS "status.concept.decided",
        coalesce(CASE o_fold("status.value.1.said") WHEN 'past' THEN nullif(o_concept(37109701), 0) WHEN 'dormant' THEN nullif(o_concept(9173), 0) WHEN 'active' THEN nullif(o_concept(9181), 0) END, CASE WHEN "status.value.1.said" IS NOT NULL THEN 0 END) AS "status.value",
        "status.value.1.said" AS "status.value.source",
        CASE WHEN "status.value.1.said" IS NOT NULL THEN 0 END AS "status.value.source_concept",
        coalesce(nullif("end.concept.1".concept_id, 0), CASE WHEN "end.concept.1.said" IS NOT NULL THEN 0 END) AS "end.concept",
        "end.concept.1.said" AS "end.concept.source",
        CASE WHEN "end.concept.1.said" IS NOT NULL THEN coalesce(nullif("end.concept.1".source_concept_id, 0), 0) END AS "end.concept.source_concept",
        "end.concept.1".decided AS "end.concept.decided"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."medical_history_undated concepts" AS "value.1" ON "value.1".slot = 'value.1' AND "value.1".value = typed."value.1.said" AND "value.1".nth = 1
    LEFT JOIN work."medical_history_undated concepts" AS "value.2" ON "value.2".slot = 'value.2' AND "value.2".value = typed."value.2.said" AND "value.2".nth = 1 AND coalesce("value.1".concept_id, 0) = 0 AND "value.1".decided IS NOT TRUE
    LEFT JOIN work."medical_history_undated concepts" AS "value.3" ON "value.3".slot = 'value.3' AND "value.3".value = typed."value.3.said" AND "value.3".nth = 1 AND coalesce("value.1".concept_id, 0) = 0 AND coalesce("value.2".concept_id, 0) = 0 AND "value.1".decided IS NOT TRUE AND "value.2".decided IS NOT TRUE
    LEFT JOIN work."medical_history_undated concepts" AS "value.4" ON "value.4".slot = 'value.4' AND "value.4".value = typed."value.4.said" AND "value.4".nth = 1 AND coalesce("value.1".concept_id, 0) = 0 AND coalesce("value.2".concept_id, 0) = 0 AND coalesce("value.3".concept_id, 0) = 0 AND "value.1".decided IS NOT TRUE AND "value.2".decided IS NOT TRUE AND "value.3".decided IS NOT TRUE
    LEFT JOIN work."medical_history_undated concepts" AS "status.concept.1" ON "status.concept.1".slot = 'status.concept.1' AND "status.concept.1".value = typed."status.concept.1.said" AND "status.concept.1".nth = 1
    LEFT JOIN work."medical_history_undated concepts" AS "end.concept.1" ON "end.concept.1".slot = 'end.concept.1' AND "end.concept.1".value = typed."end.concept.1.said" AND "end.concept.1".nth = 1
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
            + CASE WHEN _left_out IS NULL AND length("value.source") > 50 THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("status.text") > 60 THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("status.value.source") > 50 THEN 32 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("end.when") AND "end.start" IS NULL THEN 64 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("end.when") AND "end.start" < born THEN 128 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('medical_history_undated' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("value.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("value.2.said" AS varchar), '')
            || chr(31) || coalesce(CAST("value.3.said" AS varchar), '')
            || chr(31) || coalesce(CAST("value.4.said" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST(source AS varchar), '')
            || chr(31) || coalesce(CAST("text" AS varchar), '')
            || chr(31) || coalesce(CAST("status.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("status.value.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("status.text" AS varchar), '')
            || chr(31) || coalesce(CAST("status.when" AS varchar), '')
            || chr(31) || coalesce(CAST("end.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("end.start" AS varchar), '')
            || chr(31) || coalesce(CAST("end.when" AS varchar), '') AS _content
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
    "status.text",
    "status.when",
    "end.start",
    "end.when",
    "value.1.said",
    "value.2.said",
    "value.3.said",
    "value.4.said",
    "status.concept.1.said",
    "end.concept.1.said",
    person,
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
    "status.concept",
    "status.concept.source",
    "status.concept.source_concept",
    "status.concept.decided",
    "status.value",
    "status.value.source",
    "status.value.source_concept",
    "end.concept",
    "end.concept.source",
    "end.concept.source_concept",
    "end.concept.decided"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'medical_history_undated', 'value', 1, 'prime_rose/concepts/medical_history.csv', 'prime_rose/concepts/medical_history.csv',
    said."value.1.said", count(*), count(CASE WHEN said."value" = 0 AND said."value.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.medical_history_undated AS said
LEFT JOIN work."medical_history_undated concepts" AS found
    ON found.slot = 'value.1' AND found.value = said."value.1.said" AND found.nth = 1
WHERE said."value.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."value.1.said"
UNION ALL
SELECT
    'medical_history_undated', 'value', 2, 'prime_rose/concepts/ctcae_terms.csv', 'prime_rose/concepts/ctcae_terms.csv',
    said."value.2.said", count(*), count(CASE WHEN said."value" = 0 AND said."value.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.medical_history_undated AS said
LEFT JOIN work."medical_history_undated concepts" AS found
    ON found.slot = 'value.2' AND found.value = said."value.2.said" AND found.nth = 1
WHERE said."value.2.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."value.2.said"
UNION ALL
SELECT
    'medical_history_undated', 'value', 3, 'prime_rose/concepts/tumour_types.csv', 'prime_rose/concepts/tumour_types.csv',
    said."value.3.said", count(*), count(CASE WHEN said."value" = 0 AND said."value.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.medical_history_undated AS said
LEFT JOIN work."medical_history_undated concepts" AS found
    ON found.slot = 'value.3' AND found.value = said."value.3.said" AND found.nth = 1
WHERE said."value.3.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."value.3.said"
UNION ALL
SELECT
    'medical_history_undated', 'value', 4, 'SNOMED, MedDRA by name', NULL,
    said."value.4.said", count(*), count(CASE WHEN said."value" = 0 AND said."value.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.medical_history_undated AS said
LEFT JOIN work."medical_history_undated concepts" AS found
    ON found.slot = 'value.4' AND found.value = said."value.4.said" AND found.nth = 1
WHERE said."value.4.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."value.4.said"
UNION ALL
SELECT
    'medical_history_undated', 'status.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."status.concept.1.said", count(*), count(CASE WHEN said."status.concept" = 0 AND said."status.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.medical_history_undated AS said
LEFT JOIN work."medical_history_undated concepts" AS found
    ON found.slot = 'status.concept.1' AND found.value = said."status.concept.1.said" AND found.nth = 1
WHERE said."status.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."status.concept.1.said"
UNION ALL
SELECT
    'medical_history_undated', 'end.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."end.concept.1.said", count(*), count(CASE WHEN said."end.concept" = 0 AND said."end.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.medical_history_undated AS said
LEFT JOIN work."medical_history_undated concepts" AS found
    ON found.slot = 'end.concept.1' AND found.value = said."end.concept.1.said" AND found.nth = 1
WHERE said."end.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."end.concept.1.said";

-- accounting
SELECT
    count(*) FILTER (WHERE _target = 1) AS rows_read,
    count(*) FILTER (WHERE _target = 1 AND _status = 'used') AS rows_used,
    count(*) FILTER (WHERE _target = 1 AND _status = 'filtered') AS rows_filtered,
    count(*) FILTER (WHERE _target = 1 AND _status = 'deduplicated') AS rows_deduplicated,
    count(*) FILTER (WHERE _target = 1 AND _status = 'rejected') AS rows_rejected,
    count(*) FILTER (WHERE _status = 'used'),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("status.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ((("end.when") AND NOT coalesce("end.start" < born, FALSE)) AND "end.start" IS NOT NULL))),
    count(*) FILTER (WHERE _target = 1 AND _status IN ('filtered', 'deduplicated')),
    count(*) FILTER (WHERE _issues <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND (("value" = 0 AND "value.source" IS NOT NULL AND "value.decided" IS NOT TRUE) OR (o_concept(4214956) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)) OR ("status.concept" = 0 AND "status.concept.source" IS NOT NULL AND "status.concept.decided" IS NOT TRUE AND ("status.when")) OR ("status.value" = 0 AND "status.value.source" IS NOT NULL AND ("status.when")) OR ("end.concept" = 0 AND "end.concept.source" IS NOT NULL AND "end.concept.decided" IS NOT TRUE AND ((("end.when") AND NOT coalesce("end.start" < born, FALSE)) AND "end.start" IS NOT NULL))))
FROM work.medical_history_undated AS step;

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.medical_history_undated AS step
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
    substr("value.source", 1, 50) AS value_source_value
FROM work.medical_history_undated AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'medical_history_undated', step._file, step._row, NULL, step._n, step._of
FROM work.medical_history_undated AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- parents
CREATE TABLE work."medical_history_undated parents" AS
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147165), 0) AS field_concept_id,
    nullif(o_concept(27), 0) AS domain_concept_id
FROM work.medical_history_undated AS step
JOIN register.observation AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1;

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('medical_history_undated' || chr(31) || _key || chr(31) || 'status') AS hash
    FROM work.medical_history_undated AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("status.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('medical_history_undated' || chr(31) || _key || chr(31) || 'status'))
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
    value_source_value,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("status.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("status.text", 1, 60) AS value_as_string,
    "status.value" AS value_as_concept_id,
    substr("status.concept.source", 1, 50) AS observation_source_value,
    "status.concept.source_concept" AS observation_source_concept_id,
    substr("status.value.source", 1, 50) AS value_source_value,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.medical_history_undated AS step
JOIN register.observation AS ids ON ids.hash = o_id('medical_history_undated' || chr(31) || _key || chr(31) || 'status')
JOIN work."medical_history_undated parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("status.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'medical_history_undated', step._file, step._row, 'status', step._n, step._of
FROM work.medical_history_undated AS step
JOIN register.observation AS ids ON ids.hash = o_id('medical_history_undated' || chr(31) || _key || chr(31) || 'status')
WHERE step._status = 'used' AND (_target = 1 AND ("status.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('medical_history_undated' || chr(31) || _key || chr(31) || 'end') AS hash
    FROM work.medical_history_undated AS step
    WHERE step._status = 'used' AND (_target = 1 AND ((("end.when") AND NOT coalesce("end.start" < born, FALSE)) AND "end.start" IS NOT NULL)) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('medical_history_undated' || chr(31) || _key || chr(31) || 'end'))
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.observation) AS last;

-- write cdm.observation
INSERT INTO cdm.observation (
    observation_id,
    person_id,
    observation_concept_id,
    observation_date,
    observation_type_concept_id,
    observation_source_value,
    observation_source_concept_id,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("end.concept", 0) AS observation_concept_id,
    "end.start" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("end.concept.source", 1, 50) AS observation_source_value,
    "end.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.medical_history_undated AS step
JOIN register.observation AS ids ON ids.hash = o_id('medical_history_undated' || chr(31) || _key || chr(31) || 'end')
JOIN work."medical_history_undated parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ((("end.when") AND NOT coalesce("end.start" < born, FALSE)) AND "end.start" IS NOT NULL)) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'medical_history_undated', step._file, step._row, 'end', step._n, step._of
FROM work.medical_history_undated AS step
JOIN register.observation AS ids ON ids.hash = o_id('medical_history_undated' || chr(31) || _key || chr(31) || 'end')
WHERE step._status = 'used' AND (_target = 1 AND ((("end.when") AND NOT coalesce("end.start" < born, FALSE)) AND "end.start" IS NOT NULL));

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'medical_history_undated', filter.name, count(step._left_out)
FROM (VALUES ('undated')) AS filter(name)
LEFT JOIN work.medical_history_undated AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'medical_history_undated', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.medical_history_undated AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'medical_history_undated', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.medical_history_undated AS step
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
SELECT 'medical_history_undated', why.field, why.reason, file.file, file.sheet, step._row
FROM work.medical_history_undated AS step
JOIN (VALUES
    (1, 'start', 'moved to the day of birth'),
    (2, 'source', 'cut to its length'),
    (4, 'text', 'cut to its length'),
    (8, 'value source', 'cut to its length'),
    (16, 'status.text', 'cut to its length'),
    (32, 'status.value source', 'cut to its length'),
    (64, 'end.start', 'missing'),
    (128, 'end.start', 'before birth')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'medical_history_undated', 'value', "value.source", count(*)
FROM work.medical_history_undated
WHERE _left_out IS NULL AND _target = 1 AND "value" = 0 AND "value.source" IS NOT NULL AND "value.decided" IS NOT TRUE
GROUP BY "value.source"
UNION ALL
SELECT 'medical_history_undated', 'concept', '4214956 History of clinical finding in subject', count(*)
FROM work.medical_history_undated
WHERE _left_out IS NULL AND _target = 1 AND o_concept(4214956) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)
GROUP BY '4214956 History of clinical finding in subject'
UNION ALL
SELECT 'medical_history_undated', 'type', '32809 Case Report Form', count(*)
FROM work.medical_history_undated
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form'
UNION ALL
SELECT 'medical_history_undated', 'status.concept', "status.concept.source", count(*)
FROM work.medical_history_undated
WHERE _left_out IS NULL AND _target = 1 AND "status.concept" = 0 AND "status.concept.source" IS NOT NULL AND "status.concept.decided" IS NOT TRUE AND ("status.when")
GROUP BY "status.concept.source"
UNION ALL
SELECT 'medical_history_undated', 'status.value', "status.value.source", count(*)
FROM work.medical_history_undated
WHERE _left_out IS NULL AND _target = 1 AND "status.value" = 0 AND "status.value.source" IS NOT NULL AND ("status.when")
GROUP BY "status.value.source"
UNION ALL
SELECT 'medical_history_undated', 'end.concept', "end.concept.source", count(*)
FROM work.medical_history_undated
WHERE _left_out IS NULL AND _target = 1 AND "end.concept" = 0 AND "end.concept.source" IS NOT NULL AND "end.concept.decided" IS NOT TRUE AND ((("end.when") AND NOT coalesce("end.start" < born, FALSE)) AND "end.start" IS NOT NULL)
GROUP BY "end.concept.source";
