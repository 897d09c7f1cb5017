"""Caps on what is held: in one name, and in all positions together."""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from assets.backtests.legs import Legs
from resources.settings.backtest import Backtest

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

CENT = 0.01


@dataclass(frozen=True)
class Caps:
    """The most that an opening may lead to (USD)."""

    name: float
    """In one company, long and short legs of all positions added up."""
    gross: float
    """In all positions."""


NO_CAPS = Caps(inf, inf)


def caps_of(full_book: float, settings: Backtest) -> Caps:
    """Return the caps of a book that is `full_book` large where everything is open (USD)."""
    shares = (settings.max_name_share, settings.max_gross)
    return Caps(*(inf if share is None else share * full_book + CENT for share in shares))


def fits_alone(legs: Legs, caps: Caps) -> Flags:
    """Return which positions [positions] a cap lets in where nothing else is held."""
    largest = np.zeros(legs.count)
    np.maximum.at(largest, legs.position, np.abs(legs.usd))
    return (largest <= caps.name) & (legs.usd_of_positions() <= caps.gross)


def admitted(asked: Flags, legs: Legs, held: Floats, caps: Caps) -> Flags:
    """Return which of the positions asked for may be opened, first come first served in their order.

    A cap keeps out an opening; nothing is closed because prices have carried a position over one.

    Parameters
    ----------
    asked : [positions] bool
        Positions that would be opened today.
    held : [legs] float64
        Absolute value of what is held already (USD).
    """
    wanted = np.abs(legs.usd) * asked[legs.position]
    companies = int(legs.company.max(initial=0)) + 1
    by_name = np.bincount(legs.company, held, companies).astype(np.float64)
    if held.sum() + wanted.sum() <= caps.gross and _largest(by_name, legs, wanted) <= caps.name:
        return asked
    granted, gross = np.zeros_like(asked), float(held.sum())
    ends = np.append(legs.starts[1:], len(legs.position))
    for position in np.flatnonzero(asked):
        own = slice(legs.starts[position], ends[position])
        after = by_name + np.bincount(legs.company[own], wanted[own], companies)
        more = float(wanted[own].sum())
        if gross + more <= caps.gross and after[legs.company[own]].max() <= caps.name:
            granted[position], by_name, gross = True, after, gross + more
    return granted


def _largest(by_name: Floats, legs: Legs, wanted: Floats) -> float:
    """Return the most in a name that would get more."""
    after = by_name + np.bincount(legs.company, wanted, len(by_name))
    return float(after[legs.company[wanted > 0]].max(initial=0.0))
