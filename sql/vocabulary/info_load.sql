SELECT release, sha256
FROM omopify_load
