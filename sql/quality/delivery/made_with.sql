-- What the last delivery was made with.
SELECT kind, name, value FROM last.made_with
