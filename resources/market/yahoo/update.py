"""Updates the stored history of one symbol: only missing days are fetched, unless the past was re-adjusted."""

from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from resources.market.yahoo.chart import TruncatedError, YahooChart, begins_on
from resources.market.yahoo.chart_answer import AbsentError
from resources.market.yahoo.history_store import FetchRecord, History, HistoryStore
from resources.market.yahoo.readjustment import ROWS, Scale, estimate_scale, extended, matches, succeeded_by
from resources.market.yahoo.retrier import DeferredError, Retrier

OVERLAP = 10
"""Stored trading days that are fetched again, to see whether the past was re-adjusted."""


@dataclass(frozen=True)
class Update:
    """Fetches the missing quotes of symbols and stores them."""

    store: HistoryStore
    chart: YahooChart
    retrier: Retrier
    wanted: FetchRecord
    """The first and last day to have, and today."""

    def history(self, symbol: str, known: History | None) -> History | str:
        """Return the updated and stored history, or why the symbol is deferred; its stored quotes then stay.

        Raises
        ------
        PriceError
            Yahoo does not respond, or a history cannot be written.
        """
        known = self._without_future(known)
        try:
            updated = self._fetched(symbol, known)
        except DeferredError as deferred:
            if isinstance(deferred.__cause__, TruncatedError):
                self._store_cut(symbol, known, deferred.__cause__.where)
            return str(deferred)
        self.store.put(symbol, updated)
        return updated

    def _without_future(self, known: History | None) -> History | None:
        """Return the history as it would be if it had not been fetched while the clock was ahead.

        Days after the last wanted one are dropped: a day that is not over has no final price yet.
        """
        if known is None or known.record.on <= self.wanted.on:
            return known
        rows = known.rows.filter(pl.col("date") <= self.wanted.through)
        return History(rows, replace(known.record, through=min(known.record.through, self.wanted.through), cut=None))

    def _store_cut(self, symbol: str, known: History | None, cut: str) -> None:
        """Record where the history was cut, with the first day on which it was."""
        if known is None:
            known = History(pl.DataFrame(schema=ROWS), self.wanted)
        if known.record.cut != cut:
            self.store.put(symbol, History(known.rows, replace(known.record, cut=cut, on=self.wanted.on)))

    def _fetched(self, symbol: str, known: History | None) -> History:
        first = min(self.wanted.first, known.record.first) if known else self.wanted.first
        record = replace(self.wanted, first=first)
        try:
            rows, scale = self.retrier.call(lambda: self._rows(symbol, known, first))
        except AbsentError as absent:
            rows, scale = (known.rows, known.record.scale) if known else (pl.DataFrame(schema=ROWS), Scale())
            record = replace(
                record, refused=str(absent), for_good=absent.for_good, refusals=self._refusals(known, absent)
            )
        return History(rows, replace(record, scale=scale))

    def _refusals(self, known: History | None, absent: AbsentError) -> int:
        """Return the number of months in a row in which Yahoo had no quotes for such a reason."""
        if known is None or known.record.refused is None or known.record.for_good != absent.for_good:
            return 1
        return known.record.refusals + (known.record.through < self.wanted.through)

    def _rows(self, symbol: str, known: History | None, first: date) -> tuple[pl.DataFrame, Scale]:
        """Return the history on its stored scale, and Yahoo's scale over that one."""
        last = self.wanted.through
        # On the same day, Yahoo may only be repeating a truncated response.
        cut = known.record.cut if known and known.record.on < self.wanted.on else None
        if known is None or known.rows.is_empty():
            return self.chart.fetch(symbol, first, last, cut), Scale()
        if not self._needs_whole_history(known.record):
            recent = self.chart.fetch(symbol, known.rows["date"][-OVERLAP:][0], last, cut)
            if matches(known.rows, recent, known.record.scale):
                return extended(known.rows, recent, known.record.scale), known.record.scale
        # A history that begins where the stored one does is as whole as that one was.
        whole = self.chart.fetch(symbol, first, last, cut or begins_on(known.rows["date"][0]))
        scale = estimate_scale(known.rows, whole)
        if scale is None:
            return succeeded_by(known.rows, whole), Scale()
        return extended(known.rows, whole, scale), scale

    def _needs_whole_history(self, record: FetchRecord) -> bool:
        return record.forgotten != self.wanted.forgotten or self.wanted.first < record.first
