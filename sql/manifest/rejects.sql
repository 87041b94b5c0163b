-- Rejected rows by reason.
SELECT "map", field || ': ' || reason AS why, count(*) AS rows FROM audit.rejects GROUP BY "map", field, reason ORDER BY "map", why
