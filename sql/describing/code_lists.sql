-- How often each answer occurs in the columns that are filled from a list.
SELECT source, "column", value, rows FROM audit.code_lists ORDER BY source, "column", value
