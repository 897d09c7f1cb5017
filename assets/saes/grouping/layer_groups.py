"""Which blocks share a sparse autoencoder: the rows of `layer_groups` (Group-SAE, section 3)."""

from collections.abc import Sequence

import polars as pl

from assets.saes.grouping.distances import AngularDistances, DistanceError, Matrix, distance_matrix, distance_rows
from assets.saes.grouping.flop import CostModel
from assets.saes.grouping.strategies import amad, choose_count, diameter, frontier, knee, partition, predicted_loss
from assets.saes.names import group_name
from resources.settings.groups import Groups, Strategy

__all__ = [
    "AngularDistances",
    "DistanceError",
    "amad",
    "diameter",
    "distance_matrix",
    "distance_rows",
    "group_frontier",
    "layer_groups",
]


def group_frontier(distances: Matrix, strategy: Strategy, costs: CostModel, blocks: Sequence[int]) -> pl.DataFrame:
    """Return `frontier` of the blocks before the last, each cost with the harvest and the last block's own SAE."""
    others = distances[:-1, :-1]
    ratios = [costs.ratio(n + 1, len(blocks), depth=blocks[-1] + 1) for n in range(len(others))]
    return frontier(others, strategy, ratios)


def layer_groups(distances: Matrix, settings: Groups, costs: CostModel, blocks: Sequence[int]) -> pl.DataFrame:
    """Return the rows of LAYER_GROUPS, one per block, by block; the last of `blocks` (ascending) stands alone.

    The number of groups is `settings.count`; else the least with AMAD under `settings.max_amad` (the paper's rule);
    else the knee of predicted cost against predicted loss. Raises GroupCountError where `settings.count` is more than
    the blocks before the last.
    """
    others = distances[:-1, :-1]
    groups: list[list[int]] = []
    if len(others):
        count = settings.count or _chosen_count(distances, settings, costs, blocks)
        groups = partition(others, count, settings.strategy)
    shared = {
        "strategy": settings.strategy,
        "amad": amad(others, groups),
        "predicted_loss": predicted_loss(others, groups),
        "cost_ratio": costs.ratio(len(groups), len(blocks), depth=blocks[-1] + 1),
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
    columns = ["group", "block", "strategy", "diameter", "amad", "predicted_loss", "cost_ratio"]
    return pl.DataFrame(rows).cast({"block": pl.Int32}).select(columns).sort("block")


def _chosen_count(distances: Matrix, settings: Groups, costs: CostModel, blocks: Sequence[int]) -> int:
    if settings.max_amad is not None:
        return choose_count(distances[:-1, :-1], settings.strategy, settings.max_amad)
    points = group_frontier(distances, settings.strategy, costs, blocks)
    return knee(points["cost_ratio"].to_list(), points["predicted_loss"].to_list())
