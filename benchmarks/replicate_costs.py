"""What the variants of replicate.py cost, and what they lose: one line per way to cover all blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from replicate_runs import Laboratory, Result, Variant, mean, per_block
from scipy.stats import t as student

from assets.activations.shards import Shards
from assets.saes.cost import harvest_flop, sae_flop

MOST_COST = 0.5
"""Of per-layer autoencoders: what a way may cost to be chosen."""


@dataclass(frozen=True)
class Way:
    """A way to cover all blocks: its variants, the later ones taking over the blocks that they have."""

    name: str
    variants: tuple[Variant, ...]
    borrowed: tuple[int, ...]
    """Blocks whose per-layer autoencoder it uses, and pays for."""
    seeds: int
    """How many seeds were trained."""


@dataclass(frozen=True)
class Line:
    """What a way costs and loses, over those of per-layer autoencoders of the same seed; means over seeds."""

    name: str
    autoencoders: int
    flop: float
    wall: float
    cpu: float
    fvu: float
    """Mean over blocks."""
    ratios: tuple[float, ...]
    """Mean FVU over that of per-layer autoencoders, by seed."""
    worst: tuple[int, float]
    """Block with the largest such ratio, and the ratio (seed 0)."""
    validation: float
    """Mean over blocks on validation documents (seed 0): what ways are chosen by."""
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

    @property
    def affordable(self) -> bool:
        """Whether it costs at most half, in FLOP and on the clock."""
        return max(self.flop, self.wall) <= MOST_COST


class Costs:
    """Turns ways into lines.

    Parameters
    ----------
    laboratory : Laboratory
        What was trained.
    per_layer : Variant
        One autoencoder for every block, what all is compared with; the last block's serves every way.
    """

    def __init__(self, laboratory: Laboratory, per_layer: Variant) -> None:
        self._laboratory, self._per_layer = laboratory, per_layer
        shards = Shards(laboratory.folder / "shards")
        tokens = sum(place.tokens for place in shards.places.values())
        length, n_blocks = tokens / len(shards.places), len(shards.blocks)
        self._d_model, self._expansion = shards.d_model, laboratory.profile.saes.expansion
        self._harvest = harvest_flop(tokens, n_blocks, shards.d_model, round(length))

    def line(self, way: Way) -> Line:
        """Of one way."""
        seeds = [self._seed(way, seed) for seed in range(way.seeds)]
        ratios, costs, covered = zip(*seeds, strict=True)
        one, base = per_block(covered[0]), self._base(0)
        worst = max(one, key=lambda block: one[block] / base[block])
        validation = fmean(value for result in covered[0] for value in [result.validation] * len(result.blocks))
        return Line(
            way.name,
            len(covered[0]),
            *(fmean(cost[i] for cost in costs) for i in range(3)),
            fvu=fmean(mean(per_block(results)) for results in covered),
            ratios=tuple(ratios),
            worst=(worst, one[worst] / base[worst]),
            validation=validation,
            l0=mean(per_block(covered[0], "l0")),
            dead=mean(per_block(covered[0], "dead")),
        )

    def _seed(self, way: Way, seed: int) -> tuple[float, tuple[float, float, float], list[Result]]:
        """Ratio of mean FVU, ratios of cost, and the results that cover the blocks."""
        per_layer = self._laboratory.results(self._per_layer, seed)
        if way.variants == (self._per_layer,):
            return 1.0, (1.0, 1.0, 1.0), per_layer
        trained = [result for variant in way.variants for result in self._laboratory.results(variant, seed)]
        trained += [one for one in per_layer if set(one.blocks) & set(way.borrowed)]
        covered = _covering(trained)
        ratio = mean(per_block(covered)) / mean(self._base(seed))
        return ratio, self._cost(trained, per_layer), covered

    def _base(self, seed: int) -> dict[int, float]:
        return per_block(self._laboratory.results(self._per_layer, seed))

    def _cost(self, trained: Sequence[Result], per_layer: Sequence[Result]) -> tuple[float, float, float]:
        """Harvest, distances (groups alone need them) and training, over harvest and training of per-layer ones."""
        harvest, distances = self._laboratory.harvest_seconds, {"wall": 0.0, "cpu": 0.0}
        if any(len(one.blocks) > 1 for one in trained):
            distances = self._laboratory.distance_seconds
        pairs = [
            (self._harvest + self._flop(trained), self._harvest + self._flop(per_layer)),
            (
                harvest["wall"] + distances["wall"] + sum(one.seconds for one in trained),
                harvest["wall"] + sum(one.seconds for one in per_layer),
            ),
            (
                harvest["cpu"] + distances["cpu"] + sum(one.cpu_seconds for one in trained),
                harvest["cpu"] + sum(one.cpu_seconds for one in per_layer),
            ),
        ]
        flop, wall, cpu = (ours / theirs for ours, theirs in pairs)
        return flop, wall, cpu

    def _flop(self, results: Sequence[Result]) -> float:
        return sum(sae_flop(one.tokens, self._d_model, self._expansion) for one in results)


def chosen(lines: Sequence[Line]) -> Line | None:
    """The affordable way that explains validation documents best; None where none is."""
    return min((line for line in lines if line.affordable), key=lambda line: line.validation, default=None)


def _covering(trained: Sequence[Result]) -> list[Result]:
    """The results that stand for the blocks: of two that have a block, the later."""
    of = {block: result for result in trained for block in result.blocks}
    return [result for result in trained if any(of[block] is result for block in result.blocks)]
