"""Engle and Granger's test of many pairs: as `statsmodels.tsa.stattools.coint` says, and how much sooner.

    python benchmarks/cointegration.py --prices prices_daily.parquet

Needs daily prices, a Parquet file with the columns date, ticker and adj_close. 200,000 pairs of 6,000 random walks are
timed first. Then random pairs of companies with a price on every day are tested over windows of 252, 756 and 1,260 days
that end with --last, with lags chosen by AIC and with fixed ones. Both sides have one thread and take turns, so that
what else the machine does falls on both: in each of ten turns we test all pairs, statsmodels a tenth of them. A ratio
is of seconds a pair, the median over the turns. Prints a table in Markdown, and one line of JSON; `max_p_difference` is
over both kinds of lags and all windows.
"""

import argparse
import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from machine import machine
from numpy.typing import NDArray
from statsmodels.regression.linear_model import OLS
from statsmodels.tools import add_constant
from statsmodels.tools.sm_exceptions import CollinearityWarning
from statsmodels.tsa.stattools import coint
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from assets.backtests.candidate_pairs import random_pairs
from assets.backtests.cointegration import engle_granger

Floats = NDArray[np.float64]
Pairs = NDArray[np.int64]

WINDOWS = (252, 756, 1260)
FIXED_LAGS = 1
TURNS = 10
MOST_COMPANIES, MOST_PAIRS, MOST_DAYS = 6_000, 200_000, 1260


@dataclass
class Compared:
    """What a window's pairs came to."""

    ratios: list[float] = field(default_factory=list)
    """Of statsmodels' seconds to ours, a turn each, lags by AIC."""
    cpu_ratios: list[float] = field(default_factory=list)
    """The same of processor time, in which waiting for others does not count."""
    seconds: float = 0.0
    """Ours for all pairs, the mean of the turns."""
    statsmodels_seconds: float = 0.0
    """Theirs for all pairs, the sum of the turns."""
    pairs: int = 0
    p: float = 0.0
    """Largest difference of p, lags by AIC or fixed."""
    hedge_ratio: float = 0.0
    half_life: float = 0.0


def complete_windows(path: Path, last: date) -> dict[int, Floats]:
    """Return log prices [days, companies] of companies with a price on every day, by length of window."""
    prices = pl.read_parquet(path).filter(pl.col("date") <= last)
    wide = prices.pivot("ticker", index="date", values="adj_close").sort("date").drop("date")
    closes = wide.select(sorted(wide.columns)).to_numpy().astype(np.float64)
    return {days: _complete(closes[-days:]) for days in WINDOWS}


def compare(log_prices: Floats, pairs: Pairs, name: str) -> Compared:
    """Test the pairs by both, in turns."""
    found = Compared(pairs=len(pairs))
    fixed = engle_granger(log_prices, pairs, FIXED_LAGS)
    for rows in tqdm(np.array_split(np.arange(len(pairs)), TURNS), name, leave=False):
        some, share = pairs[rows], len(pairs) / len(rows)
        ours, wall, cpu = _timed(lambda: engle_granger(log_prices, pairs, "aic"))
        theirs, their_wall, their_cpu = _timed(lambda part=some: _coint(log_prices, part, {"autolag": "aic"}))
        found.ratios.append(share * their_wall / wall)
        found.cpu_ratios.append(share * their_cpu / cpu)
        found.seconds += wall / TURNS
        found.statsmodels_seconds += their_wall
        theirs_fixed = _coint(log_prices, some, {"autolag": None, "maxlag": FIXED_LAGS})
        for table, p in ((ours, theirs), (fixed, theirs_fixed)):
            found.p = max(found.p, _largest(table["p_value"].to_numpy()[rows] - p))
        hedge_ratio, half_life = _line_and_half_life(log_prices, some)
        found.hedge_ratio = max(found.hedge_ratio, _largest(ours["hedge_ratio"].to_numpy()[rows] - hedge_ratio))
        lives = ours["half_life"].fill_null(np.inf).to_numpy()[rows]
        none = np.isinf(lives) & np.isinf(half_life)
        ratio = np.divide(lives, half_life, out=np.ones_like(lives), where=~none)
        found.half_life = max(found.half_life, _largest(ratio - 1))
    return found


def time_many() -> tuple[float, float]:
    """Return the seconds of 200,000 pairs of 6,000 random walks over 1,260 days, and the most memory held (GB)."""
    walks = np.cumsum(np.random.default_rng(0).normal(0, 0.02, (MOST_DAYS, MOST_COMPANIES)), axis=0)
    pairs = random_pairs(MOST_COMPANIES, MOST_PAIRS, seed=0)
    with tqdm(total=len(pairs), desc="many pairs", leave=False) as bar:
        _, wall, _ = _timed(lambda: engle_granger(walks, pairs, "aic", progress=bar.update))
    return wall, _peak_gb()


def main() -> None:
    """Compare, time, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prices", type=Path, required=True)
    parser.add_argument("--last", type=date.fromisoformat, default=date(2013, 12, 31))
    parser.add_argument("--pairs", type=int, default=2_000)
    asked = parser.parse_args()
    warnings.simplefilter("ignore", CollinearityWarning)
    with threadpool_limits(1):
        load = os.getloadavg()
        many = time_many()
        windows = complete_windows(asked.prices, asked.last)
        found = {
            days: compare(prices, random_pairs(prices.shape[1], asked.pairs, seed=days), f"{days} days")
            for days, prices in windows.items()
        }
    _print(found, many, (load[0], os.getloadavg()[0]))


def _print(found: dict[int, Compared], many: tuple[float, float], load: tuple[float, float]) -> None:
    print(f"## Cointegration ({machine(1)}; load {load[0]:.1f} before, {load[1]:.1f} after, {os.cpu_count()} cores)\n")
    print("| days | pairs | ms a pair | statsmodels | ratio | of CPU time | p | hedge ratio | half-life |")
    print("|---|---|---|---|---|---|---|---|---|")
    for days, one in found.items():
        ours, theirs = (1e3 * seconds / one.pairs for seconds in (one.seconds, one.statsmodels_seconds))
        ratios = f"{np.median(one.ratios):.0f} | {np.median(one.cpu_ratios):.0f}"
        differences = f"{one.p:.1e} | {one.hedge_ratio:.1e} | {one.half_life:.1e}"
        print(f"| {days} | {one.pairs:,} | {ours:.3f} | {theirs:.2f} | {ratios} | {differences} |")
    seconds, memory = many
    print("\nRatios are of AIC; differences the largest, of half-lives relative.")
    print(
        f"{MOST_PAIRS:,} pairs of {MOST_COMPANIES:,} walks, {MOST_DAYS:,} days: {seconds:.0f} s, {memory:.2f} GB held."
    )
    ratios = {f"vs_statsmodels_{days}": round(float(np.median(one.ratios)), 1) for days, one in found.items()}
    print(json.dumps(ratios | {"max_p_difference": max(one.p for one in found.values())}))


def _complete(closes: Floats) -> Floats:
    return np.log(closes[:, (np.isfinite(closes) & (closes > 0)).all(axis=0)])


def _coint(log_prices: Floats, pairs: Pairs, options: dict[str, Any]) -> Floats:
    return np.array([coint(log_prices[:, a], log_prices[:, b], trend="c", **options)[1] for a, b in pairs])


def _line_and_half_life(log_prices: Floats, pairs: Pairs) -> tuple[Floats, Floats]:
    """Return hedge ratios and half-lives by statsmodels' OLS; infinite where the spread does not revert."""
    slopes, lives = np.empty(len(pairs)), np.full(len(pairs), np.inf)
    for number, (a, b) in enumerate(pairs):
        line = OLS(log_prices[:, a], add_constant(log_prices[:, b])).fit()
        slopes[number] = line.params[1]
        phi = OLS(np.diff(line.resid), line.resid[:-1]).fit().params[0]
        lives[number] = -np.log(2) / np.log1p(phi) if -1 < phi < 0 else np.inf
    return slopes, lives


def _timed(act: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what it returns, its seconds, and its seconds of processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = act()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def _largest(differences: Floats) -> float:
    if np.isnan(differences).any():
        raise ValueError(f"{np.isnan(differences).sum()} differences are no number: the two have not been compared")
    return float(np.abs(differences).max(initial=0.0))


def _peak_gb() -> float:
    # Kilobytes on Linux, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


if __name__ == "__main__":
    main()
