-- map biomarker

-- values
CREATE TABLE work."biomarker values" AS
WITH
-- the columns of dsp.biomarker that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.category AS category,
        i."date" AS "date",
        i.gene_mutation AS gene_mutation,
        i.gene_mutation_code AS gene_mutation_code,
        i.other AS other,
        i.subject_id AS subject_id,
        i.target_mutation AS target_mutation,
        i.target_name AS target_name,
        i.trial AS trial
    FROM dsp.biomarker AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(coalesce(gene_mutation, target_name, target_mutation, other, category, CAST(gene_mutation_code AS varchar)) IS NOT NULL, FALSE) THEN 'has_biomarker'
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
        trial || chr(31) || subject_id || chr(31) || CAST("date" AS varchar) || chr(31) || nullif(coalesce(gene_mutation, '') || coalesce('|', '') || coalesce(target_name, '') || coalesce('|', '') || coalesce(target_mutation, '') || coalesce('|', '') || coalesce(coalesce(other, category, CAST(gene_mutation_code AS varchar)), ''), '') AS _key,
        o_id(trial || chr(31) || subject_id) AS "person.hash",
        nullif(coalesce(target_name, '') || coalesce(' ', '') || coalesce(target_mutation, ''), '') AS "concept.1.said",
        target_mutation AS "concept.2.said",
        CASE WHEN o_matches(lower(coalesce(target_mutation, '')), '(^|[^a-z])(wild ?-?type|wt|neg(ative?|ativ)?|not? (detected|mutation|alteration|variant)|none|ikke)([^a-z]|$)|^(0|-|no|nei)$') THEN NULL ELSE gene_mutation END AS "concept.3.said",
        CASE WHEN target_mutation IS NULL THEN target_name END AS "concept.4.said",
        other AS "concept.5.said",
        other AS "concept.6.said",
        "date" AS start,
        coalesce(gene_mutation, target_name, other, target_mutation, category, nullif(coalesce('code ', '') || coalesce(CAST(gene_mutation_code AS varchar), ''), '')) AS source,
        coalesce(target_mutation, target_name, other) AS value_source,
        'kind of biomarker' AS "category.concept.1.said",
        category AS "category.text",
        category IS NOT NULL AS "category.when",
        'biomarker that is not in the trial''s list' AS "other.concept.1.said",
        other AS "other.text",
        other IS NOT NULL AS "other.when"
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
        "concept.4.said",
        "concept.5.said",
        "concept.6.said",
        start,
        source,
        value_source,
        "category.concept.1.said",
        "category.text",
        "category.when",
        "other.concept.1.said",
        "other.text",
        "other.when"
    FROM raw
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."biomarker concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'concept.1' AS slot, "concept.1.said" AS value
    FROM work."biomarker values"
    WHERE "concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.2' AS slot, "concept.2.said" AS value
    FROM work."biomarker values"
    WHERE "concept.2.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.3' AS slot, "concept.3.said" AS value
    FROM work."biomarker values"
    WHERE "concept.3.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.4' AS slot, "concept.4.said" AS value
    FROM work."biomarker values"
    WHERE "concept.4.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.5' AS slot, "concept.5.said" AS value
    FROM work."biomarker values"
    WHERE "concept.5.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.6' AS slot, "concept.6.said" AS value
    FROM work."biomarker values"
    WHERE "concept.6.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'category.concept.1' AS slot, "category.concept.1.said" AS value
    FROM work."biomarker values"
    WHERE "category.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'other.concept.1' AS slot, "other.concept.1.said" AS value
    FROM work."biomarker values"
    WHERE "other.concept.1.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- concept.1: the variant in OMOP Genomic
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'OMOP Genomic' AND term.how = 'variant'
        AND term.key = o_variant(wanted.value)
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'OMOP Genomic' AND term.how = 'gene'
        AND term.key = o_gene(o_variant(wanted.value))
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 201 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'OMOP Genomic' AND term.how = 'fusion'
        AND term.key = o_variant(wanted.value)
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    -- concept.2: the variant in OMOP Genomic
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'OMOP Genomic' AND term.how = 'variant'
        AND term.key = o_variant(wanted.value)
    WHERE wanted.slot = 'concept.2'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'OMOP Genomic' AND term.how = 'gene'
        AND term.key = o_gene(o_variant(wanted.value))
    WHERE wanted.slot = 'concept.2'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 201 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'OMOP Genomic' AND term.how = 'fusion'
        AND term.key = o_variant(wanted.value)
    WHERE wanted.slot = 'concept.2'
    UNION ALL
    -- concept.3: the reviewed mapping prime_rose/concepts/biomarkers.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/biomarkers.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.3'
    UNION ALL
    -- concept.4: the reviewed mapping prime_rose/concepts/biomarkers.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/biomarkers.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.4'
    UNION ALL
    -- concept.5: the variant in OMOP Genomic
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'OMOP Genomic' AND term.how = 'variant'
        AND term.key = o_variant(wanted.value)
    WHERE wanted.slot = 'concept.5'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'OMOP Genomic' AND term.how = 'gene'
        AND term.key = o_gene(o_variant(wanted.value))
    WHERE wanted.slot = 'concept.5'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 201 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'OMOP Genomic' AND term.how = 'fusion'
        AND term.key = o_variant(wanted.value)
    WHERE wanted.slot = 'concept.5'
    UNION ALL
    -- concept.6: the reviewed mapping prime_rose/concepts/biomarkers.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/biomarkers.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.6'
    UNION ALL
    -- category.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'category.concept.1'
    UNION ALL
    -- other.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'other.concept.1'
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
CREATE TABLE work.biomarker AS
WITH
typed AS (SELECT * FROM work."biomarker values"),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        "person ref".id AS person,
        coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AS born,
        CASE WHEN start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth THEN coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) ELSE start END AS "start.after_birth",
        start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND NOT (start < coalesce(o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), coalesce(born.day_of_birth, 1)), o_ymd(born.year_of_birth, coalesce(born.month_of_birth, 1), 1), o_ymd(born.year_of_birth, 1, 1)) AND extract(year FROM start) = born.year_of_birth) AS "start.before_birth",
        coalesce(nullif("concept.1".concept_id, 0), nullif("concept.2".concept_id, 0), nullif("concept.3".concept_id, 0), nullif("concept.4".concept_id, 0), nullif("concept.5".concept_id, 0), nullif("concept.6".concept_id, 0), CASE WHEN coalesce("concept.1.said", "concept.2.said", "concept.3.said", "concept.4.said", "concept.5.said", "concept.6.said") IS NOT NULL THEN 0 END) AS concept,
        coalesce("concept.1.said", "concept.2.said", "concept.3.said", "concept.4.said", "concept.5.said", "concept.6.said") AS "concept.source",
        CASE WHEN coalesce("concept.1.said", "concept.2.said", "concept.3.said", "concept.4.said", "concept.5.said", "concept.6.said") IS NOT NULL THEN CASE WHEN "concept.1".concept_id <> 0 THEN coalesce("concept.1".source_concept_id, 0) WHEN "concept.2".concept_id <> 0 THEN coalesce("concept.2".source_concept_id, 0) WHEN "concept.3".concept_id <> 0 THEN coalesce("concept.3".source_concept_id, 0) WHEN "concept.4".concept_id <> 0 THEN coalesce("concept.4".source_concept_id, 0) WHEN "concept.5".concept_id <> 0 THEN coalesce("concept.5".source_concept_id, 0) WHEN "concept.6".concept_id <> 0 THEN coalesce("concept.6".source_concept_id, 0) ELSE coalesce(nullif("concept.1".source_concept_id, 0), nullif("concept.2".source_concept_id, 0), nullif("concept.3".source_concept_id, 0), nullif("concept.4".source_concept_id, 0), nullif("concept.5".source_concept_id, 0), nullif("concept.6".source_concept_id, 0), 0) END END AS "concept.source_concept",
        coalesce("concept.3".decided, "concept.4".decided, "concept.6".decided) AS "concept.decided",
        coalesce("concept.1".domain_id, "concept.2".domain_id, "concept.3".domain_id, "concept.4".domain_id, "concept.5".domain_id, "concept.6".domain_id) AS "concept.domain",
        coalesce(coalesce("concept.1".value_concept_id, CASE WHEN nullif("concept.1".concept_id, 0) IS NOT NULL THEN nullif(o_concept(9191), 0) END), coalesce("concept.2".value_concept_id, CASE WHEN nullif("concept.2".concept_id, 0) IS NOT NULL THEN nullif(o_concept(9191), 0) END), "concept.3".value_concept_id, "concept.4".value_concept_id, coalesce("concept.5".value_concept_id, CASE WHEN nullif("concept.5".concept_id, 0) IS NOT NULL THEN nullif(o_concept(9191), 0) END), "concept.6".value_concept_id) AS "concept.value",
        coalesce(CASE WHEN "concept.1".concept_id <> 0 THEN "concept.1".nth END, CASE WHEN "concept.2".concept_id <> 0 THEN "concept.2".nth END, CASE WHEN "concept.3".concept_id <> 0 THEN "concept.3".nth END, CASE WHEN "concept.4".concept_id <> 0 THEN "concept.4".nth END, CASE WHEN "concept.5".concept_id <> 0 THEN "concept.5".nth END, CASE WHEN "concept.6".concept_id <> 0 THEN "concept.6".nth END, 1) AS _target,
        coalesce(nullif(o_concept(32809), 0), 0) AS type,
        coalesce(nullif("category.concept.1".concept_id, 0), CASE WHEN "category.concept.1.said" IS NOT NULL THEN 0 END) AS "category.concept",
        "category.concept.1.said" AS "category.concept.source",
        CASE WHEN "category.concept.1.said" IS NOT NULL THEN coalesce(nullif("category.concept.1".source_concept_id, 0), 0) END AS "category.concept.source_concept",
        "category.concept.1".decided AS "category.concept.decided",
        coalesce(nullif("other.concept.1".concept_id, 0), CASE WHEN "other.concept.1.said" IS NOT NULL THEN 0 END) AS "other.concept",
        "other.concept.1.said" AS "other.concept.source",
        CASE WHEN "other.concept.1.said" IS NOT NULL THEN coalesce(nullif("other.concept.1".source_concept_id, 0), 0) END AS "other.concept.source_concept",
        "other.concept.1".decided AS "other.concept.decided"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."biomarker concepts" AS "concept.1" ON "concept.1".slot = 'concept.1' AND "concept.1".value = typed."concept.1.said"
    LEFT JOIN work."biomarker concepts" AS "concept.2" ON "concept.2".slot = 'concept.2' AND "concept.2".value = typed."concept.2.said" AND coalesce("concept.1".concept_id, 0) = 0
    LEFT JOIN work."biomarker concepts" AS "concept.3" ON "concept.3".slot = 'concept.3' AND "concept.3".value = typed."concept.3.said" AND coalesce("concept.1".concept_id, 0) = 0 AND coalesce("concept.2".concept_id, 0) = 0
    LEFT JOIN work."biomarker concepts" AS "concept.4" ON "concept.4".slot = 'concept.4' AND "concept.4".value = typed."concept.4.said" AND coalesce("concept.1".concept_id, 0) = 0 AND coalesce("concept.2".concept_id, 0) = 0 AND coalesce("concept.3".concept_id, 0) = 0 AND "concept.3".decided IS NOT TRUE
    LEFT JOIN work."biomarker concepts" AS "concept.5" ON "concept.5".slot = 'concept.5' AND "concept.5".value = typed."concept.5.said" AND coalesce("concept.1".concept_id, 0) = 0 AND coalesce("concept.2".concept_id, 0) = 0 AND coalesce("concept.3".concept_id, 0) = 0 AND coalesce("concept.4".concept_id, 0) = 0 AND "concept.3".decided IS NOT TRUE AND "concept.4".decided IS NOT TRUE
    LEFT JOIN work."biomarker concepts" AS "concept.6" ON "concept.6".slot = 'concept.6' AND "concept.6".value = typed."concept.6.said" AND coalesce("concept.1".concept_id, 0) = 0 AND coalesce("concept.2".concept_id, 0) = 0 AND coalesce("concept.3".concept_id, 0) = 0 AND coalesce("concept.4".concept_id, 0) = 0 AND coalesce("concept.5".concept_id, 0) = 0 AND "concept.3".decided IS NOT TRUE AND "concept.4".decided IS NOT TRUE
    LEFT JOIN work."biomarker concepts" AS "category.concept.1" ON "category.concept.1".slot = 'category.concept.1' AND "category.concept.1".value = typed."category.concept.1.said" AND "category.concept.1".nth = 1
    LEFT JOIN work."biomarker concepts" AS "other.concept.1" ON "other.concept.1".slot = 'other.concept.1' AND "other.concept.1".value = typed."other.concept.1.said" AND "other.concept.1".nth = 1
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
            + CASE WHEN _left_out IS NULL AND length(value_source) > 50 THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("category.text") > 60 THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("other.text") > 60 THEN 16 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id('biomarker' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("concept.4.said" AS varchar), '')
            || chr(31) || coalesce(CAST("concept.5.said" AS varchar), '')
            || chr(31) || coalesce(CAST("concept.6.said" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST(source AS varchar), '')
            || chr(31) || coalesce(CAST(value_source AS varchar), '')
            || chr(31) || coalesce(CAST("category.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("category.text" AS varchar), '')
            || chr(31) || coalesce(CAST("category.when" AS varchar), '')
            || chr(31) || coalesce(CAST("other.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("other.text" AS varchar), '')
            || chr(31) || coalesce(CAST("other.when" AS varchar), '') AS _content
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
    value_source,
    "category.text",
    "category.when",
    "other.text",
    "other.when",
    "concept.1.said",
    "concept.2.said",
    "concept.3.said",
    "concept.4.said",
    "concept.5.said",
    "concept.6.said",
    "category.concept.1.said",
    "other.concept.1.said",
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
    "category.concept",
    "category.concept.source",
    "category.concept.source_concept",
    "category.concept.decided",
    "other.concept",
    "other.concept.source",
    "other.concept.source_concept",
    "other.concept.decided"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'biomarker', 'concept', 1, 'OMOP Genomic by variant', NULL,
    said."concept.1.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.biomarker AS said
LEFT JOIN work."biomarker concepts" AS found
    ON found.slot = 'concept.1' AND found.value = said."concept.1.said" AND found.nth = 1
WHERE said."concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.1.said"
UNION ALL
SELECT
    'biomarker', 'concept', 2, 'OMOP Genomic by variant', NULL,
    said."concept.2.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.biomarker AS said
LEFT JOIN work."biomarker concepts" AS found
    ON found.slot = 'concept.2' AND found.value = said."concept.2.said" AND found.nth = 1
WHERE said."concept.2.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.2.said"
UNION ALL
SELECT
    'biomarker', 'concept', 3, 'prime_rose/concepts/biomarkers.csv', 'prime_rose/concepts/biomarkers.csv',
    said."concept.3.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.biomarker AS said
LEFT JOIN work."biomarker concepts" AS found
    ON found.slot = 'concept.3' AND found.value = said."concept.3.said" AND found.nth = 1
WHERE said."concept.3.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.3.said"
UNION ALL
SELECT
    'biomarker', 'concept', 4, 'prime_rose/concepts/biomarkers.csv', 'prime_rose/concepts/biomarkers.csv',
    said."concept.4.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.biomarker AS said
LEFT JOIN work."biomarker concepts" AS found
    ON found.slot = 'concept.4' AND found.value = said."concept.4.said" AND found.nth = 1
WHERE said."concept.4.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.4.said"
UNION ALL
SELECT
    'biomarker', 'concept', 5, 'OMOP Genomic by variant', NULL,
    said."concept.5.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.biomarker AS said
LEFT JOIN work."biomarker concepts" AS found
    ON found.slot = 'concept.5' AND found.value = said."concept.5.said" AND found.nth = 1
WHERE said."concept.5.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.5.said"
UNION ALL
SELECT
    'biomarker', 'concept', 6, 'prime_rose/concepts/biomarkers.csv', 'prime_rose/concepts/biomarkers.csv',
    said."concept.6.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.biomarker AS said
LEFT JOIN work."biomarker concepts" AS found
    ON found.slot = 'concept.6' AND found.value = said."concept.6.said" AND found.nth = 1
WHERE said."concept.6.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.6.said"
UNION ALL
SELECT
    'biomarker', 'category.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."category.concept.1.said", count(*), count(CASE WHEN said."category.concept" = 0 AND said."category.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.biomarker AS said
LEFT JOIN work."biomarker concepts" AS found
    ON found.slot = 'category.concept.1' AND found.value = said."category.concept.1.said" AND found.nth = 1
WHERE said."category.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."category.concept.1.said"
UNION ALL
SELECT
    'biomarker', 'other.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."other.concept.1.said", count(*), count(CASE WHEN said."other.concept" = 0 AND said."other.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.biomarker AS said
LEFT JOIN work."biomarker concepts" AS found
    ON found.slot = 'other.concept.1' AND found.value = said."other.concept.1.said" AND found.nth = 1
WHERE said."other.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."other.concept.1.said";

-- accounting
SELECT
    count(*) FILTER (WHERE _target = 1) AS rows_read,
    count(*) FILTER (WHERE _target = 1 AND _status = 'used') AS rows_used,
    count(*) FILTER (WHERE _target = 1 AND _status = 'filtered') AS rows_filtered,
    count(*) FILTER (WHERE _target = 1 AND _status = 'deduplicated') AS rows_deduplicated,
    count(*) FILTER (WHERE _target = 1 AND _status = 'rejected') AS rows_rejected,
    count(*) FILTER (WHERE _status = 'used'),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("category.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("other.when"))),
    count(*) FILTER (WHERE _target = 1 AND _status IN ('filtered', 'deduplicated')),
    count(*) FILTER (WHERE _issues <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND ((concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)) OR ("category.concept" = 0 AND "category.concept.source" IS NOT NULL AND "category.concept.decided" IS NOT TRUE AND ("category.when")) OR ("other.concept" = 0 AND "other.concept.source" IS NOT NULL AND "other.concept.decided" IS NOT TRUE AND ("other.when"))))
FROM work.biomarker AS step;

-- ids cdm.measurement
INSERT INTO register.measurement (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.biomarker AS step
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
    measurement_type_concept_id,
    value_as_concept_id,
    measurement_source_value,
    measurement_source_concept_id,
    value_source_value
)
SELECT
    ids.id AS measurement_id,
    person AS person_id,
    coalesce(concept, 0) AS measurement_concept_id,
    "start.after_birth" AS measurement_date,
    coalesce(type, 0) AS measurement_type_concept_id,
    "concept.value" AS value_as_concept_id,
    substr(source, 1, 50) AS measurement_source_value,
    "concept.source_concept" AS measurement_source_concept_id,
    substr(value_source, 1, 50) AS value_source_value
FROM work.biomarker AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.measurement
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'measurement', ids.id, 'biomarker', step._file, step._row, NULL, step._n, step._of
FROM work.biomarker AS step
JOIN register.measurement AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- parents
CREATE TABLE work."biomarker parents" AS
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147138), 0) AS field_concept_id,
    nullif(o_concept(21), 0) AS domain_concept_id
FROM work.biomarker AS step
JOIN register.measurement AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1;

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('biomarker' || chr(31) || _key || chr(31) || 'category') AS hash
    FROM work.biomarker AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("category.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('biomarker' || chr(31) || _key || chr(31) || 'category'))
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
    coalesce("category.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("category.text", 1, 60) AS value_as_string,
    substr("category.concept.source", 1, 50) AS observation_source_value,
    "category.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.biomarker AS step
JOIN register.observation AS ids ON ids.hash = o_id('biomarker' || chr(31) || _key || chr(31) || 'category')
JOIN work."biomarker parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("category.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'biomarker', step._file, step._row, 'category', step._n, step._of
FROM work.biomarker AS step
JOIN register.observation AS ids ON ids.hash = o_id('biomarker' || chr(31) || _key || chr(31) || 'category')
WHERE step._status = 'used' AND (_target = 1 AND ("category.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('biomarker' || chr(31) || _key || chr(31) || 'other') AS hash
    FROM work.biomarker AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("other.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('biomarker' || chr(31) || _key || chr(31) || 'other'))
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
    coalesce("other.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("other.text", 1, 60) AS value_as_string,
    substr("other.concept.source", 1, 50) AS observation_source_value,
    "other.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.biomarker AS step
JOIN register.observation AS ids ON ids.hash = o_id('biomarker' || chr(31) || _key || chr(31) || 'other')
JOIN work."biomarker parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("other.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'biomarker', step._file, step._row, 'other', step._n, step._of
FROM work.biomarker AS step
JOIN register.observation AS ids ON ids.hash = o_id('biomarker' || chr(31) || _key || chr(31) || 'other')
WHERE step._status = 'used' AND (_target = 1 AND ("other.when"));

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'biomarker', filter.name, count(step._left_out)
FROM (VALUES ('has_biomarker')) AS filter(name)
LEFT JOIN work.biomarker AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'biomarker', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.biomarker AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'biomarker', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.biomarker AS step
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
SELECT 'biomarker', why.field, why.reason, file.file, file.sheet, step._row
FROM work.biomarker AS step
JOIN (VALUES
    (1, 'start', 'moved to the day of birth'),
    (2, 'source', 'cut to its length'),
    (4, 'value_source', 'cut to its length'),
    (8, 'category.text', 'cut to its length'),
    (16, 'other.text', 'cut to its length')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'biomarker', 'concept', "concept.source", count(*)
FROM work.biomarker
WHERE _left_out IS NULL AND _target = 1 AND concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE
GROUP BY "concept.source"
UNION ALL
SELECT 'biomarker', 'type', '32809 Case Report Form', count(*)
FROM work.biomarker
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form'
UNION ALL
SELECT 'biomarker', 'category.concept', "category.concept.source", count(*)
FROM work.biomarker
WHERE _left_out IS NULL AND _target = 1 AND "category.concept" = 0 AND "category.concept.source" IS NOT NULL AND "category.concept.decided" IS NOT TRUE AND ("category.when")
GROUP BY "category.concept.source"
UNION ALL
SELECT 'biomarker', 'other.concept', "other.concept.source", count(*)
FROM work.biomarker
WHERE _left_out IS NULL AND _target = 1 AND "other.concept" = 0 AND "other.concept.source" IS NOT NULL AND "other.concept.decided" IS NOT TRUE AND ("other.when")
GROUP BY "other.concept.source";
