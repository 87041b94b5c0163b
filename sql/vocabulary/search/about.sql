SELECT identity, names, mean_words FROM search.about
