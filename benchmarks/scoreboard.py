"""What each method of naming peers is worth: every method of the registry, on equal terms, in one table.

    python benchmarks/scoreboard.py --scratch FOLDER                     the model reads the texts first: an hour
    python benchmarks/scoreboard.py --scratch FOLDER --saved FOLDER      vectors that were read elsewhere
    python benchmarks/scoreboard.py --sample LAKE                        the tables of a finished lake

On `data/sp500` of the test data. Choices are made on the as-of Decembers of 2005 to 2009 and returns up to 2010; those
of 2010 to 2014 and returns up to 2014 are reported. `--final` scores 2015 to 2017 in their place: for once, at the end.
Half of the companies have no SIC code there, so all is done a second time among those that have one. `--write` puts
the tables between their marks on a page, and the picture of the curve beside it. The last line is JSON.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from resources.environment import models as models_home  # before torch, whose threads it keeps from spinning

# isort: split
import torch
from machine import machine, warn_if_busy
from scoreboard_evidence import Reading, known_companies, only
from scoreboard_report import claims, joined, section, written
from scoreboard_scores import PERIODS, Scores, measured, of_lake

from assets.clusters.methods import Known
from assets.clusters.scoreboard.curve_figure import curve_figure
from resources.lake.lake import Lake
from resources.lake.picture import draw

THREADS = 2
PICTURE = Path("pictures/scoreboard-curve.png")
"""Beside the page, of `data/sp500`."""
SHORT = 12
"""Months of the horizon whose claims are printed."""
TITLES = {"choices": "Choices", "reported": "Reported", "final": "Final"}


def populations(known: Known) -> dict[str, Known]:
    """Return all companies, and those with a SIC code: only among them SIC has its say of everybody."""
    coded = known.companies.drop_nulls("sic")["company_id"].to_list()
    return {"all": known, "with a SIC code": only(known, coded)}


def of_sp500(options: argparse.Namespace) -> Iterator[tuple[str, int, Scores]]:
    """Yield title, companies and scores of every period and population."""
    known = known_companies(Reading(options.scratch, options.models, options.saved))
    for period in ["final"] if options.final else options.periods:
        for name, among in populations(known).items():
            yield f"{TITLES[period]}, {name}", len(among.ids), measured(among, PERIODS[period])


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--scratch", type=Path, help="folder in which what the model reads is kept")
    place.add_argument("--sample", type=Path, metavar="LAKE", help="folder of a finished lake, as ~/.peerlens/sample")
    parser.add_argument("--saved", type=Path, help="folder of vectors that were read elsewhere, with a folder sp500")
    parser.add_argument("--models", type=Path, default=models_home(), help="folder of converted models")
    parser.add_argument("--periods", nargs="+", choices=["choices", "reported"], default=["reported", "choices"])
    parser.add_argument("--final", action="store_true", help="2015 to 2017 alone, which nobody has looked at yet")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="a page with the marks, as docs/scoreboard.md")
    return parser.parse_args()


def main() -> None:
    """Print the tables and the claims, and write them where they are wanted."""
    options = arguments()
    torch.set_num_threads(THREADS)
    warn_if_busy()
    print(machine(THREADS))
    if options.sample:
        lake = Lake(options.sample.parent, options.sample.name)
        found: Iterator[tuple[str, int | None, Scores]] = iter([("Sample", None, of_lake(lake))])
    else:
        found = of_sp500(options)
    sections, told, shown = [], {}, None
    for title, companies, scored in found:
        for horizon in scored.horizons:
            sections.append(section(title, scored, horizon, companies))
            print(f"\n{sections[-1]}", flush=True)
        told[title] = claims(scored, min(scored.horizons, default=SHORT))
        shown = shown or scored  # what comes first: the period that is reported, among all companies
    if options.write:
        of = "sample" if options.sample else "final" if options.final else "sp500"
        written(options.write, of, joined(sections))
        if shown is not None and of == "sp500":
            draw(curve_figure(shown.intervals), options.write.parent / PICTURE)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
