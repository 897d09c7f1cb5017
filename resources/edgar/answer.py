"""What EDGAR answers when it is asked once for one document."""

import asyncio
import time
from dataclasses import replace

import httpx

from resources.edgar.blobs import BlobStore, Pointer
from resources.edgar.body import Body, TooLongError, read_body
from resources.edgar.identity import EdgarIdentityError
from resources.edgar.request import Request
from resources.edgar.send import Sender
from resources.network.retry import TransientError, retry_after
from resources.settings.descriptions import Edgar

ALWAYS_THERE = "/files/company_tickers_exchange.json"


class Fetcher:
    """Asks for one document at a time and stores what it gets."""

    def __init__(self, settings: Edgar, store: BlobStore, sender: Sender) -> None:
        self._settings = settings
        self._base = settings.archive_url.rstrip("/")
        self._store = store
        self._sender = sender

    async def ask(self, request: Request) -> Pointer:
        """One attempt; the document is stored, its pointer is not.

        Raises
        ------
        TransientError
            Another attempt may do better.
        EdgarIdentityError
            EDGAR does not accept who asks.
        """
        known = self._known(request)
        try:
            async with self._sender.answer(
                self._address(request), _conditions(known), stops_early=request.until is not None
            ) as response:
                body = await read_body(response, request.until if response.is_success else None)
        except TooLongError as error:
            return request.refused(str(error))
        if response.status_code == httpx.codes.NOT_MODIFIED and known is not None:
            return replace(known, fetched_at=time.time())
        if response.status_code == httpx.codes.OK:
            return await self._kept(request, response, body)
        return _turned_down(request, response, body.content.lower())

    async def reaches(self) -> bool:
        """Whether EDGAR answers what it can always answer, so that the trouble is one document's."""
        try:
            async with self._sender.answer(self._base + ALWAYS_THERE, {}, stops_early=True) as response:
                return response.is_success
        except TransientError:
            return False

    def _known(self, request: Request) -> Pointer | None:
        """The document that is stored, if it is as much as is wanted."""
        known = self._store.pointer(request.url)
        if known is None or known.sha256 is None or request.wants_more_than(known.part):
            return None
        return known

    def _address(self, request: Request) -> str:
        is_data = request.url.startswith("/submissions/")
        return (self._settings.data_url.rstrip("/") if is_data else self._base) + request.url

    async def _kept(self, request: Request, response: httpx.Response, body: Body) -> Pointer:
        if body.whole and request.complete is not None and not request.complete(body.content):
            raise TransientError("the document was cut short")
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


def _turned_down(request: Request, response: httpx.Response, page: bytes) -> Pointer:
    """The refusal of a document that is not there; raises for what may pass, or is the fetcher's fault."""
    status, reason = response.status_code, f"HTTP {response.status_code} {response.reason_phrase}"
    forbidden = status == httpx.codes.FORBIDDEN
    # EDGAR's storage says 403 of some paths that do not exist, in XML of its own
    if status in {httpx.codes.NOT_FOUND, httpx.codes.GONE} or (forbidden and b"<code>accessdenied</code>" in page):
        return request.refused(reason)
    if forbidden and b"an undeclared automated tool" in page:
        raise EdgarIdentityError(f"EDGAR takes {response.request.headers['user-agent']!r} for an undeclared tool")
    too_fast = status == httpx.codes.TOO_MANY_REQUESTS or b"rate threshold exceeded" in page
    raise TransientError(reason, retry_after(response.headers.get("retry-after")), too_fast)


def _conditions(known: Pointer | None) -> dict[str, str]:
    """Headers that have a document sent only if it changed."""
    told = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified} if known is not None else {}
    return {name: value for name, value in told.items() if value is not None}
