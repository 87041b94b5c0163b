-- map derive_eq_5d_profile

-- map
CREATE TABLE work.derive_eq_5d_profile AS
WITH
-- the columns of dsp.questionnaire_answer that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        i.rowid + 1 AS _of,
        i.answer AS answer,
        i."date" AS "date",
        i.instrument AS instrument,
        i.item AS item,
        i.occasion AS occasion,
        i.subject_id AS subject_id,
        i.trial AS trial
    FROM dsp.questionnaire_answer AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CASE
            WHEN NOT coalesce(instrument = 'EQ-5D-5L' AND item IN ('1', '2', '3', '4', '5') AND answer BETWEEN 1 AND 5, FALSE) THEN 'eq_5d_item'
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
        trial || chr(31) || subject_id || chr(31) || occasion AS _key,
        subject_id,
        'EQ-5D-5L' AS "instrument.raw",
        occasion,
        min("date") OVER (PARTITION BY trial, subject_id, occasion, (_left_out IS NULL)) AS "date",
        'profile' AS "scale.raw",
        coalesce(CAST(max(CASE WHEN item = '1' THEN answer END) OVER (PARTITION BY trial, subject_id, occasion, (_left_out IS NULL)) AS varchar), '9') || coalesce(CAST(max(CASE WHEN item = '2' THEN answer END) OVER (PARTITION BY trial, subject_id, occasion, (_left_out IS NULL)) AS varchar), '9') || coalesce(CAST(max(CASE WHEN item = '3' THEN answer END) OVER (PARTITION BY trial, subject_id, occasion, (_left_out IS NULL)) AS varchar), '9') || coalesce(CAST(max(CASE WHEN item = '4' THEN answer END) OVER (PARTITION BY trial, subject_id, occasion, (_left_out IS NULL)) AS varchar), '9') || coalesce(CAST(max(CASE WHEN item = '5' THEN answer END) OVER (PARTITION BY trial, subject_id, occasion, (_left_out IS NULL)) AS varchar), '9') AS profile,
        count(item) OVER (PARTITION BY trial, subject_id, occasion, (_left_out IS NULL)) AS items_answered,
        '5' AS "items.raw",
        'derived' AS "basis.raw",
        'eq-5d-5l-profile' AS rule
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
        subject_id,
        "instrument.raw",
        CASE WHEN "instrument.raw" IN ('QLQ-C30', 'EQ-5D-5L') THEN "instrument.raw" END AS instrument,
        occasion,
        "date",
        "scale.raw",
        CASE WHEN "scale.raw" IN ('QL2', 'PF2', 'RF2', 'EF', 'CF', 'SF', 'FA', 'NV', 'PA', 'DY', 'SL', 'AP', 'CO', 'DI', 'FI', 'profile') THEN "scale.raw" END AS scale,
        profile,
        items_answered,
        "items.raw",
        o_whole(o_num("items.raw")) AS items,
        "basis.raw",
        CASE WHEN "basis.raw" IN ('derived') THEN "basis.raw" END AS basis,
        rule
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
judged AS (
    SELECT
        resolved.*,
        CASE
            WHEN _left_out IS NOT NULL THEN 0
            WHEN _key IS NULL THEN 1
            WHEN subject_id IS NULL THEN 2
            WHEN "instrument.raw" IS NOT NULL AND instrument IS NULL THEN 3
            WHEN instrument IS NULL THEN 4
            WHEN occasion IS NULL THEN 5
            WHEN "date" IS NULL THEN 6
            WHEN "scale.raw" IS NOT NULL AND scale IS NULL THEN 7
            WHEN scale IS NULL THEN 8
            WHEN "basis.raw" IS NOT NULL AND basis IS NULL THEN 9
            WHEN basis IS NULL THEN 10
            WHEN rule IS NULL THEN 11
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "items.raw" IS NOT NULL AND items IS NULL THEN 1 ELSE 0 END AS _issues,
        0 AS _imputed,
        o_id(_key) AS _hash
    FROM resolved
),
-- the status of each row; the first of a group is written
final AS (
    SELECT
        judged.*,
        CASE WHEN _left_out IS NOT NULL THEN 'filtered' WHEN _reject > 0 THEN 'rejected' ELSE 'used' END AS _status,
        row_number() OVER (PARTITION BY _hash, _target, (_left_out IS NULL AND _reject = 0) ORDER BY _file, _row, _n) = 1 AS _first,
        _hash AS _id_hash
    FROM judged
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
    "instrument.raw",
    instrument,
    occasion,
    "date",
    "scale.raw",
    scale,
    profile,
    items_answered,
    items,
    "basis.raw",
    basis,
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("instrument.raw" IS NOT NULL AND instrument IS NULL) OR ("scale.raw" IS NOT NULL AND scale IS NULL) OR ("basis.raw" IS NOT NULL AND basis IS NULL)))
FROM work.derive_eq_5d_profile AS step;

-- write dsp.questionnaire_score
INSERT INTO dsp.questionnaire_score (
    _file,
    _row,
    trial,
    subject_id,
    instrument,
    occasion,
    "date",
    scale,
    profile,
    items_answered,
    items,
    basis,
    rule
)
SELECT
    _file AS _file,
    _row AS _row,
    'drup' AS trial,
    subject_id AS subject_id,
    instrument AS instrument,
    occasion AS occasion,
    "date" AS "date",
    scale AS scale,
    profile AS profile,
    items_answered AS items_answered,
    items AS items,
    basis AS basis,
    rule AS rule
FROM work.derive_eq_5d_profile AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.questionnaire_score
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.questionnaire_score', (SELECT count(*) FROM dsp.questionnaire_score) - written.behind, 'derive_eq_5d_profile', step._file, step._row, NULL, step._n, step._of
FROM work.derive_eq_5d_profile AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.derive_eq_5d_profile AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- filters
INSERT INTO audit.filters ("map", filter, rows)
SELECT 'derive_eq_5d_profile', filter.name, count(step._left_out)
FROM (VALUES ('eq_5d_item')) AS filter(name)
LEFT JOIN work.derive_eq_5d_profile AS step ON step._left_out = filter.name AND step._target = 1
GROUP BY filter.name;

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'derive_eq_5d_profile', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.derive_eq_5d_profile AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'derive_eq_5d_profile', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.derive_eq_5d_profile AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'instrument', 'not in the value set'),
    (4, 'instrument', 'missing'),
    (5, 'occasion', 'missing'),
    (6, 'date', 'missing'),
    (7, 'scale', 'not in the value set'),
    (8, 'scale', 'missing'),
    (9, 'basis', 'not in the value set'),
    (10, 'basis', 'missing'),
    (11, 'rule', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'derive_eq_5d_profile', why.field, why.reason, file.file, file.sheet, step._row
FROM work.derive_eq_5d_profile AS step
JOIN (VALUES
    (1, 'items', 'not a whole number')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'derive_eq_5d_profile', 'instrument', "instrument.raw", count(*)
FROM work.derive_eq_5d_profile
WHERE _left_out IS NULL AND _target = 1 AND "instrument.raw" IS NOT NULL AND instrument IS NULL
GROUP BY "instrument.raw"
UNION ALL
SELECT 'derive_eq_5d_profile', 'scale', "scale.raw", count(*)
FROM work.derive_eq_5d_profile
WHERE _left_out IS NULL AND _target = 1 AND "scale.raw" IS NOT NULL AND scale IS NULL
GROUP BY "scale.raw"
UNION ALL
SELECT 'derive_eq_5d_profile', 'basis', "basis.raw", count(*)
FROM work.derive_eq_5d_profile
WHERE _left_out IS NULL AND _target = 1 AND "basis.raw" IS NOT NULL AND basis IS NULL
GROUP BY "basis.raw";
