-- Words that no name has, and the words that were looked for instead of each (none: it was left out).
SELECT s_word.word, list(DISTINCT token.token ORDER BY token.token) FILTER (token.token IS NOT NULL)
FROM s_word
LEFT JOIN s_way USING (text, position)
LEFT JOIN search.token USING (token_id)
GROUP BY s_word.position, s_word.word
HAVING coalesce(max(s_way.likeness), 0) < 1
ORDER BY s_word.position
