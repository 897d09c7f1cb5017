"""What is found in the passages of a filing, and which of them are kept."""

from datetime import date

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from assets import schemas
from assets.features.encoding import NoEntryError
from assets.features.passages import describing_entries, encode_passages, strongest_rows
from assets.saes.model.sae import Sae, SaeConfig

BLOCK = 24
SPANS = [(0, 10), (11, 20), (21, 40), (41, 50), (51, 60)]


def identity_sae(k: int = 1) -> Sae:
    """Latent i is dimension i of three, twice as large."""
    sae = Sae(SaeConfig(3, 3, k, (BLOCK,), {BLOCK: 2.0}))
    weights = {name: torch.eye(3) if value.ndim == 2 else torch.zeros(3) for name, value in sae.state_dict().items()}
    sae.load_state_dict(weights)
    return sae


SAES = {("passages-24", BLOCK): identity_sae()}


def filing(
    accession: str, *vectors: list[float], numbers: list[int] | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of passage_vectors and of passages of one filing."""
    about = {"accession": accession, "company_id": accession[:1], "filed_at": date(2004, 1, 1)}
    rows = [
        {**about, "passage": number, "block": BLOCK, "vector": np.array(vector, dtype="<f2").tobytes()}
        for number, vector in zip(numbers or range(len(vectors)), vectors, strict=True)
    ]
    spans = [
        {**about, "passage": i, "start": start, "end": end, "tokens": 3, "kind": "text", "rule": None}
        for i, (start, end) in enumerate(SPANS)
    ]
    return schemas.PASSAGE_VECTORS.frame(rows), schemas.PASSAGES.frame(spans)


def both(*filings: tuple[pl.DataFrame, pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    vectors, passages = zip(*filings, strict=True)
    return pl.concat(vectors), pl.concat(passages)


GOLD, SILVER, COPPER = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]


def test_a_theme_is_the_mean_over_passages_and_points_at_the_strongest_one() -> None:
    vectors, passages = filing("A-1", GOLD, [3.0, 0, 0], SILVER, [3.0, 0, 0], numbers=[0, 2, 3, 4])
    counted = list[int]()
    found = encode_passages(vectors, passages, SAES, counted.append)
    assert schemas.COMPANY_FEATURES.validate(found.features).num_rows == 2
    assert found.features.select("view", "entry", "block", "pooling").unique().rows() == [
        ("passages", "passages-24", BLOCK, "mean")
    ]
    assert found.features.select(
        "company_id", "latent", "value", "peak_position", "peak_start", "peak_end", "peak"
    ).rows() == [
        ("A", 0, pytest.approx((2 + 6 + 6) / 4), 2, 21, 40, 6.0),
        ("A", 1, pytest.approx(2 / 4), 3, 41, 50, 2.0),
    ]
    assert counted == [1]


def test_the_three_strongest_passages_of_a_theme_are_kept() -> None:
    vectors, passages = filing("A-1", GOLD, [3.0, 0, 0], [2.0, 0, 0], [3.0, 0, 0], SILVER)
    found = encode_passages(vectors, passages, SAES).theme_passages
    assert schemas.THEME_PASSAGES.validate(found).num_rows == 4
    assert found.select("latent", "rank", "passage", "start", "end", "value").rows() == [
        (0, 1, 1, 11, 20, 6.0),
        (0, 2, 3, 41, 50, 6.0),
        (0, 3, 2, 21, 40, 4.0),
        (1, 1, 4, 51, 60, 2.0),
    ]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_the_strongest_rows_agree_with_sorting_each_latent(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 4, size=(9, 3)).astype(np.float64)
    indices = np.array([rng.permutation(5)[:3] for _ in range(9)])
    expected = []
    for latent in range(5):
        active = [
            (-v, row, v)
            for row in range(9)
            for v, i in zip(values[row], indices[row], strict=True)
            if i == latent and v
        ]
        expected += [(row, latent, rank, v) for rank, (_, row, v) in enumerate(sorted(active)[:count], start=1)]
    assert list(zip(*(part.tolist() for part in strongest_rows(values, indices, count)), strict=True)) == expected


def test_a_filing_is_described_alike_whatever_is_encoded_with_it() -> None:
    rng = np.random.default_rng(0)
    texts = [filing(f"{name}-1", *rng.normal(size=(5, 3)).tolist()) for name in "ABCDEFGH"]
    together = encode_passages(*both(*texts), {("passages-24", BLOCK): identity_sae(2)})
    alone = [encode_passages(*text, {("passages-24", BLOCK): identity_sae(2)}) for text in texts]
    assert together.features.equals(pl.concat(one.features for one in alone))
    assert together.theme_passages.equals(pl.concat(one.theme_passages for one in alone))


def test_two_identical_texts_have_the_same_themes() -> None:
    found = encode_passages(*both(filing("A-1", GOLD, SILVER), filing("B-1", GOLD, SILVER)), SAES).features
    one, other = (found.filter(company_id=c).drop("company_id", "accession") for c in "AB")
    assert one.equals(other)


def test_one_passage_is_enough() -> None:
    found = encode_passages(*filing("A-1", COPPER, numbers=[1]), SAES)
    assert found.features.select("latent", "value", "peak_position").rows() == [(2, 2.0, 1)]
    assert found.theme_passages.select("rank", "passage").rows() == [(1, 1)]


def test_a_passage_that_wakes_no_latent_counts_in_the_mean() -> None:
    found = encode_passages(*filing("A-1", GOLD, [-1.0, -1.0, -1.0]), SAES).features
    assert found.select("latent", "value").rows() == [(0, 1.0)]


def test_filings_without_a_vector_of_a_passage_have_no_rows() -> None:
    vectors, passages = filing("A-1", GOLD)
    found = encode_passages(vectors.clear(), passages, SAES)
    assert found.features.is_empty()
    assert found.theme_passages.is_empty()
    schemas.COMPANY_FEATURES.validate(found.features)
    schemas.THEME_PASSAGES.validate(found.theme_passages)


def test_vectors_of_another_block_than_the_autoencoder_reads_are_refused() -> None:
    vectors, passages = filing("A-1", GOLD)
    with pytest.raises(
        NoEntryError, match=r"passages.blocks: an autoencoder over passages reads block 24; there is \[8\]"
    ):
        encode_passages(vectors.with_columns(block=pl.lit(8, pl.Int32)), passages, SAES)


def test_an_entry_of_another_seed_describes_nobody() -> None:
    saes = pl.DataFrame(
        {
            "entry": ["passages-27", "passages-24-seed-1", "passages-24"],
            "blocks": [[27], [24], [24]],
            "sha256": ["1", "2", "3"],
        }
    )
    assert describing_entries(saes).rows() == [("passages-24", 24, "3"), ("passages-27", 27, "1")]
