SELECT count(*) FROM temp.failing
