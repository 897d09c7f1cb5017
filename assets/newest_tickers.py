"""The one rule for what a company is called and whom a ticker means: its newest ticker, a ticker's newest bearer.

`company_directory.sql` and `company_id_of.sql` state it in SQL, which cannot call this; tests hold them together.
"""

import polars as pl

NEWEST_FIRST = (("valid_to", False), ("valid_from", True))
"""Columns of `tickers` and whether empty is last: a claim without an end still holds, one without a start is old."""


def newest_tickers(tickers: pl.DataFrame) -> pl.DataFrame:
    """Return company_id and ticker of every company that has one: of rows of `tickers`, the newest of each company."""
    return _newest(tickers, "company_id", tie="ticker").select("company_id", "ticker")


def newest_bearers(tickers: pl.DataFrame) -> dict[str, str]:
    """Return ticker in capitals -> the company_id of its newest bearer, of rows of `tickers`."""
    spelled = tickers.with_columns(pl.col("ticker").str.to_uppercase())
    return dict(_newest(spelled, "ticker", tie="company_id").select("ticker", "company_id").iter_rows())


def _newest(tickers: pl.DataFrame, of: str, tie: str) -> pl.DataFrame:
    ranked = tickers.sort(tie)
    for column, empty_last in reversed(NEWEST_FIRST):
        ranked = ranked.sort(column, descending=True, nulls_last=empty_last, maintain_order=True)
    return ranked.unique(of, keep="first", maintain_order=True)
