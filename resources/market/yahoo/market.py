"""Daily prices from Yahoo: every ticker's history is stored, and only new days are fetched."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from resources.clock import local_day
from resources.lake.digests import digest_of
from resources.market.quotes import QUOTES, PriceError, Quotes
from resources.market.yahoo.history_store import FetchRecord, History, HistoryStore
from resources.market.yahoo.readjustment import ROWS
from resources.market.yahoo.retrier import Retrier
from resources.network.rate_limit import RateLimit
from resources.network.retry import RetryPolicy
from resources.settings.prices import Yahoo

WORKERS = 4
A_YEAR = timedelta(days=365)
"""A symbol that Yahoo does not know is tried again only after this time."""
_NO_TIMEOUT = A_YEAR.total_seconds()
"""Ctrl-C cannot end a wait without a timeout once Polars is imported: Polars has the system restart the wait."""
_SHARE_CLASS = re.compile(r"[./]([A-EG-KM-RU-Z])$")
"""Without .F, .L, .S, .T and .V: Yahoo's suffixes of Frankfurt, London, Sapporo, Tokyo and the TSX Venture Exchange."""
_SYMBOL = re.compile(r"[A-Z0-9^][A-Z0-9.^=-]{0,19}")


class YahooMarket:
    """Yahoo through yfinance; histories are stored under `root`.

    A ticker that fails today while others succeed is deferred: `now` changes, so the next refresh fetches it again.
    If an earlier run stored its history, that history is returned, ends early, and is listed in `behind` instead of
    `missing`: one throttled month must not cost eighteen years. The same holds for a ticker that Yahoo had before and
    does not have now. It is tried once a month, and counts as delisted, no longer `behind`, only if a second month
    does not know it either.

    `today` is the local date, as for the as-of months. If the last day is not over yet in New York, the overlap of the
    next month's fetch corrects its bar.
    """

    def __init__(
        self, settings: Yahoo, root: Path, today: date | None = None, policy: RetryPolicy | None = None
    ) -> None:
        self._settings = settings
        self._store = HistoryStore(root)
        self._today = today or local_day()
        self._policy = policy or RetryPolicy()

    def quotes(self, tickers: Collection[str], progress: Callable[[int], None] = lambda n: None) -> Quotes:
        """Return the quotes of the tickers; one request for each with new days, two if its past was re-adjusted.

        Raises
        ------
        PriceError
            Yahoo does not respond, or a history cannot be read or written.
        """
        symbols = {ticker: yahoo_symbol(ticker) for ticker in sorted(set(tickers))}
        counts = Counter(symbol for symbol in symbols.values() if symbol)
        progress(len(symbols) - counts.total())
        histories, deferred = self._histories(counts, progress)
        tables, missing = [pl.DataFrame(schema=QUOTES)], {}
        for ticker, symbol in symbols.items():
            rows = self._within(histories.get(symbol or ""))
            tables.append(rows.select(pl.lit(ticker).alias("ticker"), *ROWS).select(list(QUOTES)))
            if rows.is_empty():
                missing[ticker] = self._reason(ticker, histories.get(symbol or ""), deferred.get(symbol or ""))
        late = {s: reason for s, history in histories.items() if (reason := _refusal(history))} | deferred
        behind = {t: late[s] for t, s in symbols.items() if s in late and t not in missing}
        return Quotes(pl.concat(tables), missing, behind)

    def now(self) -> dict[str, str]:
        """Return a digest of the last complete month and of what must be fetched again; sends no request."""
        marks = self._store.marks()
        return {"": digest_of([str(self.span()[1]), marks.left, marks.forgotten])}

    def span(self) -> tuple[date, date]:
        """Return the first day of the first month in the settings and the last day of the last complete month."""
        first = date.fromisoformat(f"{self._settings.first}-01")
        last = self._today.replace(day=1) - timedelta(days=1)
        if first > last:
            raise PriceError(
                f"prices.yahoo.first: {self._settings.first} is after {last:%Y-%m}, the last complete month; "
                "set an earlier one"
            )
        return first, last

    def forget(self) -> None:
        """Mark the whole history of every ticker to be fetched again; stored prices keep their scale."""
        self._store.mark(forgotten=1)

    def _histories(
        self, counts: Mapping[str, int], progress: Callable[[int], None]
    ) -> tuple[dict[str, History], dict[str, str]]:
        """Return the updated histories by symbol, and the deferred symbols with the reason."""
        found = {symbol: history for symbol in counts if (history := self._store.get(symbol))}
        wanted = self._wanted()
        due = [symbol for symbol in counts if _is_due(found.get(symbol), wanted)]
        progress(sum(counts.values()) - sum(counts[symbol] for symbol in due))
        deferred: dict[str, str] = {}
        for symbol, outcome in self._updates(due, found, wanted) if due else ():
            if isinstance(outcome, str):
                deferred[symbol] = outcome
            else:
                found[symbol] = outcome
            progress(counts[symbol])
        if deferred:
            self._store.mark(left=1)
        return found, deferred

    def _wanted(self) -> FetchRecord:
        first, last = self.span()
        return FetchRecord(first, last, self._today, forgotten=self._store.marks().forgotten)

    def _updates(
        self, due: list[str], found: Mapping[str, History], wanted: FetchRecord
    ) -> Iterator[tuple[str, History | str]]:
        """Yield each symbol with its history or the reason it is deferred, as they finish; a PriceError ends all."""
        from resources.market.yahoo.chart import TruncatedError, YahooChart  # noqa: PLC0415 (yfinance takes a second)
        from resources.market.yahoo.chart_answer import AbsentError  # noqa: PLC0415
        from resources.market.yahoo.update import Update  # noqa: PLC0415

        self._store.remove_stale_temporaries()
        root, url = self._store.root, self._settings.url
        limit = RateLimit(root / "rate-limit", self._settings.requests_per_second)
        stopped = threading.Event()
        chart = YahooChart(url, root, limit, self._policy.timeout, self._today, stopped)
        retrier = Retrier(limit, self._policy, chart.server_responds, (AbsentError, TruncatedError), stopped)
        update = Update(self._store, chart, retrier, wanted)
        with ThreadPoolExecutor(WORKERS) as pool:
            futures = {pool.submit(update.history, symbol, found.get(symbol)): symbol for symbol in due}
            try:
                for future in as_completed(futures, _NO_TIMEOUT):
                    yield futures[future], future.result()
            except BaseException:
                stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _within(self, history: History | None) -> pl.DataFrame:
        return history.rows.filter(pl.col("date").is_between(*self.span())) if history else pl.DataFrame(schema=ROWS)

    def _reason(self, ticker: str, history: History | None, deferred: str | None) -> str:
        if yahoo_symbol(ticker) is None:
            return f"{ticker!r} cannot be a symbol at Yahoo"
        first, last = self.span()
        return deferred or (history and history.record.refused) or f"no quotes from {first} to {last}"


def yahoo_symbol(ticker: str) -> str | None:
    """Return Yahoo's symbol for a ticker, such as BRK-B for BRK.B and BRK/B; None if it cannot be a symbol."""
    symbol = _SHARE_CLASS.sub(r"-\1", ticker.upper())
    return symbol if ticker.isascii() and _SYMBOL.fullmatch(symbol) else None


def _refusal(history: History) -> str | None:
    """Return why Yahoo had no new quotes, or None if it did not know the symbol in a second month either."""
    record = history.record
    return None if record.for_good and record.refusals > 1 else record.refused


def _is_due(known: History | None, wanted: FetchRecord) -> bool:
    if known is None or known.record.cut or known.record.forgotten != wanted.forgotten:
        return True
    if known.record.on > wanted.on:  # the clock was ahead then, so nobody knows which days were asked for
        return True
    if known.record.for_good and known.rows.is_empty():
        return wanted.on >= known.record.on + A_YEAR
    return known.record.through < wanted.through or wanted.first < known.record.first
