"""Who exists and what they say: one file per source."""
