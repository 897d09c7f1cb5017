"""Two views of a company: what each has to be made again for, and what follows from one of them alone."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from cosines_by_hand import cosines_by_hand

from resources.environment import open_lake, open_profile
from resources.lake.lake import Lake
from resources.settings.features import Views
from resources.settings.profile import Profile


@pytest.fixture
def tiny() -> Profile:
    return open_profile("tiny")


@pytest.fixture
def home(lake_copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the finished tiny lake, in force."""
    monkeypatch.setenv("PEERLENS_HOME", str(lake_copy))
    return lake_copy


def rows(lake: Lake, table: str, asset: str, partition: str | None) -> pl.DataFrame:
    known = lake.manifest(asset, partition)
    assert known is not None
    return pl.read_parquet(lake.table_files(known, table), glob=False)


def with_shares(profile: Profile, passages: float, tokens: float) -> Profile:
    features = profile.features.model_copy(update={"views": Views(passages=passages, tokens=tokens)})
    return profile.model_copy(update={"features": features})


def units(lake: Lake) -> dict[str, str]:
    known = lake.manifest("company_features", "2004")
    assert known is not None
    return lake.record(known).units


def test_a_company_has_both_views_and_every_method_its_neighbours(home: Path, tiny: Profile) -> None:
    lake = open_lake(tiny)
    vectors = rows(lake, "company_vectors", "company_vectors", "2007-12")
    views = vectors.group_by("company_id").agg(pl.col("view").n_unique(), (pl.col("weight") ** 2).sum())
    assert views["view"].to_list() == [2] * 6
    assert views["weight"].to_list() == pytest.approx([1.0] * 6)
    near = rows(lake, "neighbours", "peer_clusters", "2007-12")
    assert {"sae", "sae_passages", "sae_tokens"} <= set(near["method"])
    themes = rows(lake, "themes", "company_vectors", "2007-12")
    assert themes["share"].is_between(1 / 6, 1).all()
    assert vectors.join(themes, on=["entry", "block", "latent"], how="anti").is_empty()


def test_similarities_are_the_views_cosines_weighted_by_share(home: Path, tiny: Profile) -> None:
    lake, settings = open_lake(tiny), tiny.features
    features = pl.concat(rows(lake, "company_features", "company_features", year) for year in ("2003", "2004"))
    companies, expected_of = cosines_by_hand(features, rows(lake, "latent_labels", "latent_labels", None), settings)
    near = rows(lake, "neighbours", "peer_clusters", "2007-12")
    for method, expected in expected_of.items():
        found = near.filter(method=method).select("company_id", "peer_id", "similarity").rows()
        assert len(found) == 6 * 5
        for company, peer, similarity in found:
            assert similarity == pytest.approx(expected[companies.index(company), companies.index(peer)], abs=1e-12)


def test_what_a_theme_is_shown_by_lies_in_the_passages_of_the_filing(home: Path, tiny: Profile) -> None:
    lake = open_lake(tiny)
    kept = rows(lake, "theme_passages", "company_features", "2004")
    spans = rows(lake, "passages", "passages", "2004")
    found = kept.join(spans, on=["accession", "passage", "start", "end"], how="inner")
    assert found.height == kept.height > 0
    assert found["kind"].unique().to_list() == ["text"]
    features = rows(lake, "company_features", "company_features", "2004").filter(view="passages")
    first = kept.filter(rank=1).select("accession", "latent", "passage", "start", "end").sort("accession", "latent")
    peaks = features.select("accession", "latent", "peak_position", "peak_start", "peak_end").sort(
        "accession", "latent"
    )
    assert first.rows() == peaks.rows()


def test_another_share_encodes_nothing_and_an_unused_view_is_not_there(
    walk: Callable, home: Path, tiny: Profile
) -> None:
    before = rows(open_lake(tiny), "company_features", "company_features", "2004")
    half = with_shares(tiny, 0.5, 0.5)
    walk(home, half)
    lake = open_lake(half)
    assert lake.manifest("company_features", "2004").metadata["filings_encoded"] == 0
    assert rows(lake, "company_features", "company_features", "2004").equals(before)
    themes = with_shares(tiny, 1.0, 0.0)
    walk(home, themes)
    lake = open_lake(themes)
    assert lake.manifest("company_features", "2004").metadata["filings_encoded"] == 0
    assert rows(lake, "company_features", "company_features", "2004").equals(before.filter(view="passages"))
    near = rows(lake, "neighbours", "peer_clusters", "2007-12").drop("as_of")
    assert near.filter(method="sae").drop("method").equals(near.filter(method="sae_passages").drop("method"))
    assert near.filter(method="sae_tokens").is_empty()
    groups = rows(lake, "peer_clusters", "peer_clusters", "2007-12").filter(method="sae_tokens")
    assert groups["cluster"].n_unique() == groups.height == 6


def test_another_autoencoder_over_passages_has_no_token_encoded_again(
    walk: Callable, home: Path, tiny: Profile
) -> None:
    lake = open_lake(tiny)
    before, tokens = units(lake), rows(lake, "company_features", "company_features", "2004").filter(view="tokens")
    other = tiny.model_copy(update={"passage_saes": tiny.passage_saes.model_copy(update={"seed": 7})})
    changed = walk(home, other)
    assert "passage_saes" in changed.ran
    after = units(open_lake(other))
    assert {unit.split()[0] for unit in before if before[unit] != after[unit]} == {"passages"}
    assert rows(open_lake(other), "company_features", "company_features", "2004").filter(view="tokens").equals(tokens)
