"""Whose quotes are whose: a ticker's history cut into securities, and one of them chosen for every company."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from resources.market.quotes import PAUSE_DAYS, Quotes

CONTESTED = "several companies claim this ticker"
FOREIGN = "another security: none of its days is one on which the ticker meant the company"
BETWEEN = "between the last day on which the ticker meant one company and the first on which it meant the next"
SHORTER = "another security: the ticker has one with a longer history, or as long and later"
NO_TICKER = "no ticker known"


@dataclass(frozen=True)
class CompanyPrices:
    """Quotes that are a company's, companies that have none, and quotes that are left out."""

    prices: pl.DataFrame
    """Columns of `prices` but for source, sorted by company and date."""
    missing: pl.DataFrame
    """Rows of `prices_missing`, sorted by company; `through` is null for companies that are not in `prices`."""
    cut: pl.DataFrame
    """Rows of `prices_cut`, sorted by ticker and first day."""


def company_prices(quotes: Quotes, tickers: pl.DataFrame, companies: pl.Series) -> CompanyPrices:
    """Return the quotes of every company, each company that has none, and the quotes that are left out.

    Every company is in `prices` or in `missing`, in both where its ticker is `behind`; every quote of a ticker is in
    `prices` or in one row of `cut`.

    - A ticker's quotes fall into securities: a new one begins where `security` changes or, where the market tells
      none, after more than PAUSE_DAYS without a quote.
    - A security is the company's whose [valid_from, valid_to] it overlaps. These dates identify the security and do
      not trim it: valid_to may be the day of the last report, and the company traded on for months.
    - A ticker that several companies claim for the same days stands for none of them. Where their days are disjoint,
      a security that overlaps several companies' is cut between them; the days between are nobody's. What comes before
      the cut may be the later company's own (a market may serve a symbol as its present holder's whole history, as
      Yahoo's IR is Gardner Denver's since 2017): dates cannot tell that from a security that changed companies.
    - Of several securities that a company could have of one ticker, the longest history counts, then the latest.
    - Of several tickers of a company (share classes, successive symbols), the one with the most traded value (sum of
      close times volume) counts, where each has volumes; else the one with the most days; then the alphabet.

    Parameters
    ----------
    quotes : Quotes
        What the market gave for these tickers.
    tickers : DataFrame
        Columns company_id, ticker, valid_from, valid_to (null: unknown, or still), unique by company and ticker.
    companies : Series
        All company ids, those of `tickers` among them.
    """
    claims = _claims(tickers)
    rows = quotes.rows.join(claims, on="ticker", how="semi").sort("ticker", "date")
    rows = rows.join_asof(
        _pieces(_securities(rows), claims), left_on="date", right_on="start", by="ticker", check_sortedness=False
    )
    histories = _chosen(_histories(rows))
    taken = histories.filter(pl.col("reason").is_null())
    columns = ("company_id", "ticker", "date", "adj_close", "close", "volume")
    prices = rows.join(taken, on=["ticker", "start"], how="semi").select(columns)
    cut = histories.drop_nulls("reason").select("ticker", "first", "last", "days", "company_id", "reason")
    missing = pl.concat([_missing(companies, taken, claims, histories, quotes.missing), _behind(taken, quotes)])
    return CompanyPrices(
        prices.sort("company_id", "date"), missing.sort("company_id"), cut.sort("ticker", "first", "company_id")
    )


def _claims(tickers: pl.DataFrame) -> pl.DataFrame:
    """Return who claims a ticker, the earlier first, from `opens` to `closes`, and whether it is `contested`."""
    claims = tickers.drop_nulls("ticker").select(
        "ticker",
        "company_id",
        opens=pl.col("valid_from").fill_null(date.min),
        closes=pl.col("valid_to").fill_null(date.max),
    )
    claims = claims.sort("ticker", "opens", "company_id")
    earlier_closes = pl.col("closes").shift(1).over("ticker")
    return claims.with_columns(contested=(pl.col("opens") <= earlier_closes).fill_null(False).any().over("ticker"))


def _securities(rows: pl.DataFrame) -> pl.DataFrame:
    """Return first and last day of every security: columns ticker, first, last."""
    known, paused = pl.col("security").forward_fill(), pl.col("date").diff().dt.total_days() > PAUSE_DAYS
    begins = pl.coalesce(known != known.shift(1), paused)
    number = begins.fill_null(False).cum_sum().over("ticker").alias("number")
    spans = rows.group_by("ticker", number).agg(first=pl.col("date").min(), last=pl.col("date").max())
    return spans.select("ticker", "first", "last").sort("ticker", "first")


def _pieces(securities: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """Return the days of every ticker in pieces, each from its `start` to the next: whose, or why they are nobody's.

    A piece that is nobody's carries one company that claims the ticker: of two that it lies between the later, else
    the earliest.
    """
    shared = securities.join(claims.filter(~pl.col("contested")), on="ticker")
    shared = shared.filter(pl.col("opens") <= pl.col("last"), pl.col("closes") >= pl.col("first"))
    shared = shared.sort("ticker", "first", "opens").with_columns(
        after=pl.col("closes").shift(1).over("ticker", "first").dt.offset_by("1d")
    )
    owned = shared.with_columns(start=pl.when(pl.col("after").is_null()).then("first").otherwise("opens"), reason=None)
    between = shared.filter(pl.col("after") < pl.col("opens")).with_columns(start="after", reason=pl.lit(BETWEEN))
    nobodys = securities.join(shared, on=["ticker", "first"], how="anti")
    nobodys = nobodys.join(claims.unique("ticker", keep="first", maintain_order=True), on="ticker").with_columns(
        start="first", reason=pl.when("contested").then(pl.lit(CONTESTED)).otherwise(pl.lit(FOREIGN))
    )
    columns = ("ticker", "start", "company_id", pl.col("reason").cast(pl.String))
    return pl.concat([part.select(columns) for part in (owned, between, nobodys)]).sort("ticker", "start")


def _histories(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the pieces that have quotes: first and last day, days, value traded (null where no volume is known)."""
    value = (pl.coalesce("close", "adj_close") * pl.col("volume")).sum()
    return rows.group_by("ticker", "start").agg(
        pl.col("company_id", "reason").first(),
        pl.col("date").min().alias("first"),
        pl.col("date").max().alias("last"),
        pl.len().cast(pl.Int32).alias("days"),
        pl.when(pl.col("volume").is_not_null().any()).then(value).alias("value"),
    )


def _chosen(histories: pl.DataFrame) -> pl.DataFrame:
    """Return the histories, with a reason for all but one of each company."""
    free = histories.filter(pl.col("reason").is_null())
    longest = free.sort("days", "first").unique(["ticker", "company_id"], keep="last")
    best = _most_traded(longest)
    shorter = free.join(longest, on=["ticker", "start"], how="anti").with_columns(reason=pl.lit(SHORTER))
    lesser = longest.join(best, on="company_id", suffix="_best").filter(pl.col("ticker") != pl.col("ticker_best"))
    lesser = lesser.with_columns(reason=_lesser())
    kept = best.select(histories.columns)
    return pl.concat([histories.drop_nulls("reason"), shorter, lesser.select(histories.columns), kept])


def _most_traded(longest: pl.DataFrame) -> pl.DataFrame:
    """Return one history a company, and `by_value`: whether value decided, known for every ticker of the company."""
    ranked = longest.with_columns(by_value=pl.col("value").is_not_null().all().over("company_id"))
    ranked = ranked.with_columns(rank=pl.when("by_value").then("value"))
    ranked = ranked.sort("company_id", "rank", "days", "ticker", descending=[False, True, True, False])
    return ranked.unique("company_id", keep="first", maintain_order=True)


def _lesser() -> pl.Expr:
    trades_more = pl.col("by_value") & (pl.col("value_best") > pl.col("value"))
    longer = pl.col("days_best") > pl.col("days")
    why = pl.when(trades_more).then(pl.lit("trades more")).when(longer).then(pl.lit("has the longer history"))
    return pl.format("lesser share class: {} {}", "ticker_best", why.otherwise(pl.lit("comes first in the alphabet")))


def _missing(
    companies: pl.Series, taken: pl.DataFrame, claims: pl.DataFrame, histories: pl.DataFrame, absent: Mapping[str, str]
) -> pl.DataFrame:
    """Return the rows of `prices_missing`; a company with several tickers gets one row that names them all."""
    without = pl.DataFrame({"company_id": companies.unique()}).join(taken, on="company_id", how="anti")
    quoted = histories.group_by("ticker").agg(pl.col("first").min(), pl.col("last").max())
    asked = without.join(claims, on="company_id").join(quoted, on="ticker", how="left")
    asked = asked.join(_reasons(absent), on="ticker", how="left").sort("ticker").with_columns(reason=_absence())
    rows = asked.group_by("company_id", maintain_order=True).agg(
        pl.col("ticker").str.join(", "), pl.col("reason").unique(maintain_order=True).str.join("; ")
    )
    everyone = without.join(rows, on="company_id", how="left").with_columns(pl.col("reason").fill_null(NO_TICKER))
    return everyone.select("company_id", "ticker", pl.lit(None, pl.Date).alias("through"), "reason")


def _behind(taken: pl.DataFrame, quotes: Quotes) -> pl.DataFrame:
    """Return the rows of `prices_missing` where quotes end early, of companies that have the ticker's last security."""
    reasons = _reasons(quotes.behind).join(quotes.rows.group_by("ticker").agg(pl.col("date").max()), on="ticker")
    return taken.join(reasons, left_on=["ticker", "last"], right_on=["ticker", "date"], suffix="_behind").select(
        "company_id", "ticker", pl.col("last").alias("through"), pl.col("reason_behind").alias("reason")
    )


def _reasons(told: Mapping[str, str]) -> pl.DataFrame:
    columns = {"ticker": list(told), "reason": list(told.values())}
    return pl.DataFrame(columns, schema={"ticker": pl.String, "reason": pl.String})


def _absence() -> pl.Expr:
    """Return why a company has no quotes of one of its tickers."""
    others = pl.format("quotes of {} to {} only, when the ticker meant another company", "first", "last")
    contested = pl.when("contested").then(pl.lit(CONTESTED))
    return contested.when(pl.col("first").is_not_null()).then(others).otherwise("reason")
