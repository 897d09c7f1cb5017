"""The HTTP session that yfinance uses: limited, and with an error for every response that is not a valid chart.

yfinance hard-codes Yahoo's hosts, caches a bad response as if it were good, and requests a refused document twice. So
bad responses are raised here, before yfinance sees them.
"""

import threading
import time
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from curl_cffi.curl import CURL_WRITEFUNC_ERROR
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import RequestException

from resources.market.yahoo.chart_answer import check_chart
from resources.network.rate_limit import RateLimit
from resources.network.retry import TransientError

CHART = "/v8/finance/chart/"
CRUMB = "/v1/test/getcrumb"
COOKIES = "fc.yahoo.com"
"""This host answers 404 and sets the cookie all the same."""
COOKIE_PAUSE = 60.0
"""Seconds without a request for cookie or crumb after one was refused; Yahoo sends charts without them, too."""
NEW_COOKIE_STATUSES = {401, 403, 999}
"""Status codes after which yfinance repeats the request with a new cookie."""
MAX_BYTES = 20_000_000
"""The longest answer, after decompression: the daily quotes of sixty years have two million bytes."""
MAX_CRUMB = 100
"""Characters of a crumb, which is put into the address of every chart."""
MAX_REDIRECTS = 5
REDIRECTS = {301, 302, 303, 307, 308}
YAHOO = "yahoo.com"


class YahooSession(Session[Response]):
    """A session under the rate limit; `url`, if given, replaces Yahoo's hosts.

    An answer may have `max_bytes` bytes after decompression and take `timeout` seconds, redirects may lead to hosts of
    Yahoo, and each counts as a request. Once `stopped` is set, every request fails at once.
    """

    def __init__(
        self,
        url: str | None,
        limit: RateLimit,
        timeout: float,
        stopped: threading.Event,
        max_bytes: int | None = None,
    ) -> None:
        super().__init__(impersonate="chrome")  # as yfinance's own session
        self._base_url = url.rstrip("/") if url else None
        self._limit = limit
        self._stopped = stopped
        self._timeout_seconds = timeout
        self._max_bytes = MAX_BYTES if max_bytes is None else max_bytes
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
            check_chart(response, unquote(urlsplit(url).path.partition(CHART)[2]), self._max_bytes)
        return response

    def _cookie(self, method: Any, url: str, options: dict[str, Any]) -> Response:
        if time.monotonic() < self._no_cookies_until:
            raise RequestException("no request for cookie or crumb until the pause is over")
        try:
            response = self._send(method, url, options)
            if response.status_code >= 400 and urlsplit(url).hostname != COOKIES:
                raise RequestException(f"HTTP {response.status_code}")
            if url.endswith(CRUMB) and len(response.content) > MAX_CRUMB:
                raise RequestException("a page instead of a crumb")
        except RequestException:
            self._no_cookies_until = time.monotonic() + COOKIE_PAUSE
            raise
        return response

    def _send(self, method: Any, url: str, options: dict[str, Any]) -> Response:
        """Send a request and follow its redirects, none of them past the rate limit or to a host of someone else."""
        address = self._base_url + urlsplit(url)._replace(scheme="", netloc="").geturl() if self._base_url else url
        for _ in range(1 + MAX_REDIRECTS):
            response = self._send_once(method, address, options)
            location = response.headers.get("Location")
            if response.status_code not in REDIRECTS or not location:
                return response
            address = _redirected(address, location)
            # The parameters are in the new address; a form is sent again only where the answer asks for that.
            left_out = {"params"} if response.status_code in {307, 308} else {"params", "data", "json"}
            options = {name: value for name, value in options.items() if name not in left_out}
            method = method if response.status_code in {307, 308} else "GET"
        raise RequestException(f"more than {MAX_REDIRECTS} redirects")

    def _send_once(self, method: Any, address: str, options: dict[str, Any]) -> Response:
        if not self._limit.wait(self._stopped):
            raise RequestException("stopped")
        body = _Body(self._max_bytes)
        try:
            # Without a stream, curl's timeout is one for the whole answer.
            response = super().request(
                method, address, **{**options, "allow_redirects": False, "content_callback": body.add}
            )
        except RequestException as error:
            if body.is_too_long:
                raise RequestException(f"longer than {self._max_bytes:,} bytes") from error
            raise
        response.content = bytes(body.received)
        return response


class _Body:
    """Collects the decompressed bytes of a body, and stops the transfer where there are too many."""

    def __init__(self, max_bytes: int) -> None:
        self.received = bytearray()
        self.is_too_long = False
        self._max_bytes = max_bytes

    def add(self, chunk: bytes) -> int:
        """Add what curl has decompressed, at most 16 KiB; return how many bytes were taken, or curl's code for none."""
        self.is_too_long = len(self.received) + len(chunk) > self._max_bytes
        if self.is_too_long:
            return CURL_WRITEFUNC_ERROR
        self.received += chunk
        return len(chunk)


def _redirected(address: str, location: str) -> str:
    """Return the address that a redirect leads to.

    Raises
    ------
    RequestException
        It is at another host, and the two are not both Yahoo's.
    """
    try:
        target = urljoin(address, location)
        old, new = urlsplit(address), urlsplit(target)
        is_same = (old.scheme, old.hostname, old.port) == (new.scheme, new.hostname, new.port)
    except ValueError as error:
        raise RequestException("redirected to an address that is none") from error
    if not is_same and not (new.scheme == "https" and _is_yahoo(old.hostname) and _is_yahoo(new.hostname)):
        raise RequestException(f"redirected to another host: {target[:100]!a}")
    return target


def _is_yahoo(host: str | None) -> bool:
    return host is not None and (host == YAHOO or host.endswith(f".{YAHOO}"))
