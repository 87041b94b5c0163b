-- For words that the vocabulary has in no spelling: the commonest word that is one slip of the pen away from them in
-- their skeletons. The first two letters are taken for right, so that few words are compared.
SELECT asked.skeleton, token.token
FROM (SELECT unnest($skeletons) AS skeleton) AS asked
JOIN search.token
    ON left(token.skeleton, 2) = left(asked.skeleton, 2)
    AND abs(length(token.skeleton) - length(asked.skeleton)) <= 1
    AND damerau_levenshtein(token.skeleton, asked.skeleton) = 1
QUALIFY row_number() OVER (PARTITION BY asked.skeleton ORDER BY token.entries DESC, token.token) = 1
ORDER BY asked.skeleton
