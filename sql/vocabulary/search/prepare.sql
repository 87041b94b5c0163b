-- Where the names found for the texts are gathered.
CREATE OR REPLACE TEMP TABLE s_found (
    text integer, concept_id integer, entry_id integer, folded varchar, words utinyint, synonym boolean, facet usmallint,
    weight double, score double
)
