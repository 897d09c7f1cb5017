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


def test_a_filing_has_changed_where_one_of_its_passages_is_gone(tmp_path: Path) -> None:
    lake, stream = Lake(tmp_path, "toy"), BytesIO()
    passages = {"accession": ["a", "a", "b"], "text": ["We sell oil.", "We (also) buy.", "Banks lend."]}
    pl.DataFrame(passages).write_parquet(stream)
    corpus = commit_file(lake, "passage_corpus", None, stream.getvalue())
    assert changed_since(lake, corpus) == 2
    write(lake, "descriptions", "2003", a="We sell oil. We (also) buy. And more.", b="Banks lend.")
    assert changed_since(lake, corpus) == 0
    write(lake, "descriptions", "2003", a="We sell oil. We buy.", b="Banks lend.")
    assert changed_since(lake, corpus) == 1


def test_what_is_not_read_of_a_description_is_no_change(tmp_path: Path) -> None:
    lake, stream = Lake(tmp_path, "toy"), BytesIO()
    corpus = write(lake, "sae_corpus", None, a="We sell oil.")
    write(lake, "descriptions", "2003", a="We sell oil. We buy.")
    assert changed_since(lake, corpus) == 1
    pl.DataFrame({"accession": ["a"], "end": [12]}, schema_overrides={"end": pl.Int32}).write_parquet(stream)
    commit_file(lake, "passages", "2003", stream.getvalue())
    assert changed_since(lake, corpus) == 0
