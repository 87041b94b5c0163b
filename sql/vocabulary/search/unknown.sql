SELECT count(*) FROM s_word ANTI JOIN s_way USING (text, position)
