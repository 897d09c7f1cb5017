"""The tables, the picture and the claims of scoreboard.py."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from scoreboard_scores import Scores

from assets.clusters.peer_methods.registry import PLACEBO

BEGIN, END = "<!-- scoreboard of {}: made by benchmarks/scoreboard.py -->", "<!-- scoreboard of {}: end -->"
"""Between these marks of a page go the tables of `sp500` or of `sample`."""
AGAINST = ("tfidf", "sic4")
"""What every method is compared with."""
OWN = "stack"
PARTS = ("sae_passages", "sae_tokens", "tfidf", "past_corr", "sic4")
"""Methods that `OWN` adds up, with which it is compared one by one."""
FIRMS = ("low_firms", "high_firms")
"""Bounds over companies alone: over few dates those over time, too, say little or nothing."""
HEADER = (
    "method",
    "R2",
    *(f"R2 less {other}" for other in AGAINST),
    "R2 added to the market",
    "hedge: median cut",
    *(f"hedge less {other}" for other in AGAINST),
    "hedge: share below 0",
    "same number less sic4",
    "nearest 1 % of pairs",
    "raw",
    "coverage",
)
Cells = dict[str, str]
Key = tuple[str, str]
Rows = Mapping[Key, dict[str, Any]]


class Beside(NamedTuple):
    """Differences between two methods, by their names."""

    r2: Rows
    hedge: Rows
    same_number: Rows

    @classmethod
    def at(cls, scored: Scores, horizon: int) -> "Beside":
        """Return those at a horizon."""
        differences = scored.score_differences.filter(horizon_months=horizon)
        return cls(
            _paired(scored.r2_differences.filter(horizon_months=horizon, peers=5)),
            _paired(differences.filter(score="hedge_median")),
            _paired(differences.filter(score="same_number")),
        )


def method_rows(scored: Scores, horizon: int) -> list[Cells]:
    """Return one row a method at a horizon, the highest R2 first; the placebo is among them."""
    silent = placing_nobody(scored, horizon)
    at = scored.intervals.filter(~pl.col("method").is_in(silent), horizon_months=horizon)
    told = {(row["method"], row["score"]): row for row in at.iter_rows(named=True)}
    beside = Beside.at(scored, horizon)
    methods = sorted(at["method"].unique(), key=lambda method: (-(_value(told, method, "r2_5") or -1), method))
    return [_row(method, told, beside) for method in methods]


def placing_nobody(scored: Scores, horizon: int) -> list[str]:
    """Return the methods that give nobody a peer: their peers are random ones under another name."""
    none = scored.intervals.filter(pl.col("method") != PLACEBO, horizon_months=horizon, score="coverage", value=0.0)
    return none["method"].sort().to_list()


def part_rows(scored: Scores, horizon: int) -> list[Cells]:
    """Return what `OWN` has above each of its parts, one row a score."""
    beside = Beside.at(scored, horizon)
    bounds = {"R2": (beside.r2, "low", "high"), "hedge: median cut": (beside.hedge, *FIRMS)}
    return [
        {OWN: name} | {f"less {part}": _difference(rows.get((OWN, part)), low, high) for part in PARTS}
        for name, (rows, low, high) in bounds.items()
    ]


def markdown(rows: Sequence[Cells]) -> str:
    """Return a table, one line a row."""
    header = list(rows[0])
    lines = [header, ["---"] * len(header), *([row[name] for name in header] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def section(title: str, scored: Scores, horizon: int, companies: int | None) -> str:
    """Return a title, what the table is over, and the table."""
    dates = scored.dates(horizon)
    years = f"{dates[0]:%Y-%m}" if len(dates) == 1 else f"{dates[0]:%Y-%m} to {dates[-1]:%Y-%m}"
    lost = scored.lost.filter(horizon_months=horizon)
    per_date = f"{lost.height / len(dates):.1f} a date lost in the horizon (or without prices)"
    among = f"{companies} companies, " if companies else ""
    over = f"{among}{len(dates)} as-of {'date' if len(dates) == 1 else 'dates'} ({years}), {per_date}."
    tables = (markdown(rows(scored, horizon)) for rows in (method_rows, part_rows))
    table = joined([f"### {title}, {horizon} months", over, *tables])
    silent = placing_nobody(scored, horizon)
    return f"{table}\n\nGive nobody a peer: {', '.join(silent)}." if silent else table


def claims(scored: Scores, horizon: int) -> dict[str, dict[str, float | None]]:
    """Return the main figures of every method, for a script."""
    at = scored.intervals.filter(horizon_months=horizon)
    names = {"r2_5": "r2", "hedge_median": "hedge", "same_number_less_sic4": "same_number_less_sic4"}
    found: dict[str, dict[str, float | None]] = {}
    for row in at.filter(pl.col("score").is_in(names)).sort("method").iter_rows(named=True):
        found.setdefault(row["method"], {})[names[row["score"]]] = round(row["value"], 4)
    return found


def written(page: Path, of: str, block: str) -> None:
    """Replace what stands between the two marks of `of` on a page.

    Raises
    ------
    SystemExit
        The page has not both marks.
    """
    begin, end = BEGIN.format(of), END.format(of)
    text, marks = page.read_text(encoding="utf-8"), f"{re.escape(begin)}.*{re.escape(end)}"
    made, count = re.subn(marks, lambda _: f"{begin}\n{block}\n{end}", text, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{page}: needs the lines {begin} and {end} once, between which the tables go")
    page.write_text(made, encoding="utf-8")


def _row(method: str, told: Rows, beside: Beside) -> Cells:
    value = {name: _value(told, method, name) for name in _NAMED.values()}
    cells = {"method": "random (placebo)" if method == PLACEBO else method}
    cells |= {title: _figure(value[name]) for title, name in _NAMED.items()}
    cells["R2"] = _with_bounds(told.get((method, "r2_5")))
    cells["same number less sic4"] = _difference(beside.same_number.get((method, "sic4")), *FIRMS)
    for other in AGAINST:
        cells[f"R2 less {other}"] = _difference(beside.r2.get((method, other)), "low", "high")
        cells[f"hedge less {other}"] = _difference(beside.hedge.get((method, other)), *FIRMS)
    return {name: cells[name] for name in HEADER}


_NAMED = {
    "R2": "r2_5",
    "R2 added to the market": "incremental_r2",
    "hedge: median cut": "hedge_median",
    "hedge: share below 0": "hedge_worse",
    "nearest 1 % of pairs": "pairs_0.01",
    "raw": "pairs_0.01_raw",
    "coverage": "coverage",
}


def _paired(rows: pl.DataFrame) -> Rows:
    return {(row["method"], row["other"]): row for row in rows.iter_rows(named=True)}


def _value(told: Rows, method: str, score: str) -> float | None:
    row = told.get((method, score))
    return None if row is None else row["value"]


def _difference(row: dict[str, Any] | None, low: str, high: str) -> str:
    """Return a difference and its bounds, starred where they leave 0 out."""
    if row is None:
        return ""
    if row[low] is None:
        return f"{row['difference']:+.3f}"
    star = "*" if row[low] > 0 or row[high] < 0 else ""
    return f"{row['difference']:+.3f}{star} ({row[low]:+.3f} to {row[high]:+.3f})"


def _with_bounds(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    bounds = "" if row["low"] is None else f" ({row['low']:.3f} to {row['high']:.3f})"
    return f"{row['value']:.3f}{bounds}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def joined(parts: Iterable[str]) -> str:
    """Return sections with an empty line between them."""
    return "\n\n".join(parts)
