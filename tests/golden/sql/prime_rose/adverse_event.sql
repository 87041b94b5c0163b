-- map adverse_event

-- values
CREATE TABLE work."adverse_event values" AS
WITH
-- the columns of dsp.adverse_event that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.adverse_event_id AS adverse_event_id,
        i.ctcae_version AS ctcae_version,
        i.end_basis AS end_basis,
        i.end_date AS end_date,
        i.grade AS grade,
        i.outcome AS outcome,
        i.serious AS serious,
        i.serious_date AS serious_date,
        i.start_date AS start_date,
        i.subject_id AS subject_id,
        i.term AS term,
        i.trial AS trial
    FROM dsp.adverse_event AS i
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
        trial || chr(31) || subject_id || chr(31) || adverse_event_id AS _key,
        o_id(trial || chr(31) || subject_id) AS "person.hash",
        term AS "concept.1.said",
        term AS "concept.2.said",
        term AS "concept.3.said",
        start_date AS start,
        end_date AS "end",
        CAST(grade AS varchar) AS "grade.concept.1.said",
        grade AS "grade.number",
        ctcae_version AS "grade.qualifier_source",
        grade IS NOT NULL AS "grade.when",
        'serious adverse event' AS "serious.concept.1.said",
        coalesce(serious_date, start_date) AS "serious.start",
        serious AS "serious.when",
        outcome AS "outcome.concept.1.said",
        coalesce(CASE WHEN outcome IN ('recovered', 'recovered with sequelae', 'fatal') THEN end_date END, start_date) AS "outcome.start",
        outcome IS NOT NULL AS "outcome.when",
        'end date of the event is the date of death' AS "end_basis.concept.1.said",
        coalesce(end_date, start_date) AS "end_basis.start",
        'sae-end-at-death' AS "end_basis.qualifier_source",
        end_basis = 'death' AS "end_basis.when"
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
        "concept.1.said",
        "concept.2.said",
        "concept.3.said",
        start,
        "end",
        "grade.concept.1.said",
        "grade.number",
        "grade.qualifier_source",
        "grade.when",
        "serious.concept.1.said",
        "serious.start",
        "serious.when",
        "outcome.concept.1.said",
        "outcome.start",
        "outcome.when",
        "end_basis.concept.1.said",
        "end_basis.start",
        "end_basis.qualifier_source",
        "end_basis.when"
    FROM raw
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."adverse_event concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'concept.1' AS slot, "concept.1.said" AS value
    FROM work."adverse_event values"
    WHERE "concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.2' AS slot, "concept.2.said" AS value
    FROM work."adverse_event values"
    WHERE "concept.2.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.3' AS slot, "concept.3.said" AS value
    FROM work."adverse_event values"
    WHERE "concept.3.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'grade.concept.1' AS slot, "grade.concept.1.said" AS value
    FROM work."adverse_event values"
    WHERE "grade.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'serious.concept.1' AS slot, "serious.concept.1.said" AS value
    FROM work."adverse_event values"
    WHERE "serious.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'outcome.concept.1' AS slot, "outcome.concept.1.said" AS value
    FROM work."adverse_event values"
    WHERE "outcome.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'end_basis.concept.1' AS slot, "end_basis.concept.1.said" AS value
    FROM work."adverse_event values"
    WHERE "end_basis.concept.1.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- concept.1: the reviewed mapping prime_rose/concepts/ctcae_terms.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/ctcae_terms.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    -- concept.2: the name in MedDRA
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'MedDRA' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.2'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'MedDRA' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.2'
    UNION ALL
    -- concept.3: the name in SNOMED
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.3'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.3'
    UNION ALL
    -- grade.concept.1: the reviewed mapping prime_rose/concepts/ctcae_grade.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/ctcae_grade.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'grade.concept.1'
    UNION ALL
    -- serious.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'serious.concept.1'
    UNION ALL
    -- outcome.concept.1: the reviewed mapping prime_rose/concepts/ae_outcome.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/ae_outcome.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'outcome.concept.1'
    UNION ALL
    -- end_basis.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'end_basis.concept.1'
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
CREATE TABLE work.adverse_event AS
WITH
typed AS (SELECT * FROM work."adverse_event values"),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif("concept.1".concept_id, 0), nullif("concept.2".concept_id, 0), nullif("concept.3".concept_id, 0), CASE WHEN coalesce("concept.1.said", "concept.2.said", "concept.3.said") IS NOT NULL THEN 0 END) AS concept,
        coalesce("concept.1.said", "concept.2.said", "concept.3.said") AS "concept.source",
        CASE WHEN coalesce("concept.1.said", "concept.2.said", "concept.3.said") IS NOT NULL THEN CASE WHEN "concept.1".concept_id <> 0 THEN coalesce("concept.1".source_concept_id, 0) WHEN "concept.2".concept_id <> 0 THEN coalesce("concept.2".source_concept_id, 0) WHEN "concept.3".concept_id <> 0 THEN coalesce("concept.3".source_concept_id, 0) ELSE coalesce(nullif("concept.1".source_concept_id, 0), nullif("concept.2".source_concept_id, 0), nullif("concept.3".source_concept_id, 0), 0) END END AS "concept.source_concept",
        "concept.1".decided AS "concept.decided",
        coalesce("concept.1".domain_id, "concept.2".domain_id, "concept.3".domain_id) AS "concept.domain",
        coalesce("concept.1".value_concept_id, "concept.2".value_concept_id, "concept.3".value_concept_id) AS "concept.value",
        coalesce(CASE WHEN "concept.1".concept_id <> 0 THEN "concept.1".nth END, CASE WHEN "concept.2".concept_id <> 0 THEN "concept.2".nth END, CASE WHEN "concept.3".concept_id <> 0 THEN "concept.3".nth END, 1) AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type,
        coalesce(nullif("grade.concept.1".concept_id, 0), CASE WHEN "grade.concept.1.said" IS NOT NULL THEN 0 END) AS "grade.concept",
        "grade.concept.1.said" AS "grade.concept.source",
        CASE WHEN "grade.concept.1.said" IS NOT NULL THEN coalesce(nullif("grade.concept.1".source_concept_id, 0), 0) END AS "grade.concept.source_concept",
        "grade.concept.1".decided AS "grade.concept.decided",
        coalesce(nullif("serious.concept.1".concept_id, 0), CASE WHEN "serious.concept.1.said" IS NOT NULL THEN 0 END) AS "serious.concept",
        "serious.concept.1.said" AS "serious.concept.source",
        CASE WHEN "serious.concept.1.said" IS NOT NULL THEN coalesce(nullif("serious.concept.1".source_concept_id, 0), 0) END AS "serious.concept.source_concept",
        "serious.concept.1".decided AS "serious.concept.decided",
        coalesce(nullif("outcome.concept.1".concept_id, 0), CASE WHEN "outcome.concept.1.said" IS NOT NULL THEN 0 END) AS "outcome.concept",
        "outcome.concept.1.said" AS "outcome.concept.source",
        CASE WHEN "outcome.concept.1.said" IS NOT NULL THEN coalesce(nullif("outcome.concept.1".source_concept_id, 0), 0) END AS "outcome.concept.source_concept",
        "outcome.concept.1".decided AS "outcome.concept.decided",
        coalesce(nullif("end_basis.concept.1".concept_id, 0), CASE WHEN "end_basis.concept.1.said" IS NOT NULL THEN 0 END) AS "end_basis.concept",
        "end_basis.concept.1.said" AS "end_basis.concept.source",
        CASE WHEN "end_basis.concept.1.said" IS NOT NULL THEN coalesce(nullif("end_basis.concept.1".source_concept_id, 0), 0) END AS "end_basis.concept.source_concept",
        "end_basis.concept.1".decided AS "end_basis.concept.decided",
        coalesce(nullif(o_concept(32880), 0), 0) AS "end_basis.type"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."adverse_event concepts" AS "concept.1" ON "concept.1".slot = 'concept.1' AND "concept.1".value = typed."concept.1.said"
    LEFT JOIN work."adverse_event concepts" AS "concept.2" ON "concept.2".slot = 'concept.2' AND "concept.2".value = typed."concept.2.said" AND coalesce("concept.1".concept_id, 0) = 0 AND "concept.1".decided IS NOT TRUE
    LEFT JOIN work."adverse_event concepts" AS "concept.3" ON "concept.3".slot = 'concept.3' AND "concept.3".value = typed."concept.3.said" AND coalesce("concept.1".concept_id, 0) = 0 AND coalesce("concept.2".concept_id, 0) = 0 AND "concept.1".decided IS NOT TRUE
    LEFT JOIN work."adverse_event concepts" AS "grade.concept.1" ON "grade.concept.1".slot = 'grade.concept.1' AND "grade.concept.1".value = typed."grade.concept.1.said" AND "grade.concept.1".nth = 1
    LEFT JOIN work."adverse_event concepts" AS "serious.concept.1" ON "serious.concept.1".slot = 'serious.concept.1' AND "serious.concept.1".value = typed."serious.concept.1.said" AND "serious.concept.1".nth = 1
    LEFT JOIN work."adverse_event concepts" AS "outcome.concept.1" ON "outcome.concept.1".slot = 'outcome.concept.1' AND "outcome.concept.1".value = typed."outcome.concept.1.said" AND "outcome.concept.1".nth = 1
    LEFT JOIN work."adverse_event concepts" AS "end_basis.concept.1" ON "end_basis.concept.1".slot = 'end_basis.concept.1' AND "end_basis.concept.1".value = typed."end_basis.concept.1.said" AND "end_basis.concept.1".nth = 1
),
-- the domain decides the table
routed AS (
    SELECT
        resolved.*,
        CASE split_part("concept.domain", '/', 1) WHEN 'Condition' THEN 'condition_occurrence' WHEN 'Device' THEN 'device_exposure' WHEN 'Drug' THEN 'drug_exposure' WHEN 'Measurement' THEN 'measurement' WHEN 'Observation' THEN 'observation' WHEN 'Procedure' THEN 'procedure_occurrence' WHEN 'Meas' THEN 'measurement' WHEN 'Obs' THEN 'observation' ELSE 'condition_occurrence' END AS _table
    FROM resolved
),
-- what is wrong with each row
judged AS MATERIALIZED (
    SELECT
        routed.*,
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
            + CASE WHEN _left_out IS NULL AND "end" < "start.after_birth" THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("concept.source") > 50 THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND _table = 'measurement' AND CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END IS NOT NULL THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND _table = 'observation' AND CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END IS NOT NULL THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("grade.qualifier_source") > 50 THEN 32 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("grade.concept.source") > 50 THEN 64 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("serious.concept.source") > 50 THEN 128 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("serious.when") AND "serious.start" IS NULL THEN 256 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("serious.when") AND "serious.start" < born THEN 512 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("outcome.concept.source") > 50 THEN 1024 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("outcome.when") AND "outcome.start" IS NULL THEN 2048 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("outcome.when") AND "outcome.start" < born THEN 4096 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("end_basis.qualifier_source") > 50 THEN 8192 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("end_basis.concept.source") > 50 THEN 16384 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("end_basis.when") AND "end_basis.start" IS NULL THEN 32768 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("end_basis.when") AND "end_basis.start" < born THEN 65536 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('adverse_event' || chr(31) || _key) AS _hash,
        row_number() OVER () AS _id  -- only tells rows apart
    FROM routed
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
            || chr(31) || coalesce(CAST("concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("concept.2.said" AS varchar), '')
            || chr(31) || coalesce(CAST("concept.3.said" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST("end" AS varchar), '')
            || chr(31) || coalesce(CAST("grade.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("grade.number" AS varchar), '')
            || chr(31) || coalesce(CAST("grade.qualifier_source" AS varchar), '')
            || chr(31) || coalesce(CAST("grade.when" AS varchar), '')
            || chr(31) || coalesce(CAST("serious.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("serious.start" AS varchar), '')
            || chr(31) || coalesce(CAST("serious.when" AS varchar), '')
            || chr(31) || coalesce(CAST("outcome.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("outcome.start" AS varchar), '')
            || chr(31) || coalesce(CAST("outcome.when" AS varchar), '')
            || chr(31) || coalesce(CAST("end_basis.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("end_basis.start" AS varchar), '')
            || chr(31) || coalesce(CAST("end_basis.qualifier_source" AS varchar), '')
            || chr(31) || coalesce(CAST("end_basis.when" AS varchar), '') AS _content
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
    _table,
    _issues,
    _imputed,
    start,
    "end",
    "grade.number",
    "grade.qualifier_source",
    "grade.when",
    "serious.start",
    "serious.when",
    "outcome.start",
    "outcome.when",
    "end_basis.start",
    "end_basis.qualifier_source",
    "end_basis.when",
    "concept.1.said",
    "concept.2.said",
    "concept.3.said",
    "grade.concept.1.said",
    "serious.concept.1.said",
    "outcome.concept.1.said",
    "end_basis.concept.1.said",
    person,
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
    "grade.concept",
    "grade.concept.source",
    "grade.concept.source_concept",
    "grade.concept.decided",
    "serious.concept",
    "serious.concept.source",
    "serious.concept.source_concept",
    "serious.concept.decided",
    "outcome.concept",
    "outcome.concept.source",
    "outcome.concept.source_concept",
    "outcome.concept.decided",
    "end_basis.concept",
    "end_basis.concept.source",
    "end_basis.concept.source_concept",
    "end_basis.concept.decided",
    "end_basis.type"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'adverse_event', 'concept', 1, 'prime_rose/concepts/ctcae_terms.csv', 'prime_rose/concepts/ctcae_terms.csv',
    said."concept.1.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.adverse_event AS said
LEFT JOIN work."adverse_event concepts" AS found
    ON found.slot = 'concept.1' AND found.value = said."concept.1.said" AND found.nth = 1
WHERE said."concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.1.said"
UNION ALL
SELECT
    'adverse_event', 'concept', 2, 'MedDRA by name', NULL,
    said."concept.2.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.adverse_event AS said
LEFT JOIN work."adverse_event concepts" AS found
    ON found.slot = 'concept.2' AND found.value = said."concept.2.said" AND found.nth = 1
WHERE said."concept.2.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.2.said"
UNION ALL
SELECT
    'adverse_event', 'concept', 3, 'SNOMED by name', NULL,
    said."concept.3.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.adverse_event AS said
LEFT JOIN work."adverse_event concepts" AS found
    ON found.slot = 'concept.3' AND found.value = said."concept.3.said" AND found.nth = 1
WHERE said."concept.3.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.3.said"
UNION ALL
SELECT
    'adverse_event', 'grade.concept', 1, 'prime_rose/concepts/ctcae_grade.csv', 'prime_rose/concepts/ctcae_grade.csv',
    said."grade.concept.1.said", count(*), count(CASE WHEN said."grade.concept" = 0 AND said."grade.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.adverse_event AS said
LEFT JOIN work."adverse_event concepts" AS found
    ON found.slot = 'grade.concept.1' AND found.value = said."grade.concept.1.said" AND found.nth = 1
WHERE said."grade.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."grade.concept.1.said"
UNION ALL
SELECT
    'adverse_event', 'serious.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."serious.concept.1.said", count(*), count(CASE WHEN said."serious.concept" = 0 AND said."serious.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.adverse_event AS said
LEFT JOIN work."adverse_event concepts" AS found
    ON found.slot = 'serious.concept.1' AND found.value = said."serious.concept.1.said" AND found.nth = 1
WHERE said."serious.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."serious.concept.1.said"
UNION ALL
SELECT
    'adverse_event', 'outcome.concept', 1, 'prime_rose/concepts/ae_outcome.csv', 'prime_rose/concepts/ae_outcome.csv',
    said."outcome.concept.1.said", count(*), count(CASE WHEN said."outcome.concept" = 0 AND said."outcome.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.adverse_event AS said
LEFT JOIN work."adverse_event concepts" AS found
    ON found.slot = 'outcome.concept.1' AND found.value = said."outcome.concept.1.said" AND found.nth = 1
WHERE said."outcome.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."outcome.concept.1.said"
UNION ALL
SELECT
    'adverse_event', 'end_basis.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."end_basis.concept.1.said", count(*), count(CASE WHEN said."end_basis.concept" = 0 AND said."end_basis.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.adverse_event AS said
LEFT JOIN work."adverse_event concepts" AS found
    ON found.slot = 'end_basis.concept.1' AND found.value = said."end_basis.concept.1.said" AND found.nth = 1
WHERE said."end_basis.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."end_basis.concept.1.said";

-- accounting
SELECT
    count(*) FILTER (WHERE _target = 1) AS rows_read,
    count(*) FILTER (WHERE _target = 1 AND _status = 'used') AS rows_used,
    count(*) FILTER (WHERE _target = 1 AND _status = 'filtered') AS rows_filtered,
    count(*) FILTER (WHERE _target = 1 AND _status = 'deduplicated') AS rows_deduplicated,
    count(*) FILTER (WHERE _target = 1 AND _status = 'rejected') AS rows_rejected,
    count(*) FILTER (WHERE _status = 'used' AND (_table = 'condition_occurrence')),
    count(*) FILTER (WHERE _status = 'used' AND (_table = 'device_exposure')),
    count(*) FILTER (WHERE _status = 'used' AND (_table = 'drug_exposure')),
    count(*) FILTER (WHERE _status = 'used' AND (_table = 'measurement')),
    count(*) FILTER (WHERE _status = 'used' AND (_table = 'observation')),
    count(*) FILTER (WHERE _status = 'used' AND (_table = 'procedure_occurrence')),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("grade.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ((("serious.when") AND NOT coalesce("serious.start" < born, FALSE)) AND "serious.start" IS NOT NULL))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ((("outcome.when") AND NOT coalesce("outcome.start" < born, FALSE)) AND "outcome.start" IS NOT NULL))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ((("end_basis.when") AND NOT coalesce("end_basis.start" < born, FALSE)) AND "end_basis.start" IS NOT NULL))),
    count(*) FILTER (WHERE _target = 1 AND _status IN ('filtered', 'deduplicated')),
    count(*) FILTER (WHERE _issues <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND ((concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)) OR ("grade.concept" = 0 AND "grade.concept.source" IS NOT NULL AND "grade.concept.decided" IS NOT TRUE AND ("grade.when")) OR ("serious.concept" = 0 AND "serious.concept.source" IS NOT NULL AND "serious.concept.decided" IS NOT TRUE AND ((("serious.when") AND NOT coalesce("serious.start" < born, FALSE)) AND "serious.start" IS NOT NULL)) OR ("outcome.concept" = 0 AND "outcome.concept.source" IS NOT NULL AND "outcome.concept.decided" IS NOT TRUE AND ((("outcome.when") AND NOT coalesce("outcome.start" < born, FALSE)) AND "outcome.start" IS NOT NULL)) OR ("end_basis.concept" = 0 AND "end_basis.concept.source" IS NOT NULL AND "end_basis.concept.decided" IS NOT TRUE AND ((("end_basis.when") AND NOT coalesce("end_basis.start" < born, FALSE)) AND "end_basis.start" IS NOT NULL)) OR (o_concept(32880) = 0 AND coalesce("end_basis.type", 0) = 0 AND ((("end_basis.when") AND NOT coalesce("end_basis.start" < born, FALSE)) AND "end_basis.start" IS NOT NULL))))
FROM work.adverse_event AS step;

-- ids cdm.condition_occurrence
INSERT INTO register.condition_occurrence (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.adverse_event AS step
    WHERE step._status = 'used' AND (_table = 'condition_occurrence') AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.condition_occurrence AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.condition_occurrence) AS last;

-- write cdm.condition_occurrence
INSERT INTO cdm.condition_occurrence (
    condition_occurrence_id,
    person_id,
    condition_concept_id,
    condition_start_date,
    condition_end_date,
    condition_type_concept_id,
    condition_source_value,
    condition_source_concept_id
)
SELECT
    ids.id AS condition_occurrence_id,
    person AS person_id,
    coalesce(concept, 0) AS condition_concept_id,
    "start.after_birth" AS condition_start_date,
    CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END AS condition_end_date,
    coalesce(type, 0) AS condition_type_concept_id,
    substr("concept.source", 1, 50) AS condition_source_value,
    "concept.source_concept" AS condition_source_concept_id
FROM work.adverse_event AS step
JOIN register.condition_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'condition_occurrence') AND step._first;

-- origins cdm.condition_occurrence
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'condition_occurrence', ids.id, 'adverse_event', step._file, step._row, NULL, step._n, step._of
FROM work.adverse_event AS step
JOIN register.condition_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'condition_occurrence');

-- ids cdm.device_exposure
INSERT INTO register.device_exposure (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.adverse_event AS step
    WHERE step._status = 'used' AND (_table = 'device_exposure') AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.device_exposure AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.device_exposure) AS last;

-- write cdm.device_exposure
INSERT INTO cdm.device_exposure (
    device_exposure_id,
    person_id,
    device_concept_id,
    device_exposure_start_date,
    device_exposure_end_date,
    device_type_concept_id,
    device_source_value,
    device_source_concept_id
)
SELECT
    ids.id AS device_exposure_id,
    person AS person_id,
    coalesce(concept, 0) AS device_concept_id,
    "start.after_birth" AS device_exposure_start_date,
    CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END AS device_exposure_end_date,
    coalesce(type, 0) AS device_type_concept_id,
    substr("concept.source", 1, 50) AS device_source_value,
    "concept.source_concept" AS device_source_concept_id
FROM work.adverse_event AS step
JOIN register.device_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'device_exposure') AND step._first;

-- origins cdm.device_exposure
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'device_exposure', ids.id, 'adverse_event', step._file, step._row, NULL, step._n, step._of
FROM work.adverse_event AS step
JOIN register.device_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'device_exposure');

-- ids cdm.drug_exposure
INSERT INTO register.drug_exposure (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.adverse_event AS step
    WHERE step._status = 'used' AND (_table = 'drug_exposure') AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.drug_exposure AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.drug_exposure) AS last;

-- write cdm.drug_exposure
INSERT INTO cdm.drug_exposure (
    drug_exposure_id,
    person_id,
    drug_concept_id,
    drug_exposure_start_date,
    drug_exposure_end_date,
    drug_type_concept_id,
    drug_source_value,
    drug_source_concept_id
)
SELECT
    ids.id AS drug_exposure_id,
    person AS person_id,
    coalesce(concept, 0) AS drug_concept_id,
    "start.after_birth" AS drug_exposure_start_date,
    coalesce(CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END, "start.after_birth") AS drug_exposure_end_date,
    coalesce(type, 0) AS drug_type_concept_id,
    substr("concept.source", 1, 50) AS drug_source_value,
    "concept.source_concept" AS drug_source_concept_id
FROM work.adverse_event AS step
JOIN register.drug_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'drug_exposure') AND step._first;

-- origins cdm.drug_exposure
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'drug_exposure', ids.id, 'adverse_event', step._file, step._row, NULL, step._n, step._of
FROM work.adverse_event AS step
JOIN register.drug_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'drug_exposure');

-- ids cdm.measurement
INSERT INTO register.measurement (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.adverse_event AS step
    WHERE step._status = 'used' AND (_table = 'measurement') AND step._first
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
    measurement_source_value,
    measurement_source_concept_id
)
SELECT
    ids.id AS measurement_id,
    person AS person_id,
    coalesce(concept, 0) AS measurement_concept_id,
    "start.after_birth" AS measurement_date,
    coalesce(type, 0) AS measurement_type_concept_id,
    "concept.value" AS value_as_concept_id,
    substr("concept.source", 1, 50) AS measurement_source_value,
    "concept.source_concept" AS measurement_source_concept_id
FROM work.adverse_event AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'measurement') AND step._first;

-- origins cdm.measurement
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'measurement', ids.id, 'adverse_event', step._file, step._row, NULL, step._n, step._of
FROM work.adverse_event AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'measurement');

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.adverse_event AS step
    WHERE step._status = 'used' AND (_table = 'observation') AND step._first
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
    value_as_concept_id,
    observation_source_value,
    observation_source_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce(concept, 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    "concept.value" AS value_as_concept_id,
    substr("concept.source", 1, 50) AS observation_source_value,
    "concept.source_concept" AS observation_source_concept_id
FROM work.adverse_event AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'observation') AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'adverse_event', step._file, step._row, NULL, step._n, step._of
FROM work.adverse_event AS step
JOIN register.observation AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'observation');

-- ids cdm.procedure_occurrence
INSERT INTO register.procedure_occurrence (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.adverse_event AS step
    WHERE step._status = 'used' AND (_table = 'procedure_occurrence') AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.procedure_occurrence AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.procedure_occurrence) AS last;

-- write cdm.procedure_occurrence
INSERT INTO cdm.procedure_occurrence (
    procedure_occurrence_id,
    person_id,
    procedure_concept_id,
    procedure_date,
    procedure_end_date,
    procedure_type_concept_id,
    procedure_source_value,
    procedure_source_concept_id
)
SELECT
    ids.id AS procedure_occurrence_id,
    person AS person_id,
    coalesce(concept, 0) AS procedure_concept_id,
    "start.after_birth" AS procedure_date,
    CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END AS procedure_end_date,
    coalesce(type, 0) AS procedure_type_concept_id,
    substr("concept.source", 1, 50) AS procedure_source_value,
    "concept.source_concept" AS procedure_source_concept_id
FROM work.adverse_event AS step
JOIN register.procedure_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'procedure_occurrence') AND step._first;

-- origins cdm.procedure_occurrence
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'procedure_occurrence', ids.id, 'adverse_event', step._file, step._row, NULL, step._n, step._of
FROM work.adverse_event AS step
JOIN register.procedure_occurrence AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND (_table = 'procedure_occurrence');

-- parents
CREATE TABLE work."adverse_event parents" AS
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147127), 0) AS field_concept_id,
    nullif(o_concept(19), 0) AS domain_concept_id
FROM work.adverse_event AS step
JOIN register.condition_occurrence AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'condition_occurrence'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147115), 0) AS field_concept_id,
    CAST(NULL AS integer) AS domain_concept_id
FROM work.adverse_event AS step
JOIN register.device_exposure AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'device_exposure'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147094), 0) AS field_concept_id,
    nullif(o_concept(13), 0) AS domain_concept_id
FROM work.adverse_event AS step
JOIN register.drug_exposure AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'drug_exposure'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147138), 0) AS field_concept_id,
    nullif(o_concept(21), 0) AS domain_concept_id
FROM work.adverse_event AS step
JOIN register.measurement AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'measurement'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147165), 0) AS field_concept_id,
    nullif(o_concept(27), 0) AS domain_concept_id
FROM work.adverse_event AS step
JOIN register.observation AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'observation'
UNION ALL
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147082), 0) AS field_concept_id,
    nullif(o_concept(10), 0) AS domain_concept_id
FROM work.adverse_event AS step
JOIN register.procedure_occurrence AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1 AND step._table = 'procedure_occurrence';

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('adverse_event' || chr(31) || _key || chr(31) || 'grade') AS hash
    FROM work.adverse_event AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("grade.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('adverse_event' || chr(31) || _key || chr(31) || 'grade'))
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
    observation_source_value,
    observation_source_concept_id,
    qualifier_source_value,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("grade.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    "grade.number" AS value_as_number,
    substr("grade.concept.source", 1, 50) AS observation_source_value,
    "grade.concept.source_concept" AS observation_source_concept_id,
    substr("grade.qualifier_source", 1, 50) AS qualifier_source_value,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.adverse_event AS step
JOIN register.observation AS ids ON ids.hash = o_id('adverse_event' || chr(31) || _key || chr(31) || 'grade')
JOIN work."adverse_event parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("grade.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'adverse_event', step._file, step._row, 'grade', step._n, step._of
FROM work.adverse_event AS step
JOIN register.observation AS ids ON ids.hash = o_id('adverse_event' || chr(31) || _key || chr(31) || 'grade')
WHERE step._status = 'used' AND (_target = 1 AND ("grade.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('adverse_event' || chr(31) || _key || chr(31) || 'serious') AS hash
    FROM work.adverse_event AS step
    WHERE step._status = 'used' AND (_target = 1 AND ((("serious.when") AND NOT coalesce("serious.start" < born, FALSE)) AND "serious.start" IS NOT NULL)) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('adverse_event' || chr(31) || _key || chr(31) || 'serious'))
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
    coalesce("serious.concept", 0) AS observation_concept_id,
    "serious.start" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("serious.concept.source", 1, 50) AS observation_source_value,
    "serious.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.adverse_event AS step
JOIN register.observation AS ids ON ids.hash = o_id('adverse_event' || chr(31) || _key || chr(31) || 'serious')
JOIN work."adverse_event parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ((("serious.when") AND NOT coalesce("serious.start" < born, FALSE)) AND "serious.start" IS NOT NULL)) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'adverse_event', step._file, step._row, 'serious', step._n, step._of
FROM work.adverse_event AS step
JOIN register.observation AS ids ON ids.hash = o_id('adverse_event' || chr(31) || _key || chr(31) || 'serious')
WHERE step._status = 'used' AND (_target = 1 AND ((("serious.when") AND NOT coalesce("serious.start" < born, FALSE)) AND "serious.start" IS NOT NULL));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('adverse_event' || chr(31) || _key || chr(31) || 'outcome') AS hash
    FROM work.adverse_event AS step
    WHERE step._status = 'used' AND (_target = 1 AND ((("outcome.when") AND NOT coalesce("outcome.start" < born, FALSE)) AND "outcome.start" IS NOT NULL)) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('adverse_event' || chr(31) || _key || chr(31) || 'outcome'))
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
    coalesce("outcome.concept", 0) AS observation_concept_id,
    "outcome.start" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("outcome.concept.source", 1, 50) AS observation_source_value,
    "outcome.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.adverse_event AS step
JOIN register.observation AS ids ON ids.hash = o_id('adverse_event' || chr(31) || _key || chr(31) || 'outcome')
JOIN work."adverse_event parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ((("outcome.when") AND NOT coalesce("outcome.start" < born, FALSE)) AND "outcome.start" IS NOT NULL)) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'adverse_event', step._file, step._row, 'outcome', step._n, step._of
FROM work.adverse_event AS step
JOIN register.observation AS ids ON ids.hash = o_id('adverse_event' || chr(31) || _key || chr(31) || 'outcome')
WHERE step._status = 'used' AND (_target = 1 AND ((("outcome.when") AND NOT coalesce("outcome.start" < born, FALSE)) AND "outcome.start" IS NOT NULL));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('adverse_event' || chr(31) || _key || chr(31) || 'end_basis') AS hash
    FROM work.adverse_event AS step
    WHERE step._status = 'used' AND (_target = 1 AND ((("end_basis.when") AND NOT coalesce("end_basis.start" < born, FALSE)) AND "end_basis.start" IS NOT NULL)) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('adverse_event' || chr(31) || _key || chr(31) || 'end_basis'))
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
    qualifier_source_value,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("end_basis.concept", 0) AS observation_concept_id,
    "end_basis.start" AS observation_date,
    coalesce("end_basis.type", 0) AS observation_type_concept_id,
    substr("end_basis.concept.source", 1, 50) AS observation_source_value,
    "end_basis.concept.source_concept" AS observation_source_concept_id,
    substr("end_basis.qualifier_source", 1, 50) AS qualifier_source_value,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.adverse_event AS step
JOIN register.observation AS ids ON ids.hash = o_id('adverse_event' || chr(31) || _key || chr(31) || 'end_basis')
JOIN work."adverse_event parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ((("end_basis.when") AND NOT coalesce("end_basis.start" < born, FALSE)) AND "end_basis.start" IS NOT NULL)) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'adverse_event', step._file, step._row, 'end_basis', step._n, step._of
FROM work.adverse_event AS step
JOIN register.observation AS ids ON ids.hash = o_id('adverse_event' || chr(31) || _key || chr(31) || 'end_basis')
WHERE step._status = 'used' AND (_target = 1 AND ((("end_basis.when") AND NOT coalesce("end_basis.start" < born, FALSE)) AND "end_basis.start" IS NOT NULL));

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'adverse_event', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.adverse_event AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'adverse_event', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.adverse_event AS step
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
SELECT 'adverse_event', why.field, why.reason, file.file, file.sheet, step._row
FROM work.adverse_event AS step
JOIN (VALUES
    (1, 'start', 'moved to the day of birth'),
    (2, 'end', 'before the start'),
    (4, 'concept source', 'cut to its length'),
    (8, 'end', 'no place in measurement'),
    (16, 'end', 'no place in observation'),
    (32, 'grade.qualifier_source', 'cut to its length'),
    (64, 'grade.concept source', 'cut to its length'),
    (128, 'serious.concept source', 'cut to its length'),
    (256, 'serious.start', 'missing'),
    (512, 'serious.start', 'before birth'),
    (1024, 'outcome.concept source', 'cut to its length'),
    (2048, 'outcome.start', 'missing'),
    (4096, 'outcome.start', 'before birth'),
    (8192, 'end_basis.qualifier_source', 'cut to its length'),
    (16384, 'end_basis.concept source', 'cut to its length'),
    (32768, 'end_basis.start', 'missing'),
    (65536, 'end_basis.start', 'before birth')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'adverse_event', 'concept', "concept.source", count(*)
FROM work.adverse_event
WHERE _left_out IS NULL AND _target = 1 AND concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE
GROUP BY "concept.source"
UNION ALL
SELECT 'adverse_event', 'type', '32809 Case Report Form', count(*)
FROM work.adverse_event
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form'
UNION ALL
SELECT 'adverse_event', 'grade.concept', "grade.concept.source", count(*)
FROM work.adverse_event
WHERE _left_out IS NULL AND _target = 1 AND "grade.concept" = 0 AND "grade.concept.source" IS NOT NULL AND "grade.concept.decided" IS NOT TRUE AND ("grade.when")
GROUP BY "grade.concept.source"
UNION ALL
SELECT 'adverse_event', 'serious.concept', "serious.concept.source", count(*)
FROM work.adverse_event
WHERE _left_out IS NULL AND _target = 1 AND "serious.concept" = 0 AND "serious.concept.source" IS NOT NULL AND "serious.concept.decided" IS NOT TRUE AND ((("serious.when") AND NOT coalesce("serious.start" < born, FALSE)) AND "serious.start" IS NOT NULL)
GROUP BY "serious.concept.source"
UNION ALL
SELECT 'adverse_event', 'outcome.concept', "outcome.concept.source", count(*)
FROM work.adverse_event
WHERE _left_out IS NULL AND _target = 1 AND "outcome.concept" = 0 AND "outcome.concept.source" IS NOT NULL AND "outcome.concept.decided" IS NOT TRUE AND ((("outcome.when") AND NOT coalesce("outcome.start" < born, FALSE)) AND "outcome.start" IS NOT NULL)
GROUP BY "outcome.concept.source"
UNION ALL
SELECT 'adverse_event', 'end_basis.concept', "end_basis.concept.source", count(*)
FROM work.adverse_event
WHERE _left_out IS NULL AND _target = 1 AND "end_basis.concept" = 0 AND "end_basis.concept.source" IS NOT NULL AND "end_basis.concept.decided" IS NOT TRUE AND ((("end_basis.when") AND NOT coalesce("end_basis.start" < born, FALSE)) AND "end_basis.start" IS NOT NULL)
GROUP BY "end_basis.concept.source"
UNION ALL
SELECT 'adverse_event', 'end_basis.type', '32880 Standard algorithm', count(*)
FROM work.adverse_event
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32880) = 0 AND coalesce("end_basis.type", 0) = 0 AND ((("end_basis.when") AND NOT coalesce("end_basis.start" < born, FALSE)) AND "end_basis.start" IS NOT NULL)
GROUP BY '32880 Standard algorithm';
