"""The share of nearest peers in the same SIC major group: over whom, how sure, and against what."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from assets.clusters.nearest import nearest_matches, nearest_shares
from assets.clusters.scores import nearest_neighbours

GROUPS = {"A": "20", "B": "20", "C": "20", "D": "20", "E": "60", "F": None, "G": None}


def nearest(method: str, pairs: str) -> pl.DataFrame:
    """Peers of rank 1 from pairs such as 'AB CE'."""
    cells = [(method, a, b, 1, 0.5) for a, b in pairs.split()]
    return pl.DataFrame(cells, schema=["method", "company_id", "peer_id", "rank", "similarity"], orient="row")


def shares(*matches: pl.DataFrame) -> dict[str, dict[str, object]]:
    return {row["method"]: row for row in nearest_shares(pl.concat(matches))}


def test_all_companies_with_a_code_are_asked_those_alone_in_their_group_too() -> None:
    found = shares(nearest_matches(nearest("sae", "AB BA CE DF EA FG GF"), GROUPS))
    assert [found["sae"][k] for k in ("companies", "alone", "share")] == [5, 1, 2 / 5]


def test_small_groups_are_asked_as_large_ones_are() -> None:
    """Groups of fewer than four were left out once, which made the share that of an easier subset."""
    found = shares(nearest_matches(nearest("sae", "AB BA CD DC"), {"A": "20", "B": "20", "C": "60", "D": "70"}))
    assert [found["sae"][k] for k in ("companies", "alone", "share")] == [4, 2, 0.5]


def test_the_share_has_wilsons_interval_over_companies() -> None:
    found = shares(nearest_matches(nearest("sae", "AB BA CE DF EA"), GROUPS))["sae"]
    assert (found["low"], found["high"]) == pytest.approx(proportion_confint(2, 5, method="wilson"))


def test_chance_is_what_random_peers_reach() -> None:
    groups = {f"{i:02d}": "20" if i < 6 else "60" if i < 10 else "70" if i < 11 else None for i in range(15)}
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(400):
        near = nearest_neighbours(random.random((15, 15)), list(groups), 1).with_columns(method=pl.lit("sae"))
        found = shares(nearest_matches(near, groups))
        drawn.append(found["sae"]["share"])
    assert found["random"]["share"] == pytest.approx((6 * 5 + 4 * 3) / (11 * 14))
    assert found["random"].get("low") is None
    assert np.mean(drawn) == pytest.approx(found["random"]["share"], abs=0.03)


def one_date(sae: list[int], tfidf: list[int]) -> pl.DataFrame:
    """Matches of as many companies as there are flags."""
    parts = [
        pl.DataFrame(
            {"method": method, "company_id": [str(i) for i in range(len(flags))], "alone": False, "same": flags}
        )
        for method, flags in (("sae", sae), ("tfidf", tfidf))
    ]
    return pl.concat(parts).cast({"same": pl.Float64})


def test_the_readme_s_88_against_85_of_128_shows_no_difference() -> None:
    sae, tfidf = [1] * 83 + [1] * 5 + [0] * 2 + [0] * 38, [1] * 83 + [0] * 5 + [1] * 2 + [0] * 38
    found = shares(one_date(sae, tfidf))["tfidf"]
    assert (found["sae_better"], found["sae_worse"]) == (5, 2)
    assert found["p_value"] == pytest.approx(binomtest(2, 7).pvalue)
    assert found["p_value"] > 0.4


def test_eight_dates_with_one_text_are_one_observation_of_each_company() -> None:
    date_ = one_date([1, 1, 1, 1, 1, 0], [1, 0, 0, 0, 0, 0])
    once, often = shares(date_), shares(*[date_] * 8)
    assert once == often
    assert often["tfidf"]["p_value"] == pytest.approx(binomtest(0, 4).pvalue)
    assert often["sae"]["companies"] == 6


def test_a_company_whose_text_changes_counts_with_its_mean() -> None:
    found = shares(one_date([1, 0], [0, 0]), one_date([0, 0], [0, 0]))
    assert found["sae"]["share"] == 0.25
    assert (found["tfidf"]["sae_better"], found["tfidf"]["sae_worse"], found["tfidf"]["p_value"]) == (1, 0, 1.0)


def test_without_sae_nothing_is_tested() -> None:
    found = shares(one_date([1], [1]).filter(method="tfidf"))
    assert "p_value" not in found["tfidf"]
