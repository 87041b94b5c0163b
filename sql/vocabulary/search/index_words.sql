-- Index 2 of 3: the words of the names, and in which names each of them is.
CREATE TEMP TABLE word AS
SELECT entry_id, facet, words, unnest(list_distinct(string_split(folded, ' '))) AS token
FROM entry;

CREATE TABLE token AS
SELECT
    CAST(row_number() OVER (ORDER BY token) - 1 AS integer) AS token_id,
    token,
    CAST(count(*) AS integer) AS entries,
    CASE WHEN s_is_spelt(token) THEN o_skeleton(token) END AS skeleton
FROM word
GROUP BY token
ORDER BY token_id;

CREATE TABLE posting AS
SELECT token.token_id, word.entry_id, word.facet, word.words
FROM word
JOIN token USING (token)
ORDER BY token.token_id, word.entry_id;

DROP TABLE word;
