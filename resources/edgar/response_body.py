"""Reads the body of an EDGAR response: no further than wanted or allowed, and with truncated bodies noticed."""

import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import httpx

from resources.network.retry import TransientError

MAX_BODY_BYTES = 200_000_000
"""A longer body, after decompression, is refused, unless a request sets a limit of its own."""
_FIRST_CHECK = 16_384
_MAX_CHECK_STEP = 262_144
_DRAIN_BYTES = 65_536
"""With fewer bytes left on the wire, reading them is cheaper than a new connection."""
_INFLATE_STEP = 262_144
"""Bytes that are decompressed at once: a gzip stream may grow a thousandfold."""


class TooLongError(Exception):
    """A body has too many bytes; the message names the limit."""


@dataclass(frozen=True)
class Body:
    """The decoded bytes, and whether they are the whole body."""

    content: bytes
    whole: bool


async def read_body(
    response: httpx.Response, enough: Callable[[bytes], bool] | None = None, max_bytes: int | None = None
) -> Body:
    """Read a body to its end, or until `enough` returns true for the bytes read so far.

    Raises
    ------
    TransientError
        The body is truncated or cannot be decoded.
    TooLongError
        It has more than `max_bytes` bytes after decompression; `MAX_BODY_BYTES` by default.
    """
    decoder, received, next_check = _decoder(response), bytearray(), _FIRST_CHECK
    limit = MAX_BODY_BYTES if max_bytes is None else max_bytes
    chunks = response.aiter_raw()
    async for chunk in chunks:
        for piece in decoder.decode(chunk):
            received += piece
            # Checked at fixed sizes, not at the ends of chunks, so that a document is always cut at the same byte.
            while enough is not None and len(received) >= next_check:
                beginning = bytes(received[:next_check])
                if enough(beginning):
                    await _drain(response, chunks)
                    return Body(beginning, whole=False)
                next_check = _following_check(next_check)
            if len(received) > limit:
                raise TooLongError(f"longer than {limit:,} bytes")
    decoder.end()
    return Body(bytes(received), whole=True)


def _following_check(size: int) -> int:
    """Return the next size to check at: twice as many bytes at first, later 256 KiB or an eighth more.

    `enough` searches from the start each time, so steps that grow keep checking cheap beside reading.
    """
    return size + min(size, max(_MAX_CHECK_STEP, size // 8))


async def _drain(response: httpx.Response, rest: AsyncIterator[bytes]) -> None:
    """Read the rest of a body if it is short, so that the connection can be used again."""
    length = response.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit() and len(length) < 20):  # over HTTP/2 nobody has checked it
        return
    if 0 <= int(length) - response.num_bytes_downloaded < _DRAIN_BYTES:
        with suppress(httpx.TransportError):  # the wanted bytes are here already
            async for _ in rest:
                pass


class _Identity:
    """A body without compression."""

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk

    def end(self) -> None:
        """Do nothing: the HTTP protocol checks the length."""


class _Gzip:
    """A gzip body of one or more members, as RFC 1952 allows; httpx's own decoder stops after the first.

    Nor does it notice a stream that stops before its end.
    """

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)
        self._begun = False

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the content in pieces of at most `_INFLATE_STEP` bytes, so that a bomb is noticed while it grows."""
        while chunk := self._next_member(chunk) if self._inflate.eof else chunk:
            self._begun = True
            try:
                yield self._inflate.decompress(chunk, _INFLATE_STEP)
            except zlib.error as error:
                raise TransientError(f"the body is not valid gzip: {error}") from error
            chunk = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail

    def end(self) -> None:
        if self._begun and not self._inflate.eof:
            raise TransientError("the body is truncated")

    def _next_member(self, chunk: bytes) -> bytes:
        """Begin the next member, after the zeros that some servers fill up with; return what it begins with."""
        rest = chunk.lstrip(b"\0")
        if rest:
            self._inflate = zlib.decompressobj(wbits=31)
        return rest


def _decoder(response: httpx.Response) -> _Identity | _Gzip:
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise TransientError(f"the body is encoded as {encoding[:40]}, but gzip was requested")
    return _Gzip() if encoding.endswith("gzip") else _Identity()
