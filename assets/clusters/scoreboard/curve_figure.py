"""The picture of the scoreboard: how the nearest pairs move together, against how many pairs are taken."""

from typing import Any

import matplotlib
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter

CAPTION = "Mean market-adjusted correlation of the most similar pairs, on the months after each date; bands are 95 %."
Colour = Any
"""As matplotlib takes it: a name, or red, green, blue and opacity."""
MARKERS = "osD^v<>PX*"
DASHES = ("-", "-.", ":")
PLACEBO = "random"
GREY = "#666666"
LEAST_PERCENT = 0.01
"""A classification with a smaller share of pairs is not drawn: a logarithmic axis has no place for it."""


def curve_figure(intervals: pl.DataFrame) -> Figure:
    """Return one panel a horizon: every method a line with its band, classifications as points, the placebo in grey.

    A method that places nobody is not drawn: its pairs are random ones.

    Parameters
    ----------
    intervals : DataFrame
        Rows of `peer_intervals`; without any the picture says that no horizon is over.
    """
    nobody = intervals.filter(pl.col("method") != PLACEBO, score="coverage", value=0.0)
    intervals = intervals.join(nobody, on=["method", "horizon_months"], how="anti", maintain_order="left")
    horizons = intervals["horizon_months"].unique().sort().to_list()
    figure = Figure(figsize=(5.8 * max(len(horizons), 1) + 1.6, 5.4), layout=ConstrainedLayoutEngine(w_pad=0.1))
    panels = figure.subplots(1, max(len(horizons), 1), sharey=True, squeeze=False)[0]
    if not horizons:
        _style(panels[0], "Peers on later returns")
        panels[0].text(0.5, 0.5, "no horizon is over", transform=panels[0].transAxes, ha="center", color=GREY)
        return figure
    colours = _colours(intervals)
    for axes, months in zip(panels, horizons, strict=True):
        _draw(axes, intervals.filter(horizon_months=months), colours)
        _style(axes, f"{months} months after the date")
    panels[0].set_ylabel("mean market-adjusted correlation of returns", fontsize=9)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper", fontsize=8.5, frameon=False)
    return figure


def _colours(intervals: pl.DataFrame) -> dict[str, Colour]:
    """Return a colour for every method, the same in all panels."""
    methods = sorted(set(intervals["method"]) - {PLACEBO})
    # Ten colours that are told apart; points and lines of one colour are told apart by their kind, lines by dashes.
    palette = matplotlib.colormaps["tab10"]
    return {method: palette(number % 10) for number, method in enumerate(methods)} | {PLACEBO: GREY}


def _draw(axes: Axes, rows: pl.DataFrame, colours: dict[str, Colour]) -> None:
    points = rows.filter(score="groups")
    curves = rows.filter(pl.col("score").str.starts_with("pairs_") & ~pl.col("score").str.ends_with("_raw"))
    for number, row in enumerate(points.sort("method").iter_rows(named=True)):
        share = 100 * row["share"]
        if share >= LEAST_PERCENT:
            colour, marker = colours[row["method"]], MARKERS[number % len(MARKERS)]
            axes.plot(share, row["value"], color=colour, marker=marker, markersize=7, linestyle="", label=row["method"])
            if row["low"] is not None:
                axes.plot([share] * 2, [row["low"], row["high"]], color=colour, linewidth=0.8)
    compared = curves.filter(~pl.col("method").is_in(points["method"].to_list())).sort("method", "share")
    for number, ((name,), line) in enumerate(compared.group_by("method", maintain_order=True)):
        colour, dashes = colours[str(name)], "--" if name == PLACEBO else DASHES[number % len(DASHES)]
        shares = (100 * line["share"]).to_numpy()
        axes.plot(shares, line["value"].to_numpy(), color=colour, linestyle=dashes, linewidth=1.4, label=str(name))
        sure = line.drop_nulls("low")
        low, high = (sure[bound].to_numpy() for bound in ("low", "high"))
        axes.fill_between((100 * sure["share"]).to_numpy(), low, high, color=colour, alpha=0.04, linewidth=0)


def _style(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left", fontweight="bold")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:g} %"))
    axes.set_xlabel("share of all pairs, the most similar first", fontsize=9)
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.tick_params(labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
