"""Autoencoders on disk: our own format, sparsify and SAELens."""
