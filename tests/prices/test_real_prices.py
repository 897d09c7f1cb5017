"""The flags of real prices, case by case, and their returns against a plain recomputation.

`sp500` holds 465 names that survived until 2017; `qstk` 596 names with real faults, and four sine waves of QSTK's own,
which are no securities. Every ticker stands for a company of its own here.
What is said of a case is known from outside the data; where it is not, the case is `unexplained`.
"""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from assets.prices.returns import monthly_returns
from assets.prices.securities import CompanyPrices, company_prices
from resources.market.quotes import QUOTES, Quotes

TESTDATA = os.environ.get("PEERLENS_TESTDATA")
pytestmark = pytest.mark.skipif(TESTDATA is None, reason="PEERLENS_TESTDATA is not set")

Flagged = dict[tuple[str, str], tuple[str, str]]

SP500: Flagged = {
    ("AIG", "2008-09"): ("outlier", "rescued by the Federal Reserve on the 16th"),
    ("AIG", "2009-02"): ("outlier", "the fall before the largest quarterly loss there had been, told on 2 March"),
    ("AIG", "2009-03"): ("reversal", "and the rebound: real, as the month before is"),
    ("AIG", "2009-08"): ("outlier", "unexplained, spread over many days"),
    ("ALGN", "2001-09"): ("outlier", "unexplained, in the month of 11 September"),
    ("AMT", "2002-11"): ("outlier", "rebound of the towers, as SBAC's"),
    ("CTXS", "2000-06"): ("outlier", "profit warning on the 12th"),
    ("EQIX", "2001-03"): ("outlier", "dot-com crash"),
    ("EQIX", "2001-11"): ("outlier", "unexplained, spread over many days"),
    ("FITB", "2009-01"): ("outlier", "bank crisis"),
    ("HIG", "2008-10"): ("outlier", "loss told at the end of the month, insurers in the crisis"),
    ("INCY", "2000-03"): ("outlier reversal", "genome bubble; Clinton and Blair spoke on the 14th"),
    ("KSU", "2000-07"): ("outlier", "FAULT: Stilwell spun off on the 12th, not adjusted for: -2.74 on the next day"),
    ("LVS", "2008-11"): ("outlier", "doubts about its debt, and new shares"),
    ("MGM", "2009-04"): ("outlier", "rebound, CityCenter's funding settled"),
    ("PWR", "2002-07"): ("outlier", "unexplained: -1.14 on the 2nd"),
    ("REGN", "2000-02"): ("outlier", "biotechnology bubble"),
    ("SBAC", "2002-02"): ("outlier", "unexplained: -0.44 on the 25th"),
    ("SBAC", "2002-10"): ("outlier", "unexplained: -0.67 on the 4th"),
    ("SBAC", "2002-11"): ("reversal", "rebound of the towers, as AMT's"),
    ("SEE", "2002-07"): ("outlier", "asbestos: a court let W. R. Grace's creditors go after it"),
    ("VRSN", "2002-04"): ("outlier", "warning on the 25th"),
}
QSTK: Flagged = {
    ("ABKFQ", "2008-08"): ("outlier", "bond insurers rebound, as MBI"),
    ("ABKFQ", "2008-09"): ("outlier reversal", "bond insurers fall again"),
    ("ABKFQ", "2010-11"): ("outlier", "Ambac's bankruptcy on the 8th"),
    ("ABKFQ", "2012-01"): ("outlier stale", "three to seven cents: a tick is a third"),
    ("ACAS", "2008-11"): ("outlier", "dividend stopped on the 10th"),
    ("AIG", "2008-09"): SP500["AIG", "2008-09"],
    ("AIG", "2009-02"): SP500["AIG", "2009-02"],
    ("AIG", "2009-03"): SP500["AIG", "2009-03"],
    ("AIG", "2009-08"): SP500["AIG", "2009-08"],
    ("AMT", "2002-11"): SP500["AMT", "2002-11"],
    ("BC", "2008-10"): ("outlier", "in the market crash"),
    ("CCMO", "2012-07"): ("outlier", "unexplained; hardly traded"),
    ("CEG", "2008-09"): ("outlier", "out of cash in the week of Lehman"),
    ("CTXS", "2000-06"): SP500["CTXS", "2000-06"],
    ("DDR", "2008-11"): ("outlier", "in the market crash"),
    ("DYN", "2002-07"): ("outlier", "energy merchants out of cash"),
    ("EK", "2011-09"): ("outlier", "Kodak: rumours of its bankruptcy of January 2012"),
    ("FITB", "2009-01"): SP500["FITB", "2009-01"],
    ("FMCC", "2009-08"): ("outlier", "unexplained; FNMA likewise"),
    ("FMCC", "2010-06"): ("outlier", "told on the 16th to leave the NYSE"),
    ("FNMA", "2008-09"): ("outlier", "taken over by the state on the 7th"),
    ("FNMA", "2009-08"): ("outlier", "unexplained; FMCC likewise"),
    ("FNMA", "2010-06"): ("outlier", "told on the 16th to leave the NYSE"),
    ("GNW", "2008-11"): ("outlier", "insurers in the crisis"),
    ("HIG", "2008-10"): SP500["HIG", "2008-10"],
    ("ITT", "2011-11"): ("outlier", "FAULT: Xylem and Exelis spun off on 31 October, not adjusted for: -1.58 next day"),
    ("JAVA", "2007-11"): ("outlier", "FAULT: one share for four on the 12th, not adjusted for: +1.38 that day"),
    ("LEHMQ", "2008-09"): ("outlier", "bankruptcy on the 15th"),
    ("LEHMQ", "2008-10"): ("outlier", "bankrupt, six cents"),
    ("LEHMQ", "2009-08"): ("outlier stale", "bankrupt, four to nineteen cents"),
    ("LIZ", "2008-11"): ("outlier", "in the market crash"),
    ("MBI", "2008-08"): ("outlier", "bond insurers rebound, as ABKFQ"),
    ("NCC", "2008-09"): ("outlier", "bank crisis; sold to PNC in October"),
    ("PWR", "2002-07"): SP500["PWR", "2002-07"],
    ("SEE", "2002-07"): SP500["SEE", "2002-07"],
    ("THC", "2008-11"): ("outlier", "unexplained: -0.46 on the 4th"),
    ("TIE", "2001-09"): ("outlier", "titanium for aircraft, after 11 September"),
    ("VRSN", "2002-04"): SP500["VRSN", "2002-04"],
    ("WAMUQ", "2008-10"): ("outlier stale", "bank seized on 25 September; no quote from then to 16 October"),
    ("WAMUQ", "2010-11"): ("outlier stale", "bankrupt, cents"),
    ("WAMUQ", "2011-05"): ("outlier stale", "bankrupt, cents"),
    ("WB", "2008-09"): ("outlier", "sale of its banks to Citigroup for $1 a share told on the 29th"),
    ("WYN", "2009-04"): ("outlier", "rebound of the market"),
}
TAKEN, RENAMED, BANKRUPT, ENDS = "taken over", "another ticker since", "bankrupt", "FAULT: the data end, not the trade"
DELISTED = {
    "ACS": ("2010-02-05", f"{TAKEN} by Xerox"),
    "AYE": ("2011-02-25", f"{TAKEN} by FirstEnergy"),
    "BDK": ("2010-03-12", f"{TAKEN} by Stanley"),
    "BF.B": ("2012-08-22", f"{ENDS}; nor is the split of three for two on the 13th adjusted for"),
    "BJS": ("2010-04-28", f"{TAKEN} by Baker Hughes"),
    "BRK.B": ("2012-08-22", ENDS),
    "BSC": ("2011-08-25", "unexplained; not Bear Stearns, gone in May 2008"),
    "CCT": ("2011-11-23", "unexplained"),
    "CEG": ("2012-03-12", f"{TAKEN} by Exelon"),
    "DYN": ("2012-07-06", BANKRUPT),
    "EK": ("2012-01-18", BANKRUPT),
    "EP": ("2012-05-24", f"{TAKEN} by Kinder Morgan"),
    "EQ": ("2009-06-30", f"{TAKEN} by CenturyTel"),
    "ERTS": ("2011-12-19", f"{RENAMED}: EA"),
    "GENZ": ("2011-04-08", f"{TAKEN} by Sanofi"),
    "GR": ("2012-07-26", f"{TAKEN} by United Technologies"),
    "JAVA": ("2010-01-26", f"{TAKEN} by Oracle"),
    "KG": ("2011-02-28", f"{TAKEN} by Pfizer"),
    "LEHMQ": ("2012-06-21", BANKRUPT),
    "LIZ": ("2012-05-14", f"{RENAMED}: FNP"),
    "MHS": ("2012-05-22", f"{TAKEN} by Express Scripts on 2 April; quoted at one price since"),
    "MI": ("2011-07-05", f"{TAKEN} by the Bank of Montreal"),
    "NCC": ("2008-12-31", f"{TAKEN} by PNC"),
    "NOVL": ("2011-04-27", f"{TAKEN} by Attachmate"),
    "NVLS": ("2012-06-04", f"{TAKEN} by Lam"),
    "PBG": ("2010-02-26", f"{TAKEN} by PepsiCo"),
    "PGN": ("2012-07-02", f"{TAKEN} by Duke"),
    "PTV": ("2010-11-16", f"{TAKEN} by Reynolds"),
    "Q": ("2011-10-25", f"{TAKEN} by CenturyLink on 1 April; quoted at one price since"),
    "ROH": ("2009-04-01", f"{TAKEN} by Dow"),
    "SAF": ("2006-04-07", "unexplained"),
    "SGP": ("2009-11-03", f"{TAKEN} by Merck"),
    "SII": ("2010-08-27", f"{TAKEN} by Schlumberger"),
    "SLE": ("2012-06-28", f"{RENAMED}: HSH"),
    "VIA.B": ("2011-04-08", ENDS),
    "WAMUQ": ("2012-03-19", BANKRUPT),
    "WB": ("2008-12-31", f"{TAKEN} by Wells Fargo"),
    "WWY": ("2006-09-15", "unexplained; 43.49 on every day until 2006, then 54.36"),
    "WYE": ("2009-10-15", f"{TAKEN} by Pfizer"),
    "XTO": ("2010-06-25", f"{TAKEN} by ExxonMobil"),
}
"""Last day of those who stop more than 14 days before 2012-09-12, the last day of the 596 names, and why."""
STALE = {
    "sp500": "BKNG 1, BXP 1, CHTR 1, CPRT 1, FRT 1, HFC 1, HOLX 1, KMX 4, MNST 6, NDAQ 1, ODFL 1, SJM 1, TTWO 2, "
    "TYL 2, VTR 4, WELL 2",
    "qstk": "ABI 4, ABKFQ 20, BRLI 1, BXP 1, CCMO 24, CCT 1, DNR 1, EDS 10, FMCC 11, FNMA 13, FTR 1, HCBK 5, HCN 2, "
    "HPCCP 3, KG 1, KMX 2, LEHMQ 40, MHS 2, MIL 6, MNST 33, NDAQ 1, PCLN 1, Q 7, TIE 6, URBN 1, VTR 3, "
    "WAMUQ 34, WWY 44",
}
"""Stale months: at cents (LEHMQ, WAMUQ, ABKFQ), after a take-over (Q, MHS, KG), at one price for years (WWY); the rest
unexplained.
"""


def file(folder: str) -> pl.DataFrame:
    return pl.read_parquet(Path(TESTDATA or "") / folder / "prices_daily.parquet").cast({"adj_close": pl.Float64})


def quotes(folder: str) -> Quotes:
    rows = file(folder).filter(~pl.col("ticker").str.starts_with("SINE_")).sort("ticker", "date")
    unknown = {name: pl.lit(None, type) for name, type in QUOTES.items() if name not in rows.columns}
    return Quotes(rows.with_columns(**unknown).select(*QUOTES), {})


def companies_of(found: Quotes, **valid_to: date) -> CompanyPrices:
    """Every ticker is its own company, with no dates but the given last days."""
    names = found.rows["ticker"].unique().sort()
    last = [valid_to.get(name) for name in names]
    tickers = pl.DataFrame({"company_id": names, "ticker": names}).with_columns(
        valid_from=pl.lit(None, pl.Date), valid_to=pl.Series(last, dtype=pl.Date)
    )
    return company_prices(found, tickers, names)


@pytest.fixture(scope="module", params=["sp500", "qstk"])
def real(request: pytest.FixtureRequest) -> Iterator[tuple[str, CompanyPrices, pl.DataFrame]]:
    """Name of the data, its prices by company, and their returns."""
    prices = companies_of(quotes(request.param))
    yield request.param, prices, monthly_returns(prices.prices)


def test_outliers_and_reversals_are_these(real: tuple[str, CompanyPrices, pl.DataFrame]) -> None:
    name, _, returns = real
    odd = returns.filter(pl.col("flags").list.set_intersection(["outlier", "reversal"]).list.len() > 0)
    found = {(ticker, str(month)[:7]): " ".join(flags) for ticker, month, _, flags in odd.iter_rows()}
    cases = {"sp500": SP500, "qstk": QSTK}[name]
    assert found == {case: flags for case, (flags, _) in cases.items()}


def test_stale_months_are_these(real: tuple[str, CompanyPrices, pl.DataFrame]) -> None:
    name, _, returns = real
    stale = returns.filter(pl.col("flags").list.contains("stale")).group_by("company_id", maintain_order=True).len()
    assert ", ".join(f"{ticker} {months}" for ticker, months in stale.iter_rows()) == STALE[name]


def test_the_delisted_are_these_and_keep_the_return_to_their_last_price(
    real: tuple[str, CompanyPrices, pl.DataFrame],
) -> None:
    name, prices, returns = real
    gone = returns.filter(pl.col("flags").list.contains("delisted"))
    last = prices.prices.group_by("company_id").agg(pl.col("date").max())
    days = gone.join(last, on="company_id").sort("company_id")
    found = {ticker: str(day) for ticker, day in days.select("company_id", "date").iter_rows()}
    assert found == ({ticker: day for ticker, (day, _) in DELISTED.items()} if name == "qstk" else {})
    assert days.filter(pl.col("date").dt.month_end() != pl.col("month")).is_empty()


@pytest.mark.parametrize(
    ("folder", "names", "last_whole_month"), [("sp500", 465, date(2017, 12, 31)), ("qstk", 600, date(2012, 8, 31))]
)
def test_real_returns_equal_a_plain_recomputation(folder: str, names: int, last_whole_month: date) -> None:
    prices = file(folder).rename({"ticker": "company_id"})
    returns, expected = monthly_returns(prices), plain_returns(prices, last_whole_month)
    both = returns.join(expected, on=["company_id", "month"], how="full", coalesce=True)
    assert (returns.height, both.height) == (expected.height,) * 2
    assert both.select((pl.col("log_return") - pl.col("expected")).abs().max()).item() < 1e-9
    assert returns["company_id"].n_unique() == names


def plain_returns(prices: pl.DataFrame, last_month: date) -> pl.DataFrame:
    """Months by their first day, each joined with the one a month before."""
    quoted = prices.select("company_id", "adj_close", "date", start=pl.col("date").dt.truncate("1mo"))
    ends = quoted.filter(pl.col("date") == pl.col("date").max().over("company_id", "start")).drop("date")
    before = ends.select("company_id", pl.col("start").dt.offset_by("1mo"), was="adj_close")
    pairs = ends.join(before, on=["company_id", "start"]).with_columns(month=pl.col("start").dt.month_end())
    expected = (pl.col("adj_close") / pl.col("was")).log().alias("expected")
    return pairs.filter(pl.col("month") <= last_month).select("company_id", "month", expected)


def test_stale_months_equal_a_plain_recomputation(real: tuple[str, CompanyPrices, pl.DataFrame]) -> None:
    _, prices, returns = real
    runs = prices.prices.select("company_id", "date", run=pl.struct("company_id", "adj_close").rle_id())
    fifth = runs.filter(pl.int_range(pl.len()).over("run") >= 4)
    months = fifth.select("company_id", month=pl.col("date").dt.month_end()).unique()
    expected = returns.join(months, on=["company_id", "month"], how="semi").select("company_id", "month")
    found = returns.filter(pl.col("flags").list.contains("stale")).select("company_id", "month")
    assert found.rows() == expected.rows()


def test_holes_of_two_months_stay_and_a_single_quote_930_days_before_is_cut() -> None:
    prices = companies_of(quotes("qstk"))
    assert prices.cut.drop("reason").rows() == [("MOS", date(2002, 4, 9), date(2002, 4, 9), 1, "MOS")]
    holes = {"FTR": date(2000, 5, 19), "PKI": date(2000, 4, 19), "UNM": date(2000, 4, 20)}
    kept = prices.prices.filter(pl.col("date") == pl.col("company_id").replace_strict(holes, default=None))
    assert kept["company_id"].to_list() == ["FTR", "PKI", "UNM"]


END = "2012-09-11"
REUSED = {
    "ABI": (date(2008, 11, 21), "2012-01-24", END, "Applied Biosystems, merged into Invitrogen"),
    "BSC": (date(2008, 5, 30), "2008-08-07", "2011-08-25", "Bear Stearns, sold to JPMorgan"),
    "BUD": (date(2008, 11, 18), "2009-07-01", END, "Anheuser-Busch, sold to InBev, which took over the ticker"),
    "CTX": (date(2009, 8, 18), "2012-04-03", END, "Centex, sold to Pulte"),
    "NSM": (date(2011, 9, 23), "2012-03-08", END, "National Semiconductor, sold to Texas Instruments; then Nationstar"),
    "UST": (date(2009, 1, 6), "2010-02-02", END, "UST Inc., sold to Altria"),
}
"""Ticker -> last day on which it meant the company, first and last day of the quotes, who it was."""


def test_quotes_of_a_ticker_that_was_used_again_are_cut() -> None:
    found = quotes("qstk")
    prices = companies_of(found, **{ticker: last for ticker, (last, *_) in REUSED.items()})
    assert prices.missing.select("ticker", "reason").rows() == [
        (ticker, f"quotes of {first} to {last} only, when the ticker meant another company")
        for ticker, (_, first, last, _) in REUSED.items()
    ]
    cut = prices.cut.filter(pl.col("ticker") != "MOS")
    assert cut["ticker"].to_list() == list(REUSED)
    assert cut["days"].sum() == found.rows.filter(pl.col("ticker").is_in(list(REUSED))).height


def test_no_date_tells_a_ticker_used_again_while_its_company_was_still_listed() -> None:
    """EDS: Hewlett-Packard bought it in August 2008 at $25 a share; the file has $7.20 in December 2007, $1.81 at last.

    Only a report that is older than the quotes gives it away.
    """
    found = quotes("qstk")
    days = pl.col("company_id") == "EDS"
    assert companies_of(found, EDS=date(2008, 8, 26)).prices.filter(days).height == 1204
    assert companies_of(found, EDS=date(2007, 11, 30)).prices.filter(days).height == 0


def test_tickers_without_early_quotes_are_not_taken_for_used_again() -> None:
    """CIT and GGP are the same companies after bankruptcy; PEG's history is short."""
    short = {"CIT": date(2009, 12, 10), "GGP": date(2010, 3, 5), "PEG": date(2010, 3, 10)}
    first = companies_of(quotes("qstk")).prices.group_by("company_id").agg(pl.col("date").min())
    assert dict(first.filter(pl.col("company_id").is_in(list(short))).sort("company_id").iter_rows()) == short
