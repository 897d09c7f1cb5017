"""[paper] Clusters and MeanCorr of every method in every year, put together from the steps beside this file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.clusters.baselines import sic_clusters
from assets.clusters.linkage import Tree, cut_tree, linkage_tree
from assets.clusters.paper.distances import cosine_distances, fit_scale
from assets.clusters.paper.pca import PrincipalComponents
from assets.clusters.paper.rolling_theta import cut_scores, rolling_theta
from assets.clusters.paper.spectral_groups import Reduce, spectral_groups, umap_points
from assets.clusters.scores import (
    all_pairs,
    complete_returns,
    correlations,
    formed,
    mean_corr,
    pair_weighted,
    return_matrix,
)
from resources.settings.paper import Paper, PaperMethod

FEWEST = 2
"""Companies of a year that can be compared."""


@dataclass(frozen=True)
class PaperYear:
    """The companies of one year that have all twelve returns of it: the paper leaves the others out beforehand."""

    year: int
    filings: pl.DataFrame
    """A row a company, by company_id: company_id, accession, sic."""
    corr: NDArray[np.float64]
    """[companies, companies]: correlations of the returns of the same year."""

    @property
    def accessions(self) -> list[str]:
        """The companies' filings, in row order."""
        return self.filings["accession"].to_list()


@dataclass
class PaperTables:
    """Rows of `paper_clusters`, `paper_cuts` and `paper_scores`."""

    clusters: list[dict[str, Any]] = field(default_factory=list)
    cuts: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)


def paper_years(filings: pl.DataFrame, returns: pl.DataFrame) -> list[PaperYear]:
    """Return the years in which at least two companies have a filing and all twelve returns, the first year first.

    Parameters
    ----------
    filings : DataFrame
        company_id, accession, filed_at, fiscal_year and sic; of several in a fiscal year the last filed counts.
    returns : DataFrame
        company_id, month and log_return. A filing goes with the returns of its own fiscal year, which are over when it
        is filed: the paper scores clusters on months before anybody could read the texts.
    """
    last = filings.sort("filed_at", "accession").unique(["company_id", "fiscal_year"], keep="last")
    found = []
    for (year,), rows in last.sort("fiscal_year", "company_id").group_by("fiscal_year", maintain_order=True):
        months = [date(int(year), month, 1) for month in range(1, 13)]
        dated = returns.filter(pl.col("month").dt.year() == year).with_columns(pl.col("month").dt.month_start())
        window = complete_returns(return_matrix(dated, rows["company_id"].to_list(), months))
        if len(window.kept) >= FEWEST:
            kept = rows[window.kept].select("company_id", "accession", "sic")
            found.append(PaperYear(int(year), kept, correlations(window.values)))
    return found


Embed = Callable[[Sequence[str]], NDArray[Any]]
"""Returns one vector [filings, d] for each of some accessions."""


def paper_tables(
    years: Sequence[PaperYear],
    components: PrincipalComponents | None,
    embeddings: Mapping[str, Embed],
    settings: Paper,
    reduce: Reduce = umap_points,
    progress: Callable[[int], None] = lambda n: None,
) -> PaperTables:
    """Return clusters, cuts and scores of the methods in every year.

    Parameters
    ----------
    years : sequence of PaperYear
    components : PrincipalComponents
        Rows in the order of the years' filings; None where neither c_cd nor g_cd_r is asked for.
    embeddings : mapping
        Method (sbert, bert) -> what embeds filings.
    reduce
        What stands for UMAP.
    progress
        Advances by years.
    """
    tables, trees, tried = PaperTables(), _trees(years, components), dict[int, dict[float, float | None]]()
    for year in years:
        for method in settings.methods:
            theta: float | None = None
            if method in ("c_cd", "g_cd_r"):
                tree = trees[year.year]
                if year.year not in tried:
                    tried[year.year] = cut_scores(tree, settings.thetas, year.corr)
                theta = settings.theta if method == "c_cd" else _chosen(tried, year.year, settings)
                if theta is None:
                    continue
                labels = cut_tree(tree, theta)
            elif method in ("sic4", "division"):
                labels = sic_clusters(year.filings["sic"].to_list(), method)
            else:
                vectors = embeddings[method](year.accessions)
                labels = spectral_groups(vectors, _groups(year, settings), settings.seed, reduce)
            _add(tables, method, year, labels, theta)
        progress(1)
    tables.cuts = [
        {"year": year, "theta": theta, "mean_corr": score}
        for year, scores in tried.items()
        for theta, score in sorted(scores.items())
    ]
    return tables


def _trees(years: Sequence[PaperYear], components: PrincipalComponents | None) -> dict[int, Tree]:
    """Return the minimum spanning tree of every year, which is its single linkage."""
    if components is None:
        return {}
    ends = np.cumsum([len(year.accessions) for year in years])
    distances = [cosine_distances(rows) for rows in np.split(components.scores, ends[:-1])]
    scale = fit_scale(distances)
    return {year.year: linkage_tree(scale.z(one), "single") for year, one in zip(years, distances, strict=True)}


def _chosen(tried: Mapping[int, Mapping[float, float | None]], year: int, settings: Paper) -> float | None:
    found = rolling_theta(tried, year, settings.past_years)
    return found[0] if found else None


def _groups(year: PaperYear, settings: Paper) -> int:
    if settings.spectral_groups is not None:
        return settings.spectral_groups
    sizes = np.bincount(sic_clusters(year.filings["sic"].to_list(), "sic4"))
    return max(1, int((sizes > 1).sum()))


def _add(
    tables: PaperTables, method: PaperMethod, year: PaperYear, labels: NDArray[np.int64], theta: float | None
) -> None:
    key = {"method": method, "year": year.year}
    members = zip(year.filings["company_id"], year.accessions, labels.tolist(), strict=True)
    tables.clusters += [
        {**key, "company_id": company, "accession": accession, "cluster": cluster}
        for company, accession, cluster in members
    ]
    tables.scores.append(
        {
            **key,
            "theta": theta,
            "mean_corr": mean_corr(labels, year.corr),
            "pair_weighted": pair_weighted(labels, year.corr),
            "all_pairs": all_pairs(year.corr),
            **formed(labels),
        }
    )
