"""Reads the body of an EDGAR response: no further than wanted, and with truncated bodies noticed."""

import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

import httpx

from resources.network.retry import TransientError

MAX_BODY_BYTES = 200_000_000
"""A longer body, decoded, is refused."""
_FIRST_CHECK = 16_384
_MAX_CHECK_STEP = 262_144
_DRAIN_BYTES = 65_536
"""With fewer bytes left on the wire, reading them is cheaper than a new connection."""


class TooLongError(Exception):
    """A body has too many bytes; the message names the limit."""


@dataclass(frozen=True)
class Body:
    """The decoded bytes, and whether they are the whole body."""

    content: bytes
    whole: bool


async def read_body(response: httpx.Response, enough: Callable[[bytes], bool] | None = None) -> Body:
    """Read a body to its end, or until `enough` returns true for the bytes read so far.

    Raises
    ------
    TransientError
        The body is truncated or cannot be decoded.
    TooLongError
        It has more than `MAX_BODY_BYTES` bytes.
    """
    decoder, received, next_check = _decoder(response), bytearray(), _FIRST_CHECK
    chunks = response.aiter_raw()
    async for chunk in chunks:
        received += decoder.decode(chunk)
        # Checked at fixed sizes, not at the ends of chunks, so that a document is always cut at the same byte.
        while enough is not None and len(received) >= next_check:
            beginning = bytes(received[:next_check])
            if enough(beginning):
                await _drain(response, chunks)
                return Body(beginning, whole=False)
            next_check = _following_check(next_check)
        if len(received) > MAX_BODY_BYTES:
            raise TooLongError(f"longer than {MAX_BODY_BYTES:,} bytes")
    decoder.end()
    return Body(bytes(received), whole=True)


def _following_check(size: int) -> int:
    """Return the next size to check at: twice as many bytes at first, later 256 KiB or an eighth more.

    `enough` searches from the start each time, so steps that grow keep checking cheap beside reading.
    """
    return size + min(size, max(_MAX_CHECK_STEP, size // 8))


async def _drain(response: httpx.Response, rest: AsyncIterator[bytes]) -> None:
    """Read the rest of a body if it is short, so that the connection can be used again."""
    length = response.headers.get("content-length")
    if length is not None and int(length) - response.num_bytes_downloaded < _DRAIN_BYTES:
        with suppress(httpx.TransportError):  # the wanted bytes are here already
            async for _ in rest:
                pass


class _Identity:
    """A body without compression."""

    def decode(self, chunk: bytes) -> bytes:
        return chunk

    def end(self) -> None:
        """Do nothing: the HTTP protocol checks the length."""


class _Gzip:
    """A gzip body. httpx's own decoder does not notice a stream that stops before its end."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)
        self._begun = False

    def decode(self, chunk: bytes) -> bytes:
        self._begun = True
        try:
            return self._inflate.decompress(chunk)
        except zlib.error as error:
            raise TransientError(f"the body is not valid gzip: {error}") from error

    def end(self) -> None:
        if self._begun and not self._inflate.eof:
            raise TransientError("the body is truncated")


def _decoder(response: httpx.Response) -> _Identity | _Gzip:
    encoding = response.headers.get("content-encoding", "identity").lower()
    if encoding not in {"identity", "gzip"}:
        raise TransientError(f"the body is encoded as {encoding}, but gzip was requested")
    return _Gzip() if encoding == "gzip" else _Identity()
