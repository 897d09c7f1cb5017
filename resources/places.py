"""Folders of the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROFILES = ROOT / "pipelines" / "profiles"
SAMPLE = ROOT / "resources" / "sample"
BUNDLED = SAMPLE / "passage_sae"
"""The autoencoder over passages that comes with peerlens."""
BUNDLED_LABELS = "labels.jsonl"
"""The labels of its latents, in that folder; without examples, which would be text of filings."""
SQL = ROOT / "sql"
