SELECT file_number, source, file, sheet, rows, sha256 FROM audit.files ORDER BY file_number
