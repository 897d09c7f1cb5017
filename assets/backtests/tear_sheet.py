"""A tear sheet: one page of a method's books, drawn as SVG so that it needs no other file and no network."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import numpy as np
import polars as pl
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from assets.backtests import TEMPLATES
from assets.backtests.drawdown import drawdowns
from assets.backtests.pair_picture import PairHistory, Windows, most_traded
from assets.backtests.periods import BOOK, PAIRS, of_book

Floats = NDArray[np.float64]
INDEX = "tear-sheets.html"
WIDTH, HEIGHT, LOW = 900, 260, 110
"""Of a drawing, and the height of a flat one (pixels)."""
MOST_POINTS = 450
"""Of a line: two pixels each. The last day is always among them."""
STRATEGIES = {
    PAIRS: "Pairs",
    "reversion": "Peer-relative mean reversion",
    "hedged": "Hedged holding",
}
"""What a reader sees of each strategy, in this order."""
RANDOM_PAIRS, RANDOM_BASKETS = "books of random pairs", "books on baskets of random peers"
"""What placebo books are, of pairs and of all other strategies."""


ShownPairs = Mapping[tuple[str, ...], PairHistory | None]
"""By the names of a book."""


@dataclass(frozen=True)
class BookTables:
    """The tables of backtests that a page shows, all with a strategy, as `assets.schemas` has them."""

    summary: pl.DataFrame
    returns: pl.DataFrame
    years: pl.DataFrame
    months: pl.DataFrame
    bands: pl.DataFrame

    @classmethod
    def read(cls, read: Callable[[str], pl.DataFrame]) -> "BookTables":
        """Return the tables that `read` gives by name."""
        names = ("backtest_summary", "backtest_returns", "backtest_years", "backtest_months", "placebo_bands")
        return cls(*(read(name) for name in names))

    def of(self, book: Mapping[str, Any]) -> "BookTables":
        """Return the rows of one book."""
        return BookTables(**{name: of_book(rows, book) for name, rows in vars(self).items()})


def file_of(method: str) -> str:
    """Return the name of a method's page."""
    return f"tear-sheet-{method}.html"


def shown_pairs(tables: BookTables, trades: pl.DataFrame, pairs: pl.DataFrame, windows: Windows) -> ShownPairs:
    """Return the pair with the most trades of every book of pairs.

    Parameters
    ----------
    trades, pairs : DataFrame
        Rows of `pair_trades` and `cointegrated_pairs`.
    windows : Windows
        The prices that they were traded at.
    """
    books = [book for book in tables.summary.select(BOOK).to_dicts() if book["strategy"] == PAIRS]
    return {
        tuple(book.values()): most_traded(of_book(trades, book), pairs.filter(method=book["method"]), windows)
        for book in books
    }


def render_tear_sheet(method: str, tables: BookTables, pairs: ShownPairs, banner: str) -> str:
    """Return the page of one method: its books, one after another.

    Parameters
    ----------
    method : str
        As in the tables.
    tables : BookTables
        Of all methods.
    pairs : mapping
        Book -> the pair to show; books without one have no such picture.
    banner : str
        What a reader has to know before any number; '' for nothing.
    """
    rows = _in_order(tables.summary.filter(method=method))
    books = [_book(row, tables.of(row), pairs.get(tuple(row[name] for name in BOOK))) for row in rows]
    return _template("tear_sheet.html.j2").render(method=method, books=books, banner=banner, index=INDEX)


def render_index(tables: BookTables, banner: str) -> str:
    """Return the page that lists the books of all methods, and links to their tear sheets."""
    rows = [{**row, "file": file_of(row["method"])} for row in _in_order(tables.summary)]
    groups = {name: [row for row in rows if row["strategy"] == name] for name in STRATEGIES}
    return _template("tear_sheets.html.j2").render(groups=groups, banner=banner, titles=STRATEGIES)


def _in_order(summary: pl.DataFrame) -> list[dict[str, Any]]:
    """Return rows with strategies in the order of `STRATEGIES`, pairs ranked by p before those that passed a test."""
    place = pl.col("strategy").replace_strict({name: i for i, name in enumerate(STRATEGIES)}, return_dtype=pl.Int32)
    return summary.sort(place, "selection", "method", descending=[False, True, False]).to_dicts()


def _book(row: Mapping[str, Any], own: BookTables, pair: PairHistory | None) -> dict[str, Any]:
    days, net = own.returns["date"].to_list(), own.returns["net_return"].to_numpy()
    title, of_pairs = STRATEGIES[row["strategy"]], row["strategy"] == PAIRS
    return {
        "row": row,
        "title": f"{title}, {row['selection']}" if of_pairs else title,
        "anchor": f"{row['strategy']}-{row['selection']}",
        "chance": RANDOM_PAIRS if of_pairs else RANDOM_BASKETS,
        "costs": float(own.returns["costs"].sum()),
        "equity": _equity(days, 100 * np.cumsum(net), own.bands),
        "fall": _drawing(days, {"fall": -100 * drawdowns(net)}, LOW),
        "years": _years(own),
        "pair": None if pair is None else _pair(pair),
    }


def _equity(days: Sequence[Any], equity: Floats, bands: pl.DataFrame) -> dict[str, Any]:
    lines = {"book": equity}
    if bands.height == len(days):
        lines |= {name: 100 * bands[name].to_numpy() for name in ("low", "median", "high")}
    return _drawing(days, lines, HEIGHT)


def _pair(pair: PairHistory) -> dict[str, Any]:
    drawing = _drawing(pair.dates, {"z": pair.z}, HEIGHT)
    x, y = drawing["x"], drawing["y"]
    marks = []
    for trade in pair.trades:
        for event in ("opened", "closed"):
            day, z = pair.place(trade[event])
            if not np.isnan(z):
                kind = "closed" if event == "closed" else ("long" if trade["direction"] > 0 else "short")
                marks.append({"kind": kind, "x": x(pair.dates.index(day)), "y": y(z), "day": day, "z": z, **trade})
    levels = [y(level) for size in pair.thresholds for level in (size, -size)]
    return {**drawing, "title": pair.title, "marks": marks, "levels": levels}


def _drawing(days: Sequence[Any], lines: Mapping[str, Floats], height: int) -> dict[str, Any]:
    """Return lines as points of an SVG, with the scale beside them.

    Returns
    -------
    dict
        width, height, points of every line, `x` of a row and `y` of a value (pixels), low and high (the values at the
        edges), zero (its height), first and last (the days), and the grid: `values` and `years` with their places.
    """
    values = np.concatenate([*lines.values(), [0.0]])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    span = (high - low) or 1.0

    def x(row: int) -> float:
        return round(WIDTH * row / max(len(days) - 1, 1), 1)

    def y(value: float) -> float:
        return round(height * (high - value) / span, 1)

    shown = np.unique(np.linspace(0, max(len(days) - 1, 0), min(len(days), MOST_POINTS)).round().astype(int))
    points = {
        name: [(x(row), y(line[row])) for row in shown.tolist() if not np.isnan(line[row])]
        for name, line in lines.items()
    }
    first, last = (days[0], days[-1]) if days else ("", "")
    edges = {"low": low, "high": high, "zero": y(0.0), "first": first, "last": last}
    round_values = np.round(MaxNLocator(nbins=max(height // 60, 2)).tick_values(low, low + span), 9)
    grid = {
        "values": [(y(value), f"{value:g}") for value in round_values.tolist() if low <= value <= high],
        "years": [(x(row), day.year) for row, day in enumerate(days) if row and day.year > days[row - 1].year],
    }
    return {"width": WIDTH, "height": height, "points": points, "x": x, "y": y, **edges, **grid}


def _years(own: BookTables) -> list[dict[str, Any]]:
    """Return a row a year: months with their colour, the sum, the Sharpe ratio and the trades."""
    most = float(own.months["net_return"].abs().max() or 0) or 1.0  # type: ignore[arg-type]
    cells: dict[int, list[dict[str, Any] | None]] = {}
    for month, gain in own.months.select("month", "net_return").iter_rows():
        shade = {"gain": 100 * gain, "hue": 130 if gain > 0 else 5, "strength": round(0.75 * abs(gain) / most, 3)}
        cells.setdefault(month.year, [None] * 12)[month.month - 1] = shade
    return [{**row, "months": cells.get(row["year"], [])} for row in own.years.sort("year").to_dicts()]


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    return environment.get_template(name)


def _number(value: float | None, digits: int = 2, factor: float = 1.0) -> str:
    # Adding 0 takes the sign of what is rounded to nothing.
    return "–" if value is None else f"{round(factor * value, digits) + 0.0:.{digits}f}"
