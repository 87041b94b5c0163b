-- The maps that read a form or a harmonised table, in the order in which they ran.
SELECT reads."map", reads.joined
FROM audit.map_sources AS reads
WHERE reads.source = $source
ORDER BY reads.rowid
