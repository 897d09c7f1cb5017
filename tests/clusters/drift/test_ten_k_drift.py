"""Real annual reports of two years: groups by words are mostly the same, and what is called moved has other words."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assets.clusters.baselines import tfidf_similarity
from assets.clusters.drift.changes import Drift, between
from assets.clusters.linkage import cut, z_scored_distances

REPORTS = Path(os.environ.get("PEERLENS_TESTDATA", "")) / "tenk90s" / "item1.parquet"
CHARACTERS = 6500
THETA = -2.0

pytestmark = pytest.mark.skipif(not REPORTS.is_file(), reason="PEERLENS_TESTDATA is not set, or has no tenk90s")


@pytest.fixture(scope="module")
def reports() -> pl.DataFrame:
    """The first and the last report of every company that has two or three."""
    rows = pl.scan_parquet(REPORTS).with_columns(pl.col("text").str.slice(0, CHARACTERS)).collect()
    several = (
        rows.sort("filed_at", "accession")
        .group_by("cik", maintain_order=True)
        .agg(then=pl.col("text").first(), now=pl.col("text").last(), reports=pl.len())
    )
    return several.filter(pl.col("reports") > 1).sort("cik")


def by_words(reports: pl.DataFrame, column: str) -> pl.DataFrame:
    labels = cut(z_scored_distances(tfidf_similarity(reports[column].to_list())), THETA, "average")
    return pl.DataFrame({"company_id": reports["cik"], "cluster": labels.astype(np.int32)})


@pytest.fixture(scope="module")
def drift(reports: pl.DataFrame) -> Drift:
    return between(by_words(reports, "then"), by_words(reports, "now"))


def stayed(drift: Drift) -> int:
    return drift.companies.filter(change="stayed").height


def test_most_companies_stay_where_they_are(reports: pl.DataFrame, drift: Drift) -> None:
    """112 of 137 companies stay; with their names shuffled 51 to 56 do, most of them alone at both dates."""
    assert reports.height == 137 and not (reports["then"] == reports["now"]).any()
    now = by_words(reports, "now")
    shuffled = [
        between(by_words(reports, "then"), now.with_columns(now["company_id"].shuffle(seed=i))) for i in range(5)
    ]
    assert stayed(drift) > 1.5 * max(map(stayed, shuffled))


def test_whoever_moved_has_changed_more_words_than_who_stayed(reports: pl.DataFrame, drift: Drift) -> None:
    n = reports.height
    words = tfidf_similarity([*reports["then"], *reports["now"]])
    kept = drift.companies.with_columns(kept=np.diagonal(words[:n, n:]))
    moved, same = (kept.filter(change=change)["kept"].to_numpy().mean() for change in ("moved", "stayed"))
    assert moved < same


def test_two_companies_that_change_texts_are_the_only_ones_that_moved(reports: pl.DataFrame) -> None:
    """The same reports at both dates, but for one of the largest group and one of another that is not alone."""
    formed = by_words(reports, "then").with_columns(size=pl.len().over("cluster"))
    first, other = (formed.filter(cluster=cluster)["company_id"][0] for cluster in (0, 1))
    swapped = pl.col("cik").replace({first: other, other: first})
    found = between(
        by_words(reports, "then"),
        by_words(reports.with_columns(cik=swapped), "then"),
    )
    assert formed.filter(pl.col("cluster") <= 1)["size"].min() > 2
    assert found.companies.filter(change="moved")["company_id"].to_list() == sorted((first, other))
    assert set(found.groups["change"]) == {"same"}
