-- map regimen_episode

-- values
CREATE TABLE work."regimen_episode values" AS
WITH
-- dsp.subject, for the join 'subject'
join_subject AS (
    SELECT
        _file,
        _row,
        "trial" AS key1,
        subject_id AS key2,
        person_key
    FROM dsp.subject
),
-- dsp.study_drug, for the join 'drug_1'
join_drug_1 AS (
    SELECT
        _file,
        _row,
        "trial" AS key1,
        subject_id AS key2,
        drug,
        row_number() OVER (PARTITION BY "trial", subject_id ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM dsp.study_drug
    WHERE drug_number = 1
),
-- dsp.study_drug, for the join 'drug_2'
join_drug_2 AS (
    SELECT
        _file,
        _row,
        "trial" AS key1,
        subject_id AS key2,
        drug,
        row_number() OVER (PARTITION BY "trial", subject_id ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM dsp.study_drug
    WHERE drug_number = 2
),
-- the columns of dsp.treatment that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.basis AS basis,
        i.days_treated AS days_treated,
        i.dose_delivered AS dose_delivered,
        i.end_date AS end_date,
        i.end_source AS end_source,
        i.last_cycle_start AS last_cycle_start,
        i.number_of_cycles AS number_of_cycles,
        i.rule AS rule,
        i.start_date AS start_date,
        i.subject_id AS subject_id,
        i.trial AS trial,
        i.type AS type,
        drug_1.drug AS "drug_1.drug",
        drug_2.drug AS "drug_2.drug",
        subject.person_key AS "subject.person_key"
    FROM dsp.treatment AS i
    LEFT JOIN join_subject AS subject ON subject.key1 = i.trial AND subject.key2 = i.subject_id
    LEFT JOIN join_drug_1 AS drug_1 ON drug_1.key1 = i.trial AND drug_1.key2 = i.subject_id AND drug_1._nth = 1
    LEFT JOIN join_drug_2 AS drug_2 ON drug_2.key1 = i.trial AND drug_2.key2 = i.subject_id AND drug_2._nth = 1
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CAST(NULL AS varchar) AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY trial, subject_id, (_filter IS NULL) ORDER BY CASE WHEN basis = 'recorded' THEN 1 ELSE 2 END ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank,
        start_date IS DISTINCT FROM first_value(start_date) OVER (PARTITION BY trial, subject_id, (_filter IS NULL) ORDER BY CASE WHEN basis = 'recorded' THEN 1 ELSE 2 END ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs1,
        end_date IS DISTINCT FROM first_value(end_date) OVER (PARTITION BY trial, subject_id, (_filter IS NULL) ORDER BY CASE WHEN basis = 'recorded' THEN 1 ELSE 2 END ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs2
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
        trial || chr(31) || subject_id AS _key,
        o_id(trial || chr(31) || subject_id) AS "person.hash",
        o_id('disease_episode' || chr(31) || trial || chr(31) || "subject.person_key") AS "parent.hash",
        basis AS "type.1.said",
        CASE WHEN "drug_2.drug" IS NULL THEN coalesce(o_rx("drug_1.drug", '[(](.+)[)]', 1), "drug_1.drug") || ' monotherapy' WHEN "drug_1.drug" IS NULL THEN coalesce(o_rx("drug_2.drug", '[(](.+)[)]', 1), "drug_2.drug") || ' monotherapy' ELSE nullif(coalesce(coalesce(o_rx("drug_1.drug", '[(](.+)[)]', 1), "drug_1.drug"), '') || coalesce(' and ', '') || coalesce(coalesce(o_rx("drug_2.drug", '[(](.+)[)]', 1), "drug_2.drug"), ''), '') END AS "episode_object.1.said",
        CASE WHEN "drug_1.drug" IS NOT NULL AND "drug_2.drug" IS NOT NULL THEN nullif(coalesce(coalesce(o_rx("drug_2.drug", '[(](.+)[)]', 1), "drug_2.drug"), '') || coalesce(' and ', '') || coalesce(coalesce(o_rx("drug_1.drug", '[(](.+)[)]', 1), "drug_1.drug"), ''), '') END AS "episode_object.2.said",
        start_date AS start,
        CASE WHEN coalesce(end_source, 'recorded') IN ('end of treatment', 'recorded') THEN end_date END AS "end",
        nullif(coalesce("drug_1.drug", '') || coalesce(CASE WHEN "drug_1.drug" IS NOT NULL AND "drug_2.drug" IS NOT NULL THEN ' + ' END, '') || coalesce("drug_2.drug", ''), '') AS source,
        'number of treatment cycles' AS "number_of_cycles.concept.1.said",
        number_of_cycles AS "number_of_cycles.number",
        rule AS "number_of_cycles.qualifier_source",
        number_of_cycles IS NOT NULL AS "number_of_cycles.when",
        'days of study treatment' AS "days_treated.concept.1.said",
        days_treated AS "days_treated.number",
        rule AS "days_treated.qualifier_source",
        days_treated IS NOT NULL AS "days_treated.when",
        'start of the last treatment cycle' AS "last_cycle_start.concept.1.said",
        last_cycle_start AS "last_cycle_start.start",
        rule AS "last_cycle_start.qualifier_source",
        last_cycle_start IS NOT NULL AS "last_cycle_start.when",
        'dose of study treatment delivered' AS "dose_delivered.concept.1.said",
        dose_delivered AS "dose_delivered.text",
        dose_delivered IS NOT NULL AS "dose_delivered.when",
        'way of giving study treatment' AS "administration.concept.1.said",
        type AS "administration.text",
        rule AS "administration.qualifier_source",
        type IS NOT NULL AS "administration.when"
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
        _differs2,
        "person.hash",
        "parent.hash",
        "type.1.said",
        "episode_object.1.said",
        "episode_object.2.said",
        start,
        "end",
        source,
        "number_of_cycles.concept.1.said",
        "number_of_cycles.number",
        "number_of_cycles.qualifier_source",
        "number_of_cycles.when",
        "days_treated.concept.1.said",
        "days_treated.number",
        "days_treated.qualifier_source",
        "days_treated.when",
        "last_cycle_start.concept.1.said",
        "last_cycle_start.start",
        "last_cycle_start.qualifier_source",
        "last_cycle_start.when",
        "dose_delivered.concept.1.said",
        "dose_delivered.text",
        "dose_delivered.when",
        "administration.concept.1.said",
        "administration.text",
        "administration.qualifier_source",
        "administration.when"
    FROM raw
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."regimen_episode concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'episode_object.1' AS slot, "episode_object.1.said" AS value
    FROM work."regimen_episode values"
    WHERE "episode_object.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'episode_object.2' AS slot, "episode_object.2.said" AS value
    FROM work."regimen_episode values"
    WHERE "episode_object.2.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'number_of_cycles.concept.1' AS slot, "number_of_cycles.concept.1.said" AS value
    FROM work."regimen_episode values"
    WHERE "number_of_cycles.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'days_treated.concept.1' AS slot, "days_treated.concept.1.said" AS value
    FROM work."regimen_episode values"
    WHERE "days_treated.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'last_cycle_start.concept.1' AS slot, "last_cycle_start.concept.1.said" AS value
    FROM work."regimen_episode values"
    WHERE "last_cycle_start.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'dose_delivered.concept.1' AS slot, "dose_delivered.concept.1.said" AS value
    FROM work."regimen_episode values"
    WHERE "dose_delivered.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'administration.concept.1' AS slot, "administration.concept.1.said" AS value
    FROM work."regimen_episode values"
    WHERE "administration.concept.1.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- episode_object.1: the name in HemOnc
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'HemOnc' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'episode_object.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'HemOnc' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'episode_object.1'
    UNION ALL
    -- episode_object.2: the name in HemOnc
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'HemOnc' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'episode_object.2'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'HemOnc' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'episode_object.2'
    UNION ALL
    -- number_of_cycles.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'number_of_cycles.concept.1'
    UNION ALL
    -- days_treated.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'days_treated.concept.1'
    UNION ALL
    -- last_cycle_start.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'last_cycle_start.concept.1'
    UNION ALL
    -- dose_delivered.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'dose_delivered.concept.1'
    UNION ALL
    -- administration.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'administration.concept.1'
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
CREATE TABLE work.regimen_episode AS
WITH
typed AS (SELECT * FROM work."regimen_episode values"),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        "parent row".id AS parent,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif(o_concept(32531), 0), 0) AS concept,
        o_domain(32531) AS "concept.domain",
        1 AS _target,
        coalesce(CASE o_fold("type.1.said") WHEN 'recorded' THEN nullif(o_concept(32809), 0) WHEN 'derived' THEN nullif(o_concept(32880), 0) END, CASE WHEN "type.1.said" IS NOT NULL THEN 0 END) AS type,
        "type.1.said" AS "type.source",
        CASE WHEN "type.1.said" IS NOT NULL THEN 0 END AS "type.source_concept",
        coalesce(nullif("episode_object.1".concept_id, 0), nullif("episode_object.2".concept_id, 0), CASE WHEN coalesce("episode_object.1.said", "episode_object.2.said") IS NOT NULL THEN 0 END) AS episode_object,
        coalesce("episode_object.1.said", "episode_object.2.said") AS "episode_object.source",
        CASE WHEN coalesce("episode_object.1.said", "episode_object.2.said") IS NOT NULL THEN CASE WHEN "episode_object.1".concept_id <> 0 THEN coalesce("episode_object.1".source_concept_id, 0) WHEN "episode_object.2".concept_id <> 0 THEN coalesce("episode_object.2".source_concept_id, 0) ELSE coalesce(nullif("episode_object.1".source_concept_id, 0), nullif("episode_object.2".source_concept_id, 0), 0) END END AS "episode_object.source_concept",
        FALSE AS "episode_object.decided",
        coalesce(nullif("number_of_cycles.concept.1".concept_id, 0), CASE WHEN "number_of_cycles.concept.1.said" IS NOT NULL THEN 0 END) AS "number_of_cycles.concept",
        "number_of_cycles.concept.1.said" AS "number_of_cycles.concept.source",
        CASE WHEN "number_of_cycles.concept.1.said" IS NOT NULL THEN coalesce(nullif("number_of_cycles.concept.1".source_concept_id, 0), 0) END AS "number_of_cycles.concept.source_concept",
        "number_of_cycles.concept.1".decided AS "number_of_cycles.concept.decided",
        coalesce(nullif("days_treated.concept.1".concept_id, 0), CASE WHEN "days_treated.concept.1.said" IS NOT NULL THEN 0 END) AS "days_treated.concept",
        "days_treated.concept.1.said" AS "days_treated.concept.source",
        CASE WHEN "days_treated.concept.1.said" IS NOT NULL THEN coalesce(nullif("days_treated.concept.1".source_concept_id, 0), 0) END AS "days_treated.concept.source_concept",
        "days_treated.concept.1".decided AS "days_treated.concept.decided",
        coalesce(nullif(o_concept(8512), 0), 0) AS "days_treated.unit",
        coalesce(nullif("last_cycle_start.concept.1".concept_id, 0), CASE WHEN "last_cycle_start.concept.1.said" IS NOT NULL THEN 0 END) AS "last_cycle_start.concept",
        "last_cycle_start.concept.1.said" AS "last_cycle_start.concept.source",
        CASE WHEN "last_cycle_start.concept.1.said" IS NOT NULL THEN coalesce(nullif("last_cycle_start.concept.1".source_concept_id, 0), 0) END AS "last_cycle_start.concept.source_concept",
        "last_cycle_start.concept.1".decided AS "last_cycle_start.concept.decided",
        coalesce(nullif("dose_delivered.concept.1".concept_id, 0), CASE WHEN "dose_delivered.concept.1.said" IS NOT NULL THEN 0 END) AS "dose_delivered.concept",
        "dose_delivered.concept.1.said" AS "dose_delivered.concept.source",
        CASE WHEN "dose_delivered.concept.1.said" IS NOT NULL THEN coalesce(nullif("dose_delivered.concept.1".source_concept_id, 0), 0) END AS "dose_delivered.concept.source_concept",
        "dose_delivered.concept.1".decided AS "dose_delivered.concept.decided",
        coalesce(nullif("administration.concept.1".concept_id, 0), CASE WHEN "administration.concept.1.said" IS NOT NULL THEN 0 END) AS "administration.concept",
        "administration.concept.1.said" AS "administration.concept.source",
        CASE WHEN "administration.concept.1.said" IS NOT NULL THEN coalesce(nullif("administration.concept.1".source_concept_id, 0), 0) END AS "administration.concept.source_concept",
        "administration.concept.1".decided AS "administration.concept.decided"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN work."disease_episode parents" AS "parent row" ON "parent row".hash = typed."parent.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."regimen_episode concepts" AS "episode_object.1" ON "episode_object.1".slot = 'episode_object.1' AND "episode_object.1".value = typed."episode_object.1.said" AND "episode_object.1".nth = 1
    LEFT JOIN work."regimen_episode concepts" AS "episode_object.2" ON "episode_object.2".slot = 'episode_object.2' AND "episode_object.2".value = typed."episode_object.2.said" AND "episode_object.2".nth = 1 AND coalesce("episode_object.1".concept_id, 0) = 0
    LEFT JOIN work."regimen_episode concepts" AS "number_of_cycles.concept.1" ON "number_of_cycles.concept.1".slot = 'number_of_cycles.concept.1' AND "number_of_cycles.concept.1".value = typed."number_of_cycles.concept.1.said" AND "number_of_cycles.concept.1".nth = 1
    LEFT JOIN work."regimen_episode concepts" AS "days_treated.concept.1" ON "days_treated.concept.1".slot = 'days_treated.concept.1' AND "days_treated.concept.1".value = typed."days_treated.concept.1.said" AND "days_treated.concept.1".nth = 1
    LEFT JOIN work."regimen_episode concepts" AS "last_cycle_start.concept.1" ON "last_cycle_start.concept.1".slot = 'last_cycle_start.concept.1' AND "last_cycle_start.concept.1".value = typed."last_cycle_start.concept.1.said" AND "last_cycle_start.concept.1".nth = 1
    LEFT JOIN work."regimen_episode concepts" AS "dose_delivered.concept.1" ON "dose_delivered.concept.1".slot = 'dose_delivered.concept.1' AND "dose_delivered.concept.1".value = typed."dose_delivered.concept.1.said" AND "dose_delivered.concept.1".nth = 1
    LEFT JOIN work."regimen_episode concepts" AS "administration.concept.1" ON "administration.concept.1".slot = 'administration.concept.1' AND "administration.concept.1".value = typed."administration.concept.1.said" AND "administration.concept.1".nth = 1
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
            + CASE WHEN _left_out = 'keep' AND _differs2 THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "parent.hash" IS NOT NULL AND parent IS NULL THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end" < "start.after_birth" THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(source) > 50 THEN 32 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("number_of_cycles.qualifier_source") > 50 THEN 64 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("days_treated.qualifier_source") > 50 THEN 128 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("last_cycle_start.qualifier_source") > 50 THEN 256 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("last_cycle_start.when") AND "last_cycle_start.start" IS NULL THEN 512 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("last_cycle_start.when") AND "last_cycle_start.start" < born THEN 1024 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("dose_delivered.text") > 60 THEN 2048 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("administration.text") > 60 THEN 4096 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("administration.qualifier_source") > 50 THEN 8192 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('regimen_episode' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("parent.hash" AS varchar), '')
            || chr(31) || coalesce(CAST("type.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("episode_object.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("episode_object.2.said" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST("end" AS varchar), '')
            || chr(31) || coalesce(CAST(source AS varchar), '')
            || chr(31) || coalesce(CAST("number_of_cycles.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("number_of_cycles.number" AS varchar), '')
            || chr(31) || coalesce(CAST("number_of_cycles.qualifier_source" AS varchar), '')
            || chr(31) || coalesce(CAST("number_of_cycles.when" AS varchar), '')
            || chr(31) || coalesce(CAST("days_treated.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("days_treated.number" AS varchar), '')
            || chr(31) || coalesce(CAST("days_treated.qualifier_source" AS varchar), '')
            || chr(31) || coalesce(CAST("days_treated.when" AS varchar), '')
            || chr(31) || coalesce(CAST("last_cycle_start.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("last_cycle_start.start" AS varchar), '')
            || chr(31) || coalesce(CAST("last_cycle_start.qualifier_source" AS varchar), '')
            || chr(31) || coalesce(CAST("last_cycle_start.when" AS varchar), '')
            || chr(31) || coalesce(CAST("dose_delivered.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("dose_delivered.text" AS varchar), '')
            || chr(31) || coalesce(CAST("dose_delivered.when" AS varchar), '')
            || chr(31) || coalesce(CAST("administration.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("administration.text" AS varchar), '')
            || chr(31) || coalesce(CAST("administration.qualifier_source" AS varchar), '')
            || chr(31) || coalesce(CAST("administration.when" AS varchar), '') AS _content
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
    "end",
    source,
    "number_of_cycles.number",
    "number_of_cycles.qualifier_source",
    "number_of_cycles.when",
    "days_treated.number",
    "days_treated.qualifier_source",
    "days_treated.when",
    "last_cycle_start.start",
    "last_cycle_start.qualifier_source",
    "last_cycle_start.when",
    "dose_delivered.text",
    "dose_delivered.when",
    "administration.text",
    "administration.qualifier_source",
    "administration.when",
    "episode_object.1.said",
    "episode_object.2.said",
    "number_of_cycles.concept.1.said",
    "days_treated.concept.1.said",
    "last_cycle_start.concept.1.said",
    "dose_delivered.concept.1.said",
    "administration.concept.1.said",
    person,
    parent,
    born,
    "start.after_birth",
    "start.before_birth",
    concept,
    "concept.domain",
    type,
    "type.source",
    "type.source_concept",
    episode_object,
    "episode_object.source",
    "episode_object.source_concept",
    "episode_object.decided",
    "number_of_cycles.concept",
    "number_of_cycles.concept.source",
    "number_of_cycles.concept.source_concept",
    "number_of_cycles.concept.decided",
    "days_treated.concept",
    "days_treated.concept.source",
    "days_treated.concept.source_concept",
    "days_treated.concept.decided",
    "days_treated.unit",
    "last_cycle_start.concept",
    "last_cycle_start.concept.source",
    "last_cycle_start.concept.source_concept",
    "last_cycle_start.concept.decided",
    "dose_delivered.concept",
    "dose_delivered.concept.source",
    "dose_delivered.concept.source_concept",
    "dose_delivered.concept.decided",
    "administration.concept",
    "administration.concept.source",
    "administration.concept.source_concept",
    "administration.concept.decided"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'regimen_episode', 'episode_object', 1, 'HemOnc by name', NULL,
    said."episode_object.1.said", count(*), count(CASE WHEN said.episode_object = 0 AND said."episode_object.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.regimen_episode AS said
LEFT JOIN work."regimen_episode concepts" AS found
    ON found.slot = 'episode_object.1' AND found.value = said."episode_object.1.said" AND found.nth = 1
WHERE said."episode_object.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."episode_object.1.said"
UNION ALL
SELECT
    'regimen_episode', 'episode_object', 2, 'HemOnc by name', NULL,
    said."episode_object.2.said", count(*), count(CASE WHEN said.episode_object = 0 AND said."episode_object.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.regimen_episode AS said
LEFT JOIN work."regimen_episode concepts" AS found
    ON found.slot = 'episode_object.2' AND found.value = said."episode_object.2.said" AND found.nth = 1
WHERE said."episode_object.2.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."episode_object.2.said"
UNION ALL
SELECT
    'regimen_episode', 'number_of_cycles.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."number_of_cycles.concept.1.said", count(*), count(CASE WHEN said."number_of_cycles.concept" = 0 AND said."number_of_cycles.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.regimen_episode AS said
LEFT JOIN work."regimen_episode concepts" AS found
    ON found.slot = 'number_of_cycles.concept.1' AND found.value = said."number_of_cycles.concept.1.said" AND found.nth = 1
WHERE said."number_of_cycles.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."number_of_cycles.concept.1.said"
UNION ALL
SELECT
    'regimen_episode', 'days_treated.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."days_treated.concept.1.said", count(*), count(CASE WHEN said."days_treated.concept" = 0 AND said."days_treated.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.regimen_episode AS said
LEFT JOIN work."regimen_episode concepts" AS found
    ON found.slot = 'days_treated.concept.1' AND found.value = said."days_treated.concept.1.said" AND found.nth = 1
WHERE said."days_treated.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."days_treated.concept.1.said"
UNION ALL
SELECT
    'regimen_episode', 'last_cycle_start.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."last_cycle_start.concept.1.said", count(*), count(CASE WHEN said."last_cycle_start.concept" = 0 AND said."last_cycle_start.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.regimen_episode AS said
LEFT JOIN work."regimen_episode concepts" AS found
    ON found.slot = 'last_cycle_start.concept.1' AND found.value = said."last_cycle_start.concept.1.said" AND found.nth = 1
WHERE said."last_cycle_start.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."last_cycle_start.concept.1.said"
UNION ALL
SELECT
    'regimen_episode', 'dose_delivered.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."dose_delivered.concept.1.said", count(*), count(CASE WHEN said."dose_delivered.concept" = 0 AND said."dose_delivered.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.regimen_episode AS said
LEFT JOIN work."regimen_episode concepts" AS found
    ON found.slot = 'dose_delivered.concept.1' AND found.value = said."dose_delivered.concept.1.said" AND found.nth = 1
WHERE said."dose_delivered.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."dose_delivered.concept.1.said"
UNION ALL
SELECT
    'regimen_episode', 'administration.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."administration.concept.1.said", count(*), count(CASE WHEN said."administration.concept" = 0 AND said."administration.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.regimen_episode AS said
LEFT JOIN work."regimen_episode concepts" AS found
    ON found.slot = 'administration.concept.1' AND found.value = said."administration.concept.1.said" AND found.nth = 1
WHERE said."administration.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."administration.concept.1.said";

-- accounting
SELECT
    count(*) FILTER (WHERE _target = 1) AS rows_read,
    count(*) FILTER (WHERE _target = 1 AND _status = 'used') AS rows_used,
    count(*) FILTER (WHERE _target = 1 AND _status = 'filtered') AS rows_filtered,
    count(*) FILTER (WHERE _target = 1 AND _status = 'deduplicated') AS rows_deduplicated,
    count(*) FILTER (WHERE _target = 1 AND _status = 'rejected') AS rows_rejected,
    count(*) FILTER (WHERE _status = 'used'),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("number_of_cycles.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("days_treated.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ((("last_cycle_start.when") AND NOT coalesce("last_cycle_start.start" < born, FALSE)) AND "last_cycle_start.start" IS NOT NULL))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("dose_delivered.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("administration.when"))),
    count(*) FILTER (WHERE _target = 1 AND _status IN ('filtered', 'deduplicated')),
    count(*) FILTER (WHERE _issues <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND ((type = 0 AND "type.source" IS NOT NULL) OR (episode_object = 0 AND "episode_object.source" IS NOT NULL AND "episode_object.decided" IS NOT TRUE) OR (o_concept(32531) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)) OR ("number_of_cycles.concept" = 0 AND "number_of_cycles.concept.source" IS NOT NULL AND "number_of_cycles.concept.decided" IS NOT TRUE AND ("number_of_cycles.when")) OR ("days_treated.concept" = 0 AND "days_treated.concept.source" IS NOT NULL AND "days_treated.concept.decided" IS NOT TRUE AND ("days_treated.when")) OR (o_concept(8512) = 0 AND coalesce("days_treated.unit", 0) = 0 AND ("days_treated.when")) OR ("last_cycle_start.concept" = 0 AND "last_cycle_start.concept.source" IS NOT NULL AND "last_cycle_start.concept.decided" IS NOT TRUE AND ((("last_cycle_start.when") AND NOT coalesce("last_cycle_start.start" < born, FALSE)) AND "last_cycle_start.start" IS NOT NULL)) OR ("dose_delivered.concept" = 0 AND "dose_delivered.concept.source" IS NOT NULL AND "dose_delivered.concept.decided" IS NOT TRUE AND ("dose_delivered.when")) OR ("administration.concept" = 0 AND "administration.concept.source" IS NOT NULL AND "administration.concept.decided" IS NOT TRUE AND ("administration.when"))))
FROM work.regimen_episode AS step;

-- ids cdm.episode
INSERT INTO register.episode (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.regimen_episode AS step
    WHERE step._status = 'used' AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.episode AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.episode) AS last;

-- write cdm.episode
INSERT INTO cdm.episode (
    episode_id,
    person_id,
    episode_concept_id,
    episode_start_date,
    episode_end_date,
    episode_parent_id,
    episode_object_concept_id,
    episode_type_concept_id,
    episode_source_value
)
SELECT
    ids.id AS episode_id,
    person AS person_id,
    coalesce(concept, 0) AS episode_concept_id,
    "start.after_birth" AS episode_start_date,
    CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END AS episode_end_date,
    parent AS episode_parent_id,
    coalesce(episode_object, 0) AS episode_object_concept_id,
    coalesce(type, 0) AS episode_type_concept_id,
    substr(source, 1, 50) AS episode_source_value
FROM work.regimen_episode AS step
JOIN register.episode AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.episode
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'episode', ids.id, 'regimen_episode', step._file, step._row, NULL, step._n, step._of
FROM work.regimen_episode AS step
JOIN register.episode AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- parents
CREATE TABLE work."regimen_episode parents" AS
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(756290), 0) AS field_concept_id,
    nullif(o_concept(32527), 0) AS domain_concept_id
FROM work.regimen_episode AS step
JOIN register.episode AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1;

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('regimen_episode' || chr(31) || _key || chr(31) || 'number_of_cycles') AS hash
    FROM work.regimen_episode AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("number_of_cycles.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'number_of_cycles'))
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
    coalesce("number_of_cycles.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    "number_of_cycles.number" AS value_as_number,
    substr("number_of_cycles.concept.source", 1, 50) AS observation_source_value,
    "number_of_cycles.concept.source_concept" AS observation_source_concept_id,
    substr("number_of_cycles.qualifier_source", 1, 50) AS qualifier_source_value,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.regimen_episode AS step
JOIN register.observation AS ids ON ids.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'number_of_cycles')
JOIN work."regimen_episode parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("number_of_cycles.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'regimen_episode', step._file, step._row, 'number_of_cycles', step._n, step._of
FROM work.regimen_episode AS step
JOIN register.observation AS ids ON ids.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'number_of_cycles')
WHERE step._status = 'used' AND (_target = 1 AND ("number_of_cycles.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('regimen_episode' || chr(31) || _key || chr(31) || 'days_treated') AS hash
    FROM work.regimen_episode AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("days_treated.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'days_treated'))
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
    unit_concept_id,
    observation_source_value,
    observation_source_concept_id,
    qualifier_source_value,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("days_treated.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    "days_treated.number" AS value_as_number,
    "days_treated.unit" AS unit_concept_id,
    substr("days_treated.concept.source", 1, 50) AS observation_source_value,
    "days_treated.concept.source_concept" AS observation_source_concept_id,
    substr("days_treated.qualifier_source", 1, 50) AS qualifier_source_value,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.regimen_episode AS step
JOIN register.observation AS ids ON ids.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'days_treated')
JOIN work."regimen_episode parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("days_treated.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'regimen_episode', step._file, step._row, 'days_treated', step._n, step._of
FROM work.regimen_episode AS step
JOIN register.observation AS ids ON ids.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'days_treated')
WHERE step._status = 'used' AND (_target = 1 AND ("days_treated.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('regimen_episode' || chr(31) || _key || chr(31) || 'last_cycle_start') AS hash
    FROM work.regimen_episode AS step
    WHERE step._status = 'used' AND (_target = 1 AND ((("last_cycle_start.when") AND NOT coalesce("last_cycle_start.start" < born, FALSE)) AND "last_cycle_start.start" IS NOT NULL)) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'last_cycle_start'))
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
    coalesce("last_cycle_start.concept", 0) AS observation_concept_id,
    "last_cycle_start.start" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("last_cycle_start.concept.source", 1, 50) AS observation_source_value,
    "last_cycle_start.concept.source_concept" AS observation_source_concept_id,
    substr("last_cycle_start.qualifier_source", 1, 50) AS qualifier_source_value,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.regimen_episode AS step
JOIN register.observation AS ids ON ids.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'last_cycle_start')
JOIN work."regimen_episode parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ((("last_cycle_start.when") AND NOT coalesce("last_cycle_start.start" < born, FALSE)) AND "last_cycle_start.start" IS NOT NULL)) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'regimen_episode', step._file, step._row, 'last_cycle_start', step._n, step._of
FROM work.regimen_episode AS step
JOIN register.observation AS ids ON ids.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'last_cycle_start')
WHERE step._status = 'used' AND (_target = 1 AND ((("last_cycle_start.when") AND NOT coalesce("last_cycle_start.start" < born, FALSE)) AND "last_cycle_start.start" IS NOT NULL));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('regimen_episode' || chr(31) || _key || chr(31) || 'dose_delivered') AS hash
    FROM work.regimen_episode AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("dose_delivered.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'dose_delivered'))
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
    coalesce("dose_delivered.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("dose_delivered.text", 1, 60) AS value_as_string,
    substr("dose_delivered.concept.source", 1, 50) AS observation_source_value,
    "dose_delivered.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.regimen_episode AS step
JOIN register.observation AS ids ON ids.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'dose_delivered')
JOIN work."regimen_episode parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("dose_delivered.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'regimen_episode', step._file, step._row, 'dose_delivered', step._n, step._of
FROM work.regimen_episode AS step
JOIN register.observation AS ids ON ids.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'dose_delivered')
WHERE step._status = 'used' AND (_target = 1 AND ("dose_delivered.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('regimen_episode' || chr(31) || _key || chr(31) || 'administration') AS hash
    FROM work.regimen_episode AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("administration.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'administration'))
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
    qualifier_source_value,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("administration.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("administration.text", 1, 60) AS value_as_string,
    substr("administration.concept.source", 1, 50) AS observation_source_value,
    "administration.concept.source_concept" AS observation_source_concept_id,
    substr("administration.qualifier_source", 1, 50) AS qualifier_source_value,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.regimen_episode AS step
JOIN register.observation AS ids ON ids.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'administration')
JOIN work."regimen_episode parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("administration.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'regimen_episode', step._file, step._row, 'administration', step._n, step._of
FROM work.regimen_episode AS step
JOIN register.observation AS ids ON ids.hash = o_id('regimen_episode' || chr(31) || _key || chr(31) || 'administration')
WHERE step._status = 'used' AND (_target = 1 AND ("administration.when"));

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'regimen_episode', filter.name, count(step._left_out)
FROM (VALUES ('keep')) AS filter(name)
LEFT JOIN work.regimen_episode AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'regimen_episode', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.regimen_episode AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'regimen_episode', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.regimen_episode AS step
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
SELECT 'regimen_episode', why.field, why.reason, file.file, file.sheet, step._row
FROM work.regimen_episode AS step
JOIN (VALUES
    (1, 'keep start_date', 'differs from the row that is kept'),
    (2, 'keep end_date', 'differs from the row that is kept'),
    (4, 'parent', 'not found'),
    (8, 'start', 'moved to the day of birth'),
    (16, 'end', 'before the start'),
    (32, 'source', 'cut to its length'),
    (64, 'number_of_cycles.qualifier_source', 'cut to its length'),
    (128, 'days_treated.qualifier_source', 'cut to its length'),
    (256, 'last_cycle_start.qualifier_source', 'cut to its length'),
    (512, 'last_cycle_start.start', 'missing'),
    (1024, 'last_cycle_start.start', 'before birth'),
    (2048, 'dose_delivered.text', 'cut to its length'),
    (4096, 'administration.text', 'cut to its length'),
    (8192, 'administration.qualifier_source', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'regimen_episode', 'type', "type.source", count(*)
FROM work.regimen_episode
WHERE _left_out IS NULL AND _target = 1 AND type = 0 AND "type.source" IS NOT NULL
GROUP BY "type.source"
UNION ALL
SELECT 'regimen_episode', 'episode_object', "episode_object.source", count(*)
FROM work.regimen_episode
WHERE _left_out IS NULL AND _target = 1 AND episode_object = 0 AND "episode_object.source" IS NOT NULL AND "episode_object.decided" IS NOT TRUE
GROUP BY "episode_object.source"
UNION ALL
SELECT 'regimen_episode', 'concept', '32531 Treatment Regimen', count(*)
FROM work.regimen_episode
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32531) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)
GROUP BY '32531 Treatment Regimen'
UNION ALL
SELECT 'regimen_episode', 'number_of_cycles.concept', "number_of_cycles.concept.source", count(*)
FROM work.regimen_episode
WHERE _left_out IS NULL AND _target = 1 AND "number_of_cycles.concept" = 0 AND "number_of_cycles.concept.source" IS NOT NULL AND "number_of_cycles.concept.decided" IS NOT TRUE AND ("number_of_cycles.when")
GROUP BY "number_of_cycles.concept.source"
UNION ALL
SELECT 'regimen_episode', 'days_treated.concept', "days_treated.concept.source", count(*)
FROM work.regimen_episode
WHERE _left_out IS NULL AND _target = 1 AND "days_treated.concept" = 0 AND "days_treated.concept.source" IS NOT NULL AND "days_treated.concept.decided" IS NOT TRUE AND ("days_treated.when")
GROUP BY "days_treated.concept.source"
UNION ALL
SELECT 'regimen_episode', 'days_treated.unit', '8512 day', count(*)
FROM work.regimen_episode
WHERE _left_out IS NULL AND _target = 1 AND o_concept(8512) = 0 AND coalesce("days_treated.unit", 0) = 0 AND ("days_treated.when")
GROUP BY '8512 day'
UNION ALL
SELECT 'regimen_episode', 'last_cycle_start.concept', "last_cycle_start.concept.source", count(*)
FROM work.regimen_episode
WHERE _left_out IS NULL AND _target = 1 AND "last_cycle_start.concept" = 0 AND "last_cycle_start.concept.source" IS NOT NULL AND "last_cycle_start.concept.decided" IS NOT TRUE AND ((("last_cycle_start.when") AND NOT coalesce("last_cycle_start.start" < born, FALSE)) AND "last_cycle_start.start" IS NOT NULL)
GROUP BY "last_cycle_start.concept.source"
UNION ALL
SELECT 'regimen_episode', 'dose_delivered.concept', "dose_delivered.concept.source", count(*)
FROM work.regimen_episode
WHERE _left_out IS NULL AND _target = 1 AND "dose_delivered.concept" = 0 AND "dose_delivered.concept.source" IS NOT NULL AND "dose_delivered.concept.decided" IS NOT TRUE AND ("dose_delivered.when")
GROUP BY "dose_delivered.concept.source"
UNION ALL
SELECT 'regimen_episode', 'administration.concept', "administration.concept.source", count(*)
FROM work.regimen_episode
WHERE _left_out IS NULL AND _target = 1 AND "administration.concept" = 0 AND "administration.concept.source" IS NOT NULL AND "administration.concept.decided" IS NOT TRUE AND ("administration.when")
GROUP BY "administration.concept.source";
