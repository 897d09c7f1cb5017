"""The pinned corpus says how many of its filings have changed since."""

from io import BytesIO
from pathlib import Path

import polars as pl
from plain_artefact import commit_file

from pipelines.status import changed_since
from resources.lake.lake import Lake
from resources.lake.manifest import Manifest


def write(lake: Lake, asset: str, partition: str | None, **contents: str) -> Manifest:
    stream = BytesIO()
    pl.DataFrame({"accession": list(contents), "text": list(contents.values())}).write_parquet(stream)
    return commit_file(lake, asset, partition, stream.getvalue(), config=contents)


def test_changed_and_vanished_filings_of_the_corpus_are_counted_and_new_ones_are_not(tmp_path: Path) -> None:
    lake = Lake(tmp_path, "toy")
    corpus = write(lake, "sae_corpus", None, a="1", b="1", c="1")
    assert changed_since(lake, corpus) == 3
    write(lake, "descriptions", "2003", a="1", b="1")
    write(lake, "descriptions", "2004", c="1", new="1")
    assert changed_since(lake, corpus) == 0
    write(lake, "descriptions", "2003", a="2")
    assert changed_since(lake, corpus) == 2
