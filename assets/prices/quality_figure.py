"""How good prices and returns are, in one picture."""

from datetime import timedelta
from textwrap import shorten

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from assets.prices.quality import FLAGS, coverage, extremes, missing_by_reason, months_between, quality_numbers
from assets.prices.returns import OUTLIER

MOST_REASONS = 8
"""Bars in the picture; rarer reasons are summed up in the last one."""
REASON_CHARACTERS = 110
BIN = 0.05
MOST_BINS = 300
BLUE, ORANGE, PURPLE, GREY = "#0072B2", "#E69F00", "#882255", "#666666"
"""Told apart by the colour-blind too (Okabe and Ito 2008; Tol 2021)."""
THOUSANDS = FuncFormatter(lambda count, _: f"{abs(count):,.0f}")
"""Counts; downwards they are counts all the same."""


def quality_figure(returns: pl.DataFrame, missing: pl.DataFrame, companies: int) -> Figure:
    """Return the data-quality picture: coverage by month, missing prices by reason, distribution of the returns.

    Parameters
    ----------
    returns, missing : DataFrame
        Rows of `monthly_returns` and of `prices_missing`.
    companies : int
        Companies of the universe.
    """
    reasons = _summed_up(missing_by_reason(missing))
    heights = [2.2, 1.5, 0.5 + 0.4 * max(reasons.height, 1), 2.4]
    figure = Figure(figsize=(9, sum(heights) + 1.6), layout=ConstrainedLayoutEngine(h_pad=0.08))
    figure.suptitle(_title(returns, missing, companies), fontsize=12, x=0.01, ha="left")
    known, odd, absent, spread = figure.subplots(4, 1, height_ratios=heights)
    months = coverage(returns, companies)
    _draw_coverage(known, months, companies)
    _draw_oddities(odd, months)
    _draw_reasons(absent, reasons)
    _draw_distribution(spread, returns)
    return figure


def _title(returns: pl.DataFrame, missing: pl.DataFrame, companies: int) -> str:
    numbers = quality_numbers(returns, missing)
    flagged = ", ".join(f"{numbers[flag]:,} {flag}" for flag in FLAGS)
    span = f", {numbers['first_month']} to {numbers['last_month']}" if returns.height else ""
    months = months_between(returns).height
    return (
        f"{companies:,} companies ({missing.height:,} without prices), {months:,} months{span}\n"
        f"{returns.height:,} monthly returns, {numbers['gaps']:,} gaps; flagged: {flagged}"
    )


def _draw_coverage(axes: Axes, months: pl.DataFrame, companies: int) -> None:
    _style(axes, "Companies with a return, by month")
    if _drawn_empty(axes, months, "no returns"):
        return
    axes.stairs(months["returns"].to_numpy(), _edges(months), fill=True, color=BLUE, label="have a return")
    axes.axhline(companies, color=GREY, linestyle="--", linewidth=1.2, label=f"all {companies:,} companies")
    axes.set_ylim(0, 1.08 * max(companies, *months["returns"]))
    _time_axis(axes, months)
    axes.tick_params(labelbottom=False)
    _legend(axes)


def _draw_oddities(axes: Axes, months: pl.DataFrame) -> None:
    """Draw flagged returns upwards and gaps downwards, so that one shows beside hundreds in another month."""
    _style(axes, "Odd ones, on a log scale")
    if _drawn_empty(axes, months, "no returns"):
        return
    flagged, gaps = months["flagged"], months["gaps"]
    axes.stairs(flagged.to_numpy(), _edges(months), fill=True, color=ORANGE, label=f"flagged: {flagged.sum():,}")
    axes.stairs(-gaps.to_numpy(), _edges(months), fill=True, color=PURPLE, label=f"gaps (downwards): {gaps.sum():,}")
    axes.axhline(0, color=GREY, linewidth=0.8)
    _time_axis(axes, months)
    axes.set_yscale("symlog", linthresh=1, linscale=0.9)
    axes.yaxis.set_major_formatter(THOUSANDS)
    axes.set_ylim(-1.5 * max(1, *gaps), 1.5 * max(1, *flagged))
    _legend(axes)


def _draw_reasons(axes: Axes, reasons: pl.DataFrame) -> None:
    _style(axes, "Companies without prices, by reason")
    axes.set_yticks([])
    if _drawn_empty(axes, reasons, "none missing"):
        return
    counts = reasons["companies"].to_list()
    axes.barh(range(len(counts)), counts, height=0.35, color=BLUE)
    for row, (kind, count) in enumerate(reasons.iter_rows()):
        text = f"{count:,}  {shorten(kind, REASON_CHARACTERS, placeholder=' …')}"
        axes.text(0, row - 0.26, text, fontsize=9, va="bottom", parse_math=False, in_layout=False)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(counts) - 0.6, -0.85)
    axes.set_xlim(0, max(counts) * 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.xaxis.set_major_formatter(THOUSANDS)


def _draw_distribution(axes: Axes, returns: pl.DataFrame) -> None:
    _style(axes, "Monthly log returns, counts on a log scale")
    if _drawn_empty(axes, returns, "no returns"):
        return
    values = returns["log_return"].to_numpy()
    beyond = np.abs(values) > OUTLIER
    bins, span = _bins(values)
    split, labels = [values[~beyond], values[beyond]], [f"within ±1: {(~beyond).sum():,}", f"beyond: {beyond.sum():,}"]
    counts, _, _ = axes.hist(split, bins, range=span, stacked=True, color=[BLUE, ORANGE], label=labels)
    for bound in (-OUTLIER, OUTLIER):
        axes.axvline(bound, color=GREY, linestyle="--", linewidth=1.2)
    axes.set_yscale("log")
    axes.set_ylim(0.6, 2 * max(10, np.max(counts)))
    axes.yaxis.set_major_formatter(THOUSANDS)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(_extremes_named(returns), fontsize=9, parse_math=False)
    _legend(axes)


def _bins(values: np.ndarray) -> tuple[int, tuple[float, float]]:
    """Return how many bins, and from where to where: all returns and both bounds are inside, zero is an edge."""
    low, high = min(-OUTLIER - BIN, values.min()), max(OUTLIER + BIN, values.max())
    width = BIN * np.ceil((high - low) / BIN / MOST_BINS)
    first, last = np.floor(low / width), np.ceil(high / width)
    return int(last - first), (first * width, last * width)


def _extremes_named(returns: pl.DataFrame) -> str:
    numbers = extremes(returns)
    return ", ".join(f"{name} {numbers[name]:+.2f} ({numbers[f'{name}_of']})" for name in ("worst", "best"))


def _summed_up(reasons: pl.DataFrame) -> pl.DataFrame:
    """Return at most MOST_REASONS rows, the last one for all rarer reasons together."""
    if reasons.height <= MOST_REASONS:
        return reasons
    first, rest = reasons.head(MOST_REASONS - 1), reasons.slice(MOST_REASONS - 1)
    others = pl.DataFrame({"kind": f"{rest.height} other reasons", "companies": rest["companies"].sum()})
    return pl.concat([first, others.cast(reasons.schema)])


def _edges(months: pl.DataFrame) -> np.ndarray:
    """Return where the months begin and the last one ends, as matplotlib's days: [months + 1]."""
    days = [*months["month"].dt.month_start(), months["month"][-1] + timedelta(days=1)]
    return np.asarray(date2num(days))


def _time_axis(axes: Axes, months: pl.DataFrame) -> None:
    edges = _edges(months)
    axes.set_xlim(edges[0], edges[-1])
    locator = AutoDateLocator(minticks=3, maxticks=14)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter(THOUSANDS)


def _style(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left", fontweight="bold", parse_math=False)
    axes.tick_params(labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def _legend(axes: Axes) -> None:
    """Place the legend right of the panel's title, where it hides nothing."""
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.99), ncols=3, fontsize=8.5, frameon=False, borderaxespad=0)


def _drawn_empty(axes: Axes, rows: pl.DataFrame, sentence: str) -> bool:
    """Return whether there is nothing to draw; then the panel says so."""
    if rows.height:
        return False
    axes.text(0.5, 0.5, sentence, transform=axes.transAxes, ha="center", va="center", color=GREY, fontsize=11)
    axes.set_xticks([])
    axes.set_yticks([])
    return True
