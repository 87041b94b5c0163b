-- The texts of which the vocabulary has all words, those before others that are the name of a concept.
SELECT s_word.text
FROM s_word
JOIN s_text USING (text)
LEFT JOIN (SELECT DISTINCT folded FROM search.entry JOIN s_text USING (folded)) AS names USING (folded)
WHERE s_word.text NOT IN (SELECT text FROM s_word ANTI JOIN s_way USING (text, position))
GROUP BY s_word.text
ORDER BY bool_or(names.folded IS NOT NULL) DESC, s_word.text
