"""Group-SAE and layer transfer, replicated: what sharing an autoencoder between blocks costs, and what it saves.

    python benchmarks/replicate.py                     SmolLM2 on the S&P 500 descriptions of the test data
    python benchmarks/replicate.py --profile my.yaml   any model: its settings `model`, `activations`, `corpus`, `saes`
    python benchmarks/replicate.py --texts my.parquet  any texts, in a column `description`
    python benchmarks/replicate.py --only detection    the detection scores alone: trains what they need, and no more

Everything trained is kept in `--work`: started again it goes on, and at the end only the report is left to do. All is
measured on held-out documents; what is chosen is chosen on others: the number of groups by distances, the best way
within half of the cost and the least budget of transfer by validation documents.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from statistics import fmean

from resources.environment import models as models_home  # before torch, whose threads it keeps from spinning

# isort: split
import polars as pl
import torch
from machine import machine, warn_if_busy
from replicate_costs import Costs, Way, chosen
from replicate_labels import show_detection
from replicate_report import DIRECTIONS, Report
from replicate_runs import Laboratory, Variant, changed
from tqdm import tqdm

from assets.saes.grouping.strategies import frontier, knee, partition
from resources.settings.profile import Profile, load_profile
from resources.settings.saes import Saes, Transfer

THREADS = 2
COUNTS = (1, 2, 4, 7, 14)
SEEDS = 3
CHAINS = (0.2, 0.225, 0.25, 0.3)
"""Shares of a per-layer autoencoder's tokens on which each of a chain is trained."""
PARENTS, CHILD_SHARE = 4, 0.15
"""Groups that have a child for each of their blocks, and such a share for the children."""
BUDGETS = (0.2, 0.3, 0.4)
MORE = 2.0
"""Times the tokens, from scratch: whether per-layer autoencoders had all that helps."""
TARGETS = 5
"""Blocks, evenly spaced, on which transfer and more tokens are tried."""
PROFILE = Profile(name="replicate", saes=Saes(tokens=400_000, stop_gain=0.0, transfer=Transfer(learning_rate=4e-3)))
"""A fixed number of tokens for all: nothing stops early."""


class Plan:
    """Which variants there are, for the blocks and distances of a model."""

    budgets = BUDGETS

    def __init__(self, laboratory: Laboratory) -> None:
        self._distances = laboratory.distances
        self.blocks = tuple(range(len(self._distances)))
        n = len(self._distances) - 1
        points = frontier(self._distances[:-1, :-1], "optimal", [float(count) for count in range(1, n + 1)])
        self.knee = knee(points["cost_ratio"].to_list(), points["predicted_loss"].to_list())
        self.per_layer = Variant("per-layer", tuple((block,) for block in self.blocks))
        self.more_tokens = Variant("per-layer-more", tuple((block,) for block in self.targets), MORE)
        self.costs = Costs(laboratory, self.per_layer)

    def groups(self, count: int, strategy: str = "optimal") -> Variant:
        """Return a partition of all blocks but the last, whose own autoencoder is the per-layer one."""
        found = partition(self._distances[:-1, :-1], count, strategy)
        name = f"groups-{count:02d}" + ("" if strategy == "optimal" else f"-{strategy}")
        return Variant(name, tuple(tuple(group) for group in found))

    def children(self, groups: Variant, share: float) -> Variant:
        """Return an autoencoder for every block of a group of two or more, started from the group's."""
        split = [group for group in groups.groups if len(group) > 1]
        of = {(block,): (groups.name, group) for group in split for block in group}
        return Variant(f"{groups.name}-children-{share:g}", tuple(of), share, of)

    def chain(self, share: float) -> Variant:
        """For every block but the first, whose per-layer autoencoder begins it, one that starts from the one before."""
        name = f"chain-{share:g}"
        starts = {(block,): (name if block > 1 else "per-layer", (block - 1,)) for block in self.blocks[1:]}
        return Variant(name, tuple(starts), share, starts)

    def start(self, direction: str, block: int) -> tuple[str, tuple[int, ...]]:
        """Return what a block's transfer starts from: the block before, the block after, or the group of the block."""
        if direction == "tree":
            groups = self.groups(self.knee)
            return groups.name, next(group for group in groups.groups if block in group)
        return self.per_layer.name, (block - 1 if direction == "forward" else block + 1,)

    def parents_share(self, direction: str) -> float:
        """Tokens of a transfer's parent over those of a per-layer autoencoder, a group's spread over its blocks."""
        parents = [self.start(direction, block)[1] for block in self.targets]
        return fmean(1 / len(blocks) for blocks in parents)

    def transfer(self, direction: str, share: float) -> Variant:
        """From autoencoders that are kept: per-layer ones, or those of the chosen groups."""
        starts = {(block,): self.start(direction, block) for block in self.targets}
        return Variant(f"{direction}-{share:g}", tuple(starts), share, starts)

    @property
    def targets(self) -> list[int]:
        """Blocks on which transfer is tried, evenly spaced."""
        last = self.blocks[-1]
        return sorted({1 + round(i * (last - 2) / (TARGETS - 1)) for i in range(TARGETS)})

    @cached_property
    def detection(self) -> dict[str, Variant]:
        """Return what detection scores compare, each with no autoencoders but those of the blocks of transfer."""
        variants = {"per layer": self.per_layer, "chosen groups": self.groups(self.knee), "one group": self.groups(1)}
        return {name: self._on_targets(variant) for name, variant in variants.items()}

    def _on_targets(self, variant: Variant) -> Variant:
        return replace(variant, groups=tuple(group for group in variant.groups if set(group) & set(self.targets)))

    @cached_property
    def ways(self) -> list[Way]:
        """Ways to cover all blocks, the first what all are compared with."""
        last, first = (self.blocks[-1],), (self.blocks[0],)
        knee_groups, most = self.groups(self.knee), len(self.blocks) - 1
        one_bias = replace(knee_groups, name=f"{knee_groups.name}-one-bias", settings={"block_biases": False})
        counts = [count for count in COUNTS if count < most and count != self.knee]
        grouped = [*map(self.groups, counts), self.groups(self.knee, "even"), one_bias]
        ways = [Way(self.per_layer.name, (self.per_layer,)), Way(knee_groups.name, (knee_groups,), last)]
        ways += [Way(variant.name, (variant,), first) for variant in map(self.chain, CHAINS)]
        if most > PARENTS:
            parents = self.groups(PARENTS)
            children = self.children(parents, CHILD_SHARE)
            ways.append(Way(children.name, (parents, children), last))
        return ways + [Way(variant.name, (variant,), last) for variant in grouped]

    @cached_property
    def best(self) -> Way | None:
        """Of seed 0, the affordable way that explains validation documents best; None where none is affordable."""
        line = chosen([self.costs.line(way, 1) for way in self.ways[1:]])
        return next((way for way in self.ways if line and way.name == line.name), None)

    @cached_property
    def control(self) -> Way | None:
        """Per-layer autoencoders from scratch, on so few tokens that they take the FLOP of the best way."""
        if not self.best:
            return None
        share = self.costs.line(self.best, 1).cost("training")
        name = f"{self.per_layer.name}-{share:.3f}"
        return Way(name, (replace(self.per_layer, name=name, share=share),))

    def with_seeds(self, seeds: int) -> list[tuple[Way, int]]:
        """All ways and how many seeds each has: several of per-layer, the knee's groups, the best way, its control."""
        names = {way.name for way in (*self.ways[:2], self.best, self.control) if way}
        ways = [*self.ways, *([self.control] if self.control else [])]
        return [(way, seeds if way.name in names else 1) for way in ways]


def train_everything(laboratory: Laboratory, plan: Plan, seeds: int) -> None:
    """All ways with the first seed, then what is best among them with the others; transfer with the first."""

    def train(ways: Iterable[Way], seed: int) -> None:
        for variant in (variant for way in ways for variant in way.variants):
            laboratory.results(variant, seed)

    train(plan.ways, 0)
    for share in BUDGETS:
        for direction in DIRECTIONS:
            laboratory.results(plan.transfer(direction, share), 0)
    laboratory.results(plan.more_tokens, 0)
    for seed in range(seeds):
        train((way for way, many in plan.with_seeds(seeds) if seed < many), seed)
    train_for_detection(laboratory, plan, seeds)


def train_for_detection(laboratory: Laboratory, plan: Plan, seeds: int) -> None:
    """Train what detection scores need, and no more; in the folders in which the whole plan looks for it."""
    for seed in range(seeds):
        for variant in plan.detection.values():
            laboratory.results(variant, seed)


@contextmanager
def bar(total: int | None, title: str) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error."""
    with tqdm(total=total, desc=title, unit_scale=True, leave=False, disable=None, mininterval=1.0) as shown:

        def advance(n: int) -> None:
            shown.update(n)

        yield advance


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", type=Path, help="settings of another model")
    parser.add_argument("--texts", type=Path, help="Parquet with a column `description`")
    parser.add_argument("--tokens", type=int, help="training tokens of a per-layer autoencoder")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="of per-layer, the knee and the best way; else one")
    parser.add_argument("--only", choices=["detection"], help="one table, with what it needs and nothing else")
    parser.add_argument("--models", type=Path, default=models_home(), help="folder of converted models")
    parser.add_argument("--work", type=Path, default=Path("~/.cache/peerlens-benchmarks").expanduser())
    parser.add_argument("--pictures", type=Path, default=Path(__file__).parent.parent / "docs" / "pictures")
    return parser.parse_args()


def main() -> None:
    """Train what is missing; print the tables, draw the pictures, print the claims."""
    options = arguments()
    torch.set_num_threads(THREADS)
    source = options.texts or Path(os.environ.get("PEERLENS_TESTDATA", "../shared/data")) / "sp500/companies.parquet"
    if not source.is_file():
        raise SystemExit(f"no descriptions in {source}; set PEERLENS_TESTDATA or give --texts")
    profile = changed(load_profile(options.profile), stop_gain=0.0) if options.profile else PROFILE
    if options.tokens:
        profile = changed(profile, tokens=options.tokens)
    warn_if_busy()
    print(f"Seconds are those of {machine(THREADS)}", flush=True)
    texts = pl.read_parquet(source)["description"].to_list()
    laboratory = Laboratory(options.work, texts, profile, options.models, bar)
    assert laboratory.harvest_seconds
    plan = Plan(laboratory)
    if options.only == "detection":
        train_for_detection(laboratory, plan, options.seeds)
        show_detection(laboratory, plan, options.seeds)
        return
    train_everything(laboratory, plan, options.seeds)
    report = Report(laboratory, plan, options.seeds, options.pictures)
    print(json.dumps(report.claims()))


if __name__ == "__main__":
    main()
