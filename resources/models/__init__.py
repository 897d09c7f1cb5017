"""The language model, its tokenizer and the sentence embedder."""
