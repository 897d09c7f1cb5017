"""The profile: one file per section."""
