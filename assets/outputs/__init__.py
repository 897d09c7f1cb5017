"""What people look at: the DuckDB window onto the lake, and the atlas page."""
