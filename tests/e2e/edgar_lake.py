"""A lake of annual reports that come from the fake EDGAR: its profile, and its tables."""

from pathlib import Path

import polars as pl

from resources.lake.lake import Lake

PROFILE = """
filing_years: [2001, 2003, 2004, 2005, 2010, 2015, 2020, 2021, 2022]
descriptions:
  source: edgar
  edgar: {{identity: Jane Doe jane@example.com, archive_url: "{url}", data_url: "{url}"}}
"""


def write_profile(folder: Path, url: str) -> str:
    (folder / "mine.yaml").write_text(PROFILE.format(url=url), encoding="utf-8")
    return str(folder / "mine.yaml")


def rows(home: Path, table: str) -> pl.DataFrame:
    """A table of the lake as its manifests point to it."""
    lake = Lake(home, "mine")
    places = [manifest.parent for manifest in sorted((home / "mine").glob("*/*/manifest.json"))]
    made = [lake.manifest(place.parent.name, None if place.name == "all" else place.name) for place in places]
    files = [file for known in made if known for file in lake.table_files(known, table)]
    return pl.concat([pl.read_parquet(file) for file in files])
