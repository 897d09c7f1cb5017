"""The corpus is drawn once, whole documents at a time, and no document trains and is scored or validated on."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fakes.activation_parts import write_streams
from hypothesis import given
from hypothesis import strategies as st

from assets.activations.shards.shards import Shards
from assets.saes.corpus.draw import CorpusError, draw_corpus, kept_everywhere, kept_sample, kept_tokens, stacked
from resources.models.tokens import Tokens
from resources.settings.corpus import Corpus

FIRST = date(2004, 1, 1)


def filings(tokens: list[int]) -> pl.DataFrame:
    names = [f"a{i:03d}" for i in range(len(tokens))]
    days = [FIRST + timedelta(i) for i in range(len(tokens))]
    schema = {"accession": pl.String, "filed_at": pl.Date, "tokens": pl.Int32}
    return pl.DataFrame({"accession": names, "filed_at": days, "tokens": tokens}, schema=schema)


@given(st.lists(st.integers(1, 500), min_size=4, max_size=60), st.integers(100, 5_000), st.integers(0, 3))
def test_documents_are_drawn_until_the_limit_is_reached_and_split_in_three(
    tokens: list[int], limit: int, seed: int
) -> None:
    given_ = filings(tokens)
    settings = Corpus(max_tokens=limit, held_out_share=0.25, validation_share=0.1, seed=seed)
    try:
        drawn = draw_corpus(given_, settings).join(given_, on="accession")
    except CorpusError:
        return
    assert drawn["accession"].is_sorted()
    assert drawn["accession"].is_unique().all()
    total, largest = drawn["tokens"].sum(), drawn["tokens"].max()
    assert total >= limit or drawn.height == given_.height
    assert total - largest < limit
    counts = dict(drawn["split"].value_counts().iter_rows())
    assert set(counts) == {"train", "validation", "held_out"}
    assert counts["held_out"] == max(1, round(0.25 * drawn.height))
    assert counts["validation"] == max(1, round(0.1 * drawn.height))


@pytest.mark.parametrize(
    ("held_out", "validation", "counts"),
    [(0.15, 0.05, (6, 2, 32)), (0.0, 0.0, (1, 1, 38)), (0.5, 0.4, (20, 16, 4)), (0.1, 0.8, (4, 32, 4))],
)
def test_each_split_has_its_share_and_at_least_one_document(
    held_out: float, validation: float, counts: tuple[int, int, int]
) -> None:
    drawn = draw_corpus(filings([100] * 40), Corpus(held_out_share=held_out, validation_share=validation))
    assert tuple((drawn["split"] == split).sum() for split in ("held_out", "validation", "train")) == counts


def test_the_held_out_documents_do_not_depend_on_the_validation_share() -> None:
    draws = [draw_corpus(filings([100] * 40), Corpus(validation_share=share)) for share in (0.05, 0.5)]
    first, second = (set(drawn.filter(pl.col("split") == "held_out")["accession"]) for drawn in draws)
    assert first == second


def test_the_draw_is_the_same_until_the_seed_or_the_version_changes_and_ignores_row_order() -> None:
    given_ = filings([100] * 40)
    draws = [draw_corpus(rows, Corpus(max_tokens=1_000)) for rows in (given_, given_, given_.reverse())]
    assert draws[0].equals(draws[1])
    assert draws[0].equals(draws[2])
    for other in (Corpus(max_tokens=1_000, seed=1), Corpus(max_tokens=1_000, version=2)):
        assert not draw_corpus(given_, other).equals(draws[0])


def test_a_filing_after_the_cutoff_changes_nothing() -> None:
    given_, settings = filings([100] * 40), Corpus(cutoff=FIRST + timedelta(19))
    assert draw_corpus(given_, settings).equals(draw_corpus(given_[:20], settings))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_documents_are_refused(count: int) -> None:
    with pytest.raises(CorpusError, match=rf"{count} documents by 2004-12-31, 1 of them held out and 1 for validation"):
        draw_corpus(filings([100] * count), Corpus())
    assert sorted(draw_corpus(filings([100] * 3), Corpus())["split"]) == ["held_out", "train", "validation"]


def test_shares_that_leave_nothing_to_train_on_are_refused() -> None:
    with pytest.raises(CorpusError, match=r"10 documents .* 5 of them held out and 5 for validation"):
        draw_corpus(filings([100] * 10), Corpus(held_out_share=0.49, validation_share=0.49))


def shards(folder: Path) -> Shards:
    """Two documents of four and three tokens at blocks 1 and 2; a massive token in each block."""
    x = np.ones((2, 7, 4), dtype=np.float16)
    x[0, 0] = 1_000
    x[1, 5] = 1_000
    n = np.arange(4, dtype=np.int32)
    filings = [("a", Tokens(n, n, n + 1)), ("b", Tokens(n[:3], n[:3], n[:3] + 1))]
    return write_streams(folder, filings, {1: x[0], 2: x[1]})


INDEX = pl.DataFrame({"first_row": [0, 4], "tokens": [4, 3]})


def test_massive_tokens_are_left_out_block_by_block_or_everywhere(tmp_path: Path) -> None:
    read = shards(tmp_path)
    assert np.flatnonzero(~kept_tokens(read, INDEX, 1, 10.0)).tolist() == [0]
    assert np.flatnonzero(~kept_tokens(read, INDEX, 2, 10.0)).tolist() == [5]
    assert np.flatnonzero(~kept_everywhere(read, INDEX, 10.0)).tolist() == [0, 5]


def test_documents_that_are_not_asked_for_are_not_kept(tmp_path: Path) -> None:
    assert np.flatnonzero(kept_tokens(shards(tmp_path), INDEX[1:], 1, 10.0)).tolist() == [4, 5, 6]


def test_stacked_has_all_blocks_of_the_kept_tokens(tmp_path: Path) -> None:
    read = shards(tmp_path)
    found = stacked(read, 4, 3, kept_everywhere(read, INDEX, 10.0))
    assert found.shape == (2, 2, 4)
    assert found.dtype == np.float32


def test_a_sample_is_spread_over_the_kept_tokens(tmp_path: Path) -> None:
    n = np.arange(9, dtype=np.int32)
    x = np.stack([np.ones(9), n], axis=1)
    x[2] = 60_000
    read = write_streams(
        tmp_path, [("a", Tokens(n[:4], n[:4], n[:4] + 1)), ("b", Tokens(n[:5], n[:5], n[:5] + 1))], {3: x}
    )
    index = pl.DataFrame({"first_row": [0, 4], "tokens": [4, 5]})

    def rows(most: int) -> list[float]:
        return kept_sample(read, index, 3, 10.0, most)[:, 1].tolist()

    assert rows(100) == [0, 1, 3, 4, 5, 6, 7, 8]
    assert rows(8) == [0, 1, 3, 4, 5, 6, 7, 8]
    assert rows(3) == [0, 4, 8]
    assert rows(1) == [0]
