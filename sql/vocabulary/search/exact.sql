-- Names and synonyms that fold to the same text.
INSERT INTO s_found
SELECT
    s_text.text, entry.concept_id, entry.entry_id, entry.folded, entry.words, entry.synonym, entry.facet, 1, 1
FROM s_text
JOIN search.entry ON entry.folded = s_text.folded
JOIN s_allowed ON s_allowed.text = s_text.text AND s_allowed.facet = entry.facet
WHERE s_text.folded <> ''
