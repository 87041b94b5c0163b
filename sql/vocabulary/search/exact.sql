-- Names and synonyms that fold to the same text.
INSERT INTO s_found
SELECT
    s_text.text, entry.concept_id, entry.entry_id, entry.folded, entry.words, entry.synonym, entry.facet, 1, 1
FROM s_text
JOIN search.entry ON entry.folded = s_text.folded
WHERE s_text.folded <> '' AND entry.facet IN (SELECT facet FROM s_allowed)
