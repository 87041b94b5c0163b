-- map derive_qlq_c30

-- map
CREATE TABLE work.derive_qlq_c30 AS
WITH
-- the columns of derived/qlq_c30.sql.jinja that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i.answered AS answered,
        i."date" AS "date",
        i.items AS items,
        i.occasion AS occasion,
        i.scale AS scale,
        i.score AS score,
        i.subject_id AS subject_id
    FROM (
    SELECT _file, _row, CAST(subject_id AS varchar) AS subject_id, CAST(occasion AS varchar) AS occasion, o_date(CAST("date" AS varchar), '%Y-%m-%d') AS "date", CAST(scale AS varchar) AS scale, o_whole(o_num(CAST(items AS varchar))) AS items, o_whole(o_num(CAST(answered AS varchar))) AS answered, o_num(CAST(score AS varchar)) AS score FROM (
-- The 15 scales of the EORTC QLQ-C30, version 3: the mean of the answered items, stretched to 0-100.
WITH items (scale, item, kind, most) AS (
    VALUES
        ('QL2', 29, 'global', 7), ('QL2', 30, 'global', 7),
        ('PF2', 1, 'functional', 4), ('PF2', 2, 'functional', 4), ('PF2', 3, 'functional', 4), ('PF2', 4, 'functional', 4), ('PF2', 5, 'functional', 4),
        ('RF2', 6, 'functional', 4), ('RF2', 7, 'functional', 4),
        ('EF', 21, 'functional', 4), ('EF', 22, 'functional', 4), ('EF', 23, 'functional', 4), ('EF', 24, 'functional', 4),
        ('CF', 20, 'functional', 4), ('CF', 25, 'functional', 4),
        ('SF', 26, 'functional', 4), ('SF', 27, 'functional', 4),
        ('FA', 10, 'symptom', 4), ('FA', 12, 'symptom', 4), ('FA', 18, 'symptom', 4),
        ('NV', 14, 'symptom', 4), ('NV', 15, 'symptom', 4),
        ('PA', 9, 'symptom', 4), ('PA', 19, 'symptom', 4),
        ('DY', 8, 'symptom', 4), ('SL', 11, 'symptom', 4), ('AP', 13, 'symptom', 4), ('CO', 16, 'symptom', 4), ('DI', 17, 'symptom', 4), ('FI', 28, 'symptom', 4)
),
occasions AS (
    SELECT subject_id, occasion, min(date) AS date, min(_file) AS _file, min(_row) AS _row
    FROM dsp.questionnaire_answer
    WHERE instrument = 'QLQ-C30'
    GROUP BY subject_id, occasion
),
answers AS (
    SELECT subject_id, occasion, o_whole(o_num(item)) AS item, min(answer) AS answer
    FROM dsp.questionnaire_answer
    WHERE instrument = 'QLQ-C30'
    GROUP BY subject_id, occasion, o_whole(o_num(item))
),
raw AS (
    SELECT
        o._file, o._row, o.subject_id, o.occasion, o.date, i.scale, i.kind, i.most - 1 AS span,
        count(*) AS items, count(a.answer) AS answered, avg(a.answer) AS raw_score
    FROM occasions AS o
    CROSS JOIN items AS i
    LEFT JOIN answers AS a ON a.subject_id = o.subject_id AND a.occasion = o.occasion AND a.item = i.item AND a.answer BETWEEN 1 AND i.most
    GROUP BY o._file, o._row, o.subject_id, o.occasion, o.date, i.scale, i.kind, i.most
)
SELECT
    _file, _row, subject_id, occasion, date, scale, items, answered,
    CASE
        WHEN answered * 2 < items THEN NULL
        WHEN kind = 'functional' THEN (1 - (raw_score - 1) / span) * 100
        ELSE (raw_score - 1) / span * 100
    END AS score
FROM raw
    ) AS handwritten) AS i
),
-- which rows are left out, and why
filtered AS (
    SELECT
        input.*,
        1 AS _n,
        CAST(NULL AS varchar) AS _left_out
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
        subject_id || chr(31) || occasion || chr(31) || scale AS _key,
        subject_id,
        'QLQ-C30' AS "instrument.raw",
        occasion,
        "date",
        scale AS "scale.raw",
        score,
        answered AS items_answered,
        items,
        'derived' AS "basis.raw",
        'qlq-c30-v3' AS rule
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
        score,
        items_answered,
        items,
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
judged AS MATERIALIZED (
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
        0 AS _issues,
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
            || chr(31) || coalesce(CAST(instrument AS varchar), '')
            || chr(31) || coalesce(CAST(occasion AS varchar), '')
            || chr(31) || coalesce(CAST("date" AS varchar), '')
            || chr(31) || coalesce(CAST(scale AS varchar), '')
            || chr(31) || coalesce(CAST(score AS varchar), '')
            || chr(31) || coalesce(CAST(items_answered AS varchar), '')
            || chr(31) || coalesce(CAST(items AS varchar), '')
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
    "instrument.raw",
    instrument,
    occasion,
    "date",
    "scale.raw",
    scale,
    score,
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("instrument.raw" IS NOT NULL AND instrument IS NULL) OR ("scale.raw" IS NOT NULL AND scale IS NULL) OR ("basis.raw" IS NOT NULL AND basis IS NULL)))
FROM work.derive_qlq_c30 AS step;

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
    score,
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
    score AS score,
    items_answered AS items_answered,
    items AS items,
    basis AS basis,
    rule AS rule
FROM work.derive_qlq_c30 AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.questionnaire_score
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.questionnaire_score', (SELECT count(*) FROM dsp.questionnaire_score) - written.behind, 'derive_qlq_c30', step._file, step._row, NULL, step._n, step._of
FROM work.derive_qlq_c30 AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.derive_qlq_c30 AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'derive_qlq_c30', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.derive_qlq_c30 AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'derive_qlq_c30', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.derive_qlq_c30 AS step
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

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'derive_qlq_c30', 'instrument', "instrument.raw", count(*)
FROM work.derive_qlq_c30
WHERE _left_out IS NULL AND _target = 1 AND "instrument.raw" IS NOT NULL AND instrument IS NULL
GROUP BY "instrument.raw"
UNION ALL
SELECT 'derive_qlq_c30', 'scale', "scale.raw", count(*)
FROM work.derive_qlq_c30
WHERE _left_out IS NULL AND _target = 1 AND "scale.raw" IS NOT NULL AND scale IS NULL
GROUP BY "scale.raw"
UNION ALL
SELECT 'derive_qlq_c30', 'basis', "basis.raw", count(*)
FROM work.derive_qlq_c30
WHERE _left_out IS NULL AND _target = 1 AND "basis.raw" IS NOT NULL AND basis IS NULL
GROUP BY "basis.raw";
