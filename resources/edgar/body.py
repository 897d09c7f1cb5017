"""The body of an answer, read no further than wanted, and noticed where it is cut short."""

import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

import httpx

from resources.network.retry import TransientError

LONGEST_BODY = 200_000_000
"""Bytes of a decoded body above which a document is refused."""
_FIRST_LOOK = 16_384
_LOOK_STEP = 262_144
_NEARLY_OVER = 65_536
"""Bytes left on the wire that are read rather than the connection given up."""


class TooLongError(Exception):
    """A body has too many bytes; the message says how many are allowed."""


@dataclass(frozen=True)
class Body:
    """What arrived, and whether that is all there is."""

    content: bytes
    whole: bool


async def read_body(response: httpx.Response, enough: Callable[[bytes], bool] | None = None) -> Body:
    """Read a body to its end, or until `enough` of its beginning says that more is not wanted.

    `enough` is asked at fixed sizes, whatever pieces arrive: the same document is always cut at the same place.

    Raises
    ------
    TransientError
        The body broke off or cannot be decoded.
    TooLongError
        It has more than `LONGEST_BODY` bytes.
    """
    decoder, arrived, look = _decoder(response), bytearray(), _FIRST_LOOK
    pieces = response.aiter_raw()
    async for piece in pieces:
        arrived += decoder.decode(piece)
        while enough is not None and len(arrived) >= look:
            beginning = bytes(arrived[:look])
            if enough(beginning):
                await _finish(response, pieces)
                return Body(beginning, whole=False)
            look = _next_look(look)
        if len(arrived) > LONGEST_BODY:
            raise TooLongError(f"longer than {LONGEST_BODY:,} bytes")
    decoder.end()
    return Body(bytes(arrived), whole=True)


def _next_look(look: int) -> int:
    """Twice as many bytes at first, later 256 KiB or an eighth more: looking stays cheap beside reading."""
    return look + min(look, max(_LOOK_STEP, look // 8))


async def _finish(response: httpx.Response, rest: AsyncIterator[bytes]) -> None:
    """Read what little is left, so that the connection can be used again."""
    length = response.headers.get("content-length")
    if length is not None and int(length) - response.num_bytes_downloaded < _NEARLY_OVER:
        with suppress(httpx.TransportError):  # what was wanted is here
            async for _ in rest:
                pass


class _Plain:
    """A body as it is."""

    def decode(self, piece: bytes) -> bytes:
        return piece

    def end(self) -> None:
        """Its length is checked by the protocol."""


class _Gzip:
    """A compressed body; httpx's own decoder would not notice that one stops before its end."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)
        self._begun = False

    def decode(self, piece: bytes) -> bytes:
        self._begun = True
        try:
            return self._inflate.decompress(piece)
        except zlib.error as error:
            raise TransientError(f"the answer is no gzip: {error}") from error

    def end(self) -> None:
        if self._begun and not self._inflate.eof:
            raise TransientError("the answer was cut short")


def _decoder(response: httpx.Response) -> _Plain | _Gzip:
    encoding = response.headers.get("content-encoding", "identity").lower()
    if encoding not in {"identity", "gzip"}:
        raise TransientError(f"the answer is encoded as {encoding}, gzip was asked for")
    return _Gzip() if encoding == "gzip" else _Plain()
