-- Adverse events by grade, serious or not.
WITH said AS (
    SELECT
        CASE WHEN grade BETWEEN 1 AND 5 THEN 'grade ' || grade ELSE 'no grade' END AS grade,
        CASE WHEN serious THEN 'serious' WHEN NOT serious THEN 'not serious' ELSE 'not said' END AS serious
    FROM dsp.adverse_event
)
SELECT grade, serious, count(*) AS events
FROM said
GROUP BY grade, serious
ORDER BY grade = 'no grade', grade, serious
