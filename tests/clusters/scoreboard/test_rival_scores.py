"""The share of named rivals that methods find: all by whoever knows the groups, about the share of pairs by chance."""

import numpy as np
import polars as pl
import pytest

from assets.clusters.methods import Known
from assets.clusters.peer_methods.nearness import Evidence
from assets.clusters.peer_methods.tnic import PAIR_SHARE
from assets.clusters.scoreboard.rivals import masked_evidence, rival_rows

COMPANIES, SIZE = 200, 5
IDS = [f"{number:03d}" for number in range(COMPANIES)]
GROUPS = np.arange(COMPANIES) // SIZE


def evidence() -> Evidence:
    companies = pl.DataFrame(
        {
            "company_id": IDS,
            "accession": IDS,
            "sic": [f"{1000 + 10 * group}" for group in GROUPS],
            "text": [f"word{'abcdefghij'[g % 10]}{'abcdefghij'[g // 10]} the firm of{i}" for i, g in enumerate(GROUPS)],
            "sector": [None] * COMPANIES,
            "industry": [None] * COMPANIES,
        },
        schema_overrides={"sector": pl.String, "industry": pl.String},
    )
    latents = pl.DataFrame({"company_id": IDS, "latent": GROUPS, "weight": 1.0, "own_weight": 1.0}).with_columns(
        entry=pl.lit("e"), block=2, view=pl.lit("passages"), accession="company_id"
    )
    return Evidence(Known(companies, latents), np.random.default_rng(0).normal(size=(60, COMPANIES)))


def rivals() -> pl.DataFrame:
    """Each names the next of its group."""
    own = [i for i in range(COMPANIES) if (i + 1) % SIZE]
    return pl.DataFrame({"company_id": [IDS[i] for i in own], "rival_id": [IDS[i + 1] for i in own]})


def test_who_knows_the_groups_finds_all_and_chance_finds_the_share_of_pairs() -> None:
    found = {row["method"]: row for row in rival_rows(evidence(), rivals())}
    assert found["sae_passages"]["share"] == pytest.approx(1.0) == found["sic4"]["share"]
    assert found["random"]["share"] == pytest.approx(PAIR_SHARE, abs=1e-3)
    assert found["random"]["pairs"] == COMPANIES - COMPANIES // SIZE
    assert all(row["low"] <= row["share"] <= row["high"] + 1e-9 for row in found.values())
    assert "sector" not in found  # it places nobody


def test_a_pair_that_names_each_other_counts_once_and_who_is_not_known_does_not() -> None:
    both = pl.DataFrame({"company_id": ["000", "001", "000"], "rival_id": ["001", "000", "gone"]})
    assert {row["pairs"] for row in rival_rows(evidence(), both)} == {1}
    assert list(rival_rows(evidence(), both.clear())) == []


def test_masked_evidence_has_other_texts_and_vectors_and_forgets_what_was_computed_of_the_whole_ones() -> None:
    whole = evidence()
    before = whole.words
    texts = pl.DataFrame({"company_id": IDS, "text": ["same words here"] * COMPANIES})
    masked = masked_evidence(whole, texts, whole.known.vectors.head(3))
    assert masked.known.companies["text"].unique().to_list() == ["same words here"]
    assert masked.known.companies.columns == whole.known.companies.columns
    assert masked.words.min() == pytest.approx(1.0) and before.min() < 1
    assert masked.known.vectors.height == 3
