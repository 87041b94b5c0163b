-- Responses by the time since treatment began, in steps of eight weeks; a response outside the value set is 'other'.
WITH first_treated AS (
    SELECT trial, subject_id, min(start_date) AS start_date FROM dsp.treatment GROUP BY ALL
), assessed AS (
    SELECT DISTINCT
        assessment.trial, assessment.subject_id, assessment.date,
        CASE WHEN list_contains($responses, assessment.response) THEN assessment.response ELSE 'other' END AS response,
        (date_diff('day', treated.start_date, assessment.date) + 28) // 56 * 8 AS week
    FROM dsp.tumour_assessment AS assessment
    JOIN first_treated AS treated
        ON treated.trial = assessment.trial AND treated.subject_id = assessment.subject_id
    WHERE assessment.response IS NOT NULL AND assessment.date >= treated.start_date
)
SELECT least(week, 104), response, count(*) AS assessments
FROM assessed
GROUP BY least(week, 104), response
ORDER BY least(week, 104), list_position($responses, response) NULLS LAST
