"""Rows of the tables of `stack`: coefficients, parts of the nearest companies, and coefficients over all dates."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from assets.clusters.scores import nearest_neighbours
from assets.clusters.stacking.fit import Fit
from assets.clusters.stacking.stacked import ANY_PAIR, PARTS, Stacked
from assets.clusters.stacking.terms import KNOWN, PAST

Row = dict[str, Any]


def coefficient_rows(found: Stacked) -> Iterator[Row]:
    """Yield the rows of `stack_coefficients` without as_of; a fit without past returns has no coefficient of them."""
    for with_history, fitted in ((True, found.with_history), (False, found.without_history)):
        shared = {
            "with_history": with_history,
            "is_fitted": fitted.is_fitted,
            "pairs": fitted.pairs,
            "companies": fitted.companies,
        }
        names = (ANY_PAIR, *KNOWN, *((PAST,) if with_history else ()))
        values = (fitted.intercept, *fitted.coefficients.tolist())
        for number, (term, value) in enumerate(zip(names, values, strict=True)):
            yield {**shared, "term": term, "coefficient": value, **_interval(fitted, number)}


def _interval(fitted: Fit, number: int) -> Row:
    if fitted.low is None or fitted.high is None:
        return {"low": None, "high": None}
    return {"low": float(fitted.low[number]), "high": float(fitted.high[number])}


def part_rows(found: Stacked, company_ids: Sequence[str], count: int) -> pl.DataFrame:
    """Return the rows of `stack_parts` without as_of: of the `count` nearest companies of each, every part.

    The parts of two companies add up to their similarity.
    """
    near = nearest_neighbours(found.similarity(), company_ids, count).rename({"peer_id": "neighbour_id"})
    places = {company: row for row, company in enumerate(company_ids)}
    first, second = (
        np.array([places[company] for company in near[column]], dtype=np.int64)
        for column in ("company_id", "neighbour_id")
    )
    paired = near.with_columns(with_history=pl.Series(found.has_history[first, second], dtype=pl.Boolean))
    each = [
        paired.with_columns(
            part=pl.lit(name, pl.String), value=pl.Series(found.part(name)[first, second], dtype=pl.Float64)
        )
        for name in PARTS
    ]
    return pl.concat(each).sort("company_id", "rank", maintain_order=True)


def path_rows(coefficients: pl.DataFrame) -> list[Row]:
    """Return the rows of `stack_path`: every term over the dates at which it was fitted.

    Parameters
    ----------
    coefficients : DataFrame
        Rows of `stack_coefficients` of all dates.
    """
    over_dates = coefficients.filter("is_fitted").sort("as_of").group_by("with_history", "term", maintain_order=True)
    found = over_dates.agg(
        dates=pl.len().cast(pl.Int32),
        dates_above_0=(pl.col("low") > 0).sum().cast(pl.Int32),
        coefficient=pl.col("coefficient").mean(),
        smallest=pl.col("coefficient").min(),
        largest=pl.col("coefficient").max(),
    )
    return found.sort("with_history", "term").to_dicts()
