"""The HTTP connections to EDGAR, which apply the rate limit at the moment a request is written to the socket."""

import asyncio
from asyncio import Semaphore
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Any, Self

import h2.exceptions
import httpx

from resources.network.rate_limit import RateLimit
from resources.network.retry import TransientError


class HttpSession:
    """Connections to EDGAR; a request waits for the rate limit right before it is sent, not when it is queued.

    Responses that the client may leave early come over HTTP/1.1, one connection each: over HTTP/2, httpcore cannot
    tell the server to stop, and the bytes it goes on sending would stall the connection that all requests share.

    Parameters
    ----------
    timeout : float
        Seconds for opening a connection, and for each read from it.
    answer_timeout : float
        Seconds from the moment a request is sent to the last byte of its answer.
    """

    def __init__(self, identity: str, limit: RateLimit, timeout: float, answer_timeout: float, workers: int) -> None:
        self._limit = limit
        self._answer_timeout = answer_timeout
        self._http2 = _GatedClient(_client(identity, timeout, workers, http2=True), max_in_flight=1)
        self._http1 = _GatedClient(_client(identity, timeout, workers, http2=False), max_in_flight=max(1, workers // 2))
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for gated in (self._http2, self._http1):
            await self._open.enter_async_context(gated.client)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._open.aclose()

    @asynccontextmanager
    async def stream(self, url: str, headers: dict[str, str], stops_early: bool) -> AsyncIterator[httpx.Response]:
        """Send a GET request and yield the response before its body is read.

        Raises
        ------
        TransientError
            There is no response, it breaks off or takes too long, also while the caller reads the body.
        """
        gated = self._http1 if stops_early else self._http2
        try:
            # The clock starts when the request is sent: the wait for the rate limit is not the server's.
            async with asyncio.timeout(None) as clock:
                response = await gated.send(url, headers, self._limit, lambda: self._start(clock))
                try:
                    yield response
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise TransientError(f"the answer took longer than {self._answer_timeout:g} s") from error
        # Some errors of h2 arrive without httpx's wrapping.
        except (httpx.TransportError, h2.exceptions.ProtocolError) as error:
            raise TransientError(str(error) or type(error).__name__) from error

    def _start(self, clock: asyncio.Timeout) -> None:
        clock.reschedule(asyncio.get_running_loop().time() + self._answer_timeout)


class _GatedClient:
    """A client with at most `max_in_flight` requests between here and the socket.

    Over HTTP/2 it must be one: httpcore picks a stream's number before it reports that it is about to send, so two
    requests that wait there would get the same number. Over HTTP/1.1 more are allowed, so that several connections are
    opened at once.
    """

    def __init__(self, client: httpx.AsyncClient, max_in_flight: int) -> None:
        self.client = client
        self._slots = Semaphore(max_in_flight)

    async def send(
        self, url: str, headers: dict[str, str], limit: RateLimit, on_send: Callable[[], None]
    ) -> httpx.Response:
        with ExitStack() as slot:
            await self._slots.acquire()
            slot.callback(self._slots.release)
            hook = _SendHook(limit, on_send, slot.close)
            request = self.client.build_request("GET", url, headers=headers, extensions={"trace": hook})
            return await self.client.send(request, stream=True)


class _SendHook:
    """The trace hook that httpcore calls at every step of a request.

    Only GET requests count: through a proxy, httpcore first sends a CONNECT request for the tunnel.
    """

    def __init__(self, limit: RateLimit, on_send: Callable[[], None], release_slot: Callable[[], None]) -> None:
        self._limit = limit
        self._on_send = on_send
        self._release_slot = release_slot
        self._sent = False

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith(".send_request_headers.started") and info["request"].method == b"GET":
            if self._sent:  # httpcore is about to repeat the request by itself; the caller decides about retries
                raise httpx.RemoteProtocolError("the server closed the connection before it answered")
            await self._limit.acquire()
            self._on_send()
            self._sent = True
        elif event.endswith(".send_request_headers.complete") and self._sent:
            self._release_slot()


def _client(identity: str, timeout: float, workers: int, http2: bool) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        # As bytes: httpx allows only ASCII in a string, and names have other letters. gzip alone, because `read_body`
        # decodes the raw bytes itself.
        headers={b"user-agent": identity.encode(), b"accept-encoding": b"gzip"},
        http2=http2,
        # A redirect would be a request past the rate limit, and to whatever host the answer names.
        follow_redirects=False,
        # No limit on the wait for a free connection: it says nothing about whether the server responds.
        timeout=httpx.Timeout(timeout, pool=None),
        limits=httpx.Limits(max_connections=workers),
    )
