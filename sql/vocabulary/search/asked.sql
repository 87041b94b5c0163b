-- The one text: as names are compared, what its words weigh (a word that no name has as much as the rarest), and how
-- many they are.
SELECT
    s_text.folded,
    coalesce(sum(coalesce(s_weight.weight, s_rarity(1))), 1) AS asked_weight,
    count(s_word.word) AS asked_words
FROM s_text
LEFT JOIN s_word USING (text)
LEFT JOIN s_weight USING (text, position)
GROUP BY s_text.folded
