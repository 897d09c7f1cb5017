"""Folders of the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROFILES = ROOT / "pipelines" / "profiles"
SAMPLE = ROOT / "resources" / "sample"
SQL = ROOT / "sql"
