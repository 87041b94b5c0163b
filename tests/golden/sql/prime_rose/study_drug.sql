-- map study_drug

-- values
CREATE TABLE work."study_drug values" AS
WITH
-- the columns of dsp.treatment_cycle that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.cycle_number AS cycle_number,
        i.days_not_taken AS days_not_taken,
        i.dose AS dose,
        i.dose_basis AS dose_basis,
        i.dose_delivered AS dose_delivered,
        i.dose_unit AS dose_unit,
        i.drug AS drug,
        i.drug_number AS drug_number,
        i.end_basis AS end_basis,
        i.end_date AS end_date,
        i.given_as_specified AS given_as_specified,
        i.intake_start_date AS intake_start_date,
        i.other_dose_unit AS other_dose_unit,
        i.previous_cycle_as_prescribed AS previous_cycle_as_prescribed,
        i.reason_not_as_specified AS reason_not_as_specified,
        i.reason_not_as_specified_other AS reason_not_as_specified_other,
        i.reason_not_taken AS reason_not_taken,
        i.received AS received,
        i.start_date AS start_date,
        i.subject_id AS subject_id,
        i.total_dose_delivered AS total_dose_delivered,
        i.trial AS trial,
        i.type AS type
    FROM dsp.treatment_cycle AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(received, FALSE) THEN 'received'
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
        trial || chr(31) || subject_id || chr(31) || CAST(drug_number AS varchar) || chr(31) || CAST(cycle_number AS varchar) || chr(31) || lower(drug) AS _key,
        o_id(trial || chr(31) || subject_id) AS "person.hash",
        drug AS "concept.1.said",
        o_rx(drug, '[(](.+)[)]', 1) AS "concept.2.said",
        drug AS "concept.3.said",
        type AS "route.1.said",
        start_date AS start,
        end_date AS "end",
        CASE WHEN type = 'iv' THEN coalesce(dose_delivered, dose) END AS quantity,
        CASE WHEN dose IS NOT NULL THEN nullif(coalesce(o_plain(dose), '') || coalesce(' ', '') || coalesce(coalesce(CASE WHEN dose_unit = 'other' THEN other_dose_unit END, dose_unit), '') || coalesce(' ', '') || coalesce(dose_basis, ''), '') END AS sig,
        CASE WHEN dose_unit = 'other' THEN other_dose_unit ELSE dose_unit END AS dose_unit_source_value,
        CASE WHEN coalesce(end_basis, 'recorded') = 'recorded' THEN end_date END AS verbatim_end_date,
        'study drug given as specified' AS "given_as_specified.concept.1.said",
        CASE WHEN given_as_specified THEN 'yes' ELSE 'no' END AS "given_as_specified.text",
        given_as_specified IS NOT NULL AS "given_as_specified.when",
        'reason why not given as specified' AS "reason_not_as_specified.concept.1.said",
        coalesce(reason_not_as_specified_other, reason_not_as_specified) AS "reason_not_as_specified.text",
        coalesce(reason_not_as_specified, reason_not_as_specified_other) AS "reason_not_as_specified.value_source",
        coalesce(reason_not_as_specified, reason_not_as_specified_other) IS NOT NULL AS "reason_not_as_specified.when",
        'whole dose of study drug delivered' AS "whole_dose_delivered.concept.1.said",
        CASE WHEN total_dose_delivered THEN 'yes' ELSE 'no' END AS "whole_dose_delivered.text",
        total_dose_delivered IS NOT NULL AS "whole_dose_delivered.when",
        'days on which study drug was not taken' AS "days_not_taken.concept.1.said",
        days_not_taken AS "days_not_taken.number",
        reason_not_taken AS "days_not_taken.text",
        days_not_taken IS NOT NULL OR reason_not_taken IS NOT NULL AS "days_not_taken.when",
        'previous cycle of study drug taken as prescribed' AS "previous_cycle.concept.1.said",
        CASE WHEN previous_cycle_as_prescribed THEN 'yes' ELSE 'no' END AS "previous_cycle.text",
        previous_cycle_as_prescribed IS NOT NULL AS "previous_cycle.when",
        'first day of intake in the cycle' AS "first_intake.concept.1.said",
        coalesce(intake_start_date, start_date) AS "first_intake.start",
        intake_start_date <> start_date AS "first_intake.when"
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
        "route.1.said",
        start,
        "end",
        quantity,
        sig,
        dose_unit_source_value,
        verbatim_end_date,
        "given_as_specified.concept.1.said",
        "given_as_specified.text",
        "given_as_specified.when",
        "reason_not_as_specified.concept.1.said",
        "reason_not_as_specified.text",
        "reason_not_as_specified.value_source",
        "reason_not_as_specified.when",
        "whole_dose_delivered.concept.1.said",
        "whole_dose_delivered.text",
        "whole_dose_delivered.when",
        "days_not_taken.concept.1.said",
        "days_not_taken.number",
        "days_not_taken.text",
        "days_not_taken.when",
        "previous_cycle.concept.1.said",
        "previous_cycle.text",
        "previous_cycle.when",
        "first_intake.concept.1.said",
        "first_intake.start",
        "first_intake.when"
    FROM raw
)
SELECT * FROM typed;

-- concepts
CREATE TABLE work."study_drug concepts" AS
WITH
wanted AS (
    SELECT DISTINCT 'concept.1' AS slot, "concept.1.said" AS value
    FROM work."study_drug values"
    WHERE "concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.2' AS slot, "concept.2.said" AS value
    FROM work."study_drug values"
    WHERE "concept.2.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'concept.3' AS slot, "concept.3.said" AS value
    FROM work."study_drug values"
    WHERE "concept.3.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'given_as_specified.concept.1' AS slot, "given_as_specified.concept.1.said" AS value
    FROM work."study_drug values"
    WHERE "given_as_specified.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'reason_not_as_specified.concept.1' AS slot, "reason_not_as_specified.concept.1.said" AS value
    FROM work."study_drug values"
    WHERE "reason_not_as_specified.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'whole_dose_delivered.concept.1' AS slot, "whole_dose_delivered.concept.1.said" AS value
    FROM work."study_drug values"
    WHERE "whole_dose_delivered.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'days_not_taken.concept.1' AS slot, "days_not_taken.concept.1.said" AS value
    FROM work."study_drug values"
    WHERE "days_not_taken.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'previous_cycle.concept.1' AS slot, "previous_cycle.concept.1.said" AS value
    FROM work."study_drug values"
    WHERE "previous_cycle.concept.1.said" IS NOT NULL AND _left_out IS NULL
    UNION ALL
    SELECT DISTINCT 'first_intake.concept.1' AS slot, "first_intake.concept.1.said" AS value
    FROM work."study_drug values"
    WHERE "first_intake.concept.1.said" IS NOT NULL AND _left_out IS NULL
),
found AS (
    -- concept.1: the reviewed mapping prime_rose/concepts/study_drugs.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/study_drugs.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.1'
    UNION ALL
    -- concept.2: the name in RxNorm, then RxNorm Extension
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'RxNorm' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.2'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'RxNorm' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.2'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 2 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'RxNorm Extension' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.2'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 102 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'RxNorm Extension' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.2'
    UNION ALL
    -- concept.3: the name in RxNorm, then RxNorm Extension
    SELECT
        wanted.slot, wanted.value, 1 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'RxNorm' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.3'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 101 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'RxNorm' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.3'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 2 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'RxNorm Extension' AND term.how = 'name'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.3'
    UNION ALL
    SELECT
        wanted.slot, wanted.value, 102 AS preference,
        CASE WHEN term.spelling = wanted.value THEN 0 ELSE 2 END + CASE WHEN term.retired THEN 1 ELSE 0 END AS respelt,
        term.concept_id AS source_concept_id, term.concept_id, 'MAPS_TO' AS purpose
    FROM wanted
    JOIN work.terms AS term
        ON term.vocabulary_id = 'RxNorm Extension' AND term.how = 'synonym'
        AND term.key = o_fold(wanted.value)
    WHERE wanted.slot = 'concept.3'
    UNION ALL
    -- given_as_specified.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'given_as_specified.concept.1'
    UNION ALL
    -- reason_not_as_specified.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'reason_not_as_specified.concept.1'
    UNION ALL
    -- whole_dose_delivered.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'whole_dose_delivered.concept.1'
    UNION ALL
    -- days_not_taken.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'days_not_taken.concept.1'
    UNION ALL
    -- previous_cycle.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'previous_cycle.concept.1'
    UNION ALL
    -- first_intake.concept.1: the reviewed mapping prime_rose/concepts/questions.csv
    SELECT DISTINCT wanted.slot, wanted.value, 0 AS preference, 0 AS respelt, file.source_concept_id, file.concept_id, file.purpose
    FROM wanted
    JOIN work.concept_files AS file ON file.file = 'prime_rose/concepts/questions.csv' AND file.key = o_fold(wanted.value)
    WHERE wanted.slot = 'first_intake.concept.1'
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
CREATE TABLE work.study_drug AS
WITH
typed AS (SELECT * FROM work."study_drug values"),
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
        coalesce(CASE o_fold("route.1.said") WHEN 'oral' THEN nullif(o_concept(4132161), 0) WHEN 'iv' THEN nullif(o_concept(4171047), 0) END, CASE WHEN "route.1.said" IS NOT NULL THEN 0 END) AS route,
        "route.1.said" AS "route.source",
        CASE WHEN "route.1.said" IS NOT NULL THEN 0 END AS "route.source_concept",
        coalesce(nullif("given_as_specified.concept.1".concept_id, 0), CASE WHEN "given_as_specified.concept.1.said" IS NOT NULL THEN 0 END) AS "given_as_specified.concept",
        "given_as_specified.concept.1.said" AS "given_as_specified.concept.source",
        CASE WHEN "given_as_specified.concept.1.said" IS NOT NULL THEN coalesce(nullif("given_as_specified.concept.1".source_concept_id, 0), 0) END AS "given_as_specified.concept.source_concept",
        "given_as_specified.concept.1".decided AS "given_as_specified.concept.decided",
        coalesce(nullif("reason_not_as_specified.concept.1".concept_id, 0), CASE WHEN "reason_not_as_specified.concept.1.said" IS NOT NULL THEN 0 END) AS "reason_not_as_specified.concept",
        "reason_not_as_specified.concept.1.said" AS "reason_not_as_specified.concept.source",
        CASE WHEN "reason_not_as_specified.concept.1.said" IS NOT NULL THEN coalesce(nullif("reason_not_as_specified.concept.1".source_concept_id, 0), 0) END AS "reason_not_as_specified.concept.source_concept",
        "reason_not_as_specified.concept.1".decided AS "reason_not_as_specified.concept.decided",
        coalesce(nullif("whole_dose_delivered.concept.1".concept_id, 0), CASE WHEN "whole_dose_delivered.concept.1.said" IS NOT NULL THEN 0 END) AS "whole_dose_delivered.concept",
        "whole_dose_delivered.concept.1.said" AS "whole_dose_delivered.concept.source",
        CASE WHEN "whole_dose_delivered.concept.1.said" IS NOT NULL THEN coalesce(nullif("whole_dose_delivered.concept.1".source_concept_id, 0), 0) END AS "whole_dose_delivered.concept.source_concept",
        "whole_dose_delivered.concept.1".decided AS "whole_dose_delivered.concept.decided",
        coalesce(nullif("days_not_taken.concept.1".concept_id, 0), CASE WHEN "days_not_taken.concept.1.said" IS NOT NULL THEN 0 END) AS "days_not_taken.concept",
        "days_not_taken.concept.1.said" AS "days_not_taken.concept.source",
        CASE WHEN "days_not_taken.concept.1.said" IS NOT NULL THEN coalesce(nullif("days_not_taken.concept.1".source_concept_id, 0), 0) END AS "days_not_taken.concept.source_concept",
        "days_not_taken.concept.1".decided AS "days_not_taken.concept.decided",
        coalesce(nullif(o_concept(8512), 0), 0) AS "days_not_taken.unit",
        coalesce(nullif("previous_cycle.concept.1".concept_id, 0), CASE WHEN "previous_cycle.concept.1.said" IS NOT NULL THEN 0 END) AS "previous_cycle.concept",
        "previous_cycle.concept.1.said" AS "previous_cycle.concept.source",
        CASE WHEN "previous_cycle.concept.1.said" IS NOT NULL THEN coalesce(nullif("previous_cycle.concept.1".source_concept_id, 0), 0) END AS "previous_cycle.concept.source_concept",
        "previous_cycle.concept.1".decided AS "previous_cycle.concept.decided",
        coalesce(nullif("first_intake.concept.1".concept_id, 0), CASE WHEN "first_intake.concept.1.said" IS NOT NULL THEN 0 END) AS "first_intake.concept",
        "first_intake.concept.1.said" AS "first_intake.concept.source",
        CASE WHEN "first_intake.concept.1.said" IS NOT NULL THEN coalesce(nullif("first_intake.concept.1".source_concept_id, 0), 0) END AS "first_intake.concept.source_concept",
        "first_intake.concept.1".decided AS "first_intake.concept.decided"
    FROM typed
    LEFT JOIN work."ids of person" AS "person ref" ON "person ref".hash = typed."person.hash"
    LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id
    LEFT JOIN work."study_drug concepts" AS "concept.1" ON "concept.1".slot = 'concept.1' AND "concept.1".value = typed."concept.1.said"
    LEFT JOIN work."study_drug concepts" AS "concept.2" ON "concept.2".slot = 'concept.2' AND "concept.2".value = typed."concept.2.said" AND coalesce("concept.1".concept_id, 0) = 0 AND "concept.1".decided IS NOT TRUE
    LEFT JOIN work."study_drug concepts" AS "concept.3" ON "concept.3".slot = 'concept.3' AND "concept.3".value = typed."concept.3.said" AND coalesce("concept.1".concept_id, 0) = 0 AND coalesce("concept.2".concept_id, 0) = 0 AND "concept.1".decided IS NOT TRUE
    LEFT JOIN work."study_drug concepts" AS "given_as_specified.concept.1" ON "given_as_specified.concept.1".slot = 'given_as_specified.concept.1' AND "given_as_specified.concept.1".value = typed."given_as_specified.concept.1.said" AND "given_as_specified.concept.1".nth = 1
    LEFT JOIN work."study_drug concepts" AS "reason_not_as_specified.concept.1" ON "reason_not_as_specified.concept.1".slot = 'reason_not_as_specified.concept.1' AND "reason_not_as_specified.concept.1".value = typed."reason_not_as_specified.concept.1.said" AND "reason_not_as_specified.concept.1".nth = 1
    LEFT JOIN work."study_drug concepts" AS "whole_dose_delivered.concept.1" ON "whole_dose_delivered.concept.1".slot = 'whole_dose_delivered.concept.1' AND "whole_dose_delivered.concept.1".value = typed."whole_dose_delivered.concept.1.said" AND "whole_dose_delivered.concept.1".nth = 1
    LEFT JOIN work."study_drug concepts" AS "days_not_taken.concept.1" ON "days_not_taken.concept.1".slot = 'days_not_taken.concept.1' AND "days_not_taken.concept.1".value = typed."days_not_taken.concept.1.said" AND "days_not_taken.concept.1".nth = 1
    LEFT JOIN work."study_drug concepts" AS "previous_cycle.concept.1" ON "previous_cycle.concept.1".slot = 'previous_cycle.concept.1' AND "previous_cycle.concept.1".value = typed."previous_cycle.concept.1.said" AND "previous_cycle.concept.1".nth = 1
    LEFT JOIN work."study_drug concepts" AS "first_intake.concept.1" ON "first_intake.concept.1".slot = 'first_intake.concept.1' AND "first_intake.concept.1".value = typed."first_intake.concept.1.said" AND "first_intake.concept.1".nth = 1
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
            + CASE WHEN _left_out IS NULL AND "end" < "start.after_birth" THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("concept.source") > 50 THEN 4 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("route.source") > 50 THEN 8 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length(dose_unit_source_value) > 50 THEN 16 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("given_as_specified.text") > 60 THEN 32 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("given_as_specified.concept.source") > 50 THEN 64 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("reason_not_as_specified.text") > 60 THEN 128 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("reason_not_as_specified.value_source") > 50 THEN 256 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("reason_not_as_specified.concept.source") > 50 THEN 512 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("whole_dose_delivered.text") > 60 THEN 1024 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("whole_dose_delivered.concept.source") > 50 THEN 2048 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("days_not_taken.text") > 60 THEN 4096 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("days_not_taken.concept.source") > 50 THEN 8192 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("previous_cycle.text") > 60 THEN 16384 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("previous_cycle.concept.source") > 50 THEN 32768 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND length("first_intake.concept.source") > 50 THEN 65536 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("first_intake.when") AND "first_intake.start" IS NULL THEN 131072 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND ("first_intake.when") AND "first_intake.start" < born THEN 262144 ELSE 0 END AS _issues,
        CASE WHEN _left_out IS NULL AND CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END IS NULL AND "start.after_birth" IS NOT NULL THEN 1 ELSE 0 END AS _imputed,
        o_id('study_drug' || chr(31) || _key) AS _hash,
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
            || chr(31) || coalesce(CAST("route.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST(start AS varchar), '')
            || chr(31) || coalesce(CAST("end" AS varchar), '')
            || chr(31) || coalesce(CAST(quantity AS varchar), '')
            || chr(31) || coalesce(CAST(sig AS varchar), '')
            || chr(31) || coalesce(CAST(dose_unit_source_value AS varchar), '')
            || chr(31) || coalesce(CAST(verbatim_end_date AS varchar), '')
            || chr(31) || coalesce(CAST("given_as_specified.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("given_as_specified.text" AS varchar), '')
            || chr(31) || coalesce(CAST("given_as_specified.when" AS varchar), '')
            || chr(31) || coalesce(CAST("reason_not_as_specified.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("reason_not_as_specified.text" AS varchar), '')
            || chr(31) || coalesce(CAST("reason_not_as_specified.value_source" AS varchar), '')
            || chr(31) || coalesce(CAST("reason_not_as_specified.when" AS varchar), '')
            || chr(31) || coalesce(CAST("whole_dose_delivered.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("whole_dose_delivered.text" AS varchar), '')
            || chr(31) || coalesce(CAST("whole_dose_delivered.when" AS varchar), '')
            || chr(31) || coalesce(CAST("days_not_taken.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("days_not_taken.number" AS varchar), '')
            || chr(31) || coalesce(CAST("days_not_taken.text" AS varchar), '')
            || chr(31) || coalesce(CAST("days_not_taken.when" AS varchar), '')
            || chr(31) || coalesce(CAST("previous_cycle.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("previous_cycle.text" AS varchar), '')
            || chr(31) || coalesce(CAST("previous_cycle.when" AS varchar), '')
            || chr(31) || coalesce(CAST("first_intake.concept.1.said" AS varchar), '')
            || chr(31) || coalesce(CAST("first_intake.start" AS varchar), '')
            || chr(31) || coalesce(CAST("first_intake.when" AS varchar), '') AS _content
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
    quantity,
    sig,
    dose_unit_source_value,
    verbatim_end_date,
    "given_as_specified.text",
    "given_as_specified.when",
    "reason_not_as_specified.text",
    "reason_not_as_specified.value_source",
    "reason_not_as_specified.when",
    "whole_dose_delivered.text",
    "whole_dose_delivered.when",
    "days_not_taken.number",
    "days_not_taken.text",
    "days_not_taken.when",
    "previous_cycle.text",
    "previous_cycle.when",
    "first_intake.start",
    "first_intake.when",
    "concept.1.said",
    "concept.2.said",
    "concept.3.said",
    "given_as_specified.concept.1.said",
    "reason_not_as_specified.concept.1.said",
    "whole_dose_delivered.concept.1.said",
    "days_not_taken.concept.1.said",
    "previous_cycle.concept.1.said",
    "first_intake.concept.1.said",
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
    route,
    "route.source",
    "route.source_concept",
    "given_as_specified.concept",
    "given_as_specified.concept.source",
    "given_as_specified.concept.source_concept",
    "given_as_specified.concept.decided",
    "reason_not_as_specified.concept",
    "reason_not_as_specified.concept.source",
    "reason_not_as_specified.concept.source_concept",
    "reason_not_as_specified.concept.decided",
    "whole_dose_delivered.concept",
    "whole_dose_delivered.concept.source",
    "whole_dose_delivered.concept.source_concept",
    "whole_dose_delivered.concept.decided",
    "days_not_taken.concept",
    "days_not_taken.concept.source",
    "days_not_taken.concept.source_concept",
    "days_not_taken.concept.decided",
    "days_not_taken.unit",
    "previous_cycle.concept",
    "previous_cycle.concept.source",
    "previous_cycle.concept.source_concept",
    "previous_cycle.concept.decided",
    "first_intake.concept",
    "first_intake.concept.source",
    "first_intake.concept.source_concept",
    "first_intake.concept.decided"
FROM final;

-- lookups
INSERT INTO audit.lookups ("map", field, way, looked_in, file, source_value, rows, rows_open, source_concept_id, concept_id)
SELECT
    'study_drug', 'concept', 1, 'prime_rose/concepts/study_drugs.csv', 'prime_rose/concepts/study_drugs.csv',
    said."concept.1.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.study_drug AS said
LEFT JOIN work."study_drug concepts" AS found
    ON found.slot = 'concept.1' AND found.value = said."concept.1.said" AND found.nth = 1
WHERE said."concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.1.said"
UNION ALL
SELECT
    'study_drug', 'concept', 2, 'RxNorm, RxNorm Extension by name', NULL,
    said."concept.2.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.study_drug AS said
LEFT JOIN work."study_drug concepts" AS found
    ON found.slot = 'concept.2' AND found.value = said."concept.2.said" AND found.nth = 1
WHERE said."concept.2.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.2.said"
UNION ALL
SELECT
    'study_drug', 'concept', 3, 'RxNorm, RxNorm Extension by name', NULL,
    said."concept.3.said", count(*), count(CASE WHEN said.concept = 0 AND said."concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.study_drug AS said
LEFT JOIN work."study_drug concepts" AS found
    ON found.slot = 'concept.3' AND found.value = said."concept.3.said" AND found.nth = 1
WHERE said."concept.3.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."concept.3.said"
UNION ALL
SELECT
    'study_drug', 'given_as_specified.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."given_as_specified.concept.1.said", count(*), count(CASE WHEN said."given_as_specified.concept" = 0 AND said."given_as_specified.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.study_drug AS said
LEFT JOIN work."study_drug concepts" AS found
    ON found.slot = 'given_as_specified.concept.1' AND found.value = said."given_as_specified.concept.1.said" AND found.nth = 1
WHERE said."given_as_specified.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."given_as_specified.concept.1.said"
UNION ALL
SELECT
    'study_drug', 'reason_not_as_specified.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."reason_not_as_specified.concept.1.said", count(*), count(CASE WHEN said."reason_not_as_specified.concept" = 0 AND said."reason_not_as_specified.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.study_drug AS said
LEFT JOIN work."study_drug concepts" AS found
    ON found.slot = 'reason_not_as_specified.concept.1' AND found.value = said."reason_not_as_specified.concept.1.said" AND found.nth = 1
WHERE said."reason_not_as_specified.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."reason_not_as_specified.concept.1.said"
UNION ALL
SELECT
    'study_drug', 'whole_dose_delivered.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."whole_dose_delivered.concept.1.said", count(*), count(CASE WHEN said."whole_dose_delivered.concept" = 0 AND said."whole_dose_delivered.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.study_drug AS said
LEFT JOIN work."study_drug concepts" AS found
    ON found.slot = 'whole_dose_delivered.concept.1' AND found.value = said."whole_dose_delivered.concept.1.said" AND found.nth = 1
WHERE said."whole_dose_delivered.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."whole_dose_delivered.concept.1.said"
UNION ALL
SELECT
    'study_drug', 'days_not_taken.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."days_not_taken.concept.1.said", count(*), count(CASE WHEN said."days_not_taken.concept" = 0 AND said."days_not_taken.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.study_drug AS said
LEFT JOIN work."study_drug concepts" AS found
    ON found.slot = 'days_not_taken.concept.1' AND found.value = said."days_not_taken.concept.1.said" AND found.nth = 1
WHERE said."days_not_taken.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."days_not_taken.concept.1.said"
UNION ALL
SELECT
    'study_drug', 'previous_cycle.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."previous_cycle.concept.1.said", count(*), count(CASE WHEN said."previous_cycle.concept" = 0 AND said."previous_cycle.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.study_drug AS said
LEFT JOIN work."study_drug concepts" AS found
    ON found.slot = 'previous_cycle.concept.1' AND found.value = said."previous_cycle.concept.1.said" AND found.nth = 1
WHERE said."previous_cycle.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."previous_cycle.concept.1.said"
UNION ALL
SELECT
    'study_drug', 'first_intake.concept', 1, 'prime_rose/concepts/questions.csv', 'prime_rose/concepts/questions.csv',
    said."first_intake.concept.1.said", count(*), count(CASE WHEN said."first_intake.concept" = 0 AND said."first_intake.concept.decided" IS NOT TRUE THEN 1 END),
    coalesce(max(found.source_concept_id), 0), coalesce(max(found.concept_id), 0)
FROM work.study_drug AS said
LEFT JOIN work."study_drug concepts" AS found
    ON found.slot = 'first_intake.concept.1' AND found.value = said."first_intake.concept.1.said" AND found.nth = 1
WHERE said."first_intake.concept.1.said" IS NOT NULL AND said._left_out IS NULL AND said._target = 1
GROUP BY said."first_intake.concept.1.said";

-- accounting
SELECT
    count(*) FILTER (WHERE _target = 1) AS rows_read,
    count(*) FILTER (WHERE _target = 1 AND _status = 'used') AS rows_used,
    count(*) FILTER (WHERE _target = 1 AND _status = 'filtered') AS rows_filtered,
    count(*) FILTER (WHERE _target = 1 AND _status = 'deduplicated') AS rows_deduplicated,
    count(*) FILTER (WHERE _target = 1 AND _status = 'rejected') AS rows_rejected,
    count(*) FILTER (WHERE _status = 'used'),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("given_as_specified.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("reason_not_as_specified.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("whole_dose_delivered.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("days_not_taken.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ("previous_cycle.when"))),
    count(*) FILTER (WHERE _status = 'used' AND (_target = 1 AND ((("first_intake.when") AND NOT coalesce("first_intake.start" < born, FALSE)) AND "first_intake.start" IS NOT NULL))),
    count(*) FILTER (WHERE _target = 1 AND _status IN ('filtered', 'deduplicated')),
    count(*) FILTER (WHERE _issues <> 0),
    count(*) FILTER (WHERE _imputed <> 0),
    count(*) FILTER (WHERE _left_out IS NULL AND ((concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE) OR (route = 0 AND "route.source" IS NOT NULL) OR (o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)) OR ("given_as_specified.concept" = 0 AND "given_as_specified.concept.source" IS NOT NULL AND "given_as_specified.concept.decided" IS NOT TRUE AND ("given_as_specified.when")) OR ("reason_not_as_specified.concept" = 0 AND "reason_not_as_specified.concept.source" IS NOT NULL AND "reason_not_as_specified.concept.decided" IS NOT TRUE AND ("reason_not_as_specified.when")) OR ("whole_dose_delivered.concept" = 0 AND "whole_dose_delivered.concept.source" IS NOT NULL AND "whole_dose_delivered.concept.decided" IS NOT TRUE AND ("whole_dose_delivered.when")) OR ("days_not_taken.concept" = 0 AND "days_not_taken.concept.source" IS NOT NULL AND "days_not_taken.concept.decided" IS NOT TRUE AND ("days_not_taken.when")) OR (o_concept(8512) = 0 AND coalesce("days_not_taken.unit", 0) = 0 AND ("days_not_taken.when")) OR ("previous_cycle.concept" = 0 AND "previous_cycle.concept.source" IS NOT NULL AND "previous_cycle.concept.decided" IS NOT TRUE AND ("previous_cycle.when")) OR ("first_intake.concept" = 0 AND "first_intake.concept.source" IS NOT NULL AND "first_intake.concept.decided" IS NOT TRUE AND ((("first_intake.when") AND NOT coalesce("first_intake.start" < born, FALSE)) AND "first_intake.start" IS NOT NULL))))
FROM work.study_drug AS step;

-- ids cdm.drug_exposure
INSERT INTO register.drug_exposure (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT _id_hash AS hash
    FROM work.study_drug AS step
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
    drug_exposure_end_date,
    verbatim_end_date,
    drug_type_concept_id,
    quantity,
    sig,
    route_concept_id,
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
    coalesce(CASE WHEN "end" < "start.after_birth" THEN NULL ELSE "end" END, "start.after_birth") AS drug_exposure_end_date,
    verbatim_end_date AS verbatim_end_date,
    coalesce(type, 0) AS drug_type_concept_id,
    quantity AS quantity,
    sig AS sig,
    route AS route_concept_id,
    substr("concept.source", 1, 50) AS drug_source_value,
    "concept.source_concept" AS drug_source_concept_id,
    substr("route.source", 1, 50) AS route_source_value,
    substr(dose_unit_source_value, 1, 50) AS dose_unit_source_value
FROM work.study_drug AS step
JOIN register.drug_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used' AND step._first;

-- origins cdm.drug_exposure
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'drug_exposure', ids.id, 'study_drug', step._file, step._row, NULL, step._n, step._of
FROM work.study_drug AS step
JOIN register.drug_exposure AS ids ON ids.hash = _id_hash
WHERE step._status = 'used';

-- parents
CREATE TABLE work."study_drug parents" AS
SELECT
    step._id_hash AS hash, ids.id,
    nullif(o_concept(1147094), 0) AS field_concept_id,
    nullif(o_concept(13), 0) AS domain_concept_id
FROM work.study_drug AS step
JOIN register.drug_exposure AS ids ON ids.hash = step._id_hash
WHERE step._status = 'used' AND step._first AND step._target = 1;

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('study_drug' || chr(31) || _key || chr(31) || 'given_as_specified') AS hash
    FROM work.study_drug AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("given_as_specified.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'given_as_specified'))
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
    coalesce("given_as_specified.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("given_as_specified.text", 1, 60) AS value_as_string,
    substr("given_as_specified.concept.source", 1, 50) AS observation_source_value,
    "given_as_specified.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.study_drug AS step
JOIN register.observation AS ids ON ids.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'given_as_specified')
JOIN work."study_drug parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("given_as_specified.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'study_drug', step._file, step._row, 'given_as_specified', step._n, step._of
FROM work.study_drug AS step
JOIN register.observation AS ids ON ids.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'given_as_specified')
WHERE step._status = 'used' AND (_target = 1 AND ("given_as_specified.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('study_drug' || chr(31) || _key || chr(31) || 'reason_not_as_specified') AS hash
    FROM work.study_drug AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("reason_not_as_specified.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'reason_not_as_specified'))
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
    value_source_value,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("reason_not_as_specified.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("reason_not_as_specified.text", 1, 60) AS value_as_string,
    substr("reason_not_as_specified.concept.source", 1, 50) AS observation_source_value,
    "reason_not_as_specified.concept.source_concept" AS observation_source_concept_id,
    substr("reason_not_as_specified.value_source", 1, 50) AS value_source_value,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.study_drug AS step
JOIN register.observation AS ids ON ids.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'reason_not_as_specified')
JOIN work."study_drug parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("reason_not_as_specified.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'study_drug', step._file, step._row, 'reason_not_as_specified', step._n, step._of
FROM work.study_drug AS step
JOIN register.observation AS ids ON ids.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'reason_not_as_specified')
WHERE step._status = 'used' AND (_target = 1 AND ("reason_not_as_specified.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('study_drug' || chr(31) || _key || chr(31) || 'whole_dose_delivered') AS hash
    FROM work.study_drug AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("whole_dose_delivered.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'whole_dose_delivered'))
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
    coalesce("whole_dose_delivered.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("whole_dose_delivered.text", 1, 60) AS value_as_string,
    substr("whole_dose_delivered.concept.source", 1, 50) AS observation_source_value,
    "whole_dose_delivered.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.study_drug AS step
JOIN register.observation AS ids ON ids.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'whole_dose_delivered')
JOIN work."study_drug parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("whole_dose_delivered.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'study_drug', step._file, step._row, 'whole_dose_delivered', step._n, step._of
FROM work.study_drug AS step
JOIN register.observation AS ids ON ids.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'whole_dose_delivered')
WHERE step._status = 'used' AND (_target = 1 AND ("whole_dose_delivered.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('study_drug' || chr(31) || _key || chr(31) || 'days_not_taken') AS hash
    FROM work.study_drug AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("days_not_taken.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'days_not_taken'))
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
    value_as_string,
    unit_concept_id,
    observation_source_value,
    observation_source_concept_id,
    observation_event_id,
    obs_event_field_concept_id
)
SELECT
    ids.id AS observation_id,
    person AS person_id,
    coalesce("days_not_taken.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    "days_not_taken.number" AS value_as_number,
    substr("days_not_taken.text", 1, 60) AS value_as_string,
    "days_not_taken.unit" AS unit_concept_id,
    substr("days_not_taken.concept.source", 1, 50) AS observation_source_value,
    "days_not_taken.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.study_drug AS step
JOIN register.observation AS ids ON ids.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'days_not_taken')
JOIN work."study_drug parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("days_not_taken.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'study_drug', step._file, step._row, 'days_not_taken', step._n, step._of
FROM work.study_drug AS step
JOIN register.observation AS ids ON ids.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'days_not_taken')
WHERE step._status = 'used' AND (_target = 1 AND ("days_not_taken.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('study_drug' || chr(31) || _key || chr(31) || 'previous_cycle') AS hash
    FROM work.study_drug AS step
    WHERE step._status = 'used' AND (_target = 1 AND ("previous_cycle.when")) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'previous_cycle'))
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
    coalesce("previous_cycle.concept", 0) AS observation_concept_id,
    "start.after_birth" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("previous_cycle.text", 1, 60) AS value_as_string,
    substr("previous_cycle.concept.source", 1, 50) AS observation_source_value,
    "previous_cycle.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.study_drug AS step
JOIN register.observation AS ids ON ids.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'previous_cycle')
JOIN work."study_drug parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ("previous_cycle.when")) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'study_drug', step._file, step._row, 'previous_cycle', step._n, step._of
FROM work.study_drug AS step
JOIN register.observation AS ids ON ids.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'previous_cycle')
WHERE step._status = 'used' AND (_target = 1 AND ("previous_cycle.when"));

-- ids cdm.observation
INSERT INTO register.observation (hash, id)
SELECT fresh.hash, last.id + row_number() OVER (ORDER BY fresh.hash)
FROM (
    SELECT DISTINCT o_id('study_drug' || chr(31) || _key || chr(31) || 'first_intake') AS hash
    FROM work.study_drug AS step
    WHERE step._status = 'used' AND (_target = 1 AND ((("first_intake.when") AND NOT coalesce("first_intake.start" < born, FALSE)) AND "first_intake.start" IS NOT NULL)) AND step._first
      AND NOT EXISTS (SELECT 1 FROM register.observation AS known WHERE known.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'first_intake'))
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
    coalesce("first_intake.concept", 0) AS observation_concept_id,
    "first_intake.start" AS observation_date,
    coalesce(type, 0) AS observation_type_concept_id,
    substr("first_intake.concept.source", 1, 50) AS observation_source_value,
    "first_intake.concept.source_concept" AS observation_source_concept_id,
    parent.id AS observation_event_id,
    parent.field_concept_id AS obs_event_field_concept_id
FROM work.study_drug AS step
JOIN register.observation AS ids ON ids.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'first_intake')
JOIN work."study_drug parents" AS parent ON parent.hash = step._id_hash
WHERE step._status = 'used' AND (_target = 1 AND ((("first_intake.when") AND NOT coalesce("first_intake.start" < born, FALSE)) AND "first_intake.start" IS NOT NULL)) AND step._first;

-- origins cdm.observation
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'observation', ids.id, 'study_drug', step._file, step._row, 'first_intake', step._n, step._of
FROM work.study_drug AS step
JOIN register.observation AS ids ON ids.hash = o_id('study_drug' || chr(31) || _key || chr(31) || 'first_intake')
WHERE step._status = 'used' AND (_target = 1 AND ((("first_intake.when") AND NOT coalesce("first_intake.start" < born, FALSE)) AND "first_intake.start" IS NOT NULL));

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'study_drug', filter.name, count(step._left_out)
FROM (VALUES ('received')) AS filter(name)
LEFT JOIN work.study_drug AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'study_drug', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.study_drug AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'study_drug', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.study_drug AS step
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
SELECT 'study_drug', why.field, why.reason, file.file, file.sheet, step._row
FROM work.study_drug AS step
JOIN (VALUES
    (1, 'start', 'moved to the day of birth'),
    (2, 'end', 'before the start'),
    (4, 'concept source', 'cut to its length'),
    (8, 'route source', 'cut to its length'),
    (16, 'dose_unit_source_value', 'cut to its length'),
    (32, 'given_as_specified.text', 'cut to its length'),
    (64, 'given_as_specified.concept source', 'cut to its length'),
    (128, 'reason_not_as_specified.text', 'cut to its length'),
    (256, 'reason_not_as_specified.value_source', 'cut to its length'),
    (512, 'reason_not_as_specified.concept source', 'cut to its length'),
    (1024, 'whole_dose_delivered.text', 'cut to its length'),
    (2048, 'whole_dose_delivered.concept source', 'cut to its length'),
    (4096, 'days_not_taken.text', 'cut to its length'),
    (8192, 'days_not_taken.concept source', 'cut to its length'),
    (16384, 'previous_cycle.text', 'cut to its length'),
    (32768, 'previous_cycle.concept source', 'cut to its length'),
    (65536, 'first_intake.concept source', 'cut to its length'),
    (131072, 'first_intake.start', 'missing'),
    (262144, 'first_intake.start', 'before birth')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- issues
INSERT INTO audit.imputations ("map", field, rule, file, sheet, row)
SELECT 'study_drug', why.field, why.reason, file.file, file.sheet, step._row
FROM work.study_drug AS step
JOIN (VALUES
    (1, 'end', 'start')
) AS why(bit, field, reason) ON (step._imputed & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._imputed <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'study_drug', 'concept', "concept.source", count(*)
FROM work.study_drug
WHERE _left_out IS NULL AND _target = 1 AND concept = 0 AND "concept.source" IS NOT NULL AND "concept.decided" IS NOT TRUE
GROUP BY "concept.source"
UNION ALL
SELECT 'study_drug', 'route', "route.source", count(*)
FROM work.study_drug
WHERE _left_out IS NULL AND _target = 1 AND route = 0 AND "route.source" IS NOT NULL
GROUP BY "route.source"
UNION ALL
SELECT 'study_drug', 'type', '32809 Case Report Form', count(*)
FROM work.study_drug
WHERE _left_out IS NULL AND _target = 1 AND o_concept(32809) = 0 AND coalesce(type, 0) = 0 AND (TRUE)
GROUP BY '32809 Case Report Form'
UNION ALL
SELECT 'study_drug', 'given_as_specified.concept', "given_as_specified.concept.source", count(*)
FROM work.study_drug
WHERE _left_out IS NULL AND _target = 1 AND "given_as_specified.concept" = 0 AND "given_as_specified.concept.source" IS NOT NULL AND "given_as_specified.concept.decided" IS NOT TRUE AND ("given_as_specified.when")
GROUP BY "given_as_specified.concept.source"
UNION ALL
SELECT 'study_drug', 'reason_not_as_specified.concept', "reason_not_as_specified.concept.source", count(*)
FROM work.study_drug
WHERE _left_out IS NULL AND _target = 1 AND "reason_not_as_specified.concept" = 0 AND "reason_not_as_specified.concept.source" IS NOT NULL AND "reason_not_as_specified.concept.decided" IS NOT TRUE AND ("reason_not_as_specified.when")
GROUP BY "reason_not_as_specified.concept.source"
UNION ALL
SELECT 'study_drug', 'whole_dose_delivered.concept', "whole_dose_delivered.concept.source", count(*)
FROM work.study_drug
WHERE _left_out IS NULL AND _target = 1 AND "whole_dose_delivered.concept" = 0 AND "whole_dose_delivered.concept.source" IS NOT NULL AND "whole_dose_delivered.concept.decided" IS NOT TRUE AND ("whole_dose_delivered.when")
GROUP BY "whole_dose_delivered.concept.source"
UNION ALL
SELECT 'study_drug', 'days_not_taken.concept', "days_not_taken.concept.source", count(*)
FROM work.study_drug
WHERE _left_out IS NULL AND _target = 1 AND "days_not_taken.concept" = 0 AND "days_not_taken.concept.source" IS NOT NULL AND "days_not_taken.concept.decided" IS NOT TRUE AND ("days_not_taken.when")
GROUP BY "days_not_taken.concept.source"
UNION ALL
SELECT 'study_drug', 'days_not_taken.unit', '8512 day', count(*)
FROM work.study_drug
WHERE _left_out IS NULL AND _target = 1 AND o_concept(8512) = 0 AND coalesce("days_not_taken.unit", 0) = 0 AND ("days_not_taken.when")
GROUP BY '8512 day'
UNION ALL
SELECT 'study_drug', 'previous_cycle.concept', "previous_cycle.concept.source", count(*)
FROM work.study_drug
WHERE _left_out IS NULL AND _target = 1 AND "previous_cycle.concept" = 0 AND "previous_cycle.concept.source" IS NOT NULL AND "previous_cycle.concept.decided" IS NOT TRUE AND ("previous_cycle.when")
GROUP BY "previous_cycle.concept.source"
UNION ALL
SELECT 'study_drug', 'first_intake.concept', "first_intake.concept.source", count(*)
FROM work.study_drug
WHERE _left_out IS NULL AND _target = 1 AND "first_intake.concept" = 0 AND "first_intake.concept.source" IS NOT NULL AND "first_intake.concept.decided" IS NOT TRUE AND ((("first_intake.when") AND NOT coalesce("first_intake.start" < born, FALSE)) AND "first_intake.start" IS NOT NULL)
GROUP BY "first_intake.concept.source";
