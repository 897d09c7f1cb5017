"""One attempt at one EDGAR document: send the request, store the document, classify the failure."""

import asyncio
import time
from dataclasses import replace

import httpx

from resources.edgar.blobs import BlobStore, Pointer
from resources.edgar.http_session import HttpSession
from resources.edgar.identity import EdgarIdentityError
from resources.edgar.request import Request
from resources.edgar.response_body import Body, TooLongError, read_body
from resources.network.retry import TransientError, retry_after
from resources.settings.descriptions import Edgar

PROBE_PATH = "/files/company_tickers_exchange.json"
"""A document that EDGAR always has; the probe asks for it to tell one bad document from a server that is down."""


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
                # An error page is read whole: `until` looks for parts of a report, and the page tells the errors apart.
                body = await read_body(response, request.until if response.is_success else None)
        except TooLongError as error:
            return request.refused(str(error))
        if response.status_code == httpx.codes.NOT_MODIFIED and cached is not None:
            return replace(cached, fetched_at=time.time())
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
        # A body can be short although it agrees with its Content-Length, so the request checks the document's own end.
        if body.whole and request.complete is not None and not request.complete(body.content):
            raise TransientError("the document is truncated")
        return Pointer(
            url=request.url,
            sha256=await asyncio.to_thread(self._store.put, body.content),
            part="whole" if body.whole else request.part,
            n_bytes=len(body.content),
            etag=response.headers.get("etag"),
            last_modified=response.headers.get("last-modified"),
            fetched_at=time.time(),
            refused=None,
        )


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
    status, reason = response.status_code, f"HTTP {response.status_code} {response.reason_phrase}"
    forbidden = status == httpx.codes.FORBIDDEN
    # EDGAR's storage answers 403 with an XML page for some paths that do not exist.
    if status in {httpx.codes.NOT_FOUND, httpx.codes.GONE} or (forbidden and b"<code>accessdenied</code>" in page):
        return request.refused(reason)
    # Checked before the rate: the page about undeclared tools has the title of the one about too many requests.
    if forbidden and b"an undeclared automated tool" in page:
        agent = response.request.headers["user-agent"]
        raise EdgarIdentityError(f"EDGAR rejects the user agent {agent!r} as an undeclared tool")
    too_fast = status == httpx.codes.TOO_MANY_REQUESTS or b"rate threshold exceeded" in page
    raise TransientError(reason, retry_after(response.headers.get("retry-after")), too_fast)


def _validators(cached: Pointer | None) -> dict[str, str]:
    """Return the headers of a conditional request: EDGAR then sends the document only if it has changed."""
    headers = {"If-None-Match": cached.etag, "If-Modified-Since": cached.last_modified} if cached is not None else {}
    return {name: value for name, value in headers.items() if value is not None}
