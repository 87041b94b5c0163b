-- Values that were left out or changed in a row of the export, and dates that were filled in.
SELECT issue."map", issue.field, issue.reason
FROM audit.value_issues AS issue
JOIN audit.files AS files ON files.file = issue.file AND files.sheet IS NOT DISTINCT FROM issue.sheet
WHERE files.file_number = $file AND issue.row = $row
UNION ALL
SELECT filled."map", filled.field, 'date filled in: ' || filled.rule
FROM audit.imputations AS filled
JOIN audit.files AS files ON files.file = filled.file AND files.sheet IS NOT DISTINCT FROM filled.sheet
WHERE files.file_number = $file AND filled.row = $row
ORDER BY "map", field, reason
