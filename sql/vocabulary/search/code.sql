SELECT s_code($typed)
