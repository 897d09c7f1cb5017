"""How blocks were grouped, in one picture: what each number of groups would cost and lose, and the groups chosen."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle

from assets.saes.grouping.distances import Matrix

BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#666666"
"""Distinct for the colour-blind, too (Okabe and Ito 2008)."""
MOST_TICKS = 16
LABELLED = (1, 2, 3, 5, 10, 20, 50, 100)
"""Numbers of groups written beside their points, with the chosen and the largest."""
ROOM = 0.07
"""Share of an axis by which two written numbers stand apart at least."""


def groups_figure(distances: Matrix, rows: pl.DataFrame, points: pl.DataFrame) -> Figure:
    """Return the picture of `layer_groups`: the frontier with the chosen point, beside the distances with the groups.

    Parameters
    ----------
    distances : [n, n] float64
        Angular distances in [0, 1] between the blocks of `rows`, in their order.
    rows : DataFrame
        Rows of `layer_groups`, one per block.
    points : DataFrame(n_groups, cost_ratio, predicted_loss)
        The frontier of the blocks before the last; without rows where there is none before it.
    """
    figure = Figure(figsize=(11, 5.2), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08))
    figure.suptitle(_title(rows), fontsize=12, x=0.01, ha="left")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
    _draw_frontier(left, points, rows["group"].n_unique() - 1)
    _draw_distances(right, distances, rows)
    return figure


def _title(rows: pl.DataFrame) -> str:
    first, groups = rows.row(0, named=True), rows["group"].n_unique() - 1
    return (
        f"{rows.height} blocks: {_counted(groups)} and the last block ({first['strategy']})\n"
        f"predicted loss {first['predicted_loss']:.3f}, AMAD {first['amad']:.3f}, "
        f"cost {first['cost_ratio']:.0%} of one SAE per block"
    )


def _counted(groups: int) -> str:
    return f"{groups} group" if groups == 1 else f"{groups} groups"


def _draw_frontier(axes: Axes, points: pl.DataFrame, chosen: int) -> None:
    _style(axes, "What each number of groups would cost and lose")
    axes.set_xlabel("predicted cost, one SAE per block = 1", fontsize=9)
    axes.set_ylabel("predicted loss: mean diameter (angular distance)", fontsize=9)
    if points.is_empty():
        axes.text(0.5, 0.5, "no block to group", transform=axes.transAxes, ha="center", va="center", color=GREY)
        return
    costs, losses = points["cost_ratio"].to_numpy(), points["predicted_loss"].to_numpy()
    axes.plot(costs, losses, color=BLUE, marker="o", markersize=4, linewidth=1.2)
    axes.plot(costs[[0, -1]], losses[[0, -1]], color=GREY, linestyle="--", linewidth=1, label="chord")
    at = chosen - 1
    axes.plot(costs[at], losses[at], color=ORANGE, marker="o", markersize=10, linestyle="", label=_counted(chosen))
    axes.margins(0.08)
    for count in _labelled(costs, losses, chosen):
        place = (costs[count - 1], losses[count - 1])
        axes.annotate(str(count), place, xytext=(5, 5), textcoords="offset points", fontsize=8.5)
    axes.legend(fontsize=8.5, frameon=False, loc="upper right")


def _labelled(costs: Matrix, losses: Matrix, chosen: int) -> list[int]:
    """Return the numbers of groups to write down: the chosen, the ends, and round ones with room beside those."""
    span = np.array([np.ptp(costs) or 1.0, np.ptp(losses) or 1.0])
    places = np.stack([costs, losses], axis=1) / span
    kept: list[int] = []
    for count in dict.fromkeys([chosen, 1, len(costs), *LABELLED]):
        if count <= len(costs) and all(np.abs(places[count - 1] - places[k - 1]).max() > ROOM for k in kept):
            kept.append(count)
    return sorted(kept)


def _draw_distances(axes: Axes, distances: Matrix, rows: pl.DataFrame) -> None:
    _style(axes, "Distances between blocks, groups outlined")
    image = axes.imshow(distances, cmap="Blues", vmin=0, vmax=max(float(distances.max()), 1e-9), origin="upper")
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03)
    bar.set_label("angular distance", fontsize=9)
    bar.ax.tick_params(labelsize=8.5)
    for group in rows["group"].unique(maintain_order=True):
        runs = _runs(np.flatnonzero((rows["group"] == group).to_numpy()))
        for top, height in runs:
            for left, width in runs:
                axes.add_patch(
                    Rectangle((left - 0.5, top - 0.5), width, height, fill=False, edgecolor=ORANGE, linewidth=2)
                )
    places = np.arange(0, rows.height, -(-rows.height // MOST_TICKS))
    names = rows["block"].gather(places).to_list()
    axes.set_xticks(places, names)
    axes.set_yticks(places, names)
    axes.set_xlabel("block", fontsize=9)
    axes.set_ylabel("block", fontsize=9)


def _runs(members: np.ndarray) -> list[tuple[int, int]]:
    """Return where runs of consecutive members begin and how long they are; a group with gaps has several."""
    parts = np.split(members, np.flatnonzero(np.diff(members) > 1) + 1)
    return [(int(part[0]), len(part)) for part in parts]


def _style(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left", fontweight="bold")
    axes.tick_params(labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
