"""What the variants of replicate.py cost, and what they lose: one line per way to cover all blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from replicate_runs import Laboratory, Result, Variant, mean, per_block
from scipy.stats import t as student

from assets.activations.shards.shards import Shards
from assets.saes.grouping.flop import harvest_flop, sae_flop

MOST_COST = 0.5
"""Of per-layer autoencoders: what a way may cost to be chosen."""


@dataclass(frozen=True)
class Way:
    """A way to cover all blocks: its variants, the later ones taking over the blocks that they have."""

    name: str
    variants: tuple[Variant, ...]
    borrowed: tuple[int, ...] = ()
    """Blocks whose per-layer autoencoder it uses, and pays for."""


@dataclass(frozen=True)
class Cost:
    """What a way costs over what per-layer autoencoders of the same seed cost; the harvest is counted on both sides."""

    flop: float
    same_tokens: float
    """FLOP, if as many tokens were read as a per-layer autoencoder is trained on: one pass, as in papers B and C."""
    training: float
    """FLOP of training alone."""
    wall: float
    cpu: float


@dataclass(frozen=True)
class Line:
    """What a way costs and loses, over those of per-layer autoencoders of the same seed."""

    name: str
    autoencoders: int
    costs: tuple[Cost, ...]
    """By seed."""
    fvu: float
    """Mean over blocks and seeds."""
    ratios: tuple[float, ...]
    """Mean FVU over that of per-layer autoencoders, by seed."""
    worst: tuple[int, float]
    """Block with the largest ratio of FVU, and the ratio (mean over seeds)."""
    validation: float
    """Mean over blocks of FVU on validation documents (seed 0): what ways are chosen by."""
    l0: float
    dead: float

    @property
    def ratio(self) -> float:
        """Mean over seeds."""
        return fmean(self.ratios)

    @property
    def half_width(self) -> float | None:
        """Of the 95 % interval over seeds (Student); None for one."""
        n = len(self.ratios)
        return float(student.ppf(0.975, n - 1)) * stdev(self.ratios) / sqrt(n) if n > 1 else None

    def cost(self, what: str) -> float:
        """Mean over seeds of one of the numbers of Cost."""
        return fmean(getattr(cost, what) for cost in self.costs)

    @property
    def affordable(self) -> bool:
        """Whether it costs at most half, in FLOP and on the clock."""
        return max(self.cost("flop"), self.cost("wall")) <= MOST_COST


class Costs:
    """Turns ways into lines.

    Parameters
    ----------
    laboratory : Laboratory
        What was trained.
    per_layer : Variant
        One autoencoder for every block, what all is compared with; those of some blocks serve other ways, too.
    """

    def __init__(self, laboratory: Laboratory, per_layer: Variant) -> None:
        self._laboratory, self._per_layer = laboratory, per_layer
        shards = Shards(laboratory.folder / "shards")
        self._tokens = sum(place.tokens for place in shards.places.values())
        self._length, self._n_blocks = round(self._tokens / len(shards.places)), len(shards.blocks)
        self._d_model, self._expansion = shards.d_model, laboratory.profile.saes.expansion

    def line(self, way: Way, seeds: int) -> Line:
        """Of one way, over so many seeds."""
        trained = [self.trained(way, seed) for seed in range(seeds)]
        covered = [_covering(named) for named in trained]
        results = [[result for _, result in named] for named in covered]
        base = [self._base(seed) for seed in range(seeds)]
        fvu = [per_block(one) for one in results]
        by_block = {block: fmean(f[block] / b[block] for f, b in zip(fvu, base, strict=True)) for block in base[0]}
        worst = max(by_block, key=lambda block: by_block[block])
        return Line(
            way.name,
            len(covered[0]),
            tuple(self._cost([result for _, result in named], seed) for seed, named in enumerate(trained)),
            fvu=fmean(mean(one) for one in fvu),
            ratios=tuple(mean(f) / mean(b) for f, b in zip(fvu, base, strict=True)),
            worst=(worst, by_block[worst]),
            validation=self._laboratory.validation(covered[0]),
            l0=mean(per_block(results[0], "l0")),
            dead=mean(per_block(results[0], "dead")),
        )

    def trained(self, way: Way, seed: int) -> list[tuple[str, Result]]:
        """All autoencoders that a way pays for, each with the name of its variant; of blocks, later ones stand."""
        per_layer = [(self._per_layer.name, one) for one in self._laboratory.results(self._per_layer, seed)]
        borrowed = [(name, one) for name, one in per_layer if set(one.blocks) & set(way.borrowed)]
        own = [(variant.name, one) for variant in way.variants for one in self._laboratory.results(variant, seed)]
        return borrowed + own

    def _base(self, seed: int) -> dict[int, float]:
        return per_block(self._laboratory.results(self._per_layer, seed))

    def _cost(self, trained: Sequence[Result], seed: int) -> Cost:
        """Harvest, distances (groups alone need them) and training, over harvest and training of per-layer ones."""
        per_layer = self._laboratory.results(self._per_layer, seed)
        harvest, distances = self._laboratory.harvest_seconds, {"wall": 0.0, "cpu": 0.0}
        if any(len(one.blocks) > 1 for one in trained):
            distances = self._laboratory.distance_seconds
        ours, theirs = self._flop(trained), self._flop(per_layer)
        once, again = self._harvest(self._tokens), self._harvest(self._laboratory.profile.saes.tokens)
        return Cost(
            flop=(once + ours) / (once + theirs),
            same_tokens=(again + ours) / (again + theirs),
            training=ours / theirs,
            wall=(harvest["wall"] + distances["wall"] + sum(one.seconds for one in trained))
            / (harvest["wall"] + sum(one.seconds for one in per_layer)),
            cpu=(harvest["cpu"] + distances["cpu"] + sum(one.cpu_seconds for one in trained))
            / (harvest["cpu"] + sum(one.cpu_seconds for one in per_layer)),
        )

    def _harvest(self, tokens: float) -> float:
        return harvest_flop(tokens, self._n_blocks, self._d_model, self._length)

    def _flop(self, results: Sequence[Result]) -> float:
        return sum(sae_flop(one.tokens, self._d_model, self._expansion) for one in results)


def chosen(lines: Sequence[Line]) -> Line | None:
    """Return the affordable way that explains validation documents best; None where none is."""
    return min((line for line in lines if line.affordable), key=lambda line: line.validation, default=None)


def _covering(trained: Sequence[tuple[str, Result]]) -> list[tuple[str, Result]]:
    """Return the results that stand for the blocks: of two that have a block, the later."""
    of = {block: result for _, result in trained for block in result.blocks}
    return [named for named in trained if any(of[block] is named[1] for block in named[1].blocks)]
