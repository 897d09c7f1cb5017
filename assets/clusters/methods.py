"""Every way of grouping companies: by a similarity whose tree is cut, or by a given classification."""

from dataclasses import dataclass
from datetime import date
from typing import get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets import schemas
from assets.clusters.baselines import embedding_similarity, group_clusters, sic_clusters, tfidf_similarity
from assets.clusters.linkage import choose_theta, cut, z_scored_distances
from assets.clusters.scores import complete_returns, nearest_neighbours, return_matrix
from assets.features.attribution import cosines, dense, group_themes, of_method
from assets.latent_names import LATENT
from assets.theme_titles import shown_words, told_apart
from resources.settings.clusters import Clusters, Method, SaeMethod, SimilarityMethod

Similarity = NDArray[np.float64]
FEWEST = 2
"""Companies that can be compared, and correlated."""
SIMILARITIES = get_args(SimilarityMethod)
"""Methods that compare every pair; the others are given a group for every company."""
BY_LATENTS: tuple[SaeMethod, ...] = get_args(SaeMethod)
"""Those whose similarity is a sum over latents."""


@dataclass(frozen=True)
class Known:
    """What is known of the companies at an as-of date, one row per company, sorted by company_id.

    `companies` has company_id, accession, sic, text, embedding, sector, industry and lm_mean, the mean residual stream;
    `vectors` are rows of `company_vectors`.
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
    means: pl.DataFrame | None = None,
) -> Known:
    """Join what the filing behind each company's vector says: the newest that is described.

    Its SIC code, sector and industry are as filed: today's would be look-ahead, and change old groups when they change.

    Companies without a vector are not grouped. Of `description_vectors` (`means`) the last block counts; without the
    table nobody has a mean.
    """
    means = (schemas.DESCRIPTION_VECTORS.empty() if means is None else means).filter(
        pl.col("block") == pl.col("block").max()
    )
    chosen = vectors.select("company_id", "accession").unique()
    rows = (
        chosen.join(filings.select("accession", "sic", "sector", "industry"), on="accession", how="left")
        .join(descriptions.select("accession", "text"), on="accession", how="left")
        .join(embeddings.select("accession", "embedding"), on="accession", how="left")
        .join(means.select("accession", lm_mean="vector"), on="accession", how="left")
    )
    return Known(rows.sort("company_id"), vectors)


def comparable(method: Method, known: Known) -> Known:
    """Return the companies that a method can compare: for one view's latents, those that have a vector of it."""
    if method not in BY_LATENTS:
        return known
    vectors = of_method(known.vectors, method)
    return Known(known.companies.join(vectors, on="company_id", how="semi", maintain_order="left"), vectors)


def similarity(method: Method, known: Known) -> Similarity:
    """Return the cosines [n, n] of a method that has them: of latents, embedding or tfidf."""
    if method in BY_LATENTS:
        return cosines(dense(comparable(method, known).vectors)[1])
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

    Where fewer than two companies have all of those months there is no theta, and every company is alone. So is one
    that the method cannot compare: it has no neighbours either, and is nobody's.
    """
    if method not in SIMILARITIES:
        return Grouping(_clusters(known, known.ids, classification(method, known)), [], None)
    compared = comparable(method, known)
    # Nothing to compare, and TF-IDF has no vocabulary: whoever is there stands alone.
    few = len(compared.ids) < FEWEST
    cosine = np.eye(len(compared.ids), dtype=np.float64) if few else similarity(method, compared)
    neighbours = nearest_neighbours(cosine, compared.ids, settings.neighbours)
    months = returns["month"].unique().sort().to_list()
    matrix = return_matrix(returns, compared.ids, months)
    if few or len(complete_returns(matrix).kept) < FEWEST:  # no returns tell where to cut
        return Grouping(_clusters(known, known.ids, np.arange(len(known.ids))), [], neighbours)
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
    return Grouping(_clusters(known, compared.ids, labels), [row], neighbours)


def tagged(rows: pl.DataFrame, method: str, as_of: date) -> pl.DataFrame:
    """Add the columns method and as_of."""
    return rows.with_columns(method=pl.lit(method), as_of=pl.lit(as_of, pl.Date))


def _clusters(known: Known, ids: list[str], labels: NDArray[np.int64]) -> pl.DataFrame:
    """Return company_id and cluster of all companies; those that are not among `ids` are alone, after the others."""
    columns = {"company_id": pl.String, "cluster": pl.Int32}
    grouped = pl.DataFrame({"company_id": ids, "cluster": labels}, schema=columns)
    others = sorted(set(known.ids) - set(ids))
    first = int(labels.max(initial=-1)) + 1
    alone = pl.DataFrame({"company_id": others, "cluster": range(first, first + len(others))}, schema=columns)
    return pl.concat([grouped, alone]).sort("company_id")


def explained_by(method: str) -> SaeMethod:
    """Return the similarity that explains a method's groups: its own where it is a sum over latents, else `sae`."""
    return next((own for own in BY_LATENTS if own == method), "sae")


def _titled(themes: pl.DataFrame) -> pl.DataFrame:
    """Return the themes of one group, the strongest first, with their titles in it for labels."""
    words = [shown_words(*named) for named in themes.select("label", "terms", "words").iter_rows()]
    return themes.with_columns(label=pl.Series(told_apart(words), dtype=pl.String))


def label_rows(
    clusters: pl.DataFrame, vectors: pl.DataFrame, told: pl.DataFrame, method: SaeMethod, top: int
) -> list[dict[str, object]]:
    """Return rows of `cluster_labels` without method and as_of: the strongest themes of every cluster of two or more.

    A share is of the mean cosine inside the group by `method`, themes that are not shown included. A group in which
    no theme that may be shown is told by two members has no rows.

    Parameters
    ----------
    clusters, vectors : DataFrame
        Rows of `peer_clusters` of one method and of `company_vectors`, of one as-of date.
    told : DataFrame
        Rows of `told_themes` of these vectors.
    top : int
        Themes of a cluster, at the most.
    """
    sized = clusters.select("company_id", "cluster", size=pl.len().over("cluster").cast(pl.Int32))
    named = group_themes(vectors, told, sized, method)
    titled = pl.concat(map(_titled, named.partition_by("cluster", maintain_order=True))) if len(named) else named
    merged = titled.group_by("cluster", "label", maintain_order=True).agg(
        pl.col("view", *LATENT).first(), pl.col("share").sum()
    )
    ordered = merged.sort("cluster", "share", "label", descending=[False, True, False])
    ranked = ordered.with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("cluster"))
    sizes = sized.select("cluster", "size").unique()
    return ranked.filter(pl.col("rank") <= top).join(sizes, on="cluster", maintain_order="left").to_dicts()
