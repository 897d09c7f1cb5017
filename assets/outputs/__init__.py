"""What people look at: the DuckDB window onto the lake, and the atlas page."""

from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
FILE = "peerlens.duckdb"
"""Name of the DuckDB file at the lake's root."""
