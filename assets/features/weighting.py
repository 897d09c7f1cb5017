"""Weighting: what a pooled latent weighs in a company's vector, given what the other companies have."""

import polars as pl

from assets.latent_names import LATENT
from resources.settings.features import Weighting

TINY_VARIANCE = 1e-12
"""Relative variance below which a latent is the same in every company, rounding aside."""


def raw_weight(weighting: Weighting, companies: int) -> pl.Expr:
    """Return the weight of a row of `company_features` before its vector is normalised.

    With n companies, and df of them that have the latent, idf = ln((1 + n) / (1 + df)) + 1:

    - `idf`, `sqrt_idf`, `log_idf`: value x idf, sqrt(value) x idf, ln(1 + value) x idf.
    - `excess`: max(value - mean, 0) / sd, mean and population standard deviation over the companies, 0 where a
      company lacks the latent. What everybody shares weighs nothing; the vector says what is unusual about a company.
    - `none`: the value.

    Parameters
    ----------
    weighting : str
        Which of these.
    companies : int
        n; the rows are of these companies alone, one filing each.
    """
    value = pl.col("value")
    match weighting:
        case "idf":
            return value * _idf(companies)
        case "sqrt_idf":
            return value.sqrt() * _idf(companies)
        case "log_idf":
            return value.log1p() * _idf(companies)
        case "excess":
            return _excess(companies)
        case "none":
            return value


def _idf(companies: int) -> pl.Expr:
    having = pl.col("company_id").n_unique().over(*LATENT)
    return ((1 + companies) / (1 + having)).log() + 1


def _excess(companies: int) -> pl.Expr:
    value = pl.col("value")
    mean = value.sum().over(*LATENT) / companies
    variance = (value**2).sum().over(*LATENT) / companies - mean**2
    return pl.when(variance > TINY_VARIANCE * mean**2).then((value - mean).clip(0) / variance.sqrt()).otherwise(0.0)
