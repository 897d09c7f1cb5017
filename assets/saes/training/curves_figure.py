"""Learning curves of all entries, in one picture."""

import polars as pl
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, PercentFormatter

SMOOTHED = 5
"""Points of a training curve that are averaged."""
MOST_NAMED = 12


def curves_figure(curves: pl.DataFrame, unit: str = "tokens", held_out: str = "validation documents") -> Figure:
    """Return the picture of FVU against tokens: a line per entry on training batches, dots on validation documents.

    Entries are coloured by their place among the blocks; beyond 12 only the lowest and the highest are named.

    Parameters
    ----------
    curves : rows of `sae_curves` or `passage_sae_curves`
    unit : what their column `tokens` counts
    held_out : on what the dots are measured
    """
    names = curves["entry"].unique().sort().to_list()
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    fvu, dead = figure.subplots(1, 2, width_ratios=[2, 1])
    named = names if len(names) <= MOST_NAMED else [names[0], names[-1]]
    for place, name in enumerate(names):
        rows = curves.filter(pl.col("entry") == name).sort("tokens")
        colour = colormaps["viridis"](place / max(1, len(names) - 1) * 0.92)
        label = name if name in named else None
        smooth = rows["fvu"].rolling_mean(SMOOTHED, min_samples=1)
        fvu.plot(rows["tokens"], smooth, color=colour, linewidth=0.9, alpha=0.6, label=label)
        measured = rows.drop_nulls("held_out_fvu")
        fvu.plot(measured["tokens"], measured["held_out_fvu"], "o", color=colour, markersize=3)
        dead.plot(rows["tokens"], rows["dead_share"], color=colour, linewidth=0.9)
    fvu.set(title=f"FVU: lines on training batches, dots on {held_out}", yscale="log")
    fvu.legend(fontsize=7)
    dead.set(title="Silent latents")
    dead.yaxis.set_major_formatter(PercentFormatter(1))
    for axes in (fvu, dead):
        axes.set_xlabel(unit)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.grid(alpha=0.25)
        axes.title.set_fontsize(9)
    return figure
