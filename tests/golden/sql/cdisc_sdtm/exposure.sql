-- map exposure

-- values
CREATE TABLE work."exposure values" AS
WITH
-- dm, for the join 'dm'
join_dm AS (
    SELECT
        _file,
        _row,
        "USUBJID" AS key1,
        "RFXENDTC"
    FROM source.dm
),
-- the columns of ex that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."EXDOSE" AS "EXDOSE",
        i."EXDOSFRM" AS "EXDOSFRM",
        i."EXDOSFRQ" AS "EXDOSFRQ",
        i."EXDOSTXT" AS "EXDOSTXT",
        i."EXDOSU" AS "EXDOSU",
        i."EXENDTC" AS "EXENDTC",
        i."EXLOT" AS "EXLOT",
        i."EXOCCUR" AS "EXOCCUR",
        i."EXROUTE" AS "EXROUTE",
        i."EXSEQ" AS "EXSEQ",
        i."EXSTDTC" AS "EXSTDTC",
        i."EXTRT" AS "EXTRT",
        i."USUBJID" AS "USUBJID",
        i."VISITNUM" AS "VISITNUM",
        dm."RFXENDTC" AS "dm.RFXENDTC"
    FROM source.ex AS i
    LEFT JOIN join_dm AS dm ON dm.key1 = i."USUBJID"
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(coalesce("EXOCCUR", 'Y') <> 'N', FALSE) THEN 'given'
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
        "USUBJID" || chr(31) || o_plain(o_num("EXSEQ")) AS _key,
        o_id("USUBJID") AS "person.hash",
        o_id("USUBJID" || chr(31) || o_plain(round(CAST(o_num("VISITNUM") AS double), 4))) AS "visit.hash",
        "EXTRT" AS "concept.1.said",
        "EXTRT" AS "concept.2.said",
        "EXROUTE" AS "route.1.said",
        "EXROUTE" AS "route.2.said",
        "EXSTDTC" AS "start.raw",
        coalesce("EXENDTC", CASE WHEN o_date("dm.RFXENDTC", '%Y-%m-%d') >= o_date("EXSTDTC", '%Y-%m-%d') THEN "dm.RFXENDTC" END) AS "end.raw",
        "EXDOSE" AS "quantity.raw",
        "EXDOSU" AS dose_unit_source_value,
        trim(nullif(coalesce(coalesce(o_plain(o_num("EXDOSE")), "EXDOSTXT"), '') || coalesce(CASE WHEN "EXDOSU" IS NOT NULL THEN nullif(coalesce(' ', '') || coalesce("EXDOSU", ''), '') END, '') || coalesce(CASE WHEN "EXDOSFRM" IS NOT NULL THEN nullif(coalesce(' ', '') || coalesce("EXDOSFRM", ''), '') END, '') || coalesce(CASE WHEN "EXDOSFRQ" IS NOT NULL THEN nullif(coalesce(' ', '') || coalesce("EXDOSFRQ", ''), '') END, ''), '')) AS sig,
        "EXENDTC" AS "verbatim_end_date.raw",
        "EXLOT" AS lot_number
    FROM filtered
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
        "person.hash",
        "visit.hash",
        "concept.1.said",
        "concept.2.said",
        "route.1.said",
        "route.2.said",
        "start.raw",
        o_date("start.raw", '%Y-%m-%d') AS "start.full",
        o_datetime("start.raw", '%Y-%m-%d') AS "start.datetime",
        "end.raw",
        o_date("end.raw", '%Y-%m-%d') AS "end.full",
        o_datetime("end.raw", '%Y-%m-%d') AS "end.datetime",
        "quantity.raw",
        o_num("quantity.raw") AS quantity,
        dose_unit_source_value,
        sig,
        "verbatim_end_date.raw",
        o_date("verbatim_end_date.raw", '%Y-%m-%d') AS "verbatim_end_date.full",
        lot_number
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("start.full", o_impute("start.raw", '%Y-%m-%d', 'earliest')) AS start,
        coalesce("end.full", o_impute("end.raw", '%Y-%m-%d', 'latest')) AS "end",
        "verbatim_end_date.full" AS verbatim_end_date
    FROM converted
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."exposure concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'concept.1' AS slot, "concept.1.said" AS value
    FROM work."exposure values"
    WHERE "concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.2' AS slot, "concept.2.said" AS value
    FROM work."exposure values"
    WHERE "concept.2.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'route.1' AS slot, "route.1.said" AS value
    FROM work."exposure values"
    WHERE "route.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'route.2' AS slot, "route.2.said" AS value
    FROM work."exposure values"
    WHERE "route.2.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- concept.1: the name in RxNorm, then RxNorm Extension
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'RxNorm' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'RxNorm' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 2 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'RxNorm Extension' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 102 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'RxNorm Extension' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    -- concept.2: the reviewed mapping cdisc_sdtm/concepts/medications.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'cdisc_sdtm/concepts/medications.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.2'
    UNION ALL
    -- route.1: the reviewed mapping cdisc_sdtm/concepts/routes.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'cdisc_sdtm/concepts/routes.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'route.1'
    UNION ALL
    -- route.2: the name in SNOMED
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
        AND term.domain_id = 'Route'
    WHERE wanted.slot = 'route.2'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
        AND term.domain_id = 'Route'
    WHERE wanted.slot = 'route.2'
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
CREATE TABLE work.exposure AS
WITH
typed AS (SELECT * FROM work."exposure values"),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        "visit ref".id AS visit,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif("concept.1".concept_id, 0), nullif("concept.2".concept_id, 0), CASE WHEN coalesce("concept.1.said", "concept.2.said") IS NOT NULL THEN 0 END) AS concept,
        coalesce("concept.1.said", "concept.2.said") AS "concept.source",
        CASE WHEN coalesce("concept.1.said", "concept.2.said") IS NOT NULL THEN CASE WHEN "concept.1".concept_id <> 0 THEN coalesce("concept.1".source_concept_id, 0) WHEN "concept.2".concept_id <> 0 THEN coalesce("concept.2".source_concept_id, 0) ELSE coalesce(nullif("concept.1".source_concept_id, 0), nullif("concept.2".source_concept_id, 0), 0) END END AS "concept.source_concept",
        "concept.2".decided AS "concept.decided",
        coalesce("concept.1".domain_id, "concept.2".domain_id) AS "concept.domain",
        coalesce("concept.1".value_concept_id, "concept.2".value_concept_id) AS "concept.value",
        coalesce(CASE WHEN "concept.1".concept_id <> 0 THEN "concept.1".nth END, CASE WHEN "concept.2".concept_id <> 0 THEN "concept.2".nth END, 1) AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type,
        coalesce(nullif("route.1".concept_id, 0), nullif("route.2".concept_id, 0), CASE WHEN coalesce("route.1.said", "route.2.said") IS NOT NULL THEN 0 END) AS route,
        coalesce("route.1.said", "route.2.said") AS "route.source",
        CASE WHEN coalesce("route.1.said", "route.2.said") IS NOT NULL THEN CASE WHEN "route.1".concept_id <> 0 THEN coalesce("route.1".source_concept_id, 0) WHEN "route.2".concept_id <> 0 THEN coalesce("route.2".source_concept_id, 0) ELSE coalesce(nullif("route.1".source_concept_id, 0), nullif("route.2".source_concept_id, 0), 0) END END AS "route.source_concept",
        "route.1".decided AS "route.decided"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN work."ids of visit_occurrence" AS "visit ref" ON "visit ref".hash = typed."visit.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."exposure concepts" AS "concept.1" ON "concept.1".slot = 'concept.1' AND "concept.1".value = typed."concept.1.said"
    LEFT JOIN work."exposure concepts" AS "concept.2" ON "concept.2".slot = 'concept.2' AND "concept.2".value = typed."concept.2.said" AND coalesce("concept.1".concept_id, 0) = 0
    LEFT JOIN work."exposure concepts" AS "route.1" ON "route.1".slot = 'route.1' AND "route.1".value = typed."route.1.said" AND "route.1".nth = 1
    LEFT JOIN work."exposure concepts" AS "route.2" ON "route.2".slot = 'route.2' AND "route.2".value = typed."route.2.said" AND "route.2".nth = 1 AND coalesce("route.1".concept_id, 0) = 0 AND "route.1".decided IS NOT TRUE
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
        CASE WHEN _left_out IS NULL AND "visit.hash" IS NOT NULL AND visit IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end.raw" IS NOT NULL AND "end" IS NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("end" < "start.after_birth" OR "end.datetime" < CASE WHEN "start.after_birth" = start THEN "start.datetime" END) THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "quantity.raw" IS NOT NULL AND quantity IS NULL THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("concept.source") > 50 THEN 32 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("route.source") > 50 THEN 64 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(dose_unit_source_value) > 50 THEN 128 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "verbatim_end_date.raw" IS NOT NULL AND verbatim_end_date IS NULL AND o_impute("verbatim_end_date.raw", '%Y-%m-%d', 'reject') IS NOT NULL THEN 256 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "verbatim_end_date.raw" IS NOT NULL AND verbatim_end_date IS NULL AND o_impute("verbatim_end_date.raw", '%Y-%m-%d', 'reject') IS NULL THEN 512 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(lot_number) > 50 THEN 1024 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "start.full" IS NULL AND start IS NOT NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "end.full" IS NULL AND "end" IS NOT NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END IS NULL AND "start.after_birth" IS NOT NULL THEN 4 ELSE 0 END AS _imputed,
        o_id('exposure' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("concept.2.said" AS varchar), '')
            || chr(31) || coalesce(CAST("route.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("route.2.said" AS varchar), '')
            || chr(31) || coalesce(CAST("start.datetime" AS varchar), '')
            || chr(31) || coalesce(CAST("end.datetime" AS varchar), '')
            || chr(31) || coalesce(CAST(quantity AS varchar), '')
            || chr(31) || coalesce(CAST(dose_unit_source_value AS varchar), '')
            || chr(31) || coalesce(CAST(sig AS varchar), '')
            || chr(31) || coalesce(CAST(lot_number AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST("end" AS varchar), '')
            || chr(31) || coalesce(CAST(verbatim_end_date AS varchar), '') AS _content
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
    "end.datetime",
    quantity,
    dose_unit_source_value,
    sig,
    lot_number,
    start,
    "end",
    verbatim_end_date,
    "concept.1.said",
    "concept.2.said",
    "route.1.said",
    "route.2.said",
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
    route,
    "route.source",
    "route.source_concept",
    "route.decided"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'exposure', 'concept', 1, 'RxNorm, RxNorm Extension by name', NULL,
    said."concept.1.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.exposure AS said
LEFT JOIN work."exposure concepts" AS found
    ON found.slot = 'concept.1' AND found.value = said."concept.1.said" AND found.nth = 1
WHERE said."concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.1.said"
UNION ALL
SELECT
    'exposure', 'concept', 2, 'cdisc_sdtm/concepts/medications.csv', 'cdisc_sdtm/concepts/medications.csv',
    said."concept.2.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.exposure AS said
LEFT JOIN work."exposure concepts" AS found
    ON found.slot = 'concept.2' AND found.value = said."concept.2.said" AND found.nth = 1
WHERE said."concept.2.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.2.said"
UNION ALL
SELECT
    'exposure', 'route', 1, 'cdisc_sdtm/concepts/routes.csv', 'cdisc_sdtm/concepts/routes.csv',
    said."route.1.said", count(*), count(CASE WHEN said.route = 0 AND said."route.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.exposure AS said
LEFT JOIN work."exposure concepts" AS found
    ON found.slot = 'route.1' AND found.value = said."route.1.said" AND found.nth = 1
WHERE said."route.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."route.1.said"
UNION ALL
SELECT
    'exposure', 'route', 2, 'SNOMED by name', NULL,
    said."route.2.said", count(*), count(CASE WHEN said.route = 0 AND said."route.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.exposure AS said
LEFT JOIN work."exposure concepts" AS found
    ON found.slot = 'route.2' AND found.value = said."route.2.said" AND found.nth = 1
WHERE said."route.2.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."route.2.said";

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
    count(*) FILTER (WHERE _left_out IS NULL AND ((concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE) OR (route = 0 AND "route.source" IS NOT NULL AND "route.decided" IS NOT TRUE) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE))))
FROM work.exposure AS step;

-- ids cdm.drug_exposure
INSERT INTO register.drug_exposure (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.exposure AS step
    WHERE step._status = 'used' AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.drug_exposure AS known WHERE known.hash = _id_hash)
) AS fresh
CROSS JOIN (SELECT coalesce(max(id), 0) AS id FROM register.drug_exposure) AS last;

-- write cdm.drug_exposure
INSERT INTO cdm.drug_exposure (
    drug_exposure_id,
    person_id,
    drug_concept_id,
    drug_exposure_start_date,
    drug_exposure_start_datetime,
    drug_exposure_end_date,
    drug_exposure_end_datetime,
    verbatim_end_date,
    drug_type_concept_id,
    quantity,
    sig,
    route_concept_id,
    lot_number,
    visit_occurrence_id,
    drug_source_value,
    drug_source_concept_id,
    route_source_value,
    dose_unit_source_value
)
SELECT
    ids.id AS drug_exposure_id,
    person AS person_id,
    coalesce(concept, 0) AS drug_concept_id,
    "start.after_birth" AS drug_exposure_start_date,
    CASE WHEN "start.after_birth" = start THEN "start.datetime" END AS drug_exposure_start_datetime,
    coalesce(CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END, "start.after_birth") AS drug_exposure_end_date,
    CASE WHEN ("end" < "start.after_birth" OR "end.datetime" < CASE WHEN "start.after_birth" = start THEN "start.datetime" END) THEN NULL ELSE "end.datetime" END AS drug_exposure_end_datetime,
    verbatim_end_date AS verbatim_end_date,
    coalesce(type, 0) AS drug_type_concept_id,
    quantity AS quantity,
    sig AS sig,
    route AS route_concept_id,
    substr(lot_number, 1, 50) AS lot_number,
    visit AS visit_occurrence_id,
    substr("concept.source", 1, 50) AS drug_source_value,
    "concept.source_concept" AS drug_source_concept_id,
    substr("route.source", 1, 50) AS route_source_value,
    substr(dose_unit_source_value, 1, 50) AS dose_unit_source_value
FROM work.exposure AS step
JOIN register.drug_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.drug_exposure
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'drug_exposure', ids.id, 'exposure', step._file, step._row, NULL, step._n, step._of
FROM work.exposure AS step
JOIN register.drug_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'exposure', filter.name, count(step._left_out)
FROM (VALUES ('given')) AS filter(name)
LEFT JOIN work.exposure AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'exposure', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.exposure AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'exposure', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.exposure AS step
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
SELECT 'exposure', why.field, why.reason, file.file, file.sheet, step._row
FROM work.exposure AS step
JOIN (VALUES
    (1, 'visit', 'not found'),
    (2, 'end', 'not a date'),
    (4, 'start', 'moved to the day of birth'),
    (8, 'end', 'before the start'),
    (16, 'quantity', 'not a number'),
    (32, 'concept source', 'cut to its length'),
    (64, 'route source', 'cut to its length'),
    (128, 'dose_unit_source_value', 'cut to its length'),
    (256, 'verbatim_end_date', 'partial date'),
    (512, 'verbatim_end_date', 'not a date'),
    (1024, 'lot_number', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'exposure', why.field, why.reason, file.file, file.sheet, step._row
FROM work.exposure AS step
JOIN (VALUES
    (1, 'start', 'earliest'),
    (2, 'end', 'latest'),
    (4, 'end', 'start')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'exposure', 'concept', "concept.source", count(*)
FROM work.exposure
WHERE _left_out IS NULL AND _target = 1 AND concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE
GROUP BY "concept.source"
UNION ALL
SELECT 'exposure', 'route', "route.source", count(*)
FROM work.exposure
WHERE _left_out IS NULL AND _target = 1 AND route = 0 AND "route.source" IS NOT NULL AND "route.decided" IS NOT TRUE
GROUP BY "route.source"
UNION ALL
SELECT 'exposure', 'type', '32809 Case Report Form', count(*)
FROM work.exposure
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form';
