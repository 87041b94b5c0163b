-- Terms are compared as the maps' values are: folded by the database.
UPDATE work.concept_files SET key = o_fold(key)
