"""Whether companies that are alike move together: METHOD's protocol for comparing representations.

Monthly log returns of the companies that have every month since 2006; what an ordinary regression on their equally
weighted mean leaves; correlations of that. The texts are of later years than the returns, so this compares methods and
says nothing of what could have been earned.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from co_movement import Returns, nearest
from numpy.typing import NDArray
from reasons_texts import Texts

from assets.clusters.baselines import embedding_similarity
from assets.features.passages import as_matrix
from resources.places import SAMPLE

Matrix = NDArray[np.float64]
SINCE = 2006
NEAREST = (1, 5, 10)
PAIRS = (0.005, 0.01, 0.02)
DRAWS = 1000
AGAINST = "tfidf"


def monthly_returns(name: str) -> Returns | None:
    """Return monthly log returns of the companies that have all months since 2006; None where there are no prices."""
    data = Path(os.environ.get("PEERLENS_TESTDATA", "../shared/data"))
    files = {"sp500": data / "sp500" / "prices_daily.parquet", "sample": SAMPLE / "prices.parquet"}
    if name not in files:
        return None
    last = pl.col("adj_close").sort_by("date").last()
    closes = pl.read_parquet(files[name]).group_by("ticker", month=pl.col("date").dt.truncate("1mo")).agg(last)
    wide = closes.pivot(on="ticker", index="month", values="adj_close", sort_columns=True).sort("month")
    values = np.diff(np.log(wide.drop("month").to_numpy().astype(np.float64)), axis=0)
    values = values[np.array([month.year >= SINCE for month in wide["month"][1:]])]
    whole = np.isfinite(values).all(axis=0)
    return Returns([t for t, kept in zip(wide.columns[1:], whole, strict=True) if kept], values[:, whole])


def dense_similarity(texts: Texts) -> Matrix:
    """Return cosines of companies by the mean of their prose, every dimension in units of its spread."""
    counted = texts.vectors.join(texts.passages.select("accession", "passage", "tokens"), on=["accession", "passage"])
    rows = counted.sort("company_id", "passage")
    company = np.unique(rows["company_id"].to_numpy(), return_inverse=True)[1]
    tokens = rows["tokens"].to_numpy()
    means = np.zeros((company.max() + 1, as_matrix(rows["vector"][:1]).shape[1]))
    np.add.at(means, company, as_matrix(rows["vector"]) * tokens[:, None])
    means /= np.bincount(company, weights=tokens)[:, None]
    return embedding_similarity((means - means.mean(axis=0)) / means.std(axis=0))


@dataclass(frozen=True)
class CoMovement:
    """Correlations of what the market leaves, for companies that have both returns and a text.

    Parameters
    ----------
    returns : of all companies with every month; the market is the mean of these
    companies : those that have a text, in the order of similarities
    """

    returns: Returns
    companies: list[str]

    def figures(self, similarity: Matrix) -> dict[str, float]:
        """Return mean correlation over the nearest 1, 5 and 10, and over the top .5, 1 and 2 % of pairs."""
        own, rest = self._placed(similarity)
        near = {f"nearest {k}": float(per_company(own, rest, k).mean()) for k in NEAREST}
        ordered = pairs_by_similarity(own, rest)[0]
        top = {f"pairs {100 * share:g} %": float(ordered[: round(share * len(ordered))].mean()) for share in PAIRS}
        return near | top

    def intervals(self, similarities: Mapping[str, Matrix], seed: int = 0) -> list[dict[str, str]]:
        """Return 95 % intervals, over companies drawn with replacement, of nearest 5 and the top 1 % of pairs.

        Also of their differences to TF-IDF, from the same draws.
        """
        placed = {name: self._placed(similarity) for name, similarity in similarities.items()}
        count = len(self.kept)
        draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=DRAWS)
        drawn = {
            "nearest 5": {name: nearest_drawn(per_company(*both, 5), draws) for name, both in placed.items()},
            "pairs 1 %": {name: pairs_drawn(*both, draws) for name, both in placed.items()},
        }
        rows = []
        for name in similarities:
            row = {"method": name}
            for figure, values in drawn.items():
                row[figure] = _interval(values[name])
                row[f"{figure} less {AGAINST}"] = "" if name == AGAINST else _interval(values[name] - values[AGAINST])
            rows.append(row)
        return rows

    @property
    def kept(self) -> list[str]:
        """Companies that have both."""
        known = set(self.companies)
        return [company for company in self.returns.ids if company in known]

    def _placed(self, similarity: Matrix) -> tuple[Matrix, Matrix]:
        rows = {company: i for i, company in enumerate(self.companies)}
        places = [rows[company] for company in self.kept]
        of_returns = {company: i for i, company in enumerate(self.returns.ids)}
        priced = [of_returns[company] for company in self.kept]
        rest = self.returns.rest_correlations()[np.ix_(priced, priced)]
        return similarity[np.ix_(places, places)], rest


def per_company(similarity: Matrix, rest: Matrix, count: int) -> Matrix:
    """Return the mean correlation of each company with its nearest [n]."""
    return np.asarray(np.take_along_axis(rest, nearest(similarity, count), axis=1).mean(axis=1))


def pairs_by_similarity(similarity: Matrix, rest: Matrix) -> tuple[Matrix, NDArray[np.int64], NDArray[np.int64]]:
    """Return the correlations of all pairs and who they are, the most similar first."""
    left, right = np.triu_indices(len(similarity), 1)
    order = np.argsort(-similarity[left, right], kind="stable")
    return rest[left, right][order], left[order], right[order]


def nearest_drawn(values: Matrix, draws: NDArray[np.int64]) -> Matrix:
    """Return the mean over companies in each draw [draws]."""
    return np.asarray(draws @ values / draws.sum(axis=1))


def pairs_drawn(similarity: Matrix, rest: Matrix, draws: NDArray[np.int64], share: float = 0.01) -> Matrix:
    """Return the mean correlation of the top pairs in each draw [draws]; a pair counts as often as both were drawn."""
    values, left, right = pairs_by_similarity(similarity, rest)
    found = []
    for counts in draws:
        weights = counts[left] * counts[right]
        within = np.cumsum(weights) <= share * weights.sum()
        found.append(float((weights * values)[within].sum() / weights[within].sum()))
    return np.array(found)


def _interval(values: Matrix) -> str:
    low, high = np.quantile(values, (0.025, 0.975))
    return f"{low:+.3f} to {high:+.3f}" if low < 0 else f"{low:.3f} to {high:.3f}"
