"""Which company a ticker belonged to, and when, from cover pages and EDGAR's list of today."""

import polars as pl

PAIR = ("symbol", "company_id")


def ticker_history(seen: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """Return one row per ticker and company: ticker, company_id, valid_from, valid_to, source; sorted.

    The evidence is: the days on which a company filed a report with symbols, which of these reports show the ticker,
    and whether today's list gives it to the company. A report without symbols is no evidence.

    - `valid_from` is the day of the first report that shows the ticker, if an earlier report did not show it.
    - If the first report with symbols shows it, and the claims of other companies ended before, it is the day after the
      last of these claims: the company succeeds the others (a new CIK, such as Disney's of 2019) without a gap.
    - Otherwise it is unknown (null), because the ticker may be older than the reports.
    - `valid_to` is null if today's list gives the ticker to the company: the claim still holds. Otherwise it is the day
      of the last report that shows it: a later report does not show it, or the list no longer has it.
    - If today's list gives a ticker to several companies, the one whose reports showed it last keeps it. For the others
      it ended at their last report, also if the company that keeps it has no report that shows it.
    - A ticker that is only in the list has neither day.

    Dots, slashes and hyphens are equal: `BRK.A` on a cover is `BRK-A` in the list. A ticker has one spelling for all
    companies: the list's, else that of the latest report that shows it. The source is `cover page`, `EDGAR list`, or
    `cover page and EDGAR list`.

    Parameters
    ----------
    seen : DataFrame
        company_id, filed_at, tickers (list of string, may be empty) of all annual reports.
    listed : DataFrame
        company_id, ticker of today's list.
    """
    claims = _ended(_shown(seen).join(_listed(listed), on=PAIR, how="full", coalesce=True))
    first = pl.col("first")
    rows = claims.join(_succeeding(claims), on=PAIR, how="left").select(
        "company_id",
        "valid_to",
        ticker=_spelling(),
        valid_from=pl.when(first > pl.col("first_report")).then(first).otherwise("succeeded"),
        source=pl.concat_str(
            pl.when(pl.col("last").is_not_null()).then(pl.lit("cover page")),
            pl.when(pl.col("list_spelling").is_not_null()).then(pl.lit("EDGAR list")),
            separator=" and ",
            ignore_nulls=True,
        ),
    )
    return rows.select("ticker", "company_id", "valid_from", "valid_to", "source").sort("ticker", "company_id")


def _shown(seen: pl.DataFrame) -> pl.DataFrame:
    """Return first and last day shown per symbol and company, its spelling, the company's first report with any."""
    reports = (
        seen.select("company_id", "filed_at", ticker=pl.col("tickers").cast(pl.List(pl.String)))
        .explode("ticker")
        .drop_nulls("ticker")
        .with_columns(_symbol(), first_report=pl.col("filed_at").min().over("company_id"))
    )
    return reports.group_by(PAIR).agg(
        pl.col("first_report").first(),
        first=pl.col("filed_at").min(),
        last=pl.col("filed_at").max(),
        spelling=pl.col("ticker").sort_by("filed_at", "ticker").last(),
    )


def _listed(listed: pl.DataFrame) -> pl.DataFrame:
    """Return how the list spells each symbol, per company."""
    rows = listed.select("company_id", pl.col("ticker").cast(pl.String)).drop_nulls().with_columns(_symbol())
    return rows.group_by(PAIR).agg(list_spelling=pl.col("ticker").min())


def _symbol() -> pl.Expr:
    return pl.col("ticker").str.replace_all(r"[./]", "-").alias("symbol")


def _spelling() -> pl.Expr:
    """Return the one spelling of every symbol."""
    last_report = pl.col("spelling").sort_by("last", "spelling").last()
    return pl.coalesce(pl.col("list_spelling").min(), last_report).over("symbol")


def _ended(claims: pl.DataFrame) -> pl.DataFrame:
    """Return the claims with `valid_to`."""
    over = pl.col("list_spelling").is_null() | pl.col("overtaken").fill_null(False)
    return claims.join(_overtaken(claims), on=PAIR, how="left").with_columns(valid_to=pl.when(over).then("last"))


def _overtaken(claims: pl.DataFrame) -> pl.DataFrame:
    """Return the symbols and companies where the list gives the symbol to another company with the newer claim."""
    others = claims.drop_nulls("list_spelling").select("symbol", "last", other="company_id")
    rivals = claims.join(others, on="symbol", suffix="_of_other").filter(pl.col("company_id") != pl.col("other"))
    # A null means a company that only the list names: it has the ticker today, so its claim is newer.
    newer = pl.col("last_of_other").is_null() | (pl.col("last_of_other") > pl.col("last"))
    return rivals.filter(newer).select(PAIR).unique().with_columns(overtaken=pl.lit(True))


def _succeeding(claims: pl.DataFrame) -> pl.DataFrame:
    """Return the symbols and companies whose first report that shows the symbol follows the end of another's claim.

    `succeeded` is the day after the last of these claims ended.
    """
    ended = claims.drop_nulls("valid_to").select("symbol", before="valid_to", other="company_id")
    before = claims.join(ended, on="symbol").filter(pl.col("company_id") != pl.col("other"))
    before = before.filter(pl.col("before") < pl.col("first"))
    return before.group_by(PAIR).agg(succeeded=pl.col("before").max().dt.offset_by("1d"))
