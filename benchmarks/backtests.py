"""Books of every method's peers on 476 S&P 500 companies, 2003 to 2014, at four costs, against placebo books.

    PEERLENS_TESTDATA=../shared/data python benchmarks/backtests.py --scratch FOLDER --saved FOLDER \
        --write docs/backtests.md

Needs the test data, and what a language model read of its texts (benchmarks/reasons_texts.py says how it lies there;
without `--saved` it is read now). Every December from 2002 on, groups are cut where the 36 months before say, pairs
inside them are tested over these months and traded in the twelve months after; baskets of the nearest ten, or of ten of
the group, are fitted on the same months, traded by mean reversion, held hedged, and measured. The texts are of 2022 and
the companies survivors: methods may be compared with each other and with their placebo, no return is to be believed.

These months are the settings' only change, made before anything was run, for prices begin in 2000. `--final` trades
2015 to 2017 and is for the end: what is chosen on the years before must not be chosen on these.
"""

import argparse
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from machine import machine
from numpy.typing import NDArray
from reasons import Seed, Way
from reasons_returns import dense_similarity
from reasons_texts import read, source, take
from reasons_views import PassageView

from assets import schemas
from assets.backtests.basket import fitted_baskets, formed_returns
from assets.backtests.basket_peers import peers_by_method
from assets.backtests.basket_placebo import placebo_of_baskets
from assets.backtests.close_matrix import formation_rows
from assets.backtests.formation import formed_pairs
from assets.backtests.hedge_scores import hedge_scores, returns_around
from assets.backtests.pair_placebo import placebo_of_pairs
from assets.backtests.paper_book import paper_rows
from assets.backtests.periods import BOOK, PAIRS, capitals, of_book
from assets.backtests.placebo import with_percentiles
from assets.backtests.walk import walk_forward
from assets.clusters.baselines import group_clusters, sic_clusters, tfidf_similarity
from assets.clusters.forming import form_groups
from assets.clusters.scores import nearest_neighbours, return_matrix
from assets.partitions import months_later
from assets.sic import sic_groups
from resources.environment import models as models_home
from resources.settings.backtest import Backtest
from resources.settings.clusters import Clusters

Matrix = NDArray[np.float64]

COSTS = (0.0, 5.0, 10.0, 20.0)
FORMATION = 36
FIRST, LAST, FINAL = 2002, 2013, 2016
"""Decembers at which peers are formed; the last one, and that of `--final`."""
LEGEND = (
    "Costs of 5 basis points a side and borrow of 50 a year. Placebo: median Sharpe ratio of the placebo books, "
    "and the share of them that did worse."
)
BY_COST = "Sharpe ratio, and the share of placebo books that did worse, by cost a side (basis points):"
HEADINGS = {
    PAIRS: "Pairs",
    "reversion": "Peer-relative mean reversion, monthly",
    "hedged": "Hedged holding",
}
BEGIN, END = "<!-- {}: made by benchmarks/backtests.py -->", "<!-- {}: end -->"
"""Marks on a page, of `results` or `final`."""


@dataclass(frozen=True)
class Universe:
    """The companies with what compares them."""

    ids: list[str]
    similarities: Mapping[str, Matrix]
    classifications: Mapping[str, NDArray[np.int64]]
    codes: pl.DataFrame
    """Rows of `sic_groups`."""
    prices: pl.DataFrame
    monthly: pl.DataFrame

    @classmethod
    def of(cls, data: Path, scratch: Path, saved: Path | None, models: Path) -> "Universe":
        """Read texts, prices and codes."""
        texts = source("sp500")
        place = (scratch, models, 60)
        described = take("sp500", texts, saved, *place) if saved else read("sp500", texts, *place)
        view = PassageView(described, 0, bundled=True)
        seed = Seed(described, view.described, view.windows, None)
        ids = described.filings["company_id"].to_list()
        codes = pl.DataFrame({"ticker": ids}).join(
            pl.read_parquet(data / "companies.parquet"), on="ticker", how="left", maintain_order="left"
        )
        similarities = {
            "sae_passages": seed.similarity(Way("sae_passages", described.profile.features.told_weight)),
            "embedding": dense_similarity(described),
            "tfidf": tfidf_similarity(described.filings["text"].to_list()),
        }
        sic = codes["sic"].to_list()
        classifications = {
            "sic4": sic_clusters(sic, "sic4"),
            "major_group": sic_clusters(sic, "major_group"),
            "sector": group_clusters(codes["sector"].to_list()),
        }
        prices = _prices(data / "prices_daily.parquet")
        groups = sic_groups(pl.DataFrame({"company_id": ids, "accession": ids, "sic": sic}))
        return cls(ids, similarities, classifications, groups, prices, _monthly(prices))

    def clusters(self, as_of: date) -> pl.DataFrame:
        """Return the rows of `peer_clusters` of every method at a date."""
        months = [months_later(f"{as_of:%Y-%m}", -back) for back in range(FORMATION - 1, -1, -1)]
        returns, settings = return_matrix(self.monthly, self.ids, months), Clusters()
        labels = dict(self.classifications)
        for method, cosine in self.similarities.items():
            formed = form_groups(cosine, returns, months, len(self.ids), settings)
            assert formed is not None
            labels[method] = formed.labels
        rows = [pl.DataFrame({"company_id": self.ids, "cluster": own, "method": name}) for name, own in labels.items()]
        return pl.concat(rows)


def pairs_of(universe: Universe, as_ofs: Sequence[date], settings: Backtest) -> pl.DataFrame:
    """Return the rows of `cointegrated_pairs` at all dates."""
    found = []
    for as_of in as_ofs:
        known = formation_rows(universe.prices, as_of, settings.formation_months)
        for method, pairs in formed_pairs(universe.clusters(as_of), known, as_of, settings):
            tags = {"method": pl.lit(method), "as_of": pl.lit(as_of, pl.Date)}
            found.append(pairs.with_columns(**tags).select(schemas.COINTEGRATED_PAIRS.empty().columns))
        print(f"formed {as_of}: {sum(rows.height for rows in found):,} pairs so far", flush=True)
    return pl.concat(found)


def baskets_of(universe: Universe, as_ofs: Sequence[date], settings: Backtest) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of `hedge_baskets` and of `hedge_scores` at all dates."""
    near = pl.concat(
        nearest_neighbours(cosine, universe.ids, settings.basket_peers).with_columns(method=pl.lit(method))
        for method, cosine in universe.similarities.items()
    )
    found, scores = [schemas.HEDGE_BASKETS.empty()], list[dict[str, Any]]()
    for as_of in as_ofs:
        known = formation_rows(universe.prices, as_of, settings.formation_months)
        formed = formed_returns(known, as_of, settings)
        named = peers_by_method(near, universe.clusters(as_of), universe.codes, settings)
        fitted = ((method, row) for method, peers in named for row in fitted_baskets(formed, peers))
        dated = schemas.HEDGE_BASKETS.frame({"method": method, "as_of": as_of, **row} for method, row in fitted)
        around = pl.concat([known, universe.prices.filter(pl.col("date") > as_of)])
        scores += [{"as_of": as_of, **row} for row in hedge_scores(dated, *returns_around(around, as_of, settings))]
        found.append(dated)
    return pl.concat(found), schemas.HEDGE_SCORES.frame(scores)


def books(
    pairs: pl.DataFrame, baskets: pl.DataFrame, prices: pl.DataFrame, settings: Backtest
) -> dict[float, pl.DataFrame]:
    """Return the rows of `backtest_summary` at each cost."""
    found = {}
    for cost in COSTS:
        at = settings.model_copy(update={"cost_bps": cost})
        rows, returns, _ = walk_forward(pairs, prices, at, baskets)
        began = capitals(returns)
        placebos = placebo_of_pairs(pairs, prices, at, began) | placebo_of_baskets(baskets, prices, at, began)
        medians = {name: float(np.nanmedian(placebo.sharpes)) for name, placebo in placebos.items()}
        table = schemas.BACKTEST_SUMMARY.frame(with_percentiles(rows, placebos))
        names = table.select(BOOK).iter_rows()
        found[cost] = table.with_columns(placebo_median=pl.Series([medians.get(name) for name in names]))
        print(f"traded at {cost:g} basis points", flush=True)
    return found


def report(found: Mapping[float, pl.DataFrame], hedges: pl.DataFrame, paper: pl.DataFrame, title: str) -> str:
    """Return the tables in Markdown."""
    lines = [title, "", LEGEND]
    for strategy, heading in HEADINGS.items():
        own = {cost: table.filter(strategy=strategy).sort("selection", "method") for cost, table in found.items()}
        lines += ["", f"#### {heading}", "", *_book_table(own[5.0]), "", BY_COST, "", *_cost_table(own)]
    lines += ["", *_hedge_table(hedges), "", *_paper_table(paper)]
    return "\n".join(lines)


def _book_table(rows: pl.DataFrame) -> list[str]:
    lines = [
        "| book | passed | trades | Sharpe | 95 % | by months | deflated | trials | placebo median | did worse "
        "| a year | 95 % | drawdown | beta | trades won |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows.iter_rows(named=True):
        cells = [
            _called(row),
            f"{row['pairs_passed']:,} of {row['pairs_tested']:,}" if row["strategy"] == PAIRS else "",
            f"{row['trades']:,}",
            _said(row["sharpe"]),
            f"{_said(row['sharpe_low'])} to {_said(row['sharpe_high'])}",
            _said(row["sharpe_monthly"]),
            _said(row["deflated_sharpe"]),
            str(row["trials"]),
            _said(row["placebo_median"]),
            _said(row["placebo_percentile"], "{:.0%}"),
            _said(row["annual_return"], "{:+.2%}"),
            f"{_said(row['annual_return_low'], '{:+.2%}')} to {_said(row['annual_return_high'], '{:+.2%}')}",
            _said(row["max_drawdown"], "{:.1%}"),
            _said(row["market_beta"], "{:.3f}"),
            _said(row["trades_won"], "{:.0%}"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _cost_table(found: Mapping[float, pl.DataFrame]) -> list[str]:
    lines = [f"| book | {' | '.join(f'{cost:g}' for cost in COSTS)} |", f"|---|{'---|' * len(COSTS)}"]
    for row in found[5.0].iter_rows(named=True):
        own = [of_book(table, row).row(0, named=True) for table in found.values()]
        cells = [f"{_said(at['sharpe'])} ({_said(at['placebo_percentile'], '{:.0%}')})" for at in own]
        lines.append(f"| {_called(row)} | {' | '.join(cells)} |")
    return lines


def _hedge_table(scores: pl.DataFrame) -> list[str]:
    """Return what share of each company's variance its basket takes away after the date, median over companies."""
    lines = [
        "#### What baskets hedge",
        "",
        "Share of a company's daily variance that its basket takes away; raised: companies and dates at which it added "
        "some.",
        "",
        "| baskets of | before the date | after it | raised | baskets |",
        "|---|---|---|---|---|",
    ]
    cut = [(1 - pl.col(f"hedged_{when}") / pl.col(f"variance_{when}")).alias(when) for when in ("before", "after")]
    known = scores.filter(pl.col("variance_after") > 0).with_columns(cut)
    medians = known.group_by("method").agg(pl.col("before", "after").median(), pl.col("raised").mean(), pl.len())
    for row in medians.sort("after", descending=True).iter_rows(named=True):
        shares = [f"{row[name]:.3f}" for name in ("before", "after", "raised")]
        lines.append(f"| {row['method']} | {' | '.join(shares)} | {row['len']:,} |")
    return lines


def _paper_table(paper: pl.DataFrame) -> list[str]:
    lines = [
        "[paper] The published rules on the pairs formed at the first date, traded to the end: as published, with each "
        "trade booked once, and with z known the day before. Random pairs are not selected.",
        "",
        "| method | pairs | as published | times booked | booked once | no look-ahead |",
        "|---|---|---|---|---|---|",
    ]
    for (method,), rows in paper.group_by("method", maintain_order=True):
        by = {row["variant"]: row for row in rows.iter_rows(named=True)}
        sharpes = [_said(by[name]["sharpe"]) for name in ("as published", "booked once", "no look-ahead")]
        first = by["as published"]
        cells = [str(method), f"{first['pairs']:,}", sharpes[0], f"{first['bookings']:,}", *sharpes[1:]]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _called(row: Mapping[str, Any]) -> str:
    return f"{row['method']}, {row['selection']}" if row["strategy"] == PAIRS else str(row["method"])


def write(page: Path, of: str, text: str) -> None:
    """Put tables between the marks of `of` on a page."""
    begin, end = BEGIN.format(of), END.format(of)
    head, rest = page.read_text(encoding="utf-8").split(begin)
    page.write_text(f"{head}{begin}\n{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")


def main() -> None:
    """Form, trade, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None, help="folder of sp500; of PEERLENS_TESTDATA if left out")
    parser.add_argument("--scratch", type=Path, required=True, help="folder in which what the model reads is kept")
    parser.add_argument("--saved", type=Path, help="folder of vectors that were read elsewhere")
    parser.add_argument("--models", type=Path, default=models_home(), help="folder of converted models")
    parser.add_argument("--write", type=Path, help="page whose tables are replaced")
    parser.add_argument("--final", action="store_true", help="2015 to 2017, once, at the end")
    asked = parser.parse_args()
    started = time.perf_counter()
    universe = Universe.of(asked.data or _data(), asked.scratch, asked.saved, asked.models)
    first, last = (LAST + 1, FINAL) if asked.final else (FIRST, LAST)
    as_ofs = [date(year, 12, 31) for year in range(first, last + 1)]
    settings = Backtest(formation_months=FORMATION)
    pairs = pairs_of(universe, as_ofs, settings)
    end = date(last + 1, 12, 31)
    traded = universe.prices.filter(pl.col("date") <= end)
    baskets, hedges = baskets_of(replace(universe, prices=traded), as_ofs, settings)
    found = books(pairs, baskets, traded, settings)
    known = traded.filter(pl.col("date") > months_later(f"{as_ofs[0]:%Y-%m}", -FORMATION))
    paper = schemas.PAPER_BOOKS.frame(paper_rows(pairs, known))
    text = report(found, hedges, paper, f"### Traded {first + 1} to {last + 1}")
    print(text)
    if asked.write:
        write(asked.write, "final" if asked.final else "results", text)
    print(f"{time.perf_counter() - started:.0f} s on {machine(1)}")
    print(json.dumps(_claims(found[5.0])))


def _claims(rows: pl.DataFrame) -> dict[str, Any]:
    own = rows.filter(method="sae_passages", strategy=PAIRS)
    return {f"sharpe_{row['selection']}": row["sharpe"] for row in own.iter_rows(named=True)} | {
        f"percentile_{row['selection']}": row["placebo_percentile"] for row in own.iter_rows(named=True)
    }


def _data() -> Path:
    return Path(os.environ.get("PEERLENS_TESTDATA", "../shared/data")) / "sp500"


def _prices(file: Path) -> pl.DataFrame:
    rows = pl.read_parquet(file).select("date", "ticker", pl.col("adj_close").cast(pl.Float64), company_id="ticker")
    return rows.sort("company_id", "date")


def _monthly(prices: pl.DataFrame) -> pl.DataFrame:
    """Return company_id, month and log_return, of months that follow one another."""
    closes = (
        prices.group_by("company_id", month=pl.col("date").dt.month_end(), maintain_order=True)
        .agg(close=pl.col("adj_close").last())
        .sort("company_id", "month")
    )
    change = pl.col("close").log().diff().over("company_id")
    return closes.select("company_id", "month", log_return=change).drop_nulls()


def _said(value: float | None, form: str = "{:.2f}") -> str:
    return "–" if value is None else form.format(value)


if __name__ == "__main__":
    main()
