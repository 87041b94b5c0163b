-- Each column of the export, how many of its cells are filled, and how many rows its form has.
SELECT source, "column", filled, rows FROM audit.columns ORDER BY source, "column"
