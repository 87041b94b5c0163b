-- map disease_episode

-- values
CREATE TABLE work."disease_episode values" AS
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
-- the columns of dsp.tumour_type that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.cohort_tumour_type AS cohort_tumour_type,
        i."date" AS "date",
        i.icd10_code AS icd10_code,
        i.main_tumour_type AS main_tumour_type,
        i.other_tumour_type AS other_tumour_type,
        i.trial AS trial,
        subject.person_key AS "subject.person_key"
    FROM dsp.tumour_type AS i
    LEFT JOIN join_subject AS subject ON subject.key1 = i.trial AND subject.key2 = i.subject_id
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(coalesce(icd10_code, main_tumour_type, other_tumour_type, cohort_tumour_type) IS NOT NULL, FALSE) THEN 'has_tumour_type'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY trial, "subject.person_key", (_filter IS NULL) ORDER BY "date" ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank
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
        trial || chr(31) || "subject.person_key" AS _key,
        o_id(trial || chr(31) || "subject.person_key") AS "person.hash",
        icd10_code AS "episode_object.1.said",
        main_tumour_type AS "episode_object.2.said",
        other_tumour_type AS "episode_object.3.said",
        cohort_tumour_type AS "episode_object.4.said",
        main_tumour_type AS "episode_object.5.said",
        "date" AS start,
        coalesce(icd10_code, main_tumour_type, other_tumour_type, cohort_tumour_type) AS source
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
        "person.hash",
        "episode_object.1.said",
        "episode_object.2.said",
        "episode_object.3.said",
        "episode_object.4.said",
        "episode_object.5.said",
        start,
        source
    FROM raw
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."disease_episode concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'episode_object.1' AS slot, "episode_object.1.said" AS value
    FROM work."disease_episode values"
    WHERE "episode_object.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'episode_object.2' AS slot, "episode_object.2.said" AS value
    FROM work."disease_episode values"
    WHERE "episode_object.2.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'episode_object.3' AS slot, "episode_object.3.said" AS value
    FROM work."disease_episode values"
    WHERE "episode_object.3.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'episode_object.4' AS slot, "episode_object.4.said" AS value
    FROM work."disease_episode values"
    WHERE "episode_object.4.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'episode_object.5' AS slot, "episode_object.5.said" AS value
    FROM work."disease_episode values"
    WHERE "episode_object.5.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- episode_object.1: the code in ICD10, then ICD10CM
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'ICD10' AND term.how = 'code'
        AND term.key = replace(rtrim(o_fold(wanted.value), '+*!'), '.', '')
    WHERE wanted.slot = 'episode_object.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 2 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'ICD10CM' AND term.how = 'code'
        AND term.key = replace(o_fold(wanted.value), '.', '')
    WHERE wanted.slot = 'episode_object.1'
    UNION ALL
    -- episode_object.2: the reviewed mapping prime_rose/concepts/tumour_types.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/tumour_types.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'episode_object.2'
    UNION ALL
    -- episode_object.3: the reviewed mapping prime_rose/concepts/tumour_types.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/tumour_types.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'episode_object.3'
    UNION ALL
    -- episode_object.4: the reviewed mapping prime_rose/concepts/tumour_types.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/tumour_types.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'episode_object.4'
    UNION ALL
    -- episode_object.5: the name in SNOMED
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'episode_object.5'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'episode_object.5'
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
CREATE TABLE work.disease_episode AS
WITH
typed AS (SELECT * FROM work."disease_episode values"),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif(o_concept(32533), 0), 0) AS concept,
        o_domain(32533) AS "concept.domain",
        1 AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type,
        coalesce(nullif("episode_object.1".concept_id, 0), nullif("episode_object.2".concept_id, 0), nullif("episode_object.3".concept_id, 0), nullif("episode_object.4".concept_id, 0), nullif("episode_object.5".concept_id, 0), CASE WHEN coalesce("episode_object.1.said", "episode_object.2.said", "episode_object.3.said", "episode_object.4.said", "episode_object.5.said") IS NOT NULL THEN 0 END) AS episode_object,
        coalesce("episode_object.1.said", "episode_object.2.said", "episode_object.3.said", "episode_object.4.said", "episode_object.5.said") AS "episode_object.source",
        CASE WHEN coalesce("episode_object.1.said", "episode_object.2.said", "episode_object.3.said", "episode_object.4.said", "episode_object.5.said") IS NOT NULL THEN CASE WHEN "episode_object.1".concept_id <> 0 THEN coalesce("episode_object.1".source_concept_id, 0) WHEN "episode_object.2".concept_id <> 0 THEN coalesce("episode_object.2".source_concept_id, 0) WHEN "episode_object.3".concept_id <> 0 THEN coalesce("episode_object.3".source_concept_id, 0) WHEN "episode_object.4".concept_id <> 0 THEN coalesce("episode_object.4".source_concept_id, 0) WHEN "episode_object.5".concept_id <> 0 THEN coalesce("episode_object.5".source_concept_id, 0) ELSE coalesce(nullif("episode_object.1".source_concept_id, 0), nullif("episode_object.2".source_concept_id, 0), nullif("episode_object.3".source_concept_id, 0), nullif("episode_object.4".source_concept_id, 0), nullif("episode_object.5".source_concept_id, 0), 0) END END AS "episode_object.source_concept",
        coalesce("episode_object.2".decided, "episode_object.3".decided, "episode_object.4".decided) AS "episode_object.decided"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."disease_episode concepts" AS "episode_object.1" ON "episode_object.1".slot = 'episode_object.1' AND "episode_object.1".value = typed."episode_object.1.said" AND "episode_object.1".nth = 1
    LEFT JOIN work."disease_episode concepts" AS "episode_object.2" ON "episode_object.2".slot = 'episode_object.2' AND "episode_object.2".value = typed."episode_object.2.said" AND "episode_object.2".nth = 1 AND coalesce("episode_object.1".concept_id, 0) = 0
    LEFT JOIN work."disease_episode concepts" AS "episode_object.3" ON "episode_object.3".slot = 'episode_object.3' AND "episode_object.3".value = typed."episode_object.3.said" AND "episode_object.3".nth = 1 AND coalesce("episode_object.1".concept_id, 0) = 0 AND coalesce("episode_object.2".concept_id, 0) = 0 AND "episode_object.2".decided IS NOT TRUE
    LEFT JOIN work."disease_episode concepts" AS "episode_object.4" ON "episode_object.4".slot = 'episode_object.4' AND "episode_object.4".value = typed."episode_object.4.said" AND "episode_object.4".nth = 1 AND coalesce("episode_object.1".concept_id, 0) = 0 AND coalesce("episode_object.2".concept_id, 0) = 0 AND coalesce("episode_object.3".concept_id, 0) = 0 AND "episode_object.2".decided IS NOT TRUE AND "episode_object.3".decided IS NOT TRUE
    LEFT JOIN work."disease_episode concepts" AS "episode_object.5" ON "episode_object.5".slot = 'episode_object.5' AND "episode_object.5".value = typed."episode_object.5.said" AND "episode_object.5".nth = 1 AND coalesce("episode_object.1".concept_id, 0) = 0 AND coalesce("episode_object.2".concept_id, 0) = 0 AND coalesce("episode_object.3".concept_id, 0) = 0 AND coalesce("episode_object.4".concept_id, 0) = 0 AND "episode_object.2".decided IS NOT TRUE AND "episode_object.3".decided IS NOT TRUE AND "episode_object.4".decided IS NOT TRUE
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
            + CASE WHEN _left_out IS NULL AND length(source) > 50 THEN 2 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('disease_episode' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("episode_object.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("episode_object.2.said" AS varchar), '')
            || chr(31) || coalesce(CAST("episode_object.3.said" AS varchar), '')
            || chr(31) || coalesce(CAST("episode_object.4.said" AS varchar), '')
            || chr(31) || coalesce(CAST("episode_object.5.said" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
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
    source,
    "episode_object.1.said",
    "episode_object.2.said",
    "episode_object.3.said",
    "episode_object.4.said",
    "episode_object.5.said",
    person,
    born,
    "start.after_birth",
    "start.before_birth",
    concept,
    "concept.domain",
    type,
    episode_object,
    "episode_object.source",
    "episode_object.source_concept",
    "episode_object.decided"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'disease_episode', 'episode_object', 1, 'ICD10, ICD10CM by code', NULL,
    said."episode_object.1.said", count(*), count(CASE WHEN said.episode_object = 0 AND said."episode_object.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.disease_episode AS said
LEFT JOIN work."disease_episode concepts" AS found
    ON found.slot = 'episode_object.1' AND found.value = said."episode_object.1.said" AND found.nth = 1
WHERE said."episode_object.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."episode_object.1.said"
UNION ALL
SELECT
    'disease_episode', 'episode_object', 2, 'prime_rose/concepts/tumour_types.csv', 'prime_rose/concepts/tumour_types.csv',
    said."episode_object.2.said", count(*), count(CASE WHEN said.episode_object = 0 AND said."episode_object.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.disease_episode AS said
LEFT JOIN work."disease_episode concepts" AS found
    ON found.slot = 'episode_object.2' AND found.value = said."episode_object.2.said" AND found.nth = 1
WHERE said."episode_object.2.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."episode_object.2.said"
UNION ALL
SELECT
    'disease_episode', 'episode_object', 3, 'prime_rose/concepts/tumour_types.csv', 'prime_rose/concepts/tumour_types.csv',
    said."episode_object.3.said", count(*), count(CASE WHEN said.episode_object = 0 AND said."episode_object.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.disease_episode AS said
LEFT JOIN work."disease_episode concepts" AS found
    ON found.slot = 'episode_object.3' AND found.value = said."episode_object.3.said" AND found.nth = 1
WHERE said."episode_object.3.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."episode_object.3.said"
UNION ALL
SELECT
    'disease_episode', 'episode_object', 4, 'prime_rose/concepts/tumour_types.csv', 'prime_rose/concepts/tumour_types.csv',
    said."episode_object.4.said", count(*), count(CASE WHEN said.episode_object = 0 AND said."episode_object.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.disease_episode AS said
LEFT JOIN work."disease_episode concepts" AS found
    ON found.slot = 'episode_object.4' AND found.value = said."episode_object.4.said" AND found.nth = 1
WHERE said."episode_object.4.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."episode_object.4.said"
UNION ALL
SELECT
    'disease_episode', 'episode_object', 5, 'SNOMED by name', NULL,
    said."episode_object.5.said", count(*), count(CASE WHEN said.episode_object = 0 AND said."episode_object.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.disease_episode AS said
LEFT JOIN work."disease_episode concepts" AS found
    ON found.slot = 'episode_object.5' AND found.value = said."episode_object.5.said" AND found.nth = 1
WHERE said."episode_object.5.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."episode_object.5.said";

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
    count(*) FILTER (WHERE _left_out IS NULL AND ((episode_object = 0 AND "episode_object.source" IS NOT NULL AND "episode_object.decided" IS NOT TRUE) OR (o_concept(32533) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE))))
FROM work.disease_episode AS step;

-- ids cdm.episode
INSERT INTO register.episode (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.disease_episode AS step
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
    episode_object_concept_id,
    episode_type_concept_id,
    episode_source_value
)
SELECT
    ids.id AS episode_id,
    person AS person_id,
    coalesce(concept, 0) AS episode_concept_id,
    "start.after_birth" AS episode_start_date,
    coalesce(episode_object, 0) AS episode_object_concept_id,
    coalesce(type, 0) AS episode_type_concept_id,
    substr(source, 1, 50) AS episode_source_value
FROM work.disease_episode AS step
JOIN register.episode AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.episode
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'episode', ids.id, 'disease_episode', step._file, step._row, NULL, step._n, step._of
FROM work.disease_episode AS step
JOIN register.episode AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- parents
CREATE TABLE work."disease_episode parents" AS
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(756290), 0) AS field_concept_id,
    nullif(o_concept(32527), 0) AS domain_concept_id
FROM work.disease_episode AS step
JOIN register.episode AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1;

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'disease_episode', filter.name, count(step._left_out)
FROM (VALUES ('has_tumour_type'), ('keep')) AS filter(name)
LEFT JOIN work.disease_episode AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'disease_episode', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.disease_episode AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'disease_episode', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.disease_episode AS step
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
SELECT 'disease_episode', why.field, why.reason, file.file, file.sheet, step._row
FROM work.disease_episode AS step
JOIN (VALUES
    (1, 'start', 'moved to the day of birth'),
    (2, 'source', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'disease_episode', 'episode_object', "episode_object.source", count(*)
FROM work.disease_episode
WHERE _left_out IS NULL AND _target = 1 AND episode_object = 0 AND "episode_object.source" IS NOT NULL AND "episode_object.decided" IS NOT TRUE
GROUP BY "episode_object.source"
UNION ALL
SELECT 'disease_episode', 'concept', '32533', count(*)
FROM work.disease_episode
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32533) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)
GROUP BY '32533'
UNION ALL
SELECT 'disease_episode', 'type', '32809 Case Report Form', count(*)
FROM work.disease_episode
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form';
