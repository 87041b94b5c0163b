-- map drup_best_overall_response

-- map
CREATE TABLE work.drup_best_overall_response AS
WITH
-- drup, for the join 'immune'
join_immune AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Type_tumour_assessment",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE o_fold("Type_tumour_assessment") = 'irecist'
),
-- drup, for the join 'other'
join_other AS (
    SELECT
        _file,
        _row,
        "ID" AS key1,
        "Type_tumour_assessment",
        row_number() OVER (PARTITION BY "ID" ORDER BY _row ASC NULLS LAST, _file ASC) AS _nth
    FROM source.drup
    WHERE o_fold("Type_tumour_assessment") <> 'irecist'
),
-- the columns of drup that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i."Best_overall_response_BOR" AS "Best_overall_response_BOR",
        i."Best_overall_response_Ra" AS "Best_overall_response_Ra",
        i."ID" AS "ID",
        immune."Type_tumour_assessment" AS "immune.Type_tumour_assessment",
        other."Type_tumour_assessment" AS "other.Type_tumour_assessment"
    FROM source.drup AS i
    LEFT JOIN join_immune AS immune ON immune.key1 = i."ID" AND immune._nth = 1
    LEFT JOIN join_other AS other ON other.key1 = i."ID" AND other._nth = 1
),
-- one row for each of 2 slots
shaped AS (
    SELECT
        input.*,
        each.n AS _n,
        each.name AS slot,
        CASE each.n WHEN 1 THEN input."Best_overall_response_BOR" WHEN 2 THEN input."Best_overall_response_Ra" END AS best
    FROM input
    CROSS JOIN (VALUES (1, 'BOR'), (2, 'Ra')) AS each(n, name)
),
-- which rows are left out, and why
filtered AS (
    SELECT
        shaped.*,
        CASE
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope has_patient"), FALSE) THEN 'has_patient'
            WHEN NOT coalesce("ID" IN (SELECT subject FROM work."scope of_this_trial"), FALSE) THEN 'of_this_trial'
            WHEN NOT coalesce(best IS NOT NULL, FALSE) THEN 'empty_slot'
        END AS _filter
    FROM shaped
),
-- the order in which rows are kept
ranked AS (
    SELECT
        filtered.*,
        row_number() OVER (PARTITION BY "ID", slot, (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _rank,
        o_fold(best) IS DISTINCT FROM first_value(o_fold(best)) OVER (PARTITION BY "ID", slot, (_filter IS NULL) ORDER BY _row ASC NULLS LAST, _file ASC) AS _differs1
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
        "ID" || chr(31) || slot AS _key,
        "ID" AS subject_id,
        coalesce(CASE WHEN (substr(o_fold(best), 1, length('i')) = 'i') THEN "immune.Type_tumour_assessment" END, "other.Type_tumour_assessment", "immune.Type_tumour_assessment") AS "criterion.raw",
        best AS "response.raw",
        best AS response_recorded,
        'recorded' AS "basis.raw",
        slot AS "rule.raw"
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
        subject_id,
        "criterion.raw",
        CASE o_fold("criterion.raw") WHEN 'recist 1.1' THEN 'recist' WHEN 'recist' THEN 'recist' WHEN 'irecist' THEN 'irecist' WHEN 'rano' THEN 'rano' END AS criterion,
        "response.raw",
        CASE o_fold("response.raw") WHEN 'cr' THEN 'CR' WHEN 'pr' THEN 'PR' WHEN 'sd' THEN 'SD' WHEN 'non-cr/non-pd' THEN 'NON-CR/NON-PD' WHEN 'pd' THEN 'PD' WHEN 'ne' THEN 'NE' WHEN 'icr' THEN 'iCR' WHEN 'ipr' THEN 'iPR' WHEN 'isd' THEN 'iSD' WHEN 'iupd' THEN 'iUPD' WHEN 'icpd' THEN 'iCPD' WHEN 'ine' THEN 'iNE' END AS response,
        response_recorded,
        "basis.raw",
        CASE WHEN "basis.raw" IN ('recorded', 'derived') THEN "basis.raw" END AS basis,
        "rule.raw",
        CASE o_fold("rule.raw") WHEN 'bor' THEN 'trial' WHEN 'ra' THEN 'trial-radiology' END AS rule
    FROM raw
),
-- references and concepts
resolved AS (
    SELECT
        typed.*,
        1 AS _target
    FROM typed
),
-- what is wrong with each row
judged AS MATERIALIZED (
    SELECT
        resolved.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN _key IS NULL THEN 1
            WHEN subject_id IS NULL THEN 2
            WHEN "basis.raw" IS NOT NULL AND basis IS NULL THEN 3
            WHEN basis IS NULL THEN 4
            WHEN "rule.raw" IS NOT NULL AND rule IS NULL THEN 5
            WHEN rule IS NULL THEN 6
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out = 'keep' AND _differs1 THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "criterion.raw" IS NOT NULL AND criterion IS NULL THEN 2 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "response.raw" IS NOT NULL AND response IS NULL THEN 4 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id(_key) AS _hash,
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
        coalesce(CAST(subject_id AS varchar), '')
            || chr(31) || coalesce(CAST(criterion AS varchar), '')
            || chr(31) || coalesce(CAST(response AS varchar), '')
            || chr(31) || coalesce(CAST(response_recorded AS varchar), '')
            || chr(31) || coalesce(CAST(basis AS varchar), '')
            || chr(31) || coalesce(CAST(rule AS varchar), '') AS _content
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
        _hash AS _id_hash
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
    subject_id,
    "criterion.raw",
    criterion,
    "response.raw",
    response,
    response_recorded,
    "basis.raw",
    basis,
    "rule.raw",
    rule
FROM final;

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
    count(*) FILTER (WHERE _left_out IS NULL AND (("criterion.raw" IS NOT NULL AND criterion IS NULL) OR ("response.raw" IS NOT NULL AND response IS NULL) OR ("basis.raw" IS NOT NULL AND basis IS NULL) OR ("rule.raw" IS NOT NULL AND rule IS NULL)))
FROM work.drup_best_overall_response AS step;

-- write dsp.best_overall_response
INSERT INTO dsp.best_overall_response (
    _file,
    _row,
    trial,
    subject_id,
    criterion,
    response,
    response_recorded,
    basis,
    rule
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    criterion AS criterion,
    response AS response,
    response_recorded AS response_recorded,
    basis AS basis,
    rule AS rule
FROM work.drup_best_overall_response AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.best_overall_response
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.best_overall_response', (SELECT count(*) FROM dsp.best_overall_response) - written.behind, 'drup_best_overall_response', step._file, step._row, NULL, step._n, step._of
FROM work.drup_best_overall_response AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.drup_best_overall_response AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'drup_best_overall_response', filter.name, count(step._left_out)
FROM (VALUES ('has_patient'), ('of_this_trial'), ('empty_slot'), ('keep')) AS filter(name)
LEFT JOIN work.drup_best_overall_response AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'drup_best_overall_response', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.drup_best_overall_response AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'drup_best_overall_response', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.drup_best_overall_response AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'basis', 'not in the value set'),
    (4, 'basis', 'missing'),
    (5, 'rule', 'not in the value map'),
    (6, 'rule', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'drup_best_overall_response', why.field, why.reason, file.file, file.sheet, step._row
FROM work.drup_best_overall_response AS step
JOIN (VALUES
    (1, 'keep fold(best)', 'differs from the row that is kept'),
    (2, 'criterion', 'not in the value map'),
    (4, 'response', 'not in the value map')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'drup_best_overall_response', 'criterion', "criterion.raw", count(*)
FROM work.drup_best_overall_response
WHERE _left_out IS NULL AND _target = 1 AND "criterion.raw" IS NOT NULL AND criterion IS NULL
GROUP BY "criterion.raw"
UNION ALL
SELECT 'drup_best_overall_response', 'response', "response.raw", count(*)
FROM work.drup_best_overall_response
WHERE _left_out IS NULL AND _target = 1 AND "response.raw" IS NOT NULL AND response IS NULL
GROUP BY "response.raw"
UNION ALL
SELECT 'drup_best_overall_response', 'basis', "basis.raw", count(*)
FROM work.drup_best_overall_response
WHERE _left_out IS NULL AND _target = 1 AND "basis.raw" IS NOT NULL AND basis IS NULL
GROUP BY "basis.raw"
UNION ALL
SELECT 'drup_best_overall_response', 'rule', "rule.raw", count(*)
FROM work.drup_best_overall_response
WHERE _left_out IS NULL AND _target = 1 AND "rule.raw" IS NOT NULL AND rule IS NULL
GROUP BY "rule.raw";
