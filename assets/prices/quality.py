"""How good prices and returns are, in numbers: coverage, what is missing and why, what is odd."""

import re
from typing import get_args

import polars as pl

from resources.settings.prices import Flag

FLAGS = get_args(Flag)
_PARTICULAR = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|[$+-]?\d+(?:[-.,:/]\d+)*(?:e[+-]?\d+)?", re.IGNORECASE)
"""A quoted name, a date, a time or a number."""


def without_prices(missing: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `prices_missing` of companies that have no price at all; the others' are only behind."""
    return missing.filter(pl.col("through").is_null())


def coverage(returns: pl.DataFrame, companies: int) -> pl.DataFrame:
    """Return one row per calendar month, from the first to the last with a return.

    Parameters
    ----------
    returns : DataFrame
        Rows of `monthly_returns`.
    companies : int
        Companies of the universe.

    Returns
    -------
    DataFrame
        month, its last day; returns, companies that have one; flagged, how many of these have a flag; gaps, companies
        that have none, though they have an earlier and a later one; companies, as given.
    """
    spans = returns.group_by("company_id").agg(first=pl.col("month").min(), last=pl.col("month").max())
    counts = returns.group_by("month").agg(returns=pl.len(), flagged=(pl.col("flags").list.len() > 0).sum())
    begun, ended = (spans.group_by(pl.col(day).alias("month")).agg(pl.len().alias(day)) for day in ("first", "last"))
    rows = months_between(returns)
    for found in (counts, begun, ended):
        rows = rows.join(found, on="month", how="left", maintain_order="left")
    rows = rows.with_columns(pl.exclude("month").fill_null(0).cast(pl.Int64))
    alive = pl.col("first").cum_sum() - pl.col("last").cum_sum() + pl.col("last")
    return rows.select("month", "returns", "flagged", gaps=alive - pl.col("returns"), companies=pl.lit(companies))


def months_between(returns: pl.DataFrame) -> pl.DataFrame:
    """Return every calendar month between the first and the last return, as its last day."""
    if returns.is_empty():
        return returns.select("month")
    first = returns.select(pl.col("month").min().dt.month_start()).item()
    days = pl.date_range(first, returns["month"].max(), "1mo", eager=True)  # type: ignore[arg-type]
    return pl.DataFrame({"month": days.dt.month_end()})


def missing_by_reason(missing: pl.DataFrame) -> pl.DataFrame:
    """Return how many companies have no price for which kind of reason, the commonest first.

    Dates, numbers, quoted names and the company's own tickers become "…": what is left is the kind.

    Parameters
    ----------
    missing : DataFrame
        Rows of `prices_missing`.

    Returns
    -------
    DataFrame
        kind, companies; sorted by companies (falling), then kind.
    """
    kinds = [_kind(reason, ticker or "") for reason, ticker in missing.select("reason", "ticker").iter_rows()]
    counts = pl.DataFrame({"kind": kinds}, schema={"kind": pl.String}).group_by("kind").agg(companies=pl.len())
    return counts.sort("companies", "kind", descending=[True, False])


def _kind(reason: str, tickers: str) -> str:
    for ticker in filter(None, tickers.split(", ")):
        reason = re.sub(rf"(?<![\w.-])\$?{re.escape(ticker)}(?![\w-])", "…", reason)
    parts = " ".join(_PARTICULAR.sub("…", reason).split()).split("; ")
    return "; ".join(dict.fromkeys(parts))


def quality_numbers(returns: pl.DataFrame, missing: pl.DataFrame) -> dict[str, int | float | str]:
    """Return what the metadata say of the returns, so that one refresh can be compared with the last.

    Parameters
    ----------
    returns, missing : DataFrame
        Rows of `monthly_returns` and of `prices_missing`.

    Returns
    -------
    dict
        missing, companies without prices; behind, those whose prices end early; gaps, company-months without a return
        between a company's first and last;
        returns by flag; and, where there is a return, first and last month, standard deviation of the log returns,
        the worst and the best of them and whose they are.
    """
    numbers: dict[str, int | float | str] = {
        "missing": without_prices(missing).height,
        "behind": missing.height - without_prices(missing).height,
        "gaps": int(coverage(returns, 0)["gaps"].sum()),
        **_flag_counts(returns),
    }
    return numbers if returns.is_empty() else numbers | extremes(returns)


def _flag_counts(returns: pl.DataFrame) -> dict[str, int]:
    return {flag: int(returns["flags"].list.contains(flag).sum()) for flag in FLAGS}


def extremes(returns: pl.DataFrame) -> dict[str, int | float | str]:
    """Return first and last month, spread, worst and best return of at least one, as in `quality_numbers`."""
    ordered = returns.select("log_return", "company_id", pl.col("month").dt.strftime("%Y-%m")).sort(pl.all())
    (worst, loser, fell), (best, winner, rose) = ordered.row(0), ordered.row(-1)
    return {
        "first_month": ordered["month"].min(),
        "last_month": ordered["month"].max(),
        "std": round(returns.select(pl.col("log_return").std(ddof=0)).item(), 9),
        "worst": worst,
        "worst_of": f"{loser}, {fell}",
        "best": best,
        "best_of": f"{winner}, {rose}",
    }
