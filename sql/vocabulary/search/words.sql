-- The first 24 words of each text.
CREATE OR REPLACE TEMP TABLE s_word AS
WITH split AS (
    SELECT text, string_split(folded, ' ')[1:24] AS words FROM s_text WHERE folded <> ''
)
SELECT text, word, CAST(min(position) AS integer) AS position
FROM (SELECT text, unnest(words) AS word, generate_subscripts(words, 1) AS position FROM split) AS positions
GROUP BY text, word;

-- The ways in which a word may be found: as it is (here), and as the word that was meant (repair, begin). A name has
-- it if it holds the needle.
CREATE OR REPLACE TEMP TABLE s_way AS
SELECT
    s_word.text, s_word.position, token.token_id, token.entries,
    ' ' || s_word.word || ' ' AS needle,
    CAST(1 AS float) AS likeness
FROM s_word
JOIN search.token ON token.token = s_word.word
