"""Which blocks may share a sparse autoencoder: angular distances, partitions and their cost (Group-SAE, section 3)."""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering
from torch import Tensor

from resources.profile import Groups

Matrix = NDArray[np.float64]
CHUNK = 256


class DistanceError(ValueError):
    """Angular distances cannot be computed from what was added."""


class GroupCountError(ValueError):
    """Blocks cannot be split into the number of groups asked for."""


class AngularDistances:
    """Mean over tokens of arccos(cosine) / pi between mean-centred residual streams of every two blocks.

    Two passes over the same chunks: `add_means` for all of them, then `add` for all of them. Nothing but sums is kept,
    in float64; products are float32, so that a distance is good to about 1e-4 where it is 0 and to 1e-6 elsewhere.
    Massive tokens are left out by the caller. Source: Group-SAE, section 3 (centring as in its code, METHOD.md B).
    """

    def __init__(self) -> None:
        self.tokens = 0
        self._mean_tokens = 0
        self._sum = torch.zeros(())
        self._angles = torch.zeros(())

    def add_means(self, x: Tensor | NDArray[np.generic]) -> None:
        """First pass. `x: [blocks, tokens, d_model]`, floating point; raises DistanceError where it is not finite."""
        self._sum = self._sum + torch.as_tensor(x).sum(dim=1, dtype=torch.float64)
        self._mean_tokens += x.shape[1]
        if not self._sum.isfinite().all():
            raise DistanceError("activations hold NaN or infinity: harvest them again, or leave their tokens out")

    def add(self, x: Tensor | NDArray[np.generic]) -> None:
        """Second pass. `x: [blocks, tokens, d_model]`; raises DistanceError where the first pass has not been made."""
        if not self._mean_tokens:
            raise DistanceError("no means yet: run add_means over the corpus before add")
        mean = (self._sum / self._mean_tokens).float().unsqueeze(1)
        for chunk in torch.split(torch.as_tensor(x), CHUNK, dim=1):
            unit = torch.nn.functional.normalize(chunk.float() - mean, dim=2).transpose(0, 1)
            cosines = torch.bmm(unit, unit.transpose(1, 2)).clamp_(-1, 1)
            self._angles = self._angles + cosines.arccos_().sum(dim=0, dtype=torch.float64)
            self.tokens += chunk.shape[1]

    def distances(self) -> Matrix:
        """Return `[blocks, blocks]` in half turns, symmetric, diagonal 0; raises DistanceError without tokens."""
        if not self.tokens:
            raise DistanceError("no tokens were added: the corpus is empty, or every token of it was left out")
        turns: Matrix = (self._angles / (math.pi * self.tokens)).numpy()
        turns = (turns + turns.T) / 2
        np.fill_diagonal(turns, 0.0)
        return turns


def diameter(distances: Matrix, group: Sequence[int]) -> float:
    """Return the largest distance between two members (half turns); 0 for a group of one."""
    return float(distances[np.ix_(group, group)].max())


def amad(distances: Matrix, groups: Sequence[Sequence[int]]) -> float:
    """Return the average maximum angular distance, the mean of the groups' diameters (half turns; Group-SAE, eq. 4)."""
    return float(np.mean([diameter(distances, group) for group in groups])) if groups else 0.0


def partition(distances: Matrix, count: int, strategy: str) -> list[list[int]]:
    """Split rows 0..n-1 of `distances: [n, n]` into `count` groups, members ascending, groups by their first member.

    `optimal` is the exact contiguous partition with the least size-weighted sum of diameters; `complete` is complete
    linkage on the distances (the paper's text); `rows_of_tril` is what the paper's code does: complete linkage on
    Euclidean distances between rows of the strictly lower triangle. Raises GroupCountError for a `count` not in 1..n.
    """
    if not 1 <= count <= len(distances):
        raise GroupCountError(
            f"cannot make {count} groups of {len(distances)} blocks: set groups.count to 1..{len(distances)}"
        )
    if strategy == "optimal":
        return _optimal(distances, count)
    if count == len(distances):
        return [[i] for i in range(count)]
    if strategy == "complete":
        model = AgglomerativeClustering(count, metric="precomputed", linkage="complete").fit(distances)
    elif strategy == "rows_of_tril":
        model = AgglomerativeClustering(count, linkage="complete").fit(np.tril(distances, -1))
    else:
        raise ValueError(f"unknown strategy {strategy!r}: use optimal, complete or rows_of_tril")
    groups = [[int(i) for i in np.flatnonzero(model.labels_ == label)] for label in range(count)]
    return sorted(groups)


def _optimal(distances: Matrix, count: int) -> list[list[int]]:
    """Dynamic programme over `least[g][j]`, the least cost of the first j blocks in g groups; first of equals wins."""
    n = len(distances)
    cost = np.full((n + 1, n + 1), np.inf)
    for i in range(n):
        widest = np.maximum.accumulate([distances[i : j + 1, j].max() for j in range(i, n)])
        cost[i, i + 1 :] = widest * np.arange(1, n - i + 1)
    least = np.full((count + 1, n + 1), np.inf)
    least[0, 0] = 0.0
    start = np.zeros((count + 1, n + 1), dtype=int)
    for g in range(1, count + 1):
        total = least[g - 1, :, None] + cost
        start[g], least[g] = total.argmin(axis=0), total.min(axis=0)
    groups: list[list[int]] = []
    end = n
    for g in range(count, 0, -1):
        groups.insert(0, list(range(start[g, end], end)))
        end = int(start[g, end])
    return groups


def choose_count(distances: Matrix, strategy: str, max_amad: float) -> int:
    """Return the smallest number of groups with AMAD under `max_amad` half turns (Group-SAE, section 3)."""
    for count in range(1, len(distances)):
        if amad(distances, partition(distances, count, strategy)) < max_amad:
            return count
    return len(distances)


def harvest_flop(tokens: float, n_layers: int, d_model: int, context: int) -> float:
    """Return the FLOP of running `n_layers` blocks over `tokens`: N (24 L d^2 + 4 L n d) (METHOD.md B, cost model)."""
    return tokens * (24 * n_layers * d_model**2 + 4 * n_layers * context * d_model)


def sae_flop(tokens: float, d_model: int, expansion: int) -> float:
    """Return the FLOP of training one sparse autoencoder on `tokens`: 10 c d^2 N (METHOD.md B, cost model)."""
    return 10 * expansion * d_model**2 * tokens


def cost_ratio(
    n_groups: int, n_layers: int, d_model: int, expansion: int, *, context: int = 1024, depth: int = 0
) -> float:
    """Return (A + (G + 1) T) / (A + L T): groups and the last block against one sparse autoencoder per block.

    `depth` is how many blocks the model runs through to reach them; 0: `n_layers`. Both costs grow with the tokens, so
    their number does not matter. Source: METHOD.md B, cost model.
    """
    harvest = harvest_flop(1, depth or n_layers, d_model, context)
    training = sae_flop(1, d_model, expansion)
    return (harvest + (n_groups + 1) * training) / (harvest + n_layers * training)


def group_name(blocks: Sequence[int]) -> str:
    """Return `blocks-08-11` for a run of blocks, `block-29` for one, `blocks-02+05` for a group with gaps."""
    if len(blocks) == 1:
        return f"block-{blocks[0]:02d}"
    if blocks[-1] - blocks[0] == len(blocks) - 1:
        return f"blocks-{blocks[0]:02d}-{blocks[-1]:02d}"
    return "blocks-" + "+".join(f"{block:02d}" for block in blocks)


def layer_groups(
    distances: Matrix, settings: Groups, d_model: int, expansion: int, blocks: Sequence[int]
) -> pl.DataFrame:
    """Return the rows of LAYER_GROUPS, one per block, by block; the last of `blocks` (ascending) stands alone.

    Raises GroupCountError where `settings.count` is more than the blocks before the last.
    """
    others = distances[:-1, :-1]
    groups: list[list[int]] = []
    if len(others):
        count = settings.count or choose_count(others, settings.strategy, settings.max_amad)
        groups = partition(others, count, settings.strategy)
    shared = {
        "strategy": settings.strategy,
        "amad": amad(others, groups),
        "cost_ratio": cost_ratio(len(groups), len(blocks), d_model, expansion, depth=blocks[-1] + 1),
    }
    rows = [
        {
            "group": group_name([blocks[i] for i in group]),
            "block": blocks[member],
            "diameter": diameter(distances, group),
            **shared,
        }
        for group in [*groups, [len(blocks) - 1]]
        for member in group
    ]
    columns = ["group", "block", "strategy", "diameter", "amad", "cost_ratio"]
    return pl.DataFrame(rows).cast({"block": pl.Int32}).select(columns).sort("block")


def distance_rows(distances: Matrix, blocks: Sequence[int], tokens: int) -> pl.DataFrame:
    """Return the rows of LAYER_DISTANCES: `distances: [n, n]` (half turns) between `blocks`, means over `tokens`."""
    i, j = np.divmod(np.arange(distances.size), len(blocks))
    names = np.asarray(blocks, dtype=np.int32)
    columns = {"block_i": names[i], "block_j": names[j], "distance": distances.ravel()}
    return pl.DataFrame(columns).with_columns(tokens=pl.lit(tokens, pl.Int64))


def distance_matrix(rows: pl.DataFrame) -> tuple[list[int], Matrix]:
    """Return the blocks, ascending, and their `[n, n]` distances (half turns): the inverse of `distance_rows`."""
    rows = rows.sort("block_i", "block_j")
    blocks = rows["block_i"].unique().sort().to_list()
    return blocks, rows["distance"].to_numpy().reshape(len(blocks), len(blocks))
