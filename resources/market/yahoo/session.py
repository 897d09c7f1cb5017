"""The HTTP session that yfinance uses: rate-limited, and with an error for every response that is not a valid chart.

yfinance hard-codes Yahoo's hosts, caches a bad response as if it were good, and requests a refused document twice. So
bad responses are raised here, before yfinance sees them.
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
"""This host answers 404 and sets the cookie all the same."""
COOKIE_PAUSE = 60.0
"""Seconds without a request for cookie or crumb after one was refused; Yahoo sends charts without them, too."""
NEW_COOKIE_STATUSES = {401, 403, 999}
"""Status codes after which yfinance repeats the request with a new cookie."""
NO_DATA_CODES = {"Not Found", "Bad Request", "Unprocessable Entity"}
"""Yahoo's error codes for a symbol that it does not know, or has no quotes of on these days."""


class AbsentError(Exception):
    """Yahoo says that it has no quotes of a symbol; `for_good` if it does not know the symbol."""

    def __init__(self, reason: str, for_good: bool) -> None:
        super().__init__(reason)
        self.for_good = for_good


class YahooSession(Session[Response]):
    """A session under the rate limit; `url`, if given, replaces Yahoo's hosts.

    Once `stopped` is set, every request fails at once.
    """

    def __init__(self, url: str | None, limit: RateLimit, timeout: float, stopped: threading.Event) -> None:
        super().__init__(impersonate="chrome")  # as yfinance's own session
        self._base_url = url.rstrip("/") if url else None
        self._limit = limit
        self._stopped = stopped
        self._timeout_seconds = timeout
        self._no_cookies_until = 0.0

    def request(self, method: Any, url: str, **options: Any) -> Response:  # type: ignore[override]
        """Send a request and return its response.

        Raises
        ------
        AbsentError
            Yahoo has no quotes of the symbol.
        TransientError
            The request for a chart failed.
        RequestException
            The request for a cookie or crumb failed; yfinance continues without it.
        """
        send = self._chart if CHART in url else self._cookie
        return send(method, url, {**options, "timeout": self._timeout_seconds})

    def _chart(self, method: Any, url: str, options: dict[str, Any]) -> Response:
        try:
            response = self._send(method, url, options)
        except RequestException as error:
            raise TransientError(str(error).partition(". See https://curl")[0]) from error
        if response.status_code not in NEW_COOKIE_STATUSES:
            _check(response)
        return response

    def _cookie(self, method: Any, url: str, options: dict[str, Any]) -> Response:
        if time.monotonic() < self._no_cookies_until:
            raise RequestException("no request for cookie or crumb until the pause is over")
        try:
            response = self._send(method, url, options)
            if response.status_code >= 400 and urlsplit(url).hostname != COOKIES:
                raise RequestException(f"HTTP {response.status_code}")
        except RequestException:
            self._no_cookies_until = time.monotonic() + COOKIE_PAUSE
            raise
        return response

    def _send(self, method: Any, url: str, options: dict[str, Any]) -> Response:
        address = self._base_url + urlsplit(url)._replace(scheme="", netloc="").geturl() if self._base_url else url
        if not self._limit.wait(self._stopped):
            raise RequestException("stopped")
        return super().request(method, address, **options)


def _check(response: Any) -> None:
    """Raise if the response is not a valid chart; add a null currency if it lacks one, because yfinance reads it."""
    status = response.status_code
    if status == 429:
        raise TransientError("too many requests", retry_after(response.headers.get("Retry-After")), too_fast=True)
    if status >= 500:
        raise TransientError(f"HTTP {status}")
    try:
        document = response.json()
        chart = document["chart"]
        error, result = chart["error"], chart["result"]
    except (ValueError, LookupError, TypeError) as broken:
        raise TransientError(f"HTTP {status} without a chart: {response.text[:60]!r}") from broken
    if error and error.get("code") in NO_DATA_CODES:
        raise AbsentError(str(error.get("description")), for_good=error["code"] == "Not Found")
    if error or status >= 400 or not result:
        raise TransientError(f"HTTP {status} without a chart: {error}")
    if "currency" not in result[0].get("meta", ()):
        result[0]["meta"] = {**result[0].get("meta", {}), "currency": None}
        response.content = json.dumps(document).encode()
