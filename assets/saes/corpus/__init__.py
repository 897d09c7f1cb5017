"""The pinned corpus: which documents, their statistics, and the batches drawn from them."""
