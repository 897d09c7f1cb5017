"""The picture of `stack`: what every term was worth at each as-of date, with its interval."""

import matplotlib
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from assets.clusters.stacking.stacked import PARTS

CAPTION = "Coefficients of stack, fitted on the months before each date; bands are 95 %, over companies."
TITLES = {True: "pairs with past returns", False: "pairs without"}
GREY = "#666666"


def path_figure(coefficients: pl.DataFrame) -> Figure:
    """Return two panels, of pairs with past returns and of those without: every term but the intercept a line.

    Parameters
    ----------
    coefficients : DataFrame
        Rows of `stack_coefficients`; without a fitted one the picture says so.
    """
    fitted = coefficients.filter("is_fitted")
    figure = Figure(figsize=(12.4, 4.6), layout=ConstrainedLayoutEngine(w_pad=0.1))
    panels = figure.subplots(1, len(TITLES), sharey=True)
    for axes, (with_history, title) in zip(panels, TITLES.items(), strict=True):
        rows = fitted.filter(pl.col("with_history") == with_history)
        _draw(axes, rows)
        _style(axes, title)
        if rows.is_empty():
            axes.text(0.5, 0.5, "nothing was fitted", transform=axes.transAxes, ha="center", color=GREY)
    panels[0].set_ylabel("later correlation per unit of the term", fontsize=9)
    handles, names = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, names, loc="outside right upper", fontsize=8.5, frameon=False)
    return figure


def _draw(axes: Axes, rows: pl.DataFrame) -> None:
    palette = matplotlib.colormaps["tab10"]
    for number, term in enumerate(PARTS[1:]):
        line = rows.filter(term=term).sort("as_of")
        if line.is_empty():
            continue
        days, colour = line["as_of"].to_numpy(), palette(number)
        axes.plot(days, line["coefficient"].to_numpy(), color=colour, marker="o", markersize=4, label=term)
        sure = line.drop_nulls(["low", "high"])
        low, high = (sure[bound].to_numpy() for bound in ("low", "high"))
        axes.fill_between(sure["as_of"].to_numpy(), low, high, color=colour, alpha=0.1, linewidth=0)


def _style(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left", fontweight="bold")
    axes.set_xlabel("as-of date", fontsize=9)
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.tick_params(labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
