"""Monthly returns from cached prices: how fast, and how much memory.

`PEERLENS_TESTDATA=../shared/data python benchmarks/returns.py [rounds]` makes the returns of 500 random walks over 18
years, and of the 465 real names of the test data where they are there. Every round is a process of its own: the clock
runs from the Parquet file on the disk to the finished table, imports not counted; memory is the process's peak,
imports counted. In turn with it, in a process of its own, polars reads the same file and looks at every number once:
the machine's own limit. Medians over the rounds, the ratio that of those within a round. The last line is JSON, of the
random walks.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
from machine import machine
from tables import show
from tqdm import tqdm

from assets.prices.returns import monthly_returns

ROUNDS = 5
COMPANIES = 500
FIRST, LAST = date(2000, 1, 1), date(2017, 12, 31)


def random_walks(file: Path) -> None:
    """Write a table `prices` of 500 companies on every weekday of 18 years."""
    weekdays = pl.date_range(FIRST, LAST, eager=True).alias("date")
    weekdays = weekdays.filter(weekdays.dt.weekday() <= 5)
    steps = np.random.default_rng(0).normal(0, 0.02, (COMPANIES, weekdays.len()))
    closes = pl.Series("adj_close", (50 * np.exp(steps.cumsum(axis=1))).round(2).ravel() + 0.01)
    names = pl.DataFrame({"company_id": [f"{n:010d}" for n in range(COMPANIES)]})
    rows = names.with_columns(ticker="company_id").join(weekdays.to_frame(), how="cross").with_columns(closes)
    rows = rows.with_columns(close="adj_close", volume=pl.lit(1e6), source=pl.lit("synthetic"))
    rows.write_parquet(file)


def real_prices(source: Path, file: Path) -> None:
    """Write the same of the test data, every ticker a company."""
    rows = pl.read_parquet(source).cast({"adj_close": pl.Float64}).with_columns(company_id="ticker")
    rows.sort("company_id", "date").write_parquet(file)


def once(file: Path) -> dict[str, float]:
    """Measure one round, in this process."""
    started = time.perf_counter()
    returns = monthly_returns(pl.read_parquet(file))
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak_gb": _peak_gb(), "returns": returns.height}


def plain(file: Path) -> dict[str, float]:
    """Read the file and look at every number once, in this process."""
    started = time.perf_counter()
    pl.read_parquet(file).select(pl.all().max())
    return {"seconds": time.perf_counter() - started, "peak_gb": _peak_gb()}


def _peak_gb() -> float:
    """Return the peak resident memory, as Linux says it: getrusage counts what the parent had at the fork."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e9


def measured(name: str, file: Path, rounds: int) -> dict[str, object]:
    """Return a row of the table: medians over the rounds."""
    found, limits = [], []
    for _ in tqdm(range(rounds), name, disable=None):
        found.append(_in_process("--once", file))
        limits.append(_in_process("--plain", file))
    seconds, limit = [one["seconds"] for one in found], [one["seconds"] for one in limits]
    return {
        "prices": name,
        "rows": pl.scan_parquet(file).select(pl.len()).collect().item(),
        "returns": found[0]["returns"],
        "seconds": round(median(seconds), 3),
        "range": f"{min(seconds):.3f} to {max(seconds):.3f}",
        "peak_gb": round(median(one["peak_gb"] for one in found), 3),
        "plain_read_s": round(median(limit), 3),
        "vs_plain_read": round(median(mine / plain for mine, plain in zip(seconds, limit, strict=True)), 2),
    }


def _in_process(what: str, file: Path) -> dict[str, float]:
    command = [sys.executable, __file__, what, str(file)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def main() -> None:
    """Print the table and the claims."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    real = Path(os.environ.get("PEERLENS_TESTDATA", "../shared/data")) / "sp500" / "prices_daily.parquet"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prices.parquet"
        random_walks(file)
        table = [measured(f"{COMPANIES} random walks x 18 years (synthetic)", file, rounds)]
        if real.is_file():
            real_prices(real, file)
            table.append(measured("465 names x 18 years (real)", file, rounds))
    show(f"Monthly returns, {rounds} rounds; {machine(pl.thread_pool_size())}", pl.DataFrame(table))
    print(json.dumps({name: table[0][name] for name in ("seconds", "peak_gb", "vs_plain_read")}))


if __name__ == "__main__":
    if sys.argv[1:2] in (["--once"], ["--plain"]):
        print(json.dumps((once if sys.argv[1] == "--once" else plain)(Path(sys.argv[2]))))
    else:
        main()
