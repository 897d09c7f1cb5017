"""A year's shards: what did not change is copied bit for bit, the rest is read."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from assets import schemas
from assets.activations.cache import Kept, content_hash, write_filings
from assets.activations.harvest import FilingActivations
from assets.activations.shards import Shards, ShardWriter
from resources.tokens import Tokens


def filings(**texts: str) -> pl.DataFrame:
    rows = [{"accession": a, "company_id": a, "filed_at": date(2004, 1, 1), "text": t} for a, t in texts.items()]
    return pl.DataFrame(rows)


def read(text: str) -> FilingActivations:
    """One token a character, its code in every dimension."""
    ids = np.array([ord(c) for c in text], dtype=np.int32)
    n = np.arange(len(text), dtype=np.int32)
    x = np.broadcast_to(ids[None, :, None], (2, len(ids), 4)).astype(np.float16)
    return FilingActivations(Tokens(ids, n, n + 1), (3, 7), x)


def write(folder: Path, rows: pl.DataFrame, kept: Kept) -> tuple[list[dict[str, object]], list[str]]:
    asked: list[str] = []

    def noted(text: str) -> FilingActivations:
        asked.append(text)
        return read(text)

    with ShardWriter(folder, [3, 7], 4, {}) as writer:
        return write_filings(writer, rows, kept, noted), asked


def test_filings_follow_one_another_and_the_index_says_where(tmp_path: Path) -> None:
    index, asked = write(tmp_path, filings(a="one", b="three"), Kept(None, {}))
    assert asked == ["one", "three"]
    assert [(row["accession"], row["first_row"], row["tokens"]) for row in index] == [("a", 0, 3), ("b", 3, 5)]
    assert schemas.ACTIVATIONS.validate(schemas.ACTIVATIONS.frame(index)).num_rows == 2
    assert Shards(tmp_path).tokens(3, 5)["token_id"].to_list() == [ord(c) for c in "three"]


def test_kept_filings_are_copied_to_their_new_place_and_not_read(tmp_path: Path) -> None:
    old, _ = write(tmp_path / "old", filings(a="one", b="three"), Kept(None, {}))
    kept = Kept(Shards(tmp_path / "old"), {"b": old[1]})
    rows = filings(a="changed", b="three", c="new")
    index, asked = write(tmp_path / "new", rows, kept)
    whole, _ = write(tmp_path / "whole", rows, Kept(None, {}))
    assert asked == ["changed", "new"]
    assert index == whole
    for name in ("block-03.parquet", "block-07.parquet"):
        assert (tmp_path / "new" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_the_hash_is_of_blocks_tokens_and_activations() -> None:
    same, other = read("text"), read("text")
    assert content_hash(same) == content_hash(other)
    moved = FilingActivations(same.tokens, (3, 8), same.activations)
    shifted = FilingActivations(
        Tokens(same.tokens.ids, same.tokens.char_start, same.tokens.char_end + 1), (3, 7), same.activations
    )
    louder = FilingActivations(same.tokens, (3, 7), same.activations * np.float16(2))
    assert len({content_hash(f) for f in (same, moved, shifted, louder)}) == 4


def test_every_filing_is_told_of(tmp_path: Path) -> None:
    told: list[int] = []
    with ShardWriter(tmp_path, [3, 7], 4, {}) as writer:
        write_filings(writer, filings(a="one", b="two"), Kept(None, {}), read, told.append)
    assert told == [1, 1]
