SELECT sha256, release FROM omopify_load
