"""Passages: the units in which people write and read, and what the language model makes of each."""
