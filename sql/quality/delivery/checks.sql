-- What each check came to in the last delivery.
SELECT check_id, status FROM last.checks
