SELECT sha256 FROM vocabulary.omopify_load
