-- map medical_history_undated

-- values
CREATE TABLE work."medical_history_undated values" AS
WITH
-- the columns of mh that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."MHCAT" AS "MHCAT",
        i."MHDECOD" AS "MHDECOD",
        i."MHDTC" AS "MHDTC",
        i."MHENDTC" AS "MHENDTC",
        i."MHOCCUR" AS "MHOCCUR",
        i."MHSEQ" AS "MHSEQ",
        i."MHSEV" AS "MHSEV",
        i."MHSTAT" AS "MHSTAT",
        i."MHSTDTC" AS "MHSTDTC",
        i."MHTERM" AS "MHTERM",
        i."USUBJID" AS "USUBJID",
        i."VISITNUM" AS "VISITNUM"
    FROM source.mh AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(coalesce("MHOCCUR", 'Y') <> 'N' AND coalesce("MHSTAT", 'DONE') <> 'NOT DONE', FALSE) THEN 'occurred'
            WHEN NOT coalesce("MHSTDTC" IS NULL, FALSE) THEN 'undated'
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
        "USUBJID" || chr(31) || o_plain(o_num("MHSEQ")) AS _key,
        o_id("USUBJID") AS "person.hash",
        o_id("USUBJID" || chr(31) || o_plain(round(CAST(o_num("VISITNUM") AS double), 4))) AS "visit.hash",
        coalesce("MHDECOD", "MHTERM") AS "value.1.said",
        coalesce("MHDECOD", "MHTERM") AS "value.2.said",
        "MHDTC" AS "start.raw",
        coalesce("MHDECOD", "MHTERM") AS source,
        CASE WHEN "MHENDTC" IS NOT NULL THEN nullif(coalesce('ended ', '') || coalesce("MHENDTC", ''), '') END AS "text",
        nullif(coalesce("MHCAT", '') || coalesce(CASE WHEN "MHSEV" IS NOT NULL THEN nullif(coalesce('; ', '') || coalesce("MHSEV", ''), '') END, ''), '') AS qualifier_source
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
        "value.1.said",
        "value.2.said",
        "start.raw",
        o_date("start.raw", '%Y-%m-%d') AS "start.full",
        o_datetime("start.raw", '%Y-%m-%d') AS "start.datetime",
        source,
        "text",
        qualifier_source
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
),
found AS (
    -- value.1: the name in MedDRA, then SNOMED
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'MedDRA' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'value.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'MedDRA' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'value.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 2 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'value.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 102 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'SNOMED' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'value.1'
    UNION ALL
    -- value.2: the reviewed mapping cdisc_sdtm/concepts/ae_terms.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'cdisc_sdtm/concepts/ae_terms.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'value.2'
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
        "visit ref".id AS visit,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif(o_concept(4214956), 0), 0) AS concept,
        o_domain(4214956) AS "concept.domain",
        1 AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type,
        coalesce(nullif("value.1".concept_id, 0), nullif("value.2".concept_id, 0), CASE WHEN coalesce("value.1.said", "value.2.said") IS NOT NULL THEN 0 END) AS "value",
        coalesce("value.1.said", "value.2.said") AS "value.source",
        CASE WHEN coalesce("value.1.said", "value.2.said") IS NOT NULL THEN CASE WHEN "value.1".concept_id <> 0 THEN coalesce("value.1".source_concept_id, 0) WHEN "value.2".concept_id <> 0 THEN coalesce("value.2".source_concept_id, 0) ELSE coalesce(nullif("value.1".source_concept_id, 0), nullif("value.2".source_concept_id, 0), 0) END END AS "value.source_concept",
        "value.2".decided AS "value.decided"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN work."ids of visit_occurrence" AS "visit ref" ON "visit ref".hash = typed."visit.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."medical_history_undated concepts" AS "value.1" ON "value.1".slot = 'value.1' AND "value.1".value = typed."value.1.said" AND "value.1".nth = 1
    LEFT JOIN work."medical_history_undated concepts" AS "value.2" ON "value.2".slot = 'value.2' AND "value.2".value = typed."value.2.said" AND "value.2".nth = 1 AND coalesce("value.1".concept_id, 0) = 0
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
            + CASE WHEN _left_out IS NULL AND length(source) > 50 THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("text") > 60 THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(qualifier_source) > 50 THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("value.source") > 50 THEN 32 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND "start.full" IS NULL AND start IS NOT NULL THEN 1 ELSE 0 END AS _imputed,
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
            || chr(31) || coalesce(CAST("visit.hash" AS varchar), '')
            || chr(31) || coalesce(CAST("value.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("value.2.said" AS varchar), '')
            || chr(31) || coalesce(CAST("start.datetime" AS varchar), '')
            || chr(31) || coalesce(CAST(source AS varchar), '')
            || chr(31) || coalesce(CAST("text" AS varchar), '')
            || chr(31) || coalesce(CAST(qualifier_source AS varchar), '')
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
    "text",
    qualifier_source,
    start,
    "value.1.said",
    "value.2.said",
    person,
    visit,
    born,
    "start.after_birth",
    "start.before_birth",
    concept,
    "concept.domain",
    type,
    "value",
    "value.source",
    "value.source_concept",
    "value.decided"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'medical_history_undated', 'value', 1, 'MedDRA, SNOMED by name', NULL,
    said."value.1.said", count(*), count(CASE WHEN said."value" = 0 AND said."value.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.medical_history_undated AS said
LEFT JOIN work."medical_history_undated concepts" AS found
    ON found.slot = 'value.1' AND found.value = said."value.1.said" AND found.nth = 1
WHERE said."value.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."value.1.said"
UNION ALL
SELECT
    'medical_history_undated', 'value', 2, 'cdisc_sdtm/concepts/ae_terms.csv', 'cdisc_sdtm/concepts/ae_terms.csv',
    said."value.2.said", count(*), count(CASE WHEN said."value" = 0 AND said."value.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.medical_history_undated AS said
LEFT JOIN work."medical_history_undated concepts" AS found
    ON found.slot = 'value.2' AND found.value = said."value.2.said" AND found.nth = 1
WHERE said."value.2.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."value.2.said";

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
    count(*) FILTER (WHERE _left_out IS NULL AND (("value" = 0 AND "value.source" IS NOT NULL AND "value.decided" IS NOT TRUE) OR (o_concept(4214956) = 0 AND coalesce(concept, 0) = 0 AND (TRUE)) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE))))
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
    observation_datetime,
    observation_type_concept_id,
    value_as_string,
    value_as_concept_id,
    visit_occurrence_id,
    observation_source_value,
    qualifier_source_value,
    value_source_value
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce(concept, 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    CASE WHEN "start.after_birth" = start THEN "start.datetime" END AS observation_datetime,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("text", 1, 60) AS value_as_string,
    "value" AS value_as_concept_id,
    visit AS visit_occurrence_id,
    substr(source, 1, 50) AS observation_source_value,
    substr(qualifier_source, 1, 50) AS qualifier_source_value,
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

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'medical_history_undated', filter.name, count(step._left_out)
FROM (VALUES ('occurred'), ('undated')) AS filter(name)
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
    (4, 'start', 'not a date'),
    (5, 'start', 'missing'),
    (6, 'start', 'before birth')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'medical_history_undated', why.field, why.reason, file.file, file.sheet, step._row
FROM work.medical_history_undated AS step
JOIN (VALUES
    (1, 'visit', 'not found'),
    (2, 'start', 'moved to the day of birth'),
    (4, 'source', 'cut to its length'),
    (8, 'text', 'cut to its length'),
    (16, 'qualifier_source', 'cut to its length'),
    (32, 'value source', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'medical_history_undated', why.field, why.reason, file.file, file.sheet, step._row
FROM work.medical_history_undated AS step
JOIN (VALUES
    (1, 'start', 'earliest')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

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
GROUP BY '32809 Case Report Form';
