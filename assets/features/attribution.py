"""Attribution: unit vectors of weighted latents, whose cosine is exactly the sum of what each latent contributes."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from assets.latent_names import LATENT
from resources.settings.features import Weighting

TINY_VARIANCE = 1e-12
"""Relative variance below which a latent is the same in every company, rounding aside."""
BLOCK = ("entry", "block")


class AmbiguousFeaturesError(ValueError):
    """A company has more than one value for a latent."""


class UnknownCompanyError(LookupError):
    """A company has no vector."""


class GroupTooSmallError(ValueError):
    """A group without a pair has no similarity to explain."""


def company_vectors(features: pl.DataFrame, weighting: Weighting) -> pl.DataFrame:
    """Return unit-length vectors of weighted latents, one per company.

    Each (entry, block) is normalised on its own, so that every block counts alike: the cosine of two companies is
    the mean of their cosines per block. Whatever is counted or averaged here is counted over the companies given, so
    nothing is used that the rows given do not know. A latent's weight before normalising is, by `weighting`:

    - `excess`: max(value - mean, 0) / sd, mean and population standard deviation over the companies, 0 where a
      company lacks the latent. What everybody shares weighs nothing; the vector says what is unusual about a company.
    - `idf`: value x (ln((1 + n) / (1 + df)) + 1), with n companies and df those that have the latent.
    - `none`: the value.

    Parameters
    ----------
    features
        Rows of `company_features`: one filing per company, one pooling.

    Returns
    -------
    DataFrame(company_id, accession, entry, block, latent, weight, peak_start, peak_end)
        Sorted by company_id, entry, block, latent; weights of 0 left out.

    Raises
    ------
    AmbiguousFeaturesError
        A company has two filings or two poolings.
    """
    _check_unique(features)
    weighted = features.filter(pl.col("value") != 0).sort("company_id", *LATENT)
    raw = _raw_weight(weighting, weighted["company_id"].n_unique())
    per_block = (
        weighted.with_columns(weight=raw)
        .filter(pl.col("weight") > 0)
        .with_columns(weight=pl.col("weight") / _norm().over("company_id", *BLOCK))
    )
    return per_block.select(
        "company_id", "accession", *LATENT, pl.col("weight") / _norm().over("company_id"), "peak_start", "peak_end"
    )


def contributions(vectors: pl.DataFrame, a: str, b: str) -> pl.DataFrame:
    """Return what every shared latent contributes to the cosine of companies `a` and `b`; it is their sum.

    Returns
    -------
    DataFrame(entry, block, latent, contribution)
        Largest first; equal ones by entry, block, latent.

    Raises
    ------
    UnknownCompanyError
        One of the two has no vector.
    """
    left, right = (_rows_of(vectors, {company}).select(*LATENT, "weight") for company in (a, b))
    shared = left.join(right, on=LATENT, how="inner", suffix="_b")
    parts = shared.select(*LATENT, contribution=pl.col("weight") * pl.col("weight_b"))
    return parts.sort("contribution", *LATENT, descending=[True, False, False, False])


def mean_contributions(vectors: pl.DataFrame, members: Sequence[str]) -> pl.DataFrame:
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
    rows = _rows_of(vectors, set(members)).sort("company_id", *LATENT)
    weight = pl.col("weight")
    pairs = (weight.sum() ** 2 - (weight**2).sum()) / 2
    sums = rows.group_by(*LATENT, maintain_order=True).agg(pairs.alias("pairs"), pl.len().alias("members"))
    shared = sums.filter(pl.col("members") > 1).sort(*LATENT)
    shares = shared.select(*LATENT, share=pl.col("pairs") / pl.col("pairs").sum())
    return shares.sort("share", *LATENT, descending=[True, False, False, False])


def dense(vectors: pl.DataFrame) -> tuple[list[str], csr_matrix]:
    """Return company ids, sorted, and their vectors as a sparse matrix [companies, latents in use]."""
    companies = vectors["company_id"].unique().sort()
    latents = vectors.select(*LATENT).unique().sort(*LATENT).with_row_index("column")
    columns = vectors.select(*LATENT).join(latents, on=LATENT, how="left", maintain_order="left")["column"]
    rows = companies.search_sorted(vectors["company_id"])
    shape = (len(companies), len(latents))
    return companies.to_list(), csr_matrix((vectors["weight"].to_numpy(), (rows.to_numpy(), columns.to_numpy())), shape)


def cosines(matrix: csr_matrix) -> NDArray[np.float64]:
    """Return cosines of all pairs of unit rows: [n, n], symmetric, within [-1, 1], 1 on the diagonal."""
    similarity = np.clip((matrix @ matrix.T).toarray(), -1.0, 1.0)
    np.fill_diagonal(similarity, 1.0)
    return np.asarray(similarity, dtype=np.float64)


def _raw_weight(weighting: Weighting, companies: int) -> pl.Expr:
    value = pl.col("value")
    if weighting == "idf":
        having = pl.col("company_id").n_unique().over(*LATENT)
        return value * (((1 + companies) / (1 + having)).log() + 1)
    if weighting == "excess":
        mean = value.sum().over(*LATENT) / companies
        variance = (value**2).sum().over(*LATENT) / companies - mean**2
        return pl.when(variance > TINY_VARIANCE * mean**2).then((value - mean).clip(0) / variance.sqrt()).otherwise(0.0)
    return value


def _norm() -> pl.Expr:
    return (pl.col("weight") ** 2).sum().sqrt()


def _rows_of(vectors: pl.DataFrame, companies: set[str]) -> pl.DataFrame:
    rows = vectors.filter(pl.col("company_id").is_in(sorted(companies)))
    missing = sorted(companies - set(rows["company_id"].unique()))
    if missing:
        raise UnknownCompanyError(f"{missing[0]} has no feature vector: no filing in the window, or none was encoded")
    return rows


def _check_unique(features: pl.DataFrame) -> None:
    several = features.group_by("company_id").agg(pl.col("accession").n_unique()).filter(pl.col("accession") > 1)
    if not several.is_empty():
        raise AmbiguousFeaturesError(f"{several['company_id'].sort()[0]} has several filings; give the latest one only")
    twice = features.group_by("company_id", *LATENT).len().filter(pl.col("len") > 1)
    if not twice.is_empty():
        raise AmbiguousFeaturesError(f"{twice['company_id'].sort()[0]} has a latent twice; give one pooling only")
