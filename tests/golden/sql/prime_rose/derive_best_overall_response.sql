-- map derive_best_overall_response

-- map
CREATE TABLE work.derive_best_overall_response AS
WITH
-- the columns of derived/best_overall_response.sql.jinja that are used
input AS (
    SELECT
        i._file AS _file,
        i._row AS _row,
        CAST(NULL AS bigint) AS _of,
        i.confirmed AS confirmed,
        i.criterion AS criterion,
        i."date" AS "date",
        i.response AS response,
        i.rule AS rule,
        i.series AS series,
        i.subject_id AS subject_id
    FROM (
    SELECT _file, _row, CAST(subject_id AS varchar) AS subject_id, CAST(series AS varchar) AS series, CAST(criterion AS varchar) AS criterion, o_date(CAST("date" AS varchar), '%Y-%m-%d') AS "date", o_bool(CAST(confirmed AS varchar)) AS confirmed, CAST(response AS varchar) AS response, CAST(rule AS varchar) AS rule FROM (
-- The best response of each subject: one row for each set of criteria and one over all of them ('primary'), each without and with confirmation.
WITH classes (response, class, place) AS (
    VALUES ('CR', 'CR', 1), ('iCR', 'CR', 1), ('PR', 'PR', 2), ('iPR', 'PR', 2), ('SD', 'SD', 3), ('iSD', 'SD', 3), ('NON-CR/NON-PD', 'NON-CR/NON-PD', 4),
        ('PD', 'PD', 5), ('iCPD', 'PD', 5), ('iUPD', 'UPD', 6), ('NE', 'NE', 7), ('iNE', 'NE', 7)
),
started AS (
    SELECT subject_id, min(start_date) AS start_date FROM dsp.treatment GROUP BY subject_id
),
assessed AS (
    SELECT
        a._file, a._row, a.subject_id, a.criterion, a.date, a.response, c.class, c.place, a.date - s.start_date AS days,
        CASE a.criterion WHEN 'irecist' THEN 1 WHEN 'recist' THEN 2 WHEN 'rano' THEN 3 ELSE 99 END AS preference
    FROM dsp.tumour_assessment AS a
    JOIN classes AS c ON c.response = a.response
    JOIN started AS s ON s.subject_id = a.subject_id
    WHERE a.criterion IN ('recist', 'irecist', 'rano') AND a.date >= s.start_date
),
by_day AS (
    -- Of one day's assessments the one that could be evaluated, then the preferred criteria, then the worse response.
    SELECT *, row_number() OVER (
        PARTITION BY subject_id, date ORDER BY CASE WHEN class = 'NE' THEN 1 ELSE 0 END, preference, place DESC, _file, _row) AS choice
    FROM assessed
),
series AS (
    SELECT _file, _row, subject_id, criterion, date, response, class, days, criterion AS series FROM assessed
    UNION ALL
    SELECT _file, _row, subject_id, criterion, date, response, class, days, 'primary' FROM by_day WHERE choice = 1
),
ended AS (
    SELECT subject_id, series, min(date) AS progression FROM series WHERE class = 'PD' GROUP BY subject_id, series
),
counted AS (
    SELECT series.*
    FROM series
    LEFT JOIN ended ON ended.subject_id = series.subject_id AND ended.series = series.series
    WHERE ended.progression IS NULL OR series.date < ended.progression OR (series.class = 'PD' AND series.date = ended.progression)
),
followed AS (
    -- What comes behind each assessment: when the response was seen again, and when something else was seen first.
    SELECT
        a.series, a._file, a._row,
        min(CASE WHEN b.class = 'CR' AND b.date - a.date >= 28 THEN b.date END) AS cr_again,
        min(CASE WHEN b.class NOT IN ('CR', 'NE') THEN b.date END) AS cr_broken,
        min(CASE WHEN b.class IN ('CR', 'PR') AND b.date - a.date >= 28 THEN b.date END) AS pr_again,
        min(CASE WHEN b.class NOT IN ('CR', 'PR', 'NE') THEN b.date END) AS pr_broken
    FROM counted AS a
    LEFT JOIN counted AS b ON b.subject_id = a.subject_id AND b.series = a.series AND b.date > a.date
    GROUP BY a.series, a._file, a._row
),
judged AS (
    SELECT
        c.*,
        CASE WHEN c.class IN ('SD', 'NON-CR/NON-PD') AND c.days < 0 THEN 'NE' ELSE c.class END AS unconfirmed,
        CASE
            WHEN c.class = 'CR' AND f.cr_again < coalesce(f.cr_broken, f.cr_again + 1) THEN 'CR'
            WHEN c.class IN ('CR', 'PR') AND f.pr_again < coalesce(f.pr_broken, f.pr_again + 1) THEN 'PR'
            WHEN c.class IN ('CR', 'PR', 'SD', 'NON-CR/NON-PD') AND c.days < 0 THEN 'NE'
            WHEN c.class IN ('CR', 'PR') THEN 'SD'
            ELSE c.class
        END AS confirmed
    FROM counted AS c
    JOIN followed AS f ON f.series = c.series AND f._file = c._file AND f._row = c._row
),
claims AS (
    SELECT *, FALSE AS asks, unconfirmed AS claimed FROM judged
    UNION ALL
    SELECT *, TRUE, confirmed FROM judged
),
ranked AS (
    SELECT claims.*, row_number() OVER (
        PARTITION BY claims.subject_id, series, asks ORDER BY places.place, claims.date, claims._file, claims._row) AS rank_of
    FROM claims
    JOIN (SELECT class, min(place) AS place FROM classes GROUP BY class) AS places ON places.class = claimed
)
SELECT
    _file, _row, subject_id, series, criterion, date, asks AS confirmed,
    CASE WHEN claimed = class THEN response WHEN criterion = 'irecist' AND claimed <> 'NON-CR/NON-PD' THEN 'i' || claimed ELSE claimed END AS response,
    CASE WHEN asks THEN 'bor-confirmed' ELSE 'bor-unconfirmed' END || CASE WHEN series = 'primary' THEN '-primary' ELSE '' END AS rule
FROM ranked
WHERE rank_of = 1
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
        subject_id || chr(31) || series || chr(31) || rule AS _key,
        subject_id,
        criterion AS "criterion.raw",
        response AS "response.raw",
        "date",
        confirmed,
        'derived' AS "basis.raw",
        rule
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
        "criterion.raw",
        CASE WHEN "criterion.raw" IN ('recist', 'irecist', 'rano', 'lugano', 'imwg', 'eln aml') THEN "criterion.raw" END AS criterion,
        "response.raw",
        CASE WHEN "response.raw" IN ('CR', 'PR', 'SD', 'NON-CR/NON-PD', 'PD', 'NE', 'iCR', 'iPR', 'iSD', 'iUPD', 'iCPD', 'iNE', 'CMR', 'PMR', 'NMR', 'PMD', 'sCR', 'VGPR', 'MR', 'CRi', 'CRh', 'MLFS', 'NR', 'relapse') THEN "response.raw" END AS response,
        "date",
        confirmed,
        "basis.raw",
        CASE WHEN "basis.raw" IN ('recorded', 'derived') THEN "basis.raw" END AS basis,
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
            WHEN "basis.raw" IS NOT NULL AND basis IS NULL THEN 3
            WHEN basis IS NULL THEN 4
            WHEN rule IS NULL THEN 5
            ELSE 0
        END AS _reject,
        CASE WHEN _left_out IS NULL AND "criterion.raw" IS NOT NULL AND criterion IS NULL THEN 1 ELSE 0 END
            + CASE WHEN _left_out IS NULL AND "response.raw" IS NOT NULL AND response IS NULL THEN 2 ELSE 0 END AS _issues,
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
            || chr(31) || coalesce(CAST("date" AS varchar), '')
            || chr(31) || coalesce(CAST(confirmed AS varchar), '')
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
    "date",
    confirmed,
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
    count(*) FILTER (WHERE _left_out IS NULL AND (("criterion.raw" IS NOT NULL AND criterion IS NULL) OR ("response.raw" IS NOT NULL AND response IS NULL) OR ("basis.raw" IS NOT NULL AND basis IS NULL)))
FROM work.derive_best_overall_response AS step;

-- write dsp.best_overall_response
INSERT INTO dsp.best_overall_response (
    _file,
    _row,
    trial,
    subject_id,
    criterion,
    response,
    "date",
    confirmed,
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
    "date" AS "date",
    confirmed AS confirmed,
    basis AS basis,
    rule AS rule
FROM work.derive_best_overall_response AS step
WHERE step._status = 'used' AND step._first
ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target;

-- origins dsp.best_overall_response
INSERT INTO audit.row_origins (table_name, row_id, "map", file_number, row, part, piece, made_of)
SELECT 'dsp.best_overall_response', (SELECT count(*) FROM dsp.best_overall_response) - written.behind, 'derive_best_overall_response', step._file, step._row, NULL, step._n, step._of
FROM work.derive_best_overall_response AS step
JOIN (
    SELECT _hash, _target, count(*) OVER () - row_number() OVER (ORDER BY step._file, step._row, step._n, step._of, step._hash, step._target) AS behind
    FROM work.derive_best_overall_response AS step
    WHERE step._status = 'used' AND step._first
) AS written ON written._hash = step._hash AND written._target = step._target
WHERE step._status = 'used';

-- left_out
INSERT INTO audit.left_out ("map", reason, file_number, row, piece, made_of)
SELECT 'derive_best_overall_response', coalesce(_left_out, 'duplicate'), _file, _row, _n, _of
FROM work.derive_best_overall_response AS step
WHERE _target = 1 AND _status IN ('filtered', 'deduplicated');

-- rejects
INSERT INTO audit.rejects ("map", field, reason, file, sheet, row, piece, made_of)
SELECT
    'derive_best_overall_response', coalesce(why.field, 'key'), coalesce(why.reason, 'another row has this key'),
    file.file, file.sheet, step._row, step._n, step._of
FROM work.derive_best_overall_response AS step
LEFT JOIN (VALUES
    (1, 'key', 'missing'),
    (2, 'subject_id', 'missing'),
    (3, 'basis', 'not in the value set'),
    (4, 'basis', 'missing'),
    (5, 'rule', 'missing')
) AS why(number, field, reason) ON why.number = step._reject
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._status = 'rejected' AND step._target = 1;

-- issues
INSERT INTO audit.value_issues ("map", field, reason, file, sheet, row)
SELECT 'derive_best_overall_response', why.field, why.reason, file.file, file.sheet, step._row
FROM work.derive_best_overall_response AS step
JOIN (VALUES
    (1, 'criterion', 'not in the value set'),
    (2, 'response', 'not in the value set')
) AS why(bit, field, reason) ON (step._issues & why.bit) <> 0
LEFT JOIN audit.files AS file ON file.file_number = step._file
WHERE step._issues <> 0 AND step._target = 1 AND step._status <> 'deduplicated';

-- unmapped
INSERT INTO audit.unmapped ("map", field, source_value, rows)
SELECT 'derive_best_overall_response', 'criterion', "criterion.raw", count(*)
FROM work.derive_best_overall_response
WHERE _left_out IS NULL AND _target = 1 AND "criterion.raw" IS NOT NULL AND criterion IS NULL
GROUP BY "criterion.raw"
UNION ALL
SELECT 'derive_best_overall_response', 'response', "response.raw", count(*)
FROM work.derive_best_overall_response
WHERE _left_out IS NULL AND _target = 1 AND "response.raw" IS NOT NULL AND response IS NULL
GROUP BY "response.raw"
UNION ALL
SELECT 'derive_best_overall_response', 'basis', "basis.raw", count(*)
FROM work.derive_best_overall_response
WHERE _left_out IS NULL AND _target = 1 AND "basis.raw" IS NOT NULL AND basis IS NULL
GROUP BY "basis.raw";
