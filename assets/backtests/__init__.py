"""Pairs inside peer groups: tested for cointegration, traded in one chronological book, summed up."""

from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
