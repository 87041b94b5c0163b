SELECT omopify, format
FROM omopify_load
