"""Connections to EDGAR, on which the limiter is asked at the send itself."""

from asyncio import Semaphore
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Any, Self

import h2.exceptions
import httpx

from resources.network.rate_limit import RateLimit
from resources.network.retry import TransientError


class Sender:
    """Connections to EDGAR, in which a request waits for the limiter when it is about to be sent, not before.

    Bodies that may be left early come over HTTP/1.1, one connection each: over HTTP/2, httpcore has no way to tell the
    server to stop, and what it goes on sending would stall the connection that all share.
    """

    def __init__(self, identity: str, limit: RateLimit, timeout: float, workers: int) -> None:
        self._limit = limit
        self._shared = _Line(_client(identity, timeout, workers, http2=True), max_in_flight=1)
        self._own = _Line(_client(identity, timeout, workers, http2=False), max_in_flight=max(1, workers // 2))
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for line in (self._shared, self._own):
            await self._open.enter_async_context(line.client)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._open.aclose()

    @asynccontextmanager
    async def answer(self, url: str, headers: dict[str, str], stops_early: bool) -> AsyncIterator[httpx.Response]:
        """Send a request; yields the response, its body not yet read.

        Raises
        ------
        TransientError
            There is no answer, or it broke off; raised inside the context too.
        """
        line = self._own if stops_early else self._shared
        try:
            response = await line.send(url, headers, self._limit)
            try:
                yield response
            finally:
                await response.aclose()
        except (httpx.TransportError, h2.exceptions.ProtocolError) as error:
            raise TransientError(str(error) or type(error).__name__) from error


class _Line:
    """A client in which so many requests at a time may be on their way to the send.

    Over HTTP/2 that has to be one: httpcore picks the number of a stream before it tells us that it is about to send,
    so two that wait there would have the same one. Over HTTP/1.1 some, so that connections are made side by side.
    """

    def __init__(self, client: httpx.AsyncClient, max_in_flight: int) -> None:
        self.client = client
        self._turn = Semaphore(max_in_flight)

    async def send(self, url: str, headers: dict[str, str], limit: RateLimit) -> httpx.Response:
        with ExitStack() as held:
            await self._turn.acquire()
            held.callback(self._turn.release)
            sent = _AtSend(limit, held.close)
            request = self.client.build_request("GET", url, headers=headers, extensions={"trace": sent})
            return await self.client.send(request, stream=True)


class _AtSend:
    """What httpcore calls at every step of a request; the request for a tunnel through a proxy does not count."""

    def __init__(self, limit: RateLimit, give_turn: Callable[[], None]) -> None:
        self._limit = limit
        self._give_turn = give_turn
        self._sent = False

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith(".send_request_headers.started") and info["request"].method == b"GET":
            if self._sent:
                raise httpx.RemoteProtocolError("the server closed the connection before it answered")
            await self._limit.acquire()
            self._sent = True
        elif event.endswith(".send_request_headers.complete") and self._sent:
            self._give_turn()


def _client(identity: str, timeout: float, workers: int, http2: bool) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        headers={b"user-agent": identity.encode(), b"accept-encoding": b"gzip"},
        http2=http2,
        timeout=httpx.Timeout(timeout, pool=None),
        limits=httpx.Limits(max_connections=workers),
    )
