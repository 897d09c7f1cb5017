"""The connection to Yahoo that yfinance is given: paced, and outspoken about answers that are none.

yfinance writes Yahoo's hosts into its code, keeps a bad answer as if it were good, and asks twice for what is refused;
so an answer that is none is raised here, before yfinance sees it.
"""

import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import RequestException

from resources.network.rate_limit import RateLimit
from resources.network.retry import TransientError, retry_after

CHART = "/v8/finance/chart/"
COOKIES = "fc.yahoo.com"
"""Sets a cookie with its 404."""
COOKIE_PAUSE = 60.0
"""Seconds without cookie and crumb after one was refused: charts are told without them too."""
ANOTHER_COOKIE = {401, 403, 999}
"""Refusals after which yfinance asks again with another cookie."""
NOTHING = {"Not Found", "Bad Request", "Unprocessable Entity"}
"""Yahoo's codes for a symbol it does not know, or has nothing of in these days."""


class AbsentError(Exception):
    """Yahoo has no quotes of a symbol, and says so; `for_good` where it knows no such symbol."""

    def __init__(self, reason: str, for_good: bool) -> None:
        super().__init__(reason)
        self.for_good = for_good


class YahooSession(Session[Response]):
    """Sends every request when the limiter lets it, to `url` instead of Yahoo's hosts where one is given.

    Once `stopped` is set every request fails at once.
    """

    def __init__(self, url: str | None, limit: RateLimit, timeout: float, stopped: threading.Event) -> None:
        super().__init__(impersonate="chrome")
        self._instead = url.rstrip("/") if url else None
        self._limit = limit
        self._stopped = stopped
        self._seconds = timeout
        self._no_cookies_until = 0.0

    def request(self, method: Any, url: str, **options: Any) -> Response:  # type: ignore[override]
        """The answer.

        Raises
        ------
        AbsentError
            Yahoo has nothing of the symbol.
        TransientError
            The chart could not be had this time.
        RequestException
            The same of a cookie or crumb; yfinance goes on without.
        """
        ask = self._chart if CHART in url else self._cookie
        return ask(method, url, {**options, "timeout": self._seconds})

    def _chart(self, method: Any, url: str, options: dict[str, Any]) -> Response:
        try:
            response = self._send(method, url, options)
        except RequestException as error:
            raise TransientError(str(error).partition(". See https://curl")[0]) from error
        if response.status_code not in ANOTHER_COOKIE:
            _check(response)
        return response

    def _cookie(self, method: Any, url: str, options: dict[str, Any]) -> Response:
        if time.monotonic() < self._no_cookies_until:
            raise RequestException("no cookie and no crumb for now")
        try:
            response = self._send(method, url, options)
            if response.status_code >= 400 and urlsplit(url).hostname != COOKIES:
                raise RequestException(f"HTTP {response.status_code}")
        except RequestException:
            self._no_cookies_until = time.monotonic() + COOKIE_PAUSE
            raise
        return response

    def _send(self, method: Any, url: str, options: dict[str, Any]) -> Response:
        address = self._instead + urlsplit(url)._replace(scheme="", netloc="").geturl() if self._instead else url
        if not self._limit.wait(self._stopped):
            raise RequestException("stopped")
        return super().request(method, address, **options)


def _check(response: Any) -> None:
    """Raise for a chart that is none; yfinance needs a currency in it, be it none."""
    status = response.status_code
    if status == 429:
        raise TransientError("too many requests", retry_after(response.headers.get("Retry-After")), too_fast=True)
    if status >= 500:
        raise TransientError(f"HTTP {status}")
    try:
        answer = response.json()
        chart = answer["chart"]
        error, result = chart["error"], chart["result"]
    except (ValueError, LookupError, TypeError) as broken:
        raise TransientError(f"HTTP {status} and no chart: {response.text[:60]!r}") from broken
    if error and error.get("code") in NOTHING:
        raise AbsentError(str(error.get("description")), for_good=error["code"] == "Not Found")
    if error or status >= 400 or not result:
        raise TransientError(f"HTTP {status} and no chart: {error}")
    if "currency" not in result[0].get("meta", ()):
        result[0]["meta"] = {**result[0].get("meta", {}), "currency": None}
        response.content = json.dumps(answer).encode()
