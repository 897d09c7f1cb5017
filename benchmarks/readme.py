"""What the demo finds, and how much of it is chance: the block of results in README.md, made by running the sample.

The sample is run once for each seed of the autoencoders; what comes before them is the same. A CPU with other last bits
trains other autoencoders, too, so the spread over seeds is about what other machines show. Run it on a quiet machine:

    .venv/bin/python benchmarks/readme.py

It takes a `make demo` and two trainings more, writes the block between the two marks of README.md, and prints one line
of JSON.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pipelines.questions import open_warehouse
from resources.environment import models as models_home
from resources.lake.lake import Lake
from resources.places import PROFILES, ROOT

COMMAND = Path(sys.executable).with_name("peerlens")
BEGIN, END = "<!-- results: made by benchmarks/readme.py -->", "<!-- results: end -->"
SEEDS = 3
WIDTH = 80
ASKED = {
    "nearest peer in the SIC major group": (
        "select format('{:.3f} of {} ({:.3f} to {:.3f})', same_major_group, nearest_companies, same_major_group_low, "
        "same_major_group_high) from scoreboard where method = 'sae'"
    ),
    "companies that SAE gets right and TF-IDF does not, and the reverse": (
        "select format('{} and {}, p {:.3f}', nearest_sae_better, nearest_sae_worse, nearest_p) "
        "from scoreboard where method = 'tfidf'"
    ),
    "lift of SAE groups": (
        "select format('{:.3f} ({:.3f} to {:.3f})', lift, lift_low, lift_high) from scoreboard where method = 'sae'"
    ),
    "share of companies placed": "select coverage from scoreboard where method = 'sae'",
    "Sharpe, Benjamini-Hochberg": "select sharpe from backtest_summary where method = 'sae' and selection = 'bh'",
    "Sharpe, uncorrected": "select sharpe from backtest_summary where method = 'sae' and selection = 'uncorrected'",
    "mean FVU": "select avg(fvu) from sae_scores",
    "mean CE score": "select avg(ce_score) from sae_scores",
    "peers of KO": "select string_agg(ticker, ' ' order by rank) from peers('KO', n := 3)",
}


def prepared(scratch: Path, seed: int) -> tuple[Path, Path]:
    """Return home and profile of one seed; the first seed's lake is linked, so that only the rest is made anew."""
    home, first = scratch / f"seed-{seed}", scratch / "seed-0" / "sample"
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "models").exists():
        (home / "models").symlink_to(scratch / "models", target_is_directory=True)
    if first.is_dir() and not (home / "sample").exists():
        shutil.copytree(first, home / "sample", copy_function=os.link)
    settings = yaml.safe_load((PROFILES / "sample.yaml").read_text(encoding="utf-8"))
    settings["saes"]["seed"] = seed
    file = home / "sample.yaml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return home, file


def peerlens(home: Path, *arguments: str) -> str:
    """Run the command; its progress is shown, what it prints is returned.

    Raises
    ------
    SystemExit
        It failed.
    """
    environment = os.environ | {"PEERLENS_HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": str(WIDTH)}
    done = subprocess.run([COMMAND, *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"peerlens {' '.join(arguments)} ended with exit status {done.returncode}")
    return done.stdout


def numbers(home: Path) -> dict[str, Any]:
    """Return what the warehouse answers to each question."""
    with open_warehouse(Lake(home, "sample")) as warehouse:
        return {name: (warehouse.sql(query).fetchall() or [(None,)])[0][0] for name, query in ASKED.items()}


def spread(found: list[dict[str, Any]]) -> pl.DataFrame:
    """Return one row a question, one column a seed."""
    columns = {f"seed {seed}": [_cell(one[name]) for name in ASKED] for seed, one in enumerate(found)}
    return pl.DataFrame({"": list(ASKED), **columns})


def block(report: str, table: pl.DataFrame) -> str:
    """Return the block of README.md: what `make demo` prints, and the table of seeds."""
    rows = [" | ".join(row) for row in [table.columns, ["---"] * table.width, *table.rows()]]
    shown = "\n".join(line.rstrip() for line in report.partition("Look further:")[0].strip("\n").splitlines())
    sentence = (
        f"How much of it is chance: the same with {table.width - 1} seeds of the autoencoders. Another CPU differs "
        "from this one about as much as one seed from another ([docs/method.md](docs/method.md))."
    )
    return "\n".join([BEGIN, "```", shown, "```", "", sentence, "", *(f"| {row} |" for row in rows), END])


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def main() -> None:
    """Run the seeds, write the block, print the claims."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--scratch", type=Path, help="folder for the lakes, kept; by default one that is removed")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        scratch = options.scratch or Path(temporary)
        scratch.mkdir(parents=True, exist_ok=True)
        if not (scratch / "models").exists():
            models_home().mkdir(parents=True, exist_ok=True)
            (scratch / "models").symlink_to(models_home(), target_is_directory=True)
        found, report = [], ""
        for seed in range(options.seeds):
            home, profile = prepared(scratch, seed)
            peerlens(home, "refresh", "--profile", str(profile))
            report = report or peerlens(home, "refresh", "--profile", str(profile), "--report")
            found.append(numbers(home))
    text = options.readme.read_text(encoding="utf-8")
    made = re.sub(
        f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: block(report, spread(found)), text, flags=re.DOTALL
    )
    options.readme.write_text(made, encoding="utf-8")
    lifts = [float(one["lift of SAE groups"].split()[0]) for one in found]
    print(json.dumps({"seeds": options.seeds, "lift_low": min(lifts), "lift_high": max(lifts)}))


if __name__ == "__main__":
    main()
