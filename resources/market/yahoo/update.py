"""Bringing one symbol's stored history up to date: only missing days are asked for, unless the past was re-adjusted."""

from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from resources.market.yahoo.chart import TruncatedError, YahooChart, begins_on
from resources.market.yahoo.history_store import Asked, History, HistoryStore
from resources.market.yahoo.readjusted import ROWS, Scale, agrees, continued, followed, scale
from resources.market.yahoo.retrier import LeftError, Retrier
from resources.market.yahoo.session import AbsentError

OVERLAP = 10
"""Stored trading days that are asked for again, to see whether the past was re-adjusted."""


@dataclass(frozen=True)
class Update:
    """Asks for what is missing, and stores it."""

    store: HistoryStore
    chart: YahooChart
    retrier: Retrier
    wanted: Asked
    """First and last day wanted, and today."""

    def history(self, symbol: str, known: History | None) -> History | str:
        """The history as it is stored now, or why it cannot be had for now; the quotes stored then stay as they were.

        Raises
        ------
        PriceError
            Yahoo does not answer at all; a history cannot be written.
        """
        try:
            now = self._answered(symbol, known)
        except LeftError as left:
            if isinstance(left.__cause__, TruncatedError):
                self._remember(symbol, known, left.__cause__.where)
            return str(left)
        self.store.put(symbol, now)
        return now

    def _remember(self, symbol: str, known: History | None, cut: str) -> None:
        """Note where the answer was cut, and when it was first."""
        if known is None:
            known = History(pl.DataFrame(schema=ROWS), self.wanted)
        if known.asked.cut != cut:
            self.store.put(symbol, History(known.rows, replace(known.asked, cut=cut, on=self.wanted.on)))

    def _answered(self, symbol: str, known: History | None) -> History:
        first = min(self.wanted.first, known.asked.first) if known else self.wanted.first
        asked = replace(self.wanted, first=first)
        try:
            rows, at = self.retrier.until_answered(lambda: self._rows(symbol, known, first))
        except AbsentError as absent:
            rows, at = (known.rows, known.asked.scale) if known else (pl.DataFrame(schema=ROWS), Scale())
            asked = replace(
                asked, refused=str(absent), for_good=absent.for_good, refusals=self._refusals(known, absent)
            )
        return History(rows, replace(asked, scale=at))

    def _refusals(self, known: History | None, absent: AbsentError) -> int:
        """In how many months in a row Yahoo had nothing for such a reason."""
        if known is None or known.asked.refused is None or known.asked.for_good != absent.for_good:
            return 1
        return known.asked.refusals + (known.asked.through < self.wanted.through)

    def _rows(self, symbol: str, known: History | None, first: date) -> tuple[pl.DataFrame, Scale]:
        """The history in the stored units, and Yahoo's units over those."""
        last = self.wanted.through
        cut = known.asked.cut if known and known.asked.on < self.wanted.on else None
        if known is None or known.rows.is_empty():
            return self.chart.ask(symbol, first, last, cut), Scale()
        if not self._is_asked_anew(known.asked):
            recent = self.chart.ask(symbol, known.rows["date"][-OVERLAP:][0], last, cut)
            if agrees(known.rows, recent, known.asked.scale):
                return continued(known.rows, recent, known.asked.scale), known.asked.scale
        whole = self.chart.ask(symbol, first, last, cut or begins_on(known.rows["date"][0]))
        at = scale(known.rows, whole)
        if at is None:
            return followed(known.rows, whole), Scale()
        return continued(known.rows, whole, at), at

    def _is_asked_anew(self, asked: Asked) -> bool:
        return asked.forgotten != self.wanted.forgotten or self.wanted.first < asked.first
