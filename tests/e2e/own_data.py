"""A universe that a user could bring: own column names, companies without a CIK, a text that is empty."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from resources.places import SAMPLE

LAST_PRICE = date(2007, 12, 31)
FIRST_FILING, SECOND_FILING = date(2004, 3, 1), date(2007, 11, 15)
TEXTS = {
    "XOM": "We look for crude oil and natural gas, lift it from the ground and refine it into fuels. "
    "Our stations sell gasoline, and our plants make plastics and lubricants from what is left.",
    "CVX": "We explore for oil and gas on five continents and pump it through our own pipelines to refineries. "
    "Motorists buy our gasoline and diesel at service stations, airlines our jet fuel.",
    "JPM": "We take deposits, lend to households and companies, and issue credit cards. "
    "Our investment bank underwrites bonds and shares and trades them for clients all over the world.",
    "WFC": "We are a bank with branches in many states that takes deposits and makes mortgages and loans. "
    "Small businesses keep their accounts with us, and savers buy our mutual funds.",
    "AMGN": "We discover medicines made by living cells and sell them to clinics that treat anemia and cancer. "
    "Every new drug has to pass trials with patients before regulators let us market it.",
    "PFE": "We research, make and sell prescription medicines for the heart, for pain and for infections. "
    "Patents protect our drugs, and our scientists test new compounds in clinical trials.",
}
LATER_TEXT = (
    "We look for oil and natural gas in ever deeper water and ship liquefied gas across the oceans. "
    "Refineries and chemical plants turn the rest into fuels and plastics."
)
CIKS = {"XOM": "34088", "CVX": "93410", "JPM": "19617", "WFC": "72971"}
PROFILE = """
notice: "OWN: six companies of our own."
filing_years: [2004, 2007]
as_of: {{first: "2007-10", last: "{last}", every_months: 1}}
max_filing_age_months: null
descriptions:
  source: parquet
  path: texts.parquet
  look_ahead: true
  columns: {{ticker: Symbol, name: Firm, text: What they do, cik: Register, sector: Branch, filed_at: Published}}
prices:
  source: parquet
  path: quotes.parquet
  columns: {{ticker: Symbol, date: Day, adj_close: Close}}
activations: {{blocks: [0, 1, 2, 3]}}
corpus: {{held_out_share: 0.34}}
groups: {{count: 1}}
saes: {{expansion: 1, k: 16, tokens: 2048, batch_tokens: 64, transfer: {{entries: 0}}}}
scores: {{ce_tokens: 20}}
passages: {{blocks: [2]}}
passage_saes: {{latents: 16, k: 2, passages: 512, batch: 32, second_seed: null}}
features: {{blocks: [2]}}
clusters: {{methods: [sae, embedding, tfidf, sector], placebo_draws: 20, neighbours: 5}}
backtest: {{formation_months: 36, trading_months: 1, random_pairs: 5, max_pairs: 3}}
"""


def write_own_data(folder: Path, last: str = "2007-12") -> Path:
    """Write profile own.yaml with its texts and quotes; XOM files again in 2007-11-15. Returns the profile."""
    write_texts(folder)
    write_quotes(folder, LAST_PRICE)
    profile = folder / "own.yaml"
    profile.write_text(PROFILE.format(last=last), encoding="utf-8")
    return profile


def write_texts(folder: Path, later_text: str = LATER_TEXT, later: Sequence[date] = (SECOND_FILING,)) -> None:
    """Six companies of 2004, two of them without a CIK, one more with nothing to say, and XOM's later filings."""
    rows = [(ticker, text, FIRST_FILING) for ticker, text in TEXTS.items()]
    rows += [("GE", "  ", FIRST_FILING), *(("XOM", later_text, day) for day in later)]
    branches = {"XOM": "energy", "CVX": "energy", "JPM": "banks", "WFC": "banks", "AMGN": "drugs", "PFE": "drugs"}
    pl.DataFrame(
        {
            "Symbol": [ticker for ticker, _, _ in rows],
            "Firm": [f"{ticker} & Co" for ticker, _, _ in rows],
            "What they do": [text for _, text, _ in rows],
            "Register": [CIKS.get(ticker) for ticker, _, _ in rows],
            "Branch": [branches.get(ticker) for ticker, _, _ in rows],
            "Published": [day for _, _, day in rows],
        }
    ).write_parquet(folder / "texts.parquet")


def write_quotes(folder: Path, last: date, factor: float = 1.0, after: date | None = None) -> None:
    """Daily closes up to `last`; XOM's are multiplied by `factor` on days later than `after`."""
    quotes = pl.read_parquet(SAMPLE / "prices.parquet").filter(
        pl.col("ticker").is_in([*TEXTS, "GE"]), pl.col("date") <= last
    )
    touched = (pl.col("ticker") == "XOM") & (pl.col("date") > (after or last))
    closes = pl.when(touched).then(pl.col("adj_close") * factor).otherwise(pl.col("adj_close"))
    quotes.select(Symbol="ticker", Day="date", Close=closes).write_parquet(folder / "quotes.parquet")
