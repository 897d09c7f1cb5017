"""Pictures of books: equity beside the band of placebo books, drawdown, months, and the trades of one pair."""

import matplotlib
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from assets.backtests.drawdown import drawdowns
from assets.backtests.pair_picture import PairHistory

CAPTION = "Cumulated net return beside 90 % of the placebo books, the fall from the peak, and returns by month."
PAIR_CAPTION = "z of the pair with the most trades; triangles open a trade, crosses close it."
GREY, BLUE, RED = "#666666", "#1f5fbf", "#b3261e"
MONTHS = ("J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D")


def book_figure(title: str, returns: pl.DataFrame, band: pl.DataFrame, months: pl.DataFrame) -> Figure:
    """Return three panels of one book, one below the other.

    Parameters
    ----------
    title : str
        Names the book.
    returns, band, months : DataFrame
        Its rows of `backtest_returns`, `placebo_bands` (none: no band) and `backtest_months`.
    """
    figure = Figure(figsize=(9, 8.5), layout=ConstrainedLayoutEngine(h_pad=0.12))
    equity, fall, heat = figure.subplots(3, 1, height_ratios=[3, 1.3, 2.2])
    days, net = returns["date"].to_numpy(), returns["net_return"].to_numpy()
    if band.height:
        at = band["date"].to_numpy()
        low, median, high = (100 * band[name].to_numpy() for name in ("low", "median", "high"))
        equity.fill_between(at, low, high, color=GREY, alpha=0.18, linewidth=0, label="90 % of placebo books")
        equity.plot(at, median, color=GREY, linewidth=1, linestyle="--", label="their median")
    equity.plot(days, 100 * np.cumsum(net), color=BLUE, linewidth=1.4, label="this book")
    equity.axhline(0, color=GREY, linewidth=0.6)
    equity.legend(fontsize=8.5, frameon=False, loc="upper left")
    _style(equity, title, "cumulated, %")
    fall.fill_between(days, -100 * drawdowns(net), 0, color=RED, alpha=0.35, linewidth=0)
    _style(fall, "", "below peak, %")
    _heat_map(heat, months)
    return figure


def pair_figure(history: PairHistory) -> Figure:
    """Return z of one pair over its window, with the thresholds and its trades."""
    figure = Figure(figsize=(9, 3.6), layout=ConstrainedLayoutEngine())
    axes = figure.subplots()
    axes.plot(np.array(history.dates), history.z, color=BLUE, linewidth=1.2)
    for level, dashes in ((0.0, "-"), *((sign * z, "--") for sign in (1, -1) for z in history.thresholds)):
        axes.axhline(level, color=GREY, linewidth=0.6, linestyle=dashes)
    for trade in history.trades:
        for event, marker in (("opened", "^" if trade["direction"] > 0 else "v"), ("closed", "x")):
            day, z = history.place(trade[event])
            colour = RED if event == "closed" else "black"
            axes.plot(np.array([day]), [z], marker=marker, color=colour, markersize=7, linestyle="")
    _style(axes, history.title, "standard deviations")
    return figure


def _heat_map(axes: Axes, months: pl.DataFrame) -> None:
    """Draw years downwards and months across, green where the book earned, red where it lost."""
    years: list[int] = months["month"].dt.year().unique().sort().to_list()
    first = years[0]
    cells = np.full((years[-1] - first + 1, 12), np.nan)
    for month, gain in months.select("month", "net_return").iter_rows():
        cells[month.year - first, month.month - 1] = 100 * gain
    limit = np.nanmax(np.abs(cells)) or 1.0
    axes.imshow(cells, cmap=matplotlib.colormaps["RdYlGn"], vmin=-limit, vmax=limit, aspect="auto")
    for (row, column), gain in np.ndenumerate(cells):
        if not np.isnan(gain):
            axes.text(column, row, f"{gain:.1f}", ha="center", va="center", fontsize=7.5)
    axes.set_xticks(range(12), MONTHS)
    axes.set_yticks(range(len(cells)), [str(first + row) for row in range(len(cells))])
    axes.tick_params(labelsize=8.5, length=0)
    axes.set_title("net return by month, %", fontsize=9, loc="left")


def _style(axes: Axes, title: str, unit: str) -> None:
    axes.set_title(title, fontsize=10, loc="left", fontweight="bold")
    axes.set_ylabel(unit, fontsize=9)
    axes.tick_params(labelsize=8.5)
    axes.spines[["top", "right"]].set_visible(False)
