"""Monthly returns from cached prices: how fast, and how much memory.

`PEERLENS_TESTDATA=../shared/data python benchmarks/returns.py [rounds]` makes the returns of 500 random walks over 18
years, and of the 465 real names of the test data where they are there. Every round is a process of its own: the clock
runs from the Parquet file on the disk to the finished table, imports not counted; memory is the process's peak,
imports counted. Medians over the rounds. The last line is JSON, of the random walks.
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
from tqdm import tqdm

from assets.prices.returns import monthly_returns

ROUNDS = 5
COMPANIES = 500
FIRST, LAST = date(2000, 1, 1), date(2017, 12, 31)


def random_walks(file: Path) -> None:
    """A table `prices` of 500 companies on every weekday of 18 years."""
    weekdays = pl.date_range(FIRST, LAST, eager=True).alias("date")
    weekdays = weekdays.filter(weekdays.dt.weekday() <= 5)
    steps = np.random.default_rng(0).normal(0, 0.02, (COMPANIES, weekdays.len()))
    closes = pl.Series("adj_close", (50 * np.exp(steps.cumsum(axis=1))).round(2).ravel() + 0.01)
    names = pl.DataFrame({"company_id": [f"{n:010d}" for n in range(COMPANIES)]})
    rows = names.with_columns(ticker="company_id").join(weekdays.to_frame(), how="cross").with_columns(closes)
    rows = rows.with_columns(close="adj_close", volume=pl.lit(1e6), source=pl.lit("synthetic"))
    rows.write_parquet(file)


def real_prices(source: Path, file: Path) -> None:
    """The same of the test data, every ticker a company."""
    rows = pl.read_parquet(source).cast({"adj_close": pl.Float64}).with_columns(company_id="ticker")
    rows.sort("company_id", "date").write_parquet(file)


def once(file: Path) -> dict[str, float]:
    """One round, in this process."""
    started = time.perf_counter()
    returns = monthly_returns(pl.read_parquet(file))
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak_gb": _peak_gb(), "returns": returns.height}


def _peak_gb() -> float:
    """Peak resident memory; Linux's own word, since getrusage counts what the parent had at the fork."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e9


def measured(name: str, file: Path, rounds: int) -> dict[str, object]:
    """A row of the table: medians over the rounds."""
    command = [sys.executable, __file__, "--once", str(file)]
    found = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in tqdm(range(rounds), name, disable=None)
    ]
    seconds = [one["seconds"] for one in found]
    return {
        "prices": name,
        "rows": pl.scan_parquet(file).select(pl.len()).collect().item(),
        "returns": found[0]["returns"],
        "seconds": round(median(seconds), 3),
        "range": f"{min(seconds):.3f} to {max(seconds):.3f}",
        "peak_gb": round(median(one["peak_gb"] for one in found), 3),
    }


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
    with pl.Config(tbl_cols=-1, fmt_str_lengths=50, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        print(pl.DataFrame(table))
    print(json.dumps({name: table[0][name] for name in ("seconds", "peak_gb")}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--once"]:
        print(json.dumps(once(Path(sys.argv[2]))))
    else:
        main()
