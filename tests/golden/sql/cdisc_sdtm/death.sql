-- map death

-- values
CREATE TABLE work."death values" AS
WITH
-- ae, for the join 'cause'
join_cause AS (
    SELECT
        _file,
        _row,
        "USUBJID" AS key1,
        "AEDECOD",
        "AEPTCD",
        "AETERM",
        row_number() OVER (PARTITION BY "USUBJID" ORDER BY "AEENDTC" DESC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.ae
    WHERE "AEOUT" = 'FATAL' OR "AESDTH" = 'Y'
),
-- the columns of dm and ds and ae that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        'dm' AS _source,
        NULL AS "AEOUT",
        NULL AS "AESDTH",
        i."DTHDTC" AS "DIED",
        NULL AS "DSDECOD",
        i."DTHDTC" AS "DTHDTC",
        i."DTHFL" AS "DTHFL",
        i."USUBJID" AS "USUBJID",
        cause."AEDECOD" AS "cause.AEDECOD",
        cause."AEPTCD" AS "cause.AEPTCD",
        cause."AETERM" AS "cause.AETERM"
    FROM source.dm AS i
    LEFT JOIN join_cause AS cause ON cause.key1 = i."USUBJID" AND cause._nth = 1
    UNION ALL
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        'ds' AS _source,
        NULL AS "AEOUT",
        NULL AS "AESDTH",
        i."DSSTDTC" AS "DIED",
        i."DSDECOD" AS "DSDECOD",
        NULL AS "DTHDTC",
        NULL AS "DTHFL",
        i."USUBJID" AS "USUBJID",
        cause."AEDECOD" AS "cause.AEDECOD",
        cause."AEPTCD" AS "cause.AEPTCD",
        cause."AETERM" AS "cause.AETERM"
    FROM source.ds AS i
    LEFT JOIN join_cause AS cause ON cause.key1 = i."USUBJID" AND cause._nth = 1
    UNION ALL
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        'ae' AS _source,
        i."AEOUT" AS "AEOUT",
        i."AESDTH" AS "AESDTH",
        i."AEENDTC" AS "DIED",
        NULL AS "DSDECOD",
        NULL AS "DTHDTC",
        NULL AS "DTHFL",
        i."USUBJID" AS "USUBJID",
        cause."AEDECOD" AS "cause.AEDECOD",
        cause."AEPTCD" AS "cause.AEPTCD",
        cause."AETERM" AS "cause.AETERM"
    FROM source.ae AS i
    LEFT JOIN join_cause AS cause ON cause.key1 = i."USUBJID" AND cause._nth = 1
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce("DTHDTC" IS NOT NULL OR "DTHFL" = 'Y' OR "DSDECOD" = 'DEATH' OR "AEOUT" = 'FATAL' OR "AESDTH" = 'Y', FALSE) THEN 'died'
        END AS _filter
    FROM input
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "USUBJID", (_filter IS NULL) ORDER BY CASE WHEN o_matches("DIED", '^[0-9]{4}-[0-9]{2}-[0-9]{2}') THEN 1 WHEN "DIED" IS NOT NULL THEN 2 ELSE 3 END ASC NULLS LAST, CASE WHEN _source = 'dm' THEN 1 WHEN _source = 'ds' THEN 2 ELSE 3 END ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _rank,
        left("DIED", 10) IS DISTINCT FROM first_value(left("DIED", 10)) OVER (PARTITION BY "USUBJID", (_filter IS NULL) ORDER BY CASE WHEN o_matches("DIED", '^[0-9]{4}-[0-9]{2}-[0-9]{2}') THEN 1 WHEN "DIED" IS NOT NULL THEN 2 ELSE 3 END ASC NULLS LAST, CASE WHEN _source = 'dm' THEN 1 WHEN _source = 'ds' THEN 2 ELSE 3 END ASC NULLS LAST, _row ASC NULLS LAST, _file ASC) AS _differs1
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
        "USUBJID" AS _key,
        o_id("USUBJID") AS "person.hash",
        o_plain(o_num("cause.AEPTCD")) AS "concept.1.said",
        "cause.AEDECOD" AS "concept.2.said",
        "cause.AEDECOD" AS "concept.3.said",
        "DIED" AS "start.raw",
        coalesce("cause.AEDECOD", "cause.AETERM") AS source
    FROM kept
),
-- read as the types that the target asks for
converted AS (
    SELECT
        _file,
        _row,
        _of,
        _n,
        _left_out,
        _key,
        _differs1,
        "person.hash",
        "concept.1.said",
        "concept.2.said",
        "concept.3.said",
        "start.raw",
        o_date("start.raw", '%Y-%m-%d') AS "start.full",
        o_datetime("start.raw", '%Y-%m-%d') AS "start.datetime",
        source
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("start.full", o_impute("start.raw", '%Y-%m-%d', 'latest')) AS start
    FROM converted
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."death concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'concept.1' AS slot, "concept.1.said" AS value
    FROM work."death values"
    WHERE "concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.2' AS slot, "concept.2.said" AS value
    FROM work."death values"
    WHERE "concept.2.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.3' AS slot, "concept.3.said" AS value
    FROM work."death values"
    WHERE "concept.3.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- concept.1: the code in MedDRA
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'MedDRA' AND term.how = 'code'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    -- concept.2: the name in MedDRA, then SNOMED
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
    SELECT
        wanted.slot, wanted.value, 2 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.2'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 102 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.2'
    UNION ALL
    -- concept.3: the reviewed mapping cdisc_sdtm/concepts/ae_terms.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'cdisc_sdtm/concepts/ae_terms.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.3'
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
CREATE TABLE work.death AS
WITH
typed AS (SELECT * FROM work."death values"),
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
        "concept.3".decided AS "concept.decided",
        coalesce("concept.1".domain_id, "concept.2".domain_id, "concept.3".domain_id) AS "concept.domain",
        coalesce("concept.1".value_concept_id, "concept.2".value_concept_id, "concept.3".value_concept_id) AS "concept.value",
        coalesce(CASE WHEN "concept.1".concept_id <> 0 THEN "concept.1".nth END, CASE WHEN "concept.2".concept_id <> 0 THEN "concept.2".nth END, CASE WHEN "concept.3".concept_id <> 0 THEN "concept.3".nth END, 1) AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."death concepts" AS "concept.1" ON "concept.1".slot = 'concept.1' AND "concept.1".value = typed."concept.1.said"
    LEFT JOIN work."death concepts" AS "concept.2" ON "concept.2".slot = 'concept.2' AND "concept.2".value = typed."concept.2.said" AND coalesce("concept.1".concept_id, 0) = 0
    LEFT JOIN work."death concepts" AS "concept.3" ON "concept.3".slot = 'concept.3' AND "concept.3".value = typed."concept.3.said" AND coalesce("concept.1".concept_id, 0) = 0 AND coalesce("concept.2".concept_id, 0) = 0
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
            WHEN "start.raw" IS NOT NULL AND start IS NULL THEN 4
            WHEN start IS NULL THEN 5
            WHEN "start.before_birth" THEN 6
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(source) > 50 THEN 4 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "start.full" IS NULL AND start IS NOT NULL THEN 1 ELSE 0 END AS _imputed,
        o_id('death' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("concept.2.said" AS varchar), '')
            || chr(31) || coalesce(CAST("concept.3.said" AS varchar), '')
            || chr(31) || coalesce(CAST("start.datetime" AS varchar), '')
            || chr(31) || coalesce(CAST(source AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '') AS _content
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
    "start.datetime",
    source,
    start,
    "concept.1.said",
    "concept.2.said",
    "concept.3.said",
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
    type
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'death', 'concept', 1, 'MedDRA by code', NULL,
    said."concept.1.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.death AS said
LEFT JOIN work."death concepts" AS found
    ON found.slot = 'concept.1' AND found.value = said."concept.1.said" AND found.nth = 1
WHERE said."concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.1.said"
UNION ALL
SELECT
    'death', 'concept', 2, 'MedDRA, SNOMED by name', NULL,
    said."concept.2.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.death AS said
LEFT JOIN work."death concepts" AS found
    ON found.slot = 'concept.2' AND found.value = said."concept.2.said" AND found.nth = 1
WHERE said."concept.2.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.2.said"
UNION ALL
SELECT
    'death', 'concept', 3, 'cdisc_sdtm/concepts/ae_terms.csv', 'cdisc_sdtm/concepts/ae_terms.csv',
    said."concept.3.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.death AS said
LEFT JOIN work."death concepts" AS found
    ON found.slot = 'concept.3' AND found.value = said."concept.3.said" AND found.nth = 1
WHERE said."concept.3.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.3.said";

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
    count(*) FILTER (WHERE _imputed <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND ((concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE))))
FROM work.death AS step;

-- write cdm.death
INSERT INTO cdm.death (
    person_id,
    death_date,
    death_datetime,
    death_type_concept_id,
    cause_concept_id,
    cause_source_value,
    cause_source_concept_id
)
SELECT
    person AS person_id,
    "start.after_birth" AS death_date,
    CASE WHEN "start.after_birth" = start THEN "start.datetime" END AS death_datetime,
    type AS death_type_concept_id,
    concept AS cause_concept_id,
    substr(source, 1, 50) AS cause_source_value,
    "concept.source_concept" AS cause_source_concept_id
FROM work.death AS step
WHERE step._status = 'used' AND step._first;

-- origins cdm.death
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'death', person, 'death', step._file, step._row, NULL, step._n, step._of
FROM work.death AS step
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'death', filter.name, count(step._left_out)
FROM (VALUES ('died'), ('keep')) AS filter(name)
LEFT JOIN work.death AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'death', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.death AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'death', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.death AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'person', 'missing'),
    (3, 'person', 'not found'),
    (4, 'start', 'not a date'),
    (5, 'start', 'missing'),
    (6, 'start', 'before birth')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'death', why.field, why.reason, file.file, file.sheet, step._row
FROM work.death AS step
JOIN (VALUES
    (1, 'keep left(DIED, 10)', 'differs from the row that is kept'),
    (2, 'start', 'moved to the day of birth'),
    (4, 'source', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'death', why.field, why.reason, file.file, file.sheet, step._row
FROM work.death AS step
JOIN (VALUES
    (1, 'start', 'latest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'death', 'concept', "concept.source", count(*)
FROM work.death
WHERE _left_out IS NULL AND _target = 1 AND concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE
GROUP BY "concept.source"
UNION ALL
SELECT 'death', 'type', '32809 Case Report Form', count(*)
FROM work.death
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form';
