"""How long the planner takes over decades: 33 years of 8,000 filings and 400 monthly as-of dates.

`python benchmarks/planner.py [rounds]` makes a table of filings (synthetic, a line of text each) and a lake in which
every artefact of every asset is up to date: real manifests and records, tables without rows behind them. Every round
plans it in a process of its own, once as it is and once after 20 filings of the newest year changed; the clock runs
from the opened profile to the finished plan, imports not counted; memory is the process's peak, imports counted. Beside
it, how many manifests were read from the disk, out of how many there are. The last line is JSON.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
from machine import machine
from tables import show
from tqdm import tqdm

from assets.partitions import month_name
from pipelines.graph import open_graph
from pipelines.refresh import Planned, plan
from resources.lake import lake as lake_module
from resources.lake.artefact import Artefact
from resources.lake.lake import Lake
from resources.lake.manifest import Manifest
from resources.lake.recipe import Declaration, Graph, recipe, slices_now
from resources.lake.snapshot import Snapshot
from resources.lake.table import Table
from resources.settings.profile import Profile, load_profile

ROUNDS = 5
FIRST, YEARS, FILINGS = 1993, 33, 8_000
AS_OF_DATES = 400
TODAY = date(FIRST + YEARS, 6, 1)
CHANGED = 20


def write_filings(file: Path, changed: int = 0) -> None:
    """Write a table of filings, spread over the days of every year; of the newest year, `changed` say something new."""
    n = pl.int_range(YEARS * FILINGS, eager=True).alias("n")
    rows = n.to_frame().select(
        ticker=pl.format("T{}", pl.col("n") % FILINGS),
        cik=pl.col("n") % FILINGS + 1,
        name=pl.format("Company {}", pl.col("n") % FILINGS),
        filed_at=pl.date(FIRST + pl.col("n") // FILINGS, pl.col("n") % 12 + 1, pl.col("n") % 28 + 1),
        sic=pl.lit("7372"),
        text=pl.format("Report {}: {}", "n", pl.col("n") >= YEARS * FILINGS - changed),
    )
    rows.write_parquet(file)


def write_profile(folder: Path) -> Path:
    """Write a profile over the table, with as-of dates up to the last month of its last year; returns its file."""
    last = date(FIRST + YEARS - 1, 12, 31)
    months = AS_OF_DATES - 1
    first = month_name(date(last.year - months // 12, last.month, 1) - timedelta(days=30 * (months % 12)))
    prices = pl.DataFrame({"ticker": ["T0"] * 2, "date": [date(FIRST - 5, 1, 3), last], "adj_close": [1.0, 2.0]})
    prices.write_parquet(folder / "prices.parquet")
    settings = {
        "name": "planner",
        "filing_years": list(range(FIRST, FIRST + YEARS)),
        "as_of": {"first": first, "last": month_name(last), "every_months": 1},
        "descriptions": {
            "source": "parquet",
            "path": str(folder / "filings.parquet"),
            "columns": {
                "ticker": "ticker",
                "cik": "cik",
                "name": "name",
                "filed_at": "filed_at",
                "sic": "sic",
                "text": "text",
            },
        },
        "prices": {"source": "parquet", "path": str(folder / "prices.parquet")},
    }
    file = folder / "planner.yaml"
    file.write_text(json.dumps(settings), encoding="utf-8")
    return file


def fill(graph: Graph, lake: Lake) -> int:
    """Commit an artefact of every partition of every asset, as if its body had run; returns how many."""
    filed = pl.read_parquet(graph.profile.descriptions.path or "", columns=["filed_at", "ticker"])
    by_year = {str(year): rows for (year,), rows in filed.group_by(pl.col("filed_at").dt.year())}
    made = 0
    for declaration in tqdm(graph.declarations.values(), "lake", disable=None):
        for partition in graph.partitions(declaration.name):
            _commit(graph, lake, declaration, partition, by_year.get(partition or "", filed[:0]))
            made += 1
    return made


def _commit(graph: Graph, lake: Lake, declaration: Declaration, partition: str | None, filed: pl.DataFrame) -> None:
    source = slices_now(graph, lake.sources, declaration, partition)
    now = recipe(graph, Snapshot(lake), declaration, partition, source)
    folder = lake.begin(declaration.name, partition, now)
    artefact = Artefact(folder)
    for table in declaration.tables:
        (folder / table.name).mkdir()
        (folder / table.name / "part-00000.parquet").write_bytes(b"rows")
        slices = _slices(table, filed)
        artefact.note(table.name, len(slices), slices)
    made = artefact.finish(declaration.tables, {}, source)
    lake.commit(Manifest(declaration.name, partition, now, folder.name, **made))


def _slices(table: Table, filed: pl.DataFrame) -> dict[str, str]:
    if not table.slice_by:
        return {"": "0" * 32}
    if len(table.slice_by) == 1:
        return {f"{year}-{month:02d}": "0" * 32 for year in range(FIRST, FIRST + YEARS) for month in range(1, 13)}
    return {f"{day} {name}": f"{i:032d}" for i, (day, name) in enumerate(filed.iter_rows())}


def once(file: Path, home: Path) -> dict[str, Any]:
    """Plan once, in this process."""
    read, parse = [], lake_module.parse_manifest

    def counting(content: bytes) -> Manifest | None:
        read.append(1)
        return parse(content)

    lake_module.parse_manifest = counting
    profile = load_profile(file)
    started = time.perf_counter()
    found = _plan(profile, home)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak_gb": _peak_gb(), "manifests": len(read), "planned": len(found)}


def _plan(profile: Profile, home: Path) -> list[Planned]:
    return plan(open_graph(profile, TODAY), Lake(home, profile.name))


def _peak_gb() -> float:
    """Return the peak resident memory, as Linux says it: getrusage counts what the parent had at the fork."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e9


def measured(name: str, file: Path, home: Path, rounds: int, there: int) -> dict[str, Any]:
    """Return a row of the table: medians over the rounds."""
    found = [_in_process(file, home) for _ in tqdm(range(rounds), name, disable=None)]
    return {
        "lake": name,
        "bodies named": found[0]["planned"],
        "s": round(median(one["seconds"] for one in found), 2),
        "GB": round(median(one["peak_gb"] for one in found), 2),
        "manifests read": f"{found[0]['manifests']:,} of {there:,}",
    }


def _in_process(file: Path, home: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--once", str(file), str(home)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def main() -> None:
    """Measure, or do one round of it."""
    if sys.argv[1:2] == ["--once"]:
        print(json.dumps(once(Path(sys.argv[2]), Path(sys.argv[3]))))
        return
    rounds = int(sys.argv[1]) if sys.argv[1:] else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["PEERLENS_HOME"] = folder
        write_filings(root / "filings.parquet")
        file = write_profile(root)
        profile = load_profile(file)
        there = fill(open_graph(profile, TODAY), Lake(root, profile.name))
        rows = [measured("up to date", file, root, rounds, there)]
        write_filings(root / "filings.parquet", CHANGED)
        rows.append(measured(f"{CHANGED} filings changed", file, root, rounds, there))
    what = f"Planning {YEARS} years x {FILINGS:,} filings x {AS_OF_DATES} as-of dates"
    show(f"{what}, {machine(os.cpu_count() or 1)}", pl.DataFrame(rows))
    print(json.dumps({"seconds": max(row["s"] for row in rows), "peak_gb": max(row["GB"] for row in rows)}))


if __name__ == "__main__":
    main()
