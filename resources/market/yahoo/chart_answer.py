"""Checks that an answer of Yahoo is the chart that was asked for, before yfinance sees it."""

import json
import math
from typing import Any

from curl_cffi.requests import Response

from resources.network.json_answer import parse_json
from resources.network.retry import TransientError, retry_after

NO_DATA_CODES = ("Not Found", "Bad Request", "Unprocessable Entity")
"""Yahoo's error codes for a symbol that it does not know, or has no quotes of on these days."""
TIMES = ("firstTradeDate", "regularMarketTime")
"""Times in a chart's metadata, in seconds since 1970; yfinance makes days of them."""
LATEST = 9e9
"""Seconds on both sides of 1970 that pandas can hold, less some; a time beyond is no time."""
MAX_PARTS = 200_000
"""Lists and objects in a chart; one of sixty years has a few hundred, for dividends and splits."""


class AbsentError(Exception):
    """Yahoo says that it has no quotes of a symbol; `for_good` if it does not know the symbol."""

    def __init__(self, reason: str, for_good: bool) -> None:
        super().__init__(reason)
        self.for_good = for_good


def check_chart(response: Response, symbol: str, max_bytes: int) -> None:
    """Raise unless the response is a chart of the symbol; in its metadata, replace what yfinance cannot read.

    Raises
    ------
    AbsentError
        Yahoo has no quotes of the symbol.
    TransientError
        The response is something else.
    """
    status = response.status_code
    if status == 429:
        raise TransientError("too many requests", retry_after(response.headers.get("Retry-After")), too_fast=True)
    if status >= 500:
        raise TransientError(f"HTTP {status}")
    try:
        document = parse_json(response.content, max_bytes, MAX_PARTS)
        chart = document["chart"]
        error, result = chart["error"], chart["result"]
    except (ValueError, LookupError, TypeError) as broken:
        beginning = response.content[:60].decode("utf-8", "replace")
        raise TransientError(f"HTTP {status} without a chart: {beginning!a}") from broken
    _check_error(error)
    if error or status >= 300 or not _is_chart(result):
        raise TransientError(f"HTTP {status} without a chart: {_line(error)}")
    _check_metadata(result[0].setdefault("meta", {}), symbol)
    _check_adjusted(result[0])
    response.content = json.dumps(document).encode()


def _check_error(error: object) -> None:
    if isinstance(error, dict) and error.get("code") in NO_DATA_CODES:
        raise AbsentError(_line(error.get("description")), for_good=error["code"] == "Not Found")


def _is_chart(result: object) -> bool:
    return (
        isinstance(result, list)
        and bool(result)
        and isinstance(result[0], dict)
        and isinstance(result[0].get("meta", {}), dict)
    )


def _check_metadata(meta: dict[str, Any], symbol: str) -> None:
    """Raise for a chart of another symbol; add a null currency, which yfinance reads, and drop what is not a time."""
    if isinstance(told := meta.get("symbol"), str) and told.upper() != symbol.upper():
        raise TransientError(f"a chart of another symbol: {_line(told)}")
    if isinstance(bars := meta.get("dataGranularity"), str) and bars != "1d":
        raise TransientError(f"bars of {_line(bars)}, not of a day")
    if not isinstance(meta.setdefault("currency", None), str | None):
        raise TransientError(f"a currency that is none: {_line(meta['currency'])}")
    for name in TIMES:
        if name in meta:
            meta[name] = _seconds(meta[name])


def _check_adjusted(chart: dict[str, Any]) -> None:
    """Raise for quotes without adjusted prices, in whose place yfinance puts the others."""
    told = chart.get("indicators")
    if chart.get("timestamp") and isinstance(told, dict) and "adjclose" not in told:
        raise TransientError("a chart without adjusted prices")


def _seconds(value: object) -> int | None:
    """Return a time as whole seconds, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if math.isfinite(value) and abs(value) < LATEST else None


def _line(value: object) -> str:
    """Return what Yahoo says on one line that can be written anywhere."""
    return " ".join(str(value)[:200].split()).encode("utf-8", "replace").decode()
