-- Treated persons who were seen at each planned visit, of those who were still followed then.
-- Names of visits are read by pattern only (week 8, month 3, ...), so that no text of the export is shown.
WITH treated AS (
    SELECT treatment.trial, treatment.subject_id, treatment.start_date, max(period.end_date) AS last_seen
    FROM dsp.treatment AS treatment
    LEFT JOIN dsp.observation_window AS period
        ON period.trial = treatment.trial AND period.subject_id = treatment.subject_id
    WHERE treatment.start_date IS NOT NULL
    GROUP BY ALL
), named AS (
    SELECT trial, subject_id, lower(event_name) AS name, coalesce(mode, '') = 'telephone' AS by_telephone FROM dsp.visit
), planned AS (
    SELECT
        trial, subject_id,
        CASE
            WHEN by_telephone THEN NULL
            WHEN regexp_matches(name, 'screening|baseline') THEN 0
            WHEN regexp_matches(name, 'week *[0-9]{1,3}\b') THEN regexp_extract(name, 'week *([0-9]{1,3})\b', 1)::integer
            WHEN regexp_matches(name, 'month *[0-9]{1,2}\b') THEN round(regexp_extract(name, 'month *([0-9]{1,2})\b', 1)::integer * 365.25 / 84)::integer
            WHEN regexp_matches(name, 'day *1\b') THEN 1
        END AS week,
        CASE
            WHEN by_telephone THEN 'by telephone'
            WHEN regexp_matches(name, 'screening|baseline') THEN 'screening'
            WHEN regexp_matches(name, 'week *[0-9]{1,3}\b') THEN 'week ' || regexp_extract(name, 'week *([0-9]{1,3})\b', 1)::integer
            WHEN regexp_matches(name, 'month *[0-9]{1,2}\b') THEN 'month ' || regexp_extract(name, 'month *([0-9]{1,2})\b', 1)::integer
            WHEN regexp_matches(name, 'day *1\b') THEN 'week 1'
            WHEN regexp_matches(name, 'end of treatment') THEN 'end of treatment'
            WHEN regexp_matches(name, 'follow') THEN 'follow-up'
            ELSE 'other'
        END AS visit
    FROM named
), visits AS (
    SELECT visit, week FROM planned GROUP BY ALL
)
SELECT
    visits.visit, visits.week,
    count(DISTINCT (treated.trial, treated.subject_id)) FILTER (WHERE planned.subject_id IS NOT NULL) AS persons,
    CASE WHEN visits.week IS NOT NULL THEN count(DISTINCT (treated.trial, treated.subject_id)) END AS "of"
FROM visits
CROSS JOIN treated
LEFT JOIN planned
    ON planned.visit = visits.visit AND planned.trial = treated.trial AND planned.subject_id = treated.subject_id
WHERE planned.subject_id IS NOT NULL OR visits.week IS NULL OR visits.week <= 1
    OR treated.last_seen >= treated.start_date + visits.week * 7
GROUP BY visits.visit, visits.week
ORDER BY visits.week NULLS LAST, visits.visit
