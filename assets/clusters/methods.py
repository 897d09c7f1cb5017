"""What methods of grouping companies start from, and which themes explain their groups."""

from dataclasses import dataclass
from datetime import date
from typing import get_args

import polars as pl

from assets import schemas
from assets.features.attribution import group_themes, of_method
from assets.latent_names import LATENT
from assets.theme_titles import shown_words, told_apart
from resources.settings.clusters import SaeMethod

FEWEST = 2
"""Companies that can be compared, and correlated."""
BY_LATENTS: tuple[SaeMethod, ...] = get_args(SaeMethod)
"""Those whose similarity is a sum over latents."""


@dataclass(frozen=True)
class Known:
    """What is known of the companies at an as-of date, one row per company, sorted by company_id.

    `companies` has company_id, accession, sic, text, embedding, sector, industry, lm_mean (mean residual stream) and
    bert_cls ([CLS] vector of an encoder); `vectors` are rows of `company_vectors`.
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
    encoded: pl.DataFrame | None = None,
) -> Known:
    """Join what the filing behind each company's vector says: the newest that is described.

    Its SIC code, sector and industry are as filed: today's would be look-ahead, and change old groups when they change.

    Companies without a vector are not grouped. Of `description_vectors` (`means`) the last block counts; without the
    table nobody has a mean, and without `bert_vectors` (`encoded`) nobody a [CLS] vector.
    """
    encoded = schemas.BERT_VECTORS.empty() if encoded is None else encoded
    means = (schemas.DESCRIPTION_VECTORS.empty() if means is None else means).filter(
        pl.col("block") == pl.col("block").max()
    )
    chosen = vectors.select("company_id", "accession").unique()
    rows = (
        chosen.join(filings.select("accession", "sic", "sector", "industry"), on="accession", how="left")
        .join(descriptions.select("accession", "text"), on="accession", how="left")
        .join(embeddings.select("accession", "embedding"), on="accession", how="left")
        .join(means.select("accession", lm_mean="vector"), on="accession", how="left")
        .join(encoded.select("accession", bert_cls="vector"), on="accession", how="left")
    )
    return Known(rows.sort("company_id"), vectors)


def comparable(method: SaeMethod, known: Known) -> Known:
    """Return the companies that a method can compare: of one view's latents, those that have a vector of it."""
    vectors = of_method(known.vectors, method)
    return Known(known.companies.join(vectors, on="company_id", how="semi", maintain_order="left"), vectors)


def tagged(rows: pl.DataFrame, method: str, as_of: date) -> pl.DataFrame:
    """Add the columns method and as_of."""
    return rows.with_columns(method=pl.lit(method), as_of=pl.lit(as_of, pl.Date))


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
