-- Whether a result tells what was looked up.
SELECT count(*) > 0 FROM information_schema.tables WHERE table_schema = 'audit' AND table_name = 'lookups'
