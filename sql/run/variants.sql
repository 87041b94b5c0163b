-- How gene variants and genes may be written, and the concept of each, where one is known.
-- $keys, $levels, $genes, $ids: lists of the same length
INSERT INTO work.variants (key, level, gene, concept_id) SELECT unnest($keys), unnest($levels), unnest($genes), unnest($ids)
