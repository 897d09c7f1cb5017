"""What `stack` is worth beside each of its parts, on `data/sp500`: later returns, with intervals of the differences.

    python benchmarks/stack.py --scratch FOLDER --saved FOLDER                as-of dates of Decembers 2004-08
    python benchmarks/stack.py --scratch FOLDER --saved FOLDER --last-years   those of 2009-13, for a report

Texts are of 2022 and only survivors are there, so methods are compared and no return is believed. Choices were made on
the first dates alone, whose returns end in 2009. `--saved` as in reasons.py. Everything else is the product's code: the
methods of the registry, the scores of `peer_scores`. R2 differences are paired by month; those of the median hedge are
paired by bootstrap sample of companies, over dates that share no month. The last line is JSON.
"""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from resources.environment import models as models_home  # before torch, whose threads it keeps from spinning

# isort: split
import numpy as np
import polars as pl
import torch
from machine import machine, warn_if_busy
from reasons_texts import source, take
from reasons_views import PassageView, TokenView
from tables import show

from assets.clusters.evaluation import horizon_after
from assets.clusters.intervals import lift_interval
from assets.clusters.methods import Known
from assets.clusters.peer_methods import registry
from assets.clusters.peer_methods.nearness import Evidence, PeerMethod
from assets.clusters.scoreboard.firm_scores import named_peers
from assets.clusters.scoreboard.pooled import difference_rows, interval_rows, r2_rows
from assets.clusters.scoreboard.tables import Named, peer_rows
from assets.clusters.scores import return_matrix
from assets.features.attribution import company_vectors, view_shares
from assets.partitions import months_later
from resources.settings.features import Features

OWN = "stack"
COMPARED = (OWN, "sae_passages", "sae_tokens", "sae", "tfidf", "sic4", "major_group", "past_corr", "sector", "random")
FIRST_YEARS, LAST_YEARS = range(2004, 2009), range(2009, 2014)
MONTHS, HORIZON, THREADS, SEED = 60, 12, 2, 0


def known_companies(scratch: Path, saved: Path, models: Path) -> Known:
    """Return the companies with the vectors of both views, from the autoencoder that comes with peerlens."""
    texts = take("sp500", source("sp500"), saved, scratch, models, 400)
    file = texts.folder / "stack_vectors.parquet"
    if not file.is_file():
        views = [PassageView(texts, SEED, bundled=True).described, TokenView(texts, texts.shards).described]
        settings = Features()
        features, labels = (pl.concat(getattr(view, name) for view in views) for name in ("features", "labels"))
        shares = view_shares(settings.views)
        company_vectors(features, settings.weighting, shares, labels, settings.told_weight).write_parquet(file)
    given = pl.read_parquet(data() / "companies.parquet").select("sic", "sector", company_id="ticker")
    companies = texts.filings.select("company_id", "accession", "text").join(given, on="company_id", how="left")
    return Known(companies.sort("company_id"), pl.read_parquet(file))


def of_companies(known: Known, ids: Sequence[str]) -> Known:
    """Return what is known of some companies alone."""
    among = pl.col("company_id").is_in(list(ids))
    return Known(known.companies.filter(among), known.vectors.filter(among))


def data() -> Path:
    """Return the folder of the test data."""
    return Path(os.environ.get("PEERLENS_TESTDATA", "../shared/data")) / "sp500"


def monthly_returns() -> pl.DataFrame:
    """Return company_id, month and log_return, from the last price of every month."""
    month = pl.col("date").dt.month_end().alias("month")
    closes = pl.read_parquet(data() / "prices_daily.parquet").sort("ticker", "date")
    last = closes.group_by("ticker", month, maintain_order=True).agg(pl.col("adj_close").last().cast(pl.Float64))
    change = pl.col("adj_close").log().diff().over("ticker")
    gap = pl.col("month").dt.offset_by("-1mo").dt.month_end() == pl.col("month").shift().over("ticker")
    found = last.with_columns(log_return=change, follows=gap).filter("follows")
    return found.select("month", "log_return", company_id="ticker").filter(pl.col("log_return").is_finite())


def scored(methods: Mapping[str, PeerMethod], known: Known, returns: pl.DataFrame, years: Sequence[int]) -> "Scored":
    """Return the scores of methods at the Decembers of some years."""
    scores, draws, monthly = [], [], []
    for year in years:
        as_of = date(year, 12, 31)
        first = months_later(f"{year}-12", 1 - MONTHS)
        before = returns.filter(pl.col("month").is_between(first, as_of))
        after = returns.filter(pl.col("month") > as_of)
        there = of_companies(known, before.filter(month=as_of)["company_id"].to_list())
        evidence = Evidence(there, return_matrix(before, there.ids, before["month"].unique().sort().to_list()))
        near = ((name, method(evidence)) for name, method in methods.items())
        named = ((name, Named(found, named_peers(found, SEED, evidence.history))) for name, found in near)
        [rows] = peer_rows(named, evidence, after, [horizon_after(as_of, HORIZON, after)], SEED)
        for kept, found in ((scores, rows.scores), (draws, rows.draws), (monthly, rows.monthly)):
            kept.extend({"as_of": as_of, **row} for row in found)
    return Scored(*(pl.DataFrame(rows, infer_schema_length=None) for rows in (scores, draws, monthly)))


class Scored:
    """Rows of `peer_scores`, `peer_score_draws` and `monthly_r2` of several dates."""

    def __init__(self, scores: pl.DataFrame, draws: pl.DataFrame, monthly: pl.DataFrame) -> None:
        self.scores, self.draws, self.monthly = scores, draws, monthly

    def table(self) -> pl.DataFrame:
        """Return the mean of every score, a row a method."""
        rows = [*interval_rows(self.scores, self.draws), *r2_rows(self.monthly)]
        wide = pl.DataFrame(rows, infer_schema_length=None).pivot("score", index="method", values="value")
        columns = ("r2_5", "r2_10", "hedge_median", "hedge_worse", "same_number", "pairs_0.005", "pairs_0.01")
        return wide.select("method", *columns, "coverage").sort("r2_5", descending=True)

    def differences(self, other: str, own: str = OWN) -> dict[str, object]:
        """Return R2 and median hedge of `own` less `other`, with their 95 % intervals."""
        pairs = pl.DataFrame(difference_rows(self.monthly), infer_schema_length=None)
        (r2,) = pairs.filter(method=own, other=other, peers=5).iter_rows(named=True)
        values, draws = (self._hedge(name) for name in (own, other))
        dates = values[0]
        lifts, drawn = values[1] - draws[1], values[2] - draws[2]
        hedge = lift_interval(dates, lifts.tolist(), drawn, HORIZON)
        return {
            "less": other,
            "r2_5": r2["difference"],
            "r2_low": r2["low"],
            "r2_high": r2["high"],
            "hedge_median": hedge.lift,
            "hedge_low": hedge.low,
            "hedge_high": hedge.high,
            "dates_higher": int((lifts > 0).sum()),
        }

    def _hedge(self, method: str) -> tuple[list[date], np.ndarray, np.ndarray]:
        """Return the dates, the median hedge at each [dates], and in every sample [draws, dates]."""
        rows, drawn = (
            table.filter(method=method, score="hedge_median").sort("as_of") for table in (self.scores, self.draws)
        )
        return rows["as_of"].to_list(), rows["value"].to_numpy(), np.array(drawn["draws"].to_list(), dtype=float).T


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, required=True, help="folder in which what the model reads is kept")
    parser.add_argument("--saved", type=Path, required=True, help="folder of vectors that were read elsewhere: sp500")
    parser.add_argument("--models", type=Path, default=models_home(), help="folder of converted models")
    parser.add_argument("--last-years", action="store_true", help="dates whose returns no choice was made on")
    return parser.parse_args()


def main() -> None:
    """Print the scores of every method, and those of stack less those of each other."""
    options = arguments()
    torch.set_num_threads(THREADS)
    warn_if_busy()
    print(machine(THREADS))
    known = known_companies(options.scratch, options.saved, options.models)
    methods = {name: registry.METHODS[name] for name in COMPARED}
    found = scored(methods, known, monthly_returns(), LAST_YEARS if options.last_years else FIRST_YEARS)
    show("scores", found.table())
    less = pl.DataFrame([found.differences(other) for other in COMPARED[1:]])
    show(f"{OWN} less each", less)
    print(json.dumps({row["less"]: [round(row["r2_5"], 4), round(row["hedge_median"], 4)] for row in less.to_dicts()}))


if __name__ == "__main__":
    main()
