-- How rare words are among the names: 1 for one that a single name has, 0 for one that all have.
SELECT token.token, ln(about.names / least(token.entries, about.names)) / ln(greatest(about.names, 2)) AS rarity
FROM search.token
CROSS JOIN search.about
WHERE token.token IN (SELECT unnest($words))
