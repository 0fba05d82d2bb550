"""Documents in, searchable chunks out. Owns the vocabulary: document, chunk, embedding, index, access."""
