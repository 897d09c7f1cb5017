"""Fetches the daily history of one symbol from Yahoo through yfinance: whole, or an error."""

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

from resources.market.yahoo.chart_answer import AbsentError
from resources.market.yahoo.readjustment import ROWS, with_securities
from resources.market.yahoo.session import YahooSession
from resources.network.rate_limit import RateLimit
from resources.network.retry import TransientError

LEEWAY = timedelta(days=7)
"""A history may begin this much later, and end this much earlier, than Yahoo's metadata say: holidays, halts."""
DAY = timedelta(days=1)
PROBE_SYMBOL = "SPY"
"""A symbol that Yahoo is sure to have; the probe fetches it to tell one bad symbol from a server that is down."""


class TruncatedError(TransientError):
    """Yahoo sent only a part of the history; `where` names the days at which it is cut."""

    def __init__(self, where: str, expected: str) -> None:
        super().__init__(f"truncated: {where}; {expected}")
        self.where = where


def begins_on(day: date) -> str:
    """Return the `TruncatedError.where` of a history that begins on this day."""
    return f"begins on {day}"


class YahooChart:
    """Fetches from Yahoo, or from the server at `url`; several threads may use it.

    Every history is requested up to `today` and cut afterwards. Its last bar must then be near the last trade in
    Yahoo's metadata, which tells a stock that was halted at the end of a month from a truncated response.
    """

    def __init__(
        self, url: str | None, root: Path, limit: RateLimit, timeout: float, today: date, stopped: threading.Event
    ) -> None:
        self._timeout = timeout
        self._today = today
        self._session = YahooSession(url, limit, timeout, stopped)
        self._data = _data(self._session, root)

    def fetch(self, symbol: str, first: date, last: date, cut: str | None = None) -> pl.DataFrame:
        """Return the daily quotes of a symbol from `first` to `last`: columns ROWS, sorted, only days with a trade.

        A history that is cut at the same days as an earlier one (`cut`: its TruncatedError.where) counts as whole.

        Raises
        ------
        AbsentError
            Yahoo has no quotes of the symbol on these days, or none that are usable.
        TruncatedError
            There are fewer quotes than Yahoo's metadata say.
        TransientError
            There was no response.
        """
        history = PriceHistory(self._data, symbol, "UTC", self._session)
        days, metadata = self._download(history, first)
        days = days.filter(pl.col("date") >= first)
        _check_currency(metadata)
        _check_whole(days["date"], metadata, first, self._today, cut)
        rows = days.drop_nulls("adj_close").filter(pl.col("date") <= last)
        if rows.is_empty():
            raise AbsentError(f"no quotes from {first} to {last}", for_good=False)
        _check_prices(rows)
        return with_securities(rows)

    def server_responds(self) -> bool:
        """Return whether Yahoo responds to a request for `PROBE_SYMBOL`."""
        try:
            self.fetch(PROBE_SYMBOL, self._today - LEEWAY, self._today)
        except (AbsentError, TruncatedError):
            return True
        except TransientError:
            return False
        return True

    def _download(self, history: Any, first: date) -> tuple[pl.DataFrame, Any]:
        """Return yfinance's table, without rows if Yahoo has no quotes, and Yahoo's metadata.

        A day is added on both sides: a daily bar of any exchange starts within a day of its date in UTC.
        """
        start, end = (datetime.combine(day, time(), UTC) for day in (first - DAY, self._today + DAY))
        try:
            table = history.history(
                start=start,
                end=end,
                interval="1d",
                auto_adjust=False,
                actions=True,
                keepna=True,
                timeout=self._timeout,
            )
            return _quotes(table), history.get_history_metadata()
        except (TransientError, AbsentError):
            raise
        except YFPricesMissingError as error:
            if "symbol" in (metadata := history.get_history_metadata()):
                return _quotes(None), metadata
            raise TransientError("access denied") from error
        except JSONDecodeError as error:  # only refusals arrive unchecked: see session.NEW_COOKIE_STATUSES
            raise TransientError("access denied") from error
        except Exception as error:  # yfinance raises all kinds of errors on a malformed response
            raise TransientError(f"{type(error).__name__}: {error}") from error


def _data(session: YahooSession, root: Path) -> Any:
    """Return yfinance's holder of cookies and responses, a new one for this session.

    yfinance makes it a singleton, so two markets in one process would share cookies and cached responses.
    """
    yfinance.config.debug.hide_exceptions = False  # else yfinance returns an empty table instead of the error
    yfinance.set_tz_cache_location(str(root / "yfinance"))
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # it raises the same errors
    warnings.filterwarnings("ignore", module=r"yfinance\.")  # deprecation warnings of its pandas calls
    data = type.__call__(YfData, session=session)  # past the metaclass that makes it a singleton
    data.cache_get = data.get  # its cache would keep a bad response as if it were good
    # Cookies stay in the session, not in yfinance's file, which all processes share.
    data._load_cookie_curlCffi = lambda: len(session.cookies) > 0
    data._save_cookie_curlCffi = lambda: True
    return data


def _quotes(table: Any) -> pl.DataFrame:
    """Return columns ROWS; days without a trade, for which Yahoo has nulls or zeros, are null, and so is `security`."""
    if table is None:
        return pl.DataFrame(schema=ROWS)
    columns = {"adj_close": "Adj Close", "close": "Close", "volume": "Volume"}
    floats = {name: table[of].to_numpy(dtype=float) for name, of in columns.items()}
    rows = pl.DataFrame({"date": pl.Series(list(table.index.date), dtype=pl.Date), **floats})
    is_trade = ~pl.all_horizontal(pl.col(*columns) == 0)
    numbers = pl.when(is_trade).then(pl.col(*columns).fill_nan(None))
    return rows.with_columns(numbers, security=pl.lit(None, pl.String)).unique("date", keep="last").sort("date")


def _check_currency(metadata: Any) -> None:
    if metadata.get("currency") not in (None, "USD"):
        raise AbsentError(f"quoted in {metadata['currency']}, not in USD", for_good=False)


def _check_whole(days: pl.Series, metadata: Any, first: date, today: date, cut: str | None) -> None:
    """Raise unless the days from `first` to today, nulls included, are those that Yahoo's metadata promise."""
    first_trade, last_trade = _day(metadata.get("firstTradeDate")), _day(metadata.get("regularMarketTime"))
    begins = max(first, first_trade) if first_trade else first
    ends = min(today, last_trade) if last_trade else None
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


def _day(time: Any) -> date | None:
    """Return the day of a time in the metadata: yfinance leaves it in seconds where Yahoo names no time zone."""
    if isinstance(time, int):
        return datetime.fromtimestamp(time, UTC).date()
    return time.date() if isinstance(time, datetime) else None


def _check_prices(rows: pl.DataFrame) -> None:
    price = pl.col("adj_close")
    for day, value in rows.filter(~(price.is_finite() & (price > 0))).select("date", "adj_close").rows()[:1]:
        raise AbsentError(f"adj_close {value} on {day}: not a positive, finite price", for_good=False)
