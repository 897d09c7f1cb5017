"""One symbol's daily history, asked of Yahoo through yfinance, whole or not at all."""

import logging
import threading
import warnings
from datetime import UTC, date, datetime, time, timedelta
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import polars as pl
import yfinance
from yfinance.data import YfData
from yfinance.exceptions import YFPricesMissingError
from yfinance.scrapers.history import PriceHistory

from resources.market.yahoo.readjusted import ROWS, labelled
from resources.market.yahoo.session import AbsentError, YahooSession
from resources.network.rate_limit import RateLimit
from resources.network.retry import TransientError

LEEWAY = timedelta(days=7)
"""A history may begin so much later, and end so much earlier, than Yahoo says of it: holidays, halts."""
DAY = timedelta(days=1)
PROBE = "SPY"


class TruncatedError(TransientError):
    """Yahoo answered with a part of the history; `where` says at which days it was cut."""

    def __init__(self, where: str, told: str) -> None:
        super().__init__(f"truncated: {where}; {told}")
        self.where = where


def begins_on(day: date) -> str:
    """`TruncatedError.where` of a history that begins on this day, as one that was believed."""
    return f"begins on {day}"


class YahooChart:
    """Asks Yahoo, or the server at `url`; may be used by several threads.

    Every history is asked for up to `today` and cut afterwards: its last bar is then the last trade that Yahoo tells
    of, or the answer is truncated. A stock that was halted at the end of a month is told from a truncated one so.
    """

    def __init__(
        self, url: str | None, root: Path, limit: RateLimit, timeout: float, today: date, stopped: threading.Event
    ) -> None:
        self._timeout = timeout
        self._today = today
        self._session = YahooSession(url, limit, timeout, stopped)
        self._data = _data(self._session, root)

    def ask(self, symbol: str, first: date, last: date, cut: str | None = None) -> pl.DataFrame:
        """Daily quotes of a symbol from `first` to `last`; columns ROWS, sorted, days without a trade left out.

        An answer that is cut where an earlier one was (`cut`: its TruncatedError.where) is Yahoo's whole history.

        Raises
        ------
        AbsentError
            Yahoo has no quotes of it in these days, or none that can be used.
        TruncatedError
            There are fewer than Yahoo says it has.
        TransientError
            There was no answer.
        """
        history = PriceHistory(self._data, symbol, "UTC", self._session)
        days = _quotes(self._history(history, first)).filter(pl.col("date") >= first)
        told = history.get_history_metadata()
        _check_currency(told)
        _check_whole(days["date"], told, first, self._today, cut)
        rows = days.drop_nulls("adj_close").filter(pl.col("date") <= last)
        if rows.is_empty():
            raise AbsentError(f"no quotes from {first} to {last}", for_good=False)
        _check_prices(rows)
        return labelled(rows)

    def reaches(self) -> bool:
        """Whether Yahoo answers a question about a symbol that it is sure to know."""
        try:
            self.ask(PROBE, self._today - LEEWAY, self._today)
        except (AbsentError, TruncatedError):
            return True
        except TransientError:
            return False
        return True

    def _history(self, history: Any, first: date) -> Any:
        """yfinance's table; daily bars of all the world's exchanges start within a day of their date in UTC."""
        start, end = (datetime.combine(day, time(), UTC) for day in (first - DAY, self._today + DAY))
        try:
            return history.history(
                start=start,
                end=end,
                interval="1d",
                auto_adjust=False,
                actions=True,
                keepna=True,
                timeout=self._timeout,
            )
        except (TransientError, AbsentError):
            raise
        except YFPricesMissingError as error:
            if "symbol" in history.get_history_metadata():
                return None
            raise TransientError("access denied") from error
        except JSONDecodeError as error:  # only refusals come here unread: see session.ANOTHER_COOKIE
            raise TransientError("access denied") from error
        except Exception as error:  # whatever yfinance makes of an answer that is not as it should be
            raise TransientError(f"{type(error).__name__}: {error}") from error


def _data(session: YahooSession, root: Path) -> Any:
    """yfinance's keeper of cookies, one for this session: the usual one and the answers it keeps are shared by all."""
    yfinance.config.debug.hide_exceptions = False
    yfinance.set_tz_cache_location(str(root / "yfinance"))
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # what it logs is raised too
    warnings.filterwarnings("ignore", module=r"yfinance\.")  # of its pandas, that it is out of date
    data = type.__call__(YfData, session=session)
    data.cache_get = data.get
    data._load_cookie_curlCffi = lambda: len(session.cookies) > 0
    data._save_cookie_curlCffi = lambda: True
    return data


def _quotes(table: Any) -> pl.DataFrame:
    """Columns ROWS, `security` null; nulls on days without a trade, of which Yahoo has nulls or zeros."""
    if table is None:
        return pl.DataFrame(schema=ROWS)
    columns = {"adj_close": "Adj Close", "close": "Close", "volume": "Volume"}
    floats = {name: table[of].to_numpy(dtype=float) for name, of in columns.items()}
    rows = pl.DataFrame({"date": pl.Series(list(table.index.date), dtype=pl.Date), **floats})
    is_trade = ~pl.all_horizontal(pl.col(*columns) == 0)
    numbers = pl.when(is_trade).then(pl.col(*columns).fill_nan(None))
    return rows.with_columns(numbers, security=pl.lit(None, pl.String)).sort("date")


def _check_currency(told: Any) -> None:
    if told.get("currency") not in (None, "USD"):
        raise AbsentError(f"quoted in {told['currency']}, not in USD", for_good=False)


def _check_whole(days: pl.Series, told: Any, first: date, today: date, cut: str | None) -> None:
    """Compare the days from `first` to today, nulls included, with those that Yahoo says it has."""
    first_trade, last_trade = told.get("firstTradeDate"), told.get("regularMarketTime")
    begins = max(first, first_trade.date()) if first_trade else first
    ends = min(today, last_trade.date()) if last_trade else None
    if days.is_empty() and (ends is None or begins > ends):
        raise AbsentError(f"no quotes from {first} on", for_good=False)
    where = []
    if days.is_empty():
        where.append("no quotes")
    else:
        if first_trade and days[0] > begins + LEEWAY:
            where.append(begins_on(days[0]))
        if ends and days[-1] < ends - LEEWAY:
            where.append(f"ends on {days[-1]}")
    if where and "; ".join(where) != cut:
        raise TruncatedError("; ".join(where), f"Yahoo has quotes from {begins} to {ends or today}")


def _check_prices(rows: pl.DataFrame) -> None:
    price = pl.col("adj_close")
    for day, value in rows.filter(~(price.is_finite() & (price > 0))).select("date", "adj_close").rows()[:1]:
        raise AbsentError(f"adj_close {value} on {day}: not a positive, finite price", for_good=False)
