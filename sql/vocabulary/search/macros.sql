-- How names, codes and what a person types are made comparable: one place, used by the index and by every question.

-- What lower() and strip_accents() leave apart: letters that are no accented form of another.
CREATE OR REPLACE TEMP MACRO s_letters(x) AS
    CASE WHEN regexp_matches(x, '[^ -~]') THEN
        replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
            translate(x, 'øłđðµμ’·', 'oldduu'' '),
            'æ', 'ae'), 'œ', 'oe'), 'ß', 'ss'), 'þ', 'th'),
            'α', 'alpha'), 'β', 'beta'), 'γ', 'gamma'), 'δ', 'delta'), 'κ', 'kappa'), 'λ', 'lambda')
    ELSE x END;

-- 'crohn''s disease' is looked for as 'crohn disease' as often.
CREATE OR REPLACE TEMP MACRO s_possessive(x) AS
    CASE WHEN contains(x, '''') THEN regexp_replace(x, '([a-z])''s\b', '\1', 'g') ELSE x END;

-- Words between single blanks: lower case, no accents, no punctuation. A decimal number stays one word ('0,5' is
-- '0.5'; the dot hides behind '·' while punctuation is cut), a number and its unit are two ('40mg').
CREATE OR REPLACE TEMP MACRO s_fold(x) AS
    trim(replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(s_possessive(s_letters(strip_accents(lower(x)))), '([0-9])[.,]([0-9])', '\1·\2', 'g'),
                '([0-9])(mg|mcg|ug|kg|g|ml|l|iu|mmol)\b', '\1 \2', 'g'),
            '[^\p{L}\p{M}\p{N}·]+', ' ', 'g'),
        '·', '.'));

-- A code without what people leave out of it: 'C50.9' and 'c509', '8500/3' and '85003'; some are signs only ('%').
CREATE OR REPLACE TEMP MACRO s_code(x) AS
    coalesce(nullif(regexp_replace(lower(x), '[^\p{L}\p{N}]+', '', 'g'), ''), trim(x));

-- Keys that a word shares with its misspellings: its first and its last six letters, with one of them missing. Two
-- words with one slip of the pen there (a letter too many, too few, another, or two that changed places) share a key.
CREATE OR REPLACE TEMP MACRO s_without_one(x) AS
    list_transform(range(1, length(x) + 1), lambda i: left(x, i - 1) || substring(x, i + 1));

CREATE OR REPLACE TEMP MACRO s_near_keys(x) AS
    list_concat(
        s_without_one(left(x, 6)),
        list_transform(s_without_one(right(x, 6)), lambda key: '$' || key),
        CASE WHEN length(x) < 6 THEN [x] ELSE [] END);

-- Words in which misspellings are looked for: of letters only, and neither too short nor too long for it.
CREATE OR REPLACE TEMP MACRO s_is_spelt(x) AS length(x) BETWEEN 4 AND 40 AND regexp_full_match(x, '\p{L}+');

-- How many slips of the pen a word may have: one in 4 to 7 letters, two in longer ones.
CREATE OR REPLACE TEMP MACRO s_slips(x) AS CASE WHEN length(x) < 8 THEN 1 ELSE 2 END;
