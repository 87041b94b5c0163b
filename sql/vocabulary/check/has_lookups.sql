-- Whether a result tells what was looked up.
SELECT count(*) > 0 FROM information_schema.columns
WHERE table_schema = 'audit' AND table_name = 'lookups' AND column_name = 'rows_open'
