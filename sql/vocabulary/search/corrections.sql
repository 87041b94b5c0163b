-- Words that no name has, and the words that were looked for instead of each (none: it was left out).
SELECT
    s_word.word,
    list(token.token ORDER BY way.likeness DESC, token.entries DESC, token.token)
        FILTER (token.token IS NOT NULL)[1:5]
FROM s_word
LEFT JOIN (
    SELECT text, position, token_id, max(likeness) AS likeness FROM s_way GROUP BY text, position, token_id
) AS way USING (text, position)
LEFT JOIN search.token USING (token_id)
GROUP BY s_word.position, s_word.word
HAVING coalesce(max(way.likeness), 0) < 1
ORDER BY s_word.position
