"""Attribution: unit vectors of weighted latents, whose cosine is exactly the sum of what each latent contributes."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from assets.features.weighting import raw_weight
from assets.latent_names import LATENT
from assets.themes import told_latents
from resources.settings.clusters import SaeMethod
from resources.settings.features import View, Views, Weighting

BLOCK = ("entry", "block")
DENSE_FROM = 1000
"""Companies from which a dense product is faster: more than half of the latents of words are used by a company."""
PEAK = ("peak_start", "peak_end", "peak")
VIEW_OF: Mapping[str, View] = {"sae_passages": "passages", "sae_tokens": "tokens"}
"""The methods that compare by one view alone; `sae` compares by all."""
PASSAGE_WEIGHTING: Weighting = "idf"
"""Of passages: a mean over them, so that a theme counts by how much of the text it takes (docs/method.md)."""


class AmbiguousFeaturesError(ValueError):
    """A company has more than one value for a latent."""


class UnknownCompanyError(LookupError):
    """A company has no vector."""


class GroupTooSmallError(ValueError):
    """A group without a pair has no similarity to explain."""


def view_shares(views: Views) -> dict[View, float]:
    """Return the share of a similarity of each view that has one."""
    shares: dict[View, float] = {"passages": views.passages, "tokens": views.tokens}
    return {view: share for view, share in shares.items() if share > 0}


def company_vectors(
    features: pl.DataFrame,
    weighting: Weighting,
    shares: Mapping[View, float],
    labels: pl.DataFrame | None = None,
    told_weight: float = 1.0,
) -> pl.DataFrame:
    """Return unit-length vectors of weighted latents, one per company and view, and one of all its views.

    Inside a view each (entry, block) is normalised on its own, so that every block counts alike: the cosine of two
    companies is the mean of their cosines per block. The vector of all views is the views' vectors times the root of
    their shares, normalised over the views that a company has: the cosine of two companies that have all is the mean
    of their views' cosines, weighted by share. Whatever is counted or averaged here is counted over the companies
    given, so nothing is used that the rows given do not know. A latent that its label tells counts `told_weight` times
    before anything is normalised; only themes are told (assets/themes.py).

    Parameters
    ----------
    features
        Rows of `company_features` with `words` (`with_said`): one filing per company, one pooling.
    weighting
        Of token latents, see `raw_weight`; passages have `idf`.
    shares
        Share of the similarity that each view has; other views are left out.
    labels
        Rows of `latent_labels`; without them no latent is told.
    told_weight
        How much more a told latent counts.

    Returns
    -------
    DataFrame(company_id, accession, view, entry, block, latent, weight, own_weight, peak_start, peak_end, peak,
    words)
        Sorted by company_id, entry, block, latent; weights of 0 left out. `weight` is of the vector of all views,
        `own_weight` of that of its view.

    Raises
    ------
    AmbiguousFeaturesError
        A company has two filings or two poolings.
    """
    _check_unique(features)
    having = features.filter(pl.col("value") != 0).sort("company_id", *LATENT)
    each: dict[View, Weighting] = {"passages": PASSAGE_WEIGHTING, "tokens": weighting}
    factors = _factors(labels, told_weight)
    own = pl.concat(_own_vectors(having.filter(view=view), each[view], factors) for view in sorted(shares))
    root = pl.col("view").replace_strict(dict(shares), return_dtype=pl.Float64).sqrt()
    joint = own.with_columns(weight=pl.col("own_weight") * root).with_columns(_unit("weight", "company_id"))
    columns = ("company_id", "accession", "view", *LATENT, "weight", "own_weight", *PEAK, "words")
    return joint.select(columns).sort("company_id", *LATENT)


def theme_shares(features: pl.DataFrame, vectors: pl.DataFrame, labels: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return how many of the companies with a vector have each latent: rows of `themes` without as_of.

    A told latent counts where the text says it, any other one where its pooled value is above 0; each even if it weighs
    nothing because all have it alike. One that no company has has no row.

    Parameters
    ----------
    features, vectors : DataFrame
        What `company_vectors` was given, and what it returned.
    labels : DataFrame, optional
        Rows of `latent_labels`; without them no latent is told.
    """
    companies = vectors.select("company_id").unique()
    having = features.filter(pl.col("value") > 0).join(companies, on="company_id", how="semi")
    if labels is not None:
        told = told_latents(labels).with_columns(is_told=True)
        having = having.join(told, on=LATENT, how="left")
        having = having.filter(pl.col("is_told").is_null() | (pl.col("words").list.len() > 0))
    counted = having.group_by("view", *LATENT).agg(companies=pl.col("company_id").n_unique().cast(pl.Int32))
    return counted.with_columns(share=pl.col("companies") / max(companies.height, 1)).sort(*LATENT)


def of_method(vectors: pl.DataFrame, method: SaeMethod) -> pl.DataFrame:
    """Return the rows of `company_vectors` whose products of `weight` sum to the method's cosine."""
    if method not in VIEW_OF:
        return vectors
    return vectors.filter(view=VIEW_OF[method]).with_columns(weight="own_weight")


def contributions(vectors: pl.DataFrame, a: str, b: str, method: SaeMethod = "sae") -> pl.DataFrame:
    """Return what every shared latent contributes to the cosine of companies `a` and `b`; it is their sum.

    Returns
    -------
    DataFrame(entry, block, latent, contribution)
        Largest first; equal ones by entry, block, latent. None where one of them lacks the method's view.

    Raises
    ------
    UnknownCompanyError
        One of the two has no vector.
    """
    left, right = (_rows_of(vectors, company, method).select(*LATENT, "weight") for company in (a, b))
    shared = left.join(right, on=LATENT, how="inner", suffix="_b")
    parts = shared.select(*LATENT, contribution=pl.col("weight") * pl.col("weight_b"))
    return parts.sort("contribution", *LATENT, descending=[True, False, False, False])


def mean_contributions(vectors: pl.DataFrame, members: Sequence[str], method: SaeMethod = "sae") -> pl.DataFrame:
    """Return the share of every latent in the mean pairwise cosine inside a group.

    The pairs' products of a latent sum to ((sum w)^2 - sum w^2) / 2, so no pair is visited.

    Returns
    -------
    DataFrame(entry, block, latent, share)
        Largest first; latents that fewer than two members have are left out, the shares sum to 1.

    Raises
    ------
    GroupTooSmallError
        Fewer than two members.
    UnknownCompanyError
        A member has no vector.
    """
    if len(set(members)) < 2:
        raise GroupTooSmallError(f"a group needs two companies to have something in common, got {list(members)}")
    _check_known(vectors, set(members))
    together = pl.DataFrame({"company_id": sorted(set(members)), "cluster": 0})
    return group_contributions(vectors, together, method).drop("cluster")


def group_contributions(vectors: pl.DataFrame, groups: pl.DataFrame, method: SaeMethod = "sae") -> pl.DataFrame:
    """Return `mean_contributions` of many groups in one pass.

    Parameters
    ----------
    vectors : DataFrame
        Rows of `company_vectors`, in the order of companies.
    groups : DataFrame
        Columns company_id and cluster; a group without a pair that shares a latent has no rows.

    Returns
    -------
    DataFrame(cluster, entry, block, latent, share)
        By cluster, largest first; the shares of a cluster sum to 1.
    """
    shared = _pair_sums(of_method(vectors, method), groups)
    shares = shared.select("cluster", *LATENT, share=pl.col("pairs") / pl.col("pairs").sum().over("cluster"))
    return shares.sort("cluster", "share", *LATENT, descending=[False, True, False, False, False])


def group_themes(
    vectors: pl.DataFrame, told: pl.DataFrame, groups: pl.DataFrame, method: SaeMethod = "sae"
) -> pl.DataFrame:
    """Return the share of every shown theme in the mean pairwise cosine inside each group, over those who tell it.

    A pair adds to a theme where both tell it, as in the reasons of a pair: in a group of two the shares are theirs.

    Parameters
    ----------
    vectors, groups
        As `group_contributions` takes them.
    told : DataFrame
        Rows of `told_themes` of these vectors.

    Returns
    -------
    DataFrame(cluster, view, entry, block, latent, label, terms, words, share)
        By cluster, largest first; themes that fewer than two members tell are left out. `words` are the terms that more
        than half of those who tell it say; without any it is left out, too.
    """
    whole = _pair_sums(of_method(vectors, method), groups)
    totals = whole.group_by("cluster", maintain_order=True).agg(total=pl.col("pairs").sum())
    names = told.select("view", *LATENT, "label", "terms").unique(LATENT)
    own = of_method(told, method)
    parts = _pair_sums(own, groups).join(totals, on="cluster").join(names, on=LATENT)
    parts = parts.join(_common_words(own, groups), on=["cluster", *LATENT])
    columns = ("cluster", "view", *LATENT, "label", "terms", "words")
    shares = parts.select(*columns, share=pl.col("pairs") / pl.col("total"))
    return shares.sort("cluster", "share", *LATENT, descending=[False, True, False, False, False])


def _common_words(told: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Return the terms of every theme of a group that more than half of those who tell it say: column `words`."""
    key = ["cluster", *LATENT]
    grouped = told.join(groups.select("company_id", "cluster"), on="company_id", how="inner", maintain_order="left")
    tellers = grouped.group_by(key).agg(tellers=pl.len())
    # In the order of their places in each company's list, which is that of the theme's vocabulary.
    single = grouped.select(*key, "words", place=pl.int_ranges(pl.col("words").list.len())).explode("words", "place")
    counted = single.group_by(*key, "words").agg(said=pl.len(), place=pl.col("place").max()).join(tellers, on=key)
    kept = counted.filter(2 * pl.col("said") > pl.col("tellers")).sort(*key, "place", "words")
    return kept.group_by(key, maintain_order=True).agg("words")


def _pair_sums(rows: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Return what each latent adds over all pairs of a group, of those that two members have."""
    grouped = rows.join(groups.select("company_id", "cluster"), on="company_id", how="inner", maintain_order="left")
    weight = pl.col("weight")
    pairs = (weight.sum() ** 2 - (weight**2).sum()) / 2
    # In the order of rows, which is that of companies: a sum of another order differs in its last bits.
    sums = grouped.group_by("cluster", *LATENT, maintain_order=True).agg(
        pairs.alias("pairs"), pl.len().alias("members")
    )
    return sums.filter(pl.col("members") > 1).sort("cluster", *LATENT)


def dense(vectors: pl.DataFrame, method: SaeMethod = "sae") -> tuple[list[str], csr_matrix]:
    """Return company ids, sorted, and their vectors as a sparse matrix [companies, latents in use].

    The row of a company that lacks the method's view is 0.
    """
    companies, rows = vectors["company_id"].unique().sort(), of_method(vectors, method)
    latents = rows.select(*LATENT).unique().sort(*LATENT).with_row_index("column")
    columns = rows.select(*LATENT).join(latents, on=LATENT, how="left", maintain_order="left")["column"]
    places = companies.search_sorted(rows["company_id"])
    shape = (len(companies), len(latents))
    return companies.to_list(), csr_matrix((rows["weight"].to_numpy(), (places.to_numpy(), columns.to_numpy())), shape)


def cosines(matrix: csr_matrix) -> NDArray[np.float64]:
    """Return cosines of all pairs of unit rows: [n, n], symmetric, within [-1, 1], 1 on the diagonal."""
    if matrix.shape[0] < DENSE_FROM:
        similarity = (matrix @ matrix.T).toarray()
    else:
        rows = matrix.toarray()
        similarity = rows @ rows.T
    # In place: with thousands of companies every copy is some hundred megabytes.
    np.clip(similarity, -1.0, 1.0, out=similarity)
    np.fill_diagonal(similarity, 1.0)
    return np.asarray(similarity, dtype=np.float64)


def _factors(labels: pl.DataFrame | None, told_weight: float) -> pl.DataFrame | None:
    """Return how much more each told latent counts."""
    return None if labels is None else told_latents(labels).with_columns(factor=pl.lit(float(told_weight)))


def _own_vectors(having: pl.DataFrame, weighting: Weighting, factors: pl.DataFrame | None) -> pl.DataFrame:
    """Return the unit vectors of one view in the column own_weight."""
    raw = raw_weight(weighting, having["company_id"].n_unique())
    weighted = having.with_columns(own_weight=raw).filter(pl.col("own_weight") > 0)
    if factors is not None:
        weighted = weighted.join(factors, on=LATENT, how="left", maintain_order="left")
        weighted = weighted.with_columns(own_weight=pl.col("own_weight") * pl.col("factor").fill_null(1.0))
    return weighted.with_columns(_unit("own_weight", "company_id", *BLOCK)).with_columns(
        _unit("own_weight", "company_id")
    )


def _unit(name: str, *within: str) -> pl.Expr:
    return pl.col(name) / (pl.col(name) ** 2).sum().sqrt().over(*within)


def _rows_of(vectors: pl.DataFrame, company: str, method: SaeMethod) -> pl.DataFrame:
    _check_known(vectors, {company})
    return of_method(vectors.filter(company_id=company), method)


def _check_known(vectors: pl.DataFrame, companies: set[str]) -> None:
    if missing := sorted(companies - set(vectors["company_id"].unique())):
        raise UnknownCompanyError(f"{missing[0]} has no feature vector: no filing in the window, or none was encoded")


def _check_unique(features: pl.DataFrame) -> None:
    several = features.group_by("company_id").agg(pl.col("accession").n_unique()).filter(pl.col("accession") > 1)
    if not several.is_empty():
        raise AmbiguousFeaturesError(f"{several['company_id'].sort()[0]} has several filings; give the latest one only")
    twice = features.group_by("company_id", *LATENT).len().filter(pl.col("len") > 1)
    if not twice.is_empty():
        raise AmbiguousFeaturesError(f"{twice['company_id'].sort()[0]} has a latent twice; give one pooling only")
