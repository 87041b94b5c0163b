-- map vital_signs

-- values
CREATE TABLE work."vital_signs values" AS
WITH
-- the columns of vs that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."USUBJID" AS "USUBJID",
        i."VISITNUM" AS "VISITNUM",
        i."VSDTC" AS "VSDTC",
        i."VSLAT" AS "VSLAT",
        i."VSLOC" AS "VSLOC",
        i."VSLOINC" AS "VSLOINC",
        i."VSORRES" AS "VSORRES",
        i."VSORRESU" AS "VSORRESU",
        i."VSPOS" AS "VSPOS",
        i."VSSEQ" AS "VSSEQ",
        i."VSSTAT" AS "VSSTAT",
        i."VSSTRESC" AS "VSSTRESC",
        i."VSSTRESN" AS "VSSTRESN",
        i."VSSTRESU" AS "VSSTRESU",
        i."VSTESTCD" AS "VSTESTCD",
        i."VSTPT" AS "VSTPT"
    FROM source.vs AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(coalesce("VSSTAT", 'DONE') <> 'NOT DONE', FALSE) THEN 'done'
            WHEN NOT coalesce("VSORRES" IS NOT NULL OR "VSSTRESC" IS NOT NULL, FALSE) THEN 'result'
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
        "USUBJID" || chr(31) || o_plain(o_num("VSSEQ")) AS _key,
        o_id("USUBJID") AS "person.hash",
        o_id("USUBJID" || chr(31) || o_plain(round(CAST(o_num("VISITNUM") AS double), 4))) AS "visit.hash",
        "VSLOINC" AS "concept.1.said",
        "VSTESTCD" AS "concept.2.said",
        CASE WHEN "VSSTRESN" IS NULL AND o_num(coalesce("VSSTRESC", "VSORRES")) IS NULL THEN coalesce("VSSTRESC", "VSORRES") END AS "value.1.said",
        coalesce("VSSTRESU", CASE WHEN "VSSTRESC" IS NULL THEN "VSORRESU" END) AS "unit.1.said",
        coalesce("VSSTRESU", CASE WHEN "VSSTRESC" IS NULL THEN "VSORRESU" END) AS "unit.2.said",
        "VSDTC" AS "start.raw",
        coalesce("VSSTRESN", CASE WHEN o_num(coalesce("VSSTRESC", "VSORRES")) IS NOT NULL THEN coalesce("VSSTRESC", "VSORRES") END) AS "number.raw",
        nullif(coalesce("VSTESTCD", '') || coalesce(CASE WHEN "VSPOS" IS NOT NULL THEN nullif(coalesce('; ', '') || coalesce("VSPOS", ''), '') END, '') || coalesce(CASE WHEN "VSLOC" IS NOT NULL THEN nullif(coalesce('; ', '') || coalesce("VSLOC", ''), '') END, '') || coalesce(CASE WHEN "VSLAT" IS NOT NULL THEN nullif(coalesce('; ', '') || coalesce("VSLAT", ''), '') END, '') || coalesce(CASE WHEN "VSTPT" IS NOT NULL THEN nullif(coalesce('; ', '') || coalesce("VSTPT", ''), '') END, ''), '') AS source,
        nullif(coalesce(coalesce("VSORRES", "VSSTRESC"), '') || coalesce(CASE WHEN "VSORRESU" IS NOT NULL THEN nullif(coalesce(' ', '') || coalesce("VSORRESU", ''), '') END, ''), '') AS value_source
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
        "value.1.said",
        "unit.1.said",
        "unit.2.said",
        "start.raw",
        o_date("start.raw", '%Y-%m-%d') AS "start.full",
        o_datetime("start.raw", '%Y-%m-%d') AS "start.datetime",
        "number.raw",
        o_num("number.raw") AS number,
        source,
        value_source
    FROM raw
),
-- partial dates filled in
typed AS (
    SELECT
        converted.*,
        coalesce("start.full", o_impute("start.raw", '%Y-%m-%d', 'earliest')) AS start
    FROM converted
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."vital_signs concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'concept.1' AS slot, "concept.1.said" AS value
    FROM work."vital_signs values"
    WHERE "concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.2' AS slot, "concept.2.said" AS value
    FROM work."vital_signs values"
    WHERE "concept.2.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'value.1' AS slot, "value.1.said" AS value
    FROM work."vital_signs values"
    WHERE "value.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'unit.1' AS slot, "unit.1.said" AS value
    FROM work."vital_signs values"
    WHERE "unit.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'unit.2' AS slot, "unit.2.said" AS value
    FROM work."vital_signs values"
    WHERE "unit.2.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- concept.1: the code in LOINC
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'LOINC' AND term.how = 'code'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    -- concept.2: the reviewed mapping cdisc_sdtm/concepts/vital_signs.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'cdisc_sdtm/concepts/vital_signs.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.2'
    UNION ALL
    -- value.1: the name in SNOMED
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
        AND term.domain_id = 'Meas Value'
    WHERE wanted.slot = 'value.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
        AND term.domain_id = 'Meas Value'
    WHERE wanted.slot = 'value.1'
    UNION ALL
    -- unit.1: the reviewed mapping cdisc_sdtm/concepts/units.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'cdisc_sdtm/concepts/units.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'unit.1'
    UNION ALL
    -- unit.2: the code in UCUM
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'UCUM' AND term.how = 'code'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'unit.2'
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
CREATE TABLE work.vital_signs AS
WITH
typed AS (SELECT * FROM work."vital_signs values"),
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
        coalesce(nullif("value.1".concept_id, 0), CASE WHEN "value.1.said" IS NOT NULL THEN 0 END) AS "value",
        "value.1.said" AS "value.source",
        CASE WHEN "value.1.said" IS NOT NULL THEN coalesce(nullif("value.1".source_concept_id, 0), 0) END AS "value.source_concept",
        FALSE AS "value.decided",
        coalesce(nullif("unit.1".concept_id, 0), nullif("unit.2".concept_id, 0), CASE WHEN coalesce("unit.1.said", "unit.2.said") IS NOT NULL THEN 0 END) AS unit,
        coalesce("unit.1.said", "unit.2.said") AS "unit.source",
        CASE WHEN coalesce("unit.1.said", "unit.2.said") IS NOT NULL THEN CASE WHEN "unit.1".concept_id <> 0 THEN coalesce("unit.1".source_concept_id, 0) WHEN "unit.2".concept_id <> 0 THEN coalesce("unit.2".source_concept_id, 0) ELSE coalesce(nullif("unit.1".source_concept_id, 0), nullif("unit.2".source_concept_id, 0), 0) END END AS "unit.source_concept",
        "unit.1".decided AS "unit.decided"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN work."ids of visit_occurrence" AS "visit ref" ON "visit ref".hash = typed."visit.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."vital_signs concepts" AS "concept.1" ON "concept.1".slot = 'concept.1' AND "concept.1".value = typed."concept.1.said"
    LEFT JOIN work."vital_signs concepts" AS "concept.2" ON "concept.2".slot = 'concept.2' AND "concept.2".value = typed."concept.2.said" AND coalesce("concept.1".concept_id, 0) = 0
    LEFT JOIN work."vital_signs concepts" AS "value.1" ON "value.1".slot = 'value.1' AND "value.1".value = typed."value.1.said" AND "value.1".nth = 1
    LEFT JOIN work."vital_signs concepts" AS "unit.1" ON "unit.1".slot = 'unit.1' AND "unit.1".value = typed."unit.1.said" AND "unit.1".nth = 1
    LEFT JOIN work."vital_signs concepts" AS "unit.2" ON "unit.2".slot = 'unit.2' AND "unit.2".value = typed."unit.2.said" AND "unit.2".nth = 1 AND coalesce("unit.1".concept_id, 0) = 0 AND "unit.1".decided IS NOT TRUE
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
            + CASE WHEN _left_out IS NULL AND "start.after_birth" <> start THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "number.raw" IS NOT NULL AND number IS NULL THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(source) > 50 THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(value_source) > 50 THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("unit.source") > 50 THEN 32 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("value.source") > 50 THEN 64 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "start.full" IS NULL AND start IS NOT NULL THEN 1 ELSE 0 END AS _imputed,
        o_id('vital_signs' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("value.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("unit.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("unit.2.said" AS varchar), '')
            || chr(31) || coalesce(CAST("start.datetime" AS varchar), '')
            || chr(31) || coalesce(CAST(number AS varchar), '')
            || chr(31) || coalesce(CAST(source AS varchar), '')
            || chr(31) || coalesce(CAST(value_source AS varchar), '')
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
    number,
    source,
    value_source,
    start,
    "concept.1.said",
    "concept.2.said",
    "value.1.said",
    "unit.1.said",
    "unit.2.said",
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
    "value",
    "value.source",
    "value.source_concept",
    "value.decided",
    unit,
    "unit.source",
    "unit.source_concept",
    "unit.decided"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'vital_signs', 'concept', 1, 'LOINC by code', NULL,
    said."concept.1.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.vital_signs AS said
LEFT JOIN work."vital_signs concepts" AS found
    ON found.slot = 'concept.1' AND found.value = said."concept.1.said" AND found.nth = 1
WHERE said."concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.1.said"
UNION ALL
SELECT
    'vital_signs', 'concept', 2, 'cdisc_sdtm/concepts/vital_signs.csv', 'cdisc_sdtm/concepts/vital_signs.csv',
    said."concept.2.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.vital_signs AS said
LEFT JOIN work."vital_signs concepts" AS found
    ON found.slot = 'concept.2' AND found.value = said."concept.2.said" AND found.nth = 1
WHERE said."concept.2.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.2.said"
UNION ALL
SELECT
    'vital_signs', 'value', 1, 'SNOMED by name', NULL,
    said."value.1.said", count(*), count(CASE WHEN said."value" = 0 AND said."value.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.vital_signs AS said
LEFT JOIN work."vital_signs concepts" AS found
    ON found.slot = 'value.1' AND found.value = said."value.1.said" AND found.nth = 1
WHERE said."value.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."value.1.said"
UNION ALL
SELECT
    'vital_signs', 'unit', 1, 'cdisc_sdtm/concepts/units.csv', 'cdisc_sdtm/concepts/units.csv',
    said."unit.1.said", count(*), count(CASE WHEN said.unit = 0 AND said."unit.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.vital_signs AS said
LEFT JOIN work."vital_signs concepts" AS found
    ON found.slot = 'unit.1' AND found.value = said."unit.1.said" AND found.nth = 1
WHERE said."unit.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."unit.1.said"
UNION ALL
SELECT
    'vital_signs', 'unit', 2, 'UCUM by code', NULL,
    said."unit.2.said", count(*), count(CASE WHEN said.unit = 0 AND said."unit.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.vital_signs AS said
LEFT JOIN work."vital_signs concepts" AS found
    ON found.slot = 'unit.2' AND found.value = said."unit.2.said" AND found.nth = 1
WHERE said."unit.2.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."unit.2.said";

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
    count(*) FILTER (WHERE _left_out IS NULL AND ((concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE) OR ("value" = 0 AND "value.source" IS NOT NULL AND "value.decided" IS NOT TRUE) OR (unit = 0 AND "unit.source" IS NOT NULL AND "unit.decided" IS NOT TRUE) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE))))
FROM work.vital_signs AS step;

-- ids cdm.measurement
INSERT INTO register.measurement (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.vital_signs AS step
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
    measurement_datetime,
    measurement_type_concept_id,
    value_as_number,
    value_as_concept_id,
    unit_concept_id,
    visit_occurrence_id,
    measurement_source_value,
    measurement_source_concept_id,
    unit_source_value,
    unit_source_concept_id,
    value_source_value
)
SELECT
    ids.id AS measurement_id,
    person AS person_id,
    coalesce(concept, 0) AS measurement_concept_id,
    "start.after_birth" AS measurement_date,
    CASE WHEN "start.after_birth" = start THEN "start.datetime" END AS measurement_datetime,
    coalesce(type, 0) AS measurement_type_concept_id,
    number AS value_as_number,
    "value" AS value_as_concept_id,
    unit AS unit_concept_id,
    visit AS visit_occurrence_id,
    substr(source, 1, 50) AS measurement_source_value,
    "concept.source_concept" AS measurement_source_concept_id,
    substr("unit.source", 1, 50) AS unit_source_value,
    "unit.source_concept" AS unit_source_concept_id,
    substr(value_source, 1, 50) AS value_source_value
FROM work.vital_signs AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.measurement
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'measurement', ids.id, 'vital_signs', step._file, step._row, NULL, step._n, step._of
FROM work.vital_signs AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'vital_signs', filter.name, count(step._left_out)
FROM (VALUES ('done'), ('result')) AS filter(name)
LEFT JOIN work.vital_signs AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'vital_signs', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.vital_signs AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'vital_signs', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.vital_signs AS step
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
SELECT 'vital_signs', why.field, why.reason, file.file, file.sheet, step._row
FROM work.vital_signs AS step
JOIN (VALUES
    (1, 'visit', 'not found'),
    (2, 'start', 'moved to the day of birth'),
    (4, 'number', 'not a number'),
    (8, 'source', 'cut to its length'),
    (16, 'value_source', 'cut to its length'),
    (32, 'unit source', 'cut to its length'),
    (64, 'value source', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'vital_signs', why.field, why.reason, file.file, file.sheet, step._row
FROM work.vital_signs AS step
JOIN (VALUES
    (1, 'start', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'vital_signs', 'concept', "concept.source", count(*)
FROM work.vital_signs
WHERE _left_out IS NULL AND _target = 1 AND concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE
GROUP BY "concept.source"
UNION ALL
SELECT 'vital_signs', 'value', "value.source", count(*)
FROM work.vital_signs
WHERE _left_out IS NULL AND _target = 1 AND "value" = 0 AND "value.source" IS NOT NULL AND "value.decided" IS NOT TRUE
GROUP BY "value.source"
UNION ALL
SELECT 'vital_signs', 'unit', "unit.source", count(*)
FROM work.vital_signs
WHERE _left_out IS NULL AND _target = 1 AND unit = 0 AND "unit.source" IS NOT NULL AND "unit.decided" IS NOT TRUE
GROUP BY "unit.source"
UNION ALL
SELECT 'vital_signs', 'type', '32809 Case Report Form', count(*)
FROM work.vital_signs
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form';
