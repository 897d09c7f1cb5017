"""Daily prices from Yahoo: every ticker's history is kept, and only what is new is asked for."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from resources.lake.lake import digest_of
from resources.market.quotes import QUOTES, PriceError, Quotes
from resources.market.yahoo.history_store import Asked, History, HistoryStore
from resources.market.yahoo.readjusted import ROWS
from resources.market.yahoo.retrier import Retrier
from resources.network.rate_limit import RateLimit
from resources.network.retry import RetryPolicy
from resources.settings.prices import Yahoo

WORKERS = 4
A_YEAR = timedelta(days=365)
"""So long a symbol that Yahoo does not know is not asked for again."""
_AS_LONG_AS_IT_TAKES = A_YEAR.total_seconds()
"""A wait without end cannot be interrupted once Polars is imported: it has the system restart what SIGINT breaks."""
_SHARE_CLASS = re.compile(r"[./]([A-EG-KM-RU-Z])$")
"""Not .F, .L, .S, .T and .V: Yahoo's suffixes of Frankfurt, London, Sapporo, Tokyo and Toronto's venture exchange."""
_SYMBOL = re.compile(r"[A-Z0-9^][A-Z0-9.^=-]{0,19}")


class YahooMarket:
    """Yahoo through yfinance; histories are kept under `root`.

    A ticker that Yahoo refuses today while others are answered is "left for now": `now` changes, so the next refresh
    asks for it again. Where an earlier call had its history, that history is returned, ends early and is not among
    `missing` but `behind`: one throttled month does not cost eighteen years. So is that of a ticker that Yahoo had
    before and has nothing of now, which is asked about once a month; only where a second month finds it unknown is it
    believed to be delisted, and not behind any more.

    `today` is the local date, of which the as-of months are made too: a bar of a last day that is not over yet in New
    York is corrected by the next month's overlap.
    """

    def __init__(
        self, settings: Yahoo, root: Path, today: date | None = None, policy: RetryPolicy | None = None
    ) -> None:
        self._settings = settings
        self._store = HistoryStore(root)
        self._today = today or date.today()
        self._policy = policy or RetryPolicy()

    def quotes(self, tickers: Collection[str], progress: Callable[[int], None] = lambda n: None) -> Quotes:
        """Quotes of the tickers; one request for each of them that has something new, two if it was re-adjusted.

        Raises
        ------
        PriceError
            Yahoo does not answer at all; a history cannot be read or written.
        """
        symbols = {ticker: yahoo_symbol(ticker) for ticker in sorted(set(tickers))}
        counts = Counter(symbol for symbol in symbols.values() if symbol)
        progress(len(symbols) - counts.total())
        histories, left = self._histories(counts, progress)
        tables, missing = [pl.DataFrame(schema=QUOTES)], {}
        for ticker, known_as in symbols.items():
            rows = self._within(histories.get(known_as or ""))
            tables.append(rows.select(pl.lit(ticker).alias("ticker"), *ROWS).select(list(QUOTES)))
            if rows.is_empty():
                missing[ticker] = self._reason(ticker, histories.get(known_as or ""), left.get(known_as or ""))
        late = {s: words for s, history in histories.items() if (words := _refusal(history))} | left
        behind = {t: late[s] for t, s in symbols.items() if s in late and t not in missing}
        return Quotes(pl.concat(tables), missing, behind)

    def now(self) -> dict[str, str]:
        """Digest of the last complete month, and of what is to be asked for again; asks nobody."""
        marks = self._store.marks()
        return {"": digest_of([str(self.span()[1]), marks.left, marks.forgotten])}

    def span(self) -> tuple[date, date]:
        """First day of the first month asked for, last day of the last complete month."""
        first = date.fromisoformat(f"{self._settings.first}-01")
        last = self._today.replace(day=1) - timedelta(days=1)
        if first > last:
            raise PriceError(
                f"prices.yahoo.first: {self._settings.first} is after {last:%Y-%m}, the last month there is"
            )
        return first, last

    def forget(self) -> None:
        """Have the whole history of every ticker asked for again; what is kept goes on in its own units."""
        self._store.mark(forgotten=1)

    def _histories(
        self, counts: Mapping[str, int], progress: Callable[[int], None]
    ) -> tuple[dict[str, History], dict[str, str]]:
        """Histories by symbol, brought up to date; symbols left for now, and why."""
        found = {symbol: history for symbol in counts if (history := self._store.get(symbol))}
        wanted = self._wanted()
        due = [symbol for symbol in counts if _is_due(found.get(symbol), wanted)]
        progress(sum(counts.values()) - sum(counts[symbol] for symbol in due))
        left: dict[str, str] = {}
        for symbol, outcome in self._updates(due, found, wanted) if due else ():
            if isinstance(outcome, str):
                left[symbol] = outcome
            else:
                found[symbol] = outcome
            progress(counts[symbol])
        if left:
            self._store.mark(left=1)
        return found, left

    def _wanted(self) -> Asked:
        first, last = self.span()
        return Asked(first, last, self._today, forgotten=self._store.marks().forgotten)

    def _updates(
        self, due: list[str], found: Mapping[str, History], wanted: Asked
    ) -> Iterator[tuple[str, History | str]]:
        """What became of each symbol, as they come in; all are ended by the first PriceError."""
        from resources.market.yahoo.chart import TruncatedError, YahooChart  # noqa: PLC0415 (yfinance takes a second)
        from resources.market.yahoo.session import AbsentError  # noqa: PLC0415
        from resources.market.yahoo.update import Update  # noqa: PLC0415

        self._store.tidy()
        root, url = self._store.root, self._settings.url
        limit = RateLimit(root / "rate-limit", self._settings.requests_per_second)
        stopped = threading.Event()
        chart = YahooChart(url, root, limit, self._policy.timeout, self._today, stopped)
        retrier = Retrier(limit, self._policy, chart.reaches, (AbsentError, TruncatedError), stopped)
        update = Update(self._store, chart, retrier, wanted)
        with ThreadPoolExecutor(WORKERS) as pool:
            futures = {pool.submit(update.history, symbol, found.get(symbol)): symbol for symbol in due}
            try:
                for future in as_completed(futures, _AS_LONG_AS_IT_TAKES):
                    yield futures[future], future.result()
            except BaseException:
                stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _within(self, history: History | None) -> pl.DataFrame:
        return history.rows.filter(pl.col("date").is_between(*self.span())) if history else pl.DataFrame(schema=ROWS)

    def _reason(self, ticker: str, history: History | None, left: str | None) -> str:
        if yahoo_symbol(ticker) is None:
            return f"{ticker!r} cannot be a symbol of Yahoo's"
        first, last = self.span()
        return left or (history and history.asked.refused) or f"no quotes from {first} to {last}"


def yahoo_symbol(ticker: str) -> str | None:
    """What Yahoo calls a ticker, as BRK-B for BRK.B and BRK/B; None where it cannot be one of its symbols."""
    symbol = _SHARE_CLASS.sub(r"-\1", ticker.upper())
    return symbol if ticker.isascii() and _SYMBOL.fullmatch(symbol) else None


def _refusal(history: History) -> str | None:
    """Why Yahoo had nothing new, unless a second month found the symbol unknown."""
    asked = history.asked
    return None if asked.for_good and asked.refusals > 1 else asked.refused


def _is_due(known: History | None, wanted: Asked) -> bool:
    if known is None or known.asked.cut or known.asked.forgotten != wanted.forgotten:
        return True
    if known.asked.for_good and known.rows.is_empty():
        return wanted.on >= known.asked.on + A_YEAR
    return known.asked.through < wanted.through or wanted.first < known.asked.first
