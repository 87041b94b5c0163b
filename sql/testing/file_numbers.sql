-- The files of one form, by number. $source: the form
SELECT file_number FROM audit.files WHERE source = $source ORDER BY file_number
