-- A database that has nothing but the account of a run, to see what belongs to it.
CREATE SCHEMA audit
