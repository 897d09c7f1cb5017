"""Group-SAE and layer transfer, replicated: what sharing an autoencoder between blocks costs, and what it saves.

    python benchmarks/replicate.py                     SmolLM2 on the S&P 500 descriptions of the test data
    python benchmarks/replicate.py --profile my.yaml   any model: its settings `model`, `activations`, `corpus`, `saes`
    python benchmarks/replicate.py --texts my.parquet  any texts, in a column `description`

Everything trained is kept in `--work`: started again it goes on, and at the end only the report is left to do. All is
measured on held-out documents; what is chosen (the number of groups by distances, the budget of the children by
validation documents) is chosen on others.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl
import torch
from replicate_costs import Way
from replicate_report import DIRECTIONS, Report
from replicate_runs import Laboratory, Variant, changed
from tqdm import tqdm

from assets.saes.partitions import frontier, knee, partition
from resources.environment import models as models_home
from resources.profile import Profile, Saes, Transfer, load_profile

THREADS = 2
COUNTS = (1, 2, 4, 7, 14)
SEEDS = 3
CHAINS = (0.25, 0.2, 0.3)
"""Shares of a per-layer autoencoder's tokens on which each of a chain is trained; the first from scratch, too."""
PARENTS, CHILD_SHARE = 4, 0.15
"""Groups that have a child for each of their blocks, and such a share for the children."""
BUDGETS = (0.2, 0.3, 0.4)
TARGETS = 5
"""Blocks, evenly spaced, on which transfer is tried."""
PROFILE = Profile(name="replicate", saes=Saes(tokens=400_000, stop_gain=0.0, transfer=Transfer(learning_rate=4e-3)))
"""A fixed number of tokens for all: nothing stops early."""


class Plan:
    """Which variants there are, for the blocks and distances of a model."""

    budgets = BUDGETS

    def __init__(self, laboratory: Laboratory, seeds: int) -> None:
        self._seeds = seeds
        self._distances = laboratory.distances
        self.blocks = tuple(range(len(self._distances)))
        n = len(self._distances) - 1
        points = frontier(self._distances[:-1, :-1], "optimal", [float(count) for count in range(1, n + 1)])
        self.chosen = knee(points["cost_ratio"].to_list(), points["predicted_loss"].to_list())
        self.per_layer = Variant("per-layer", tuple((block,) for block in self.blocks))
        self.fewer_tokens = replace(self.per_layer, name=f"per-layer-{CHAINS[0]:g}", share=CHAINS[0])

    def groups(self, count: int, strategy: str = "optimal") -> Variant:
        """A partition of all blocks but the last, whose own autoencoder is the per-layer one."""
        found = partition(self._distances[:-1, :-1], count, strategy)
        name = f"groups-{count:02d}" + ("" if strategy == "optimal" else f"-{strategy}")
        return Variant(name, tuple(tuple(group) for group in found))

    def children(self, groups: Variant, share: float) -> Variant:
        """An autoencoder for every block of a group of two or more, started from the group's."""
        split = [group for group in groups.groups if len(group) > 1]
        of = {(block,): (groups.name, group) for group in split for block in group}
        return Variant(f"{groups.name}-children-{share:g}", tuple(of), share, of)

    def chain(self, share: float) -> Variant:
        """For every block but the first, whose per-layer autoencoder begins it, one that starts from the one before."""
        name = f"chain-{share:g}"
        starts = {(block,): (name if block > 1 else "per-layer", (block - 1,)) for block in self.blocks[1:]}
        return Variant(name, tuple(starts), share, starts)

    def start(self, direction: str, block: int) -> tuple[str, tuple[int, ...]]:
        """What a block's transfer starts from: the block before, the block after, or the group of the block."""
        if direction == "tree":
            groups = self.groups(self.chosen)
            return groups.name, next(group for group in groups.groups if block in group)
        return self.per_layer.name, (block - 1 if direction == "forward" else block + 1,)

    def transfer(self, direction: str, share: float) -> Variant:
        """From autoencoders that are kept: per-layer ones, or those of the chosen groups."""
        starts = {(block,): self.start(direction, block) for block in self.targets}
        return Variant(f"{direction}-{share:g}", tuple(starts), share, starts)

    @property
    def targets(self) -> list[int]:
        """Blocks on which transfer is tried, evenly spaced."""
        last = self.blocks[-1]
        return sorted({1 + round(i * (last - 2) / (TARGETS - 1)) for i in range(TARGETS)})

    def ways(self) -> list[Way]:
        """Ways to cover all blocks, the most wanted first: those with several seeds."""
        seeds, last, first = self._seeds, (self.blocks[-1],), (self.blocks[0],)
        chosen, parents = self.groups(self.chosen), self.groups(PARENTS)
        children = self.children(parents, CHILD_SHARE)
        others = [self.groups(count) for count in COUNTS if count < len(self.blocks) - 1 and count != self.chosen]
        others += [self.groups(self.chosen, "even")]
        others += [replace(chosen, name=f"{chosen.name}-one-bias", settings={"block_biases": False})]
        return [
            Way(self.per_layer.name, (self.per_layer,), (), seeds),
            Way(chosen.name, (chosen,), last, seeds),
            *(
                Way(variant.name, (variant,), first, seeds if place == 0 else 1)
                for place, variant in enumerate(map(self.chain, CHAINS))
            ),
            Way(self.fewer_tokens.name, (self.fewer_tokens,), (), 1),
            Way(children.name, (parents, children), last, 1),
            *(Way(variant.name, (variant,), last, 1) for variant in others),
        ]


def train_everything(laboratory: Laboratory, plan: Plan, seeds: int) -> None:
    """All ways with their seeds, and transfer with the first."""
    for seed in range(seeds):
        for way in plan.ways():
            for variant in way.variants if seed < way.seeds else ():
                laboratory.results(variant, seed)
        for share in BUDGETS if seed == 0 else ():
            for direction in DIRECTIONS:
                laboratory.results(plan.transfer(direction, share), seed)


@contextmanager
def bar(total: int | None, title: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error."""
    with tqdm(total=total, desc=title, unit_scale=True, leave=False, disable=None, mininterval=1.0) as shown:
        yield lambda n: None if shown.update(n) else None


def arguments() -> argparse.Namespace:
    """The command line's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", type=Path, help="settings of another model")
    parser.add_argument("--texts", type=Path, help="Parquet with a column `description`")
    parser.add_argument("--tokens", type=int, help="training tokens of a per-layer autoencoder")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="of the ways that matter most; one of the others")
    parser.add_argument("--models", type=Path, default=models_home(), help="folder of converted models")
    parser.add_argument("--work", type=Path, default=Path("~/.cache/peerlens-benchmarks/replicate").expanduser())
    parser.add_argument("--pictures", type=Path, default=Path(__file__).parent.parent / "docs" / "pictures")
    return parser.parse_args()


def main() -> None:
    """Train what is missing; print the tables, draw the pictures, print the claims."""
    options = arguments()
    torch.set_num_threads(THREADS)
    source = options.texts or Path(os.environ.get("PEERLENS_TESTDATA", "../shared/data")) / "sp500/companies.parquet"
    if not source.is_file():
        raise SystemExit(f"no descriptions in {source}; set PEERLENS_TESTDATA or give --texts")
    profile = load_profile(options.profile) if options.profile else PROFILE
    if options.tokens:
        profile = changed(profile, tokens=options.tokens)
    if (load := os.getloadavg()[0]) > 1:
        print(f"other programs are running (load {load:.1f}): wall clock will mean little", file=sys.stderr)
    texts = pl.read_parquet(source)["description"].to_list()
    laboratory = Laboratory(options.work / profile.name, texts, profile, options.models, bar)
    assert laboratory.harvest_seconds
    plan = Plan(laboratory, options.seeds)
    train_everything(laboratory, plan, options.seeds)
    report = Report(laboratory, plan, options.pictures)
    print(json.dumps(report.claims()))


if __name__ == "__main__":
    main()
