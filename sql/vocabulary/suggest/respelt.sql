-- Words of the vocabulary that are spelt like words of the texts in another language, the commonest first.
SELECT skeleton, token, entries
FROM search.token
WHERE skeleton IN (SELECT unnest($skeletons))
ORDER BY skeleton, entries DESC, token
