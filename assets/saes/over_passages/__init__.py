"""Autoencoders over passages: the training of tokens, over rows in memory that are standardised first."""
