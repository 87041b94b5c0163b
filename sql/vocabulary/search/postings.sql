SELECT text, CAST(sum(entries) AS bigint) FROM s_seed GROUP BY text ORDER BY text
