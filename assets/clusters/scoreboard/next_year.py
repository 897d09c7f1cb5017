"""What a company earns on its assets in the next fiscal year and how its sales grow, and how much of it peers tell.

Across companies, y_i = a + b mean_{j in P(i)} y_j + e, with y the operating income over assets of the fiscal year that
ends next after the as-of date, or its log growth of sales (Bhojraj, Lee and Oler 2003, who ask the same
of margins and growth; Hoberg and Phillips 2016, table IV).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.clusters.scoreboard.cross_section import adjusted_r2
from assets.clusters.scoreboard.peers import Peers, month_means, peer_means
from assets.partitions import month_name, months_later
from resources.fundamentals import A_YEAR

Floats = NDArray[np.float64]

OUTCOMES = ("operating_income", "sales_growth")
MONTHS = 12
LATE_MONTHS = 4
"""After which an annual report that is due is filed: 60 to 90 days, 15 more when asked for, and some take longer."""
TAILS = (0.01, 0.99)
"""Quantiles over companies beyond which an outcome counts as theirs: one takeover would be most of the spread."""


def next_year(figures: pl.DataFrame, company_ids: Sequence[str], as_of: date) -> dict[str, Floats]:
    """Return the outcomes of all companies in the order given, [n] each, NaN where unknown; none before they are over.

    Parameters
    ----------
    figures : DataFrame
        As from `read_fundamentals`. Everybody's year counts as told once a fiscal year in it ends `LATE_MONTHS` after
        the twelve months: before that it would be a cross-section of those who report early.
    """
    told_by = months_later(month_name(as_of), MONTHS + LATE_MONTHS)
    newest = figures["fiscal_year_end"].max()
    if newest is None or newest < told_by:  # type: ignore[operator]
        return {}
    # A year of 52 or 53 weeks may end some days after the twelve months.
    last = as_of + A_YEAR[1]
    before = figures.select("company_id", earlier="fiscal_year_end", earlier_sales="sales")
    due = figures.filter((pl.col("fiscal_year_end") > as_of) & (pl.col("fiscal_year_end") <= last))
    due = due.sort("fiscal_year_end").unique("company_id", keep="first", maintain_order=True)
    years = due.join(before, on="company_id", how="left")
    years = years.filter((pl.col("fiscal_year_end") - pl.col("earlier")).is_between(*A_YEAR))
    grown = pl.when((pl.col("sales") > 0) & (pl.col("earlier_sales") > 0)).then(
        (pl.col("sales") / pl.col("earlier_sales")).log()
    )
    growth = dict(years.select("company_id", grown).iter_rows())
    earned = dict(due.select("company_id", pl.col("operating_income") / pl.col("assets")).iter_rows())
    columns = zip(OUTCOMES, (earned, growth), strict=True)
    return {name: _winsorised(np.array([_number(of.get(i)) for i in company_ids])) for name, of in columns}


def outcome_r2(outcome: Floats, peers: Peers, weights: Floats) -> tuple[float, Floats]:
    """Return the adjusted R2 of an outcome on its peers' mean, over draws of peers, and that of bootstrap samples.

    Parameters
    ----------
    outcome : [n] float64
        NaN where unknown: then a company is not scored, and left out of its peers' means. Whoever has no peer with an
        outcome gets the mean of all, which explains nothing.
    peers : [draws, n, k] int
        As from `draw_peers`.
    weights : [samples, n] float64
        As from `firm_weights`.

    Returns
    -------
    float, [samples] float64
        NaN where there are fewer than three companies, or no more than peers that could be everybody.
    """
    if np.isfinite(outcome).sum() <= peers.shape[2] + 1:
        return float("nan"), np.full(len(weights), np.nan)
    row, counted = outcome[None], np.vstack([np.ones(len(outcome)), weights])
    means = peer_means(row, peers, month_means(row))
    found = np.mean([adjusted_r2(row, mean, counted) for mean in means], axis=0)
    return float(found[0]), found[1:]


def outcome_scores(
    outcomes: Mapping[str, Floats], peers: Peers, weights: Floats
) -> Iterator[tuple[str, float, int, Floats]]:
    """Yield name, adjusted R2, companies behind it and its bootstrap draws, for every outcome."""
    for name, outcome in outcomes.items():
        value, draws = outcome_r2(outcome, peers, weights)
        yield f"{name}_r2", value, int(np.isfinite(outcome).sum()), draws


def _winsorised(values: Floats) -> Floats:
    known = np.isfinite(values)
    return np.clip(values, *np.quantile(values[known], TAILS)) if known.any() else values


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
