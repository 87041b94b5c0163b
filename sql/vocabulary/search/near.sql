-- Words that begin like a word that no name has, the most alike first.
SELECT token.token
FROM s_word
JOIN search.token ON left(token.token, 3) = left(s_word.word, 3)
WHERE length(s_word.word) BETWEEN 3 AND 40 AND length(token.token) BETWEEN 3 AND 40
    AND NOT EXISTS (SELECT 1 FROM s_way WHERE s_way.text = s_word.text AND s_way.position = s_word.position)
GROUP BY token.token
ORDER BY min(damerau_levenshtein(s_word.word, token.token)), max(token.entries) DESC, token.token
LIMIT 6
