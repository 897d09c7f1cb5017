"""What a position consists of: how many dollars of which company, long or short."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from resources.settings.backtest import Backtest

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

HEDGE_RATIOS = (0.01, 100.0)
"""Between which, in size, one leg is any hedge of the other at all."""


@dataclass(frozen=True)
class Legs:
    """The legs of several positions, one after the other; every position has at least one."""

    position: Numbers
    """[legs] number of the position, ascending."""
    company: Numbers
    """[legs] column of the prices."""
    usd: Floats
    """[legs] what is bought where the position is opened long; negative is sold (USD)."""

    @property
    def count(self) -> int:
        """How many positions there are."""
        return int(self.position[-1]) + 1 if len(self.position) else 0

    @cached_property
    def starts(self) -> Numbers:
        """[positions] where the legs of each position begin."""
        return np.flatnonzero(np.diff(self.position, prepend=-1))

    def all_of(self, by_leg: Flags) -> Flags:
        """Return whether something holds for all legs of each position: [days, legs] to [days, positions]."""
        return by_leg if self._single else np.logical_and.reduceat(by_leg, self.starts, axis=1)

    def any_of(self, by_leg: Flags) -> Flags:
        """Return whether something holds for any leg of each position: [days, legs] to [days, positions]."""
        return ~self.all_of(~by_leg)

    def sum_of(self, by_leg: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return sums over the legs of each position: [days, legs] to [days, positions]."""
        return by_leg if self._single else np.add.reduceat(by_leg, self.starts, axis=1)

    @cached_property
    def _single(self) -> bool:
        """Whether every position has one leg, or there is none: then nothing is added up."""
        return self.count == len(self.position)

    def usd_of_positions(self) -> Floats:
        """Return the absolute size of each position at opening (USD)."""
        return np.bincount(self.position, np.abs(self.usd), self.count).astype(np.float64)


def tradable(pairs: pl.DataFrame, settings: Backtest) -> pl.DataFrame:
    """Return the rows of `cointegrated_pairs` that a book may trade.

    A hedge ratio near 0, or far from 1, hedges nothing; a spread that never moved has no standard deviation to count
    in. With a negative ratio the two prices mirror each other, and the spread is held by both legs on one side: such a
    pair hedges no market, so it is left out unless the settings ask for it.
    """
    ratio = pl.col("hedge_ratio") if settings.negative_hedge == "leave_out" else pl.col("hedge_ratio").abs()
    return pairs.filter(ratio.is_between(*HEDGE_RATIOS) & (pl.col("spread_sd") > 0))


def pair_legs(pairs: pl.DataFrame, column: dict[str, int], settings: Backtest) -> Legs:
    """Return the legs of pairs: `leg_usd` of a, and of b what the spread log a - hedge_ratio * log b asks for.

    `beta_neutral` sells hedge_ratio * `leg_usd` of b, so that the profit is `leg_usd` times the change of the spread;
    `dollar_neutral` sells `leg_usd`. With a negative ratio b is bought in place of sold.

    Parameters
    ----------
    column : mapping
        Company to column of the prices; a company without prices gets the one after the last.
    """
    ratio = pairs["hedge_ratio"].to_numpy().astype(np.float64)
    hedge = ratio if settings.legs == "beta_neutral" else np.sign(ratio)
    usd = settings.leg_usd * np.column_stack([np.ones(len(ratio)), -hedge])
    company = [[column.get(name, len(column)) for name in pairs[leg]] for leg in ("company_a", "company_b")]
    return Legs(np.repeat(np.arange(len(ratio)), 2), np.array(company, dtype=np.int64).T.ravel(), usd.ravel())


def basket_legs(names: list[str], baskets: pl.DataFrame, column: dict[str, int], settings: Backtest) -> Legs:
    """Return the legs of names held against their baskets: `leg_usd` of the name, `weight` times that of each peer.

    Parameters
    ----------
    names : list of str
        Companies held, one position each.
    baskets : DataFrame
        Rows of `hedge_baskets` of one method and date: company_id, peer_id, weight.
    """
    own = {"company_id": names, "leg": names, "weight": [-1.0] * len(names)}
    peers = baskets.select("company_id", leg="peer_id", weight="weight")
    order = {name: number for number, name in enumerate(names)}
    legs = pl.concat([pl.DataFrame(own, schema=peers.schema), peers.filter(pl.col("company_id").is_in(names))])
    legs = legs.with_columns(position=pl.col("company_id").replace_strict(order, return_dtype=pl.Int64))
    legs = legs.sort("position", maintain_order=True)
    company = np.array([column.get(name, len(column)) for name in legs["leg"]], dtype=np.int64)
    return Legs(legs["position"].to_numpy(), company, -settings.leg_usd * legs["weight"].to_numpy())
