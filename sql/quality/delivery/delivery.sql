-- Who signed the last delivery, and when.
SELECT format, signed_by, signed_at FROM last.delivery
