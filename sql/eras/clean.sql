DROP TABLE work.era_events;
DROP TABLE work.era_members
