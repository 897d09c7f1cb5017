"""Every way of grouping companies: by a similarity whose tree is cut, or by a given classification."""

from dataclasses import dataclass
from datetime import date
from typing import get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.clusters.baselines import embedding_similarity, group_clusters, sic_clusters, tfidf_similarity
from assets.clusters.linkage import choose_theta, cut, z_scored_distances
from assets.clusters.scores import complete_returns, nearest_neighbours, return_matrix
from assets.features.attribution import cosines, dense, mean_contributions
from assets.latent_names import latent_names
from resources.settings.clusters import Clusters, Method, SimilarityMethod

Similarity = NDArray[np.float64]
FEWEST = 2
"""Companies that can be compared, and correlated."""
SIMILARITIES = get_args(SimilarityMethod)
"""Methods that compare every pair; the others are given a group for every company."""


@dataclass(frozen=True)
class Known:
    """What is known of the companies at an as-of date, one row per company, sorted by company_id.

    `companies` has company_id, accession, sic, text, embedding and sector; `vectors` are rows of `company_vectors`.
    """

    companies: pl.DataFrame
    vectors: pl.DataFrame

    @property
    def ids(self) -> list[str]:
        """Company ids in row order."""
        return self.companies["company_id"].to_list()


def known_companies(
    vectors: pl.DataFrame,
    filings: pl.DataFrame,
    descriptions: pl.DataFrame,
    embeddings: pl.DataFrame,
) -> Known:
    """Join what the filing behind each company's vector says: the newest that is described.

    Its SIC code and its sector are as filed: today's would be look-ahead, and change old groups when they change.

    Companies without a vector are not grouped.
    """
    chosen = vectors.select("company_id", "accession").unique()
    rows = (
        chosen.join(filings.select("accession", "sic", "sector"), on="accession", how="left")
        .join(descriptions.select("accession", "text"), on="accession", how="left")
        .join(embeddings.select("accession", "embedding"), on="accession", how="left")
    )
    return Known(rows.sort("company_id"), vectors)


def similarity(method: Method, known: Known) -> Similarity:
    """Return the cosines [n, n] of a method that has them: sae, embedding or tfidf."""
    if method == "sae":
        return cosines(dense(known.vectors)[1])
    if method == "tfidf":
        return tfidf_similarity(known.companies["text"].to_list())
    return embedding_similarity(np.array(known.companies["embedding"].to_list()))


def classification(method: Method, known: Known) -> NDArray[np.int64]:
    """Return labels [n] by a given code: sic4, major_group, division or sector; a company without one is alone."""
    if method == "sector":
        return group_clusters(known.companies["sector"].to_list())
    return sic_clusters(known.companies["sic"].to_list(), method)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Grouping:
    """Rows of `peer_clusters`, `cluster_thresholds` and `neighbours` of one method, without method and as_of."""

    clusters: pl.DataFrame
    thresholds: list[dict[str, object]]
    neighbours: pl.DataFrame | None


def group(method: Method, known: Known, returns: pl.DataFrame, settings: Clusters) -> Grouping:
    """Group the companies by one method; theta is chosen on `returns`, all of them up to the as-of date.

    Where fewer than two companies have all of those months there is no theta, and every company is alone.
    """
    if method not in SIMILARITIES:
        return Grouping(_clusters(known, classification(method, known)), [], None)
    # Nothing to compare, and TF-IDF has no vocabulary: whoever is there stands alone.
    few = len(known.ids) < FEWEST
    cosine = np.eye(len(known.ids), dtype=np.float64) if few else similarity(method, known)
    neighbours = nearest_neighbours(cosine, known.ids, settings.neighbours)
    months = returns["month"].unique().sort().to_list()
    matrix = return_matrix(returns, known.ids, months)
    if few or len(complete_returns(matrix).kept) < FEWEST:  # no returns tell where to cut
        return Grouping(_clusters(known, np.arange(len(known.ids))), [], neighbours)
    z = z_scored_distances(cosine)
    theta, score = choose_theta(z, matrix, settings.thetas, settings.linkage, settings.objective)
    labels = cut(z, theta, settings.linkage)
    row = {
        "theta": theta,
        "objective": settings.objective,
        "score": score,
        "first_month": months[0],
        "last_month": months[-1],
    }
    return Grouping(_clusters(known, labels), [row], neighbours)


def tagged(rows: pl.DataFrame, method: str, as_of: date) -> pl.DataFrame:
    """Add the columns method and as_of."""
    return rows.with_columns(method=pl.lit(method), as_of=pl.lit(as_of, pl.Date))


def _clusters(known: Known, labels: NDArray[np.int64]) -> pl.DataFrame:
    columns = {"company_id": pl.String, "cluster": pl.Int32}
    return pl.DataFrame({"company_id": known.ids, "cluster": labels}, schema=columns)


def label_rows(
    clusters: pl.DataFrame, vectors: pl.DataFrame, labels: pl.DataFrame, top: int
) -> list[dict[str, object]]:
    """Return rows of `cluster_labels` without method and as_of: the `top` latents of every cluster of two or more."""
    rows: list[dict[str, object]] = []
    for (cluster,), members in clusters.group_by("cluster", maintain_order=True):
        if members.height < 2:
            continue
        shares = mean_contributions(vectors, members["company_id"].to_list()).head(top)
        named = shares.with_columns(latent_names(shares, labels).alias("label"))
        for rank, row in enumerate(named.iter_rows(named=True), start=1):
            rows.append({"cluster": cluster, "size": members.height, "rank": rank, **row})
    return rows
