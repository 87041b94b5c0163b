-- The last word while it is being typed: all words that begin with it.
INSERT INTO s_way
SELECT s_word.text, s_word.position, token.token_id, token.entries, ' ' || s_word.word, 0.6
FROM search.token
JOIN s_word ON s_word.word = $word
WHERE token.token > $word AND token.token < $word || chr(1114111)
