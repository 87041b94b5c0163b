-- The last word of the text, which may still be typed, if it is long enough to be completed.
SELECT word FROM s_word WHERE length(word) >= $shortest ORDER BY position DESC LIMIT 1
