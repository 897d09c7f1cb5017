"""One attempt at one EDGAR document: send the request, store the document, classify the failure."""

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import replace
from email.utils import parsedate_to_datetime

import httpx

from resources.edgar.blobs import BlobStore, Pointer
from resources.edgar.http_session import HttpSession
from resources.edgar.identity import EdgarIdentityError
from resources.edgar.index import EdgarFormatError
from resources.edgar.request import Request
from resources.edgar.response_body import Body, TooLongError, read_body
from resources.edgar.wrong_answers import described, is_too_fast
from resources.network.retry import TransientError, retry_after
from resources.settings.descriptions import Edgar

PROBE_PATH = "/files/company_tickers_exchange.json"
"""A document that EDGAR always has; the probe asks for it to tell one bad document from a server that is down."""
ERROR_PAGE_BYTES = 65_536
"""Bytes of an error page that are read; its words tell the errors apart."""
ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"')
"""As RFC 9110 has it, without letters outside ASCII, which httpx cannot send back."""
CLOCK_LEEWAY = 3600.0
"""Seconds by which two clocks may differ without a consequence."""
HTTP_DATE = re.compile(r"[\x20-\x7e]{1,60}")


class Fetcher:
    """Fetches one document at a time and stores it."""

    def __init__(self, settings: Edgar, store: BlobStore, session: HttpSession) -> None:
        self._settings = settings
        self._base_url = settings.archive_url.rstrip("/")
        self._store = store
        self._session = session

    async def fetch(self, request: Request) -> Pointer:
        """Make one attempt and return the pointer; the document is stored, the pointer is left to the caller.

        Raises
        ------
        TransientError
            The attempt failed; another one may succeed.
        EdgarIdentityError
            EDGAR does not accept the identity in the request.
        """
        cached = self._cached(request)
        try:
            async with self._session.stream(
                self._full_url(request), _validators(cached), stops_early=request.until is not None
            ) as response:
                # `until` looks for parts of a report, so it is no good for an error page.
                until = request.until if response.is_success else _is_error_page_enough
                body = await read_body(response, until, request.max_bytes)
        except TooLongError as error:
            # A filing never changes; a list may be right the next time.
            return request.refused(str(error), for_now=request.check is not None)
        if response.status_code == httpx.codes.NOT_MODIFIED and cached is not None:
            return replace(cached, fetched_at=_asked_at(response))
        if response.status_code == httpx.codes.OK:
            return await self._store_document(request, response, body)
        return _refusal(request, response, body.content.lower())

    async def server_responds(self) -> bool:
        """Return whether EDGAR serves `PROBE_PATH`, so that a failure concerns one document and not the server."""
        try:
            async with self._session.stream(self._base_url + PROBE_PATH, {}, stops_early=True) as response:
                return response.is_success
        except TransientError:
            return False

    def _cached(self, request: Request) -> Pointer | None:
        """Return the pointer of the stored document, or None if less of it is stored than the request wants."""
        cached = self._store.pointer(request.url)
        if cached is None or cached.sha256 is None or request.wants_more_than(cached.part):
            return None
        return cached

    def _full_url(self, request: Request) -> str:
        # The SEC serves submissions from data.sec.gov, everything else from www.sec.gov.
        is_data = request.url.startswith("/submissions/")
        return (self._settings.data_url.rstrip("/") if is_data else self._base_url) + request.url

    async def _store_document(self, request: Request, response: httpx.Response, body: Body) -> Pointer:
        if body.whole:
            await asyncio.to_thread(_check, request, body.content)
        return Pointer(
            url=request.url,
            sha256=await asyncio.to_thread(self._store.put, body.content),
            part="whole" if body.whole else request.part,
            n_bytes=len(body.content),
            etag=response.headers.get("etag"),
            last_modified=response.headers.get("last-modified"),
            fetched_at=_asked_at(response),
            refused=None,
        )


def _check(request: Request, content: bytes) -> None:
    """Raise a TransientError for a document that is not what was asked for, or not all of it."""
    try:
        if request.check is not None:
            request.check(content)
    except EdgarFormatError as error:
        raise TransientError(str(error), too_fast=is_too_fast(content)) from error
    # A body can be short although it agrees with its Content-Length, so the request checks the document's own end.
    if request.complete is not None and not request.complete(content):
        reason = f"the document is truncated, or another one: {described(content)}"
        raise TransientError(reason, too_fast=is_too_fast(content))


def _is_error_page_enough(beginning: bytes) -> bool:
    return len(beginning) >= ERROR_PAGE_BYTES


def _asked_at(response: httpx.Response) -> float:
    """Return the Unix time of the answer: by this machine's clock, or the server's if that is much behind it.

    By a clock that is ahead, a list would look final before its quarter is over.
    """
    now = time.time()
    with suppress(ValueError, OverflowError, TypeError, LookupError):
        told = parsedate_to_datetime(response.headers["date"]).timestamp()
        return max(0.0, told) if told < now - CLOCK_LEEWAY else now
    return now


def _refusal(request: Request, response: httpx.Response, page: bytes) -> Pointer:
    """Return the pointer of a document that does not exist; raise for every other failure.

    Parameters
    ----------
    page : bytes
        The error page in lower case.

    Raises
    ------
    EdgarIdentityError
        EDGAR does not accept the user agent.
    TransientError
        The failure may pass.
    """
    status, reason = response.status_code, f"HTTP {response.status_code} {response.reason_phrase}".strip()
    forbidden = status == httpx.codes.FORBIDDEN
    # EDGAR's storage answers 403 with an XML page for some paths that do not exist.
    if status in {httpx.codes.NOT_FOUND, httpx.codes.GONE} or (forbidden and b"<code>accessdenied</code>" in page):
        return request.refused(reason)
    # Checked before the rate: the page about undeclared tools has the title of the one about too many requests.
    if forbidden and b"an undeclared automated tool" in page:
        agent = response.request.headers["user-agent"]
        raise EdgarIdentityError(f"EDGAR rejects the user agent {agent!r} as an undeclared tool")
    if response.has_redirect_location:
        reason += f", a redirect to {response.headers['location'][:200]!a}, which is not followed"
    too_fast = status == httpx.codes.TOO_MANY_REQUESTS or is_too_fast(page)
    raise TransientError(reason, retry_after(response.headers.get("retry-after")), too_fast)


def _validators(cached: Pointer | None) -> dict[str, str]:
    """Return the headers of a conditional request: EDGAR then sends the document only if it has changed.

    A validator that no server should send is left out: the document then comes whole.
    """
    if cached is None:
        return {}
    headers = {"If-None-Match": (cached.etag, ETAG), "If-Modified-Since": (cached.last_modified, HTTP_DATE)}
    return {
        name: value for name, (value, pattern) in headers.items() if isinstance(value, str) and pattern.fullmatch(value)
    }
