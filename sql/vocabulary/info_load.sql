-- What a vocabulary file says of itself; the columns of later layouts come behind these.
SELECT format, omopify, strftime(loaded_at, '%Y-%m-%dT%H:%M:%SZ') AS loaded_at, release, sha256
FROM omopify_load
