-- What is asked: the texts as names are compared.
CREATE OR REPLACE TEMP TABLE s_text AS
SELECT CAST(number - 1 AS integer) AS text, s_fold(asked) AS folded
FROM unnest(CAST($texts AS varchar[])) WITH ORDINALITY AS asked_texts(asked, number)
