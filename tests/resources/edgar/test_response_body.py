"""Whatever chunks a body arrives in, it is decoded and cut at the same place, and a missing end is noticed."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.edgar.response_body import Body, read_body
from resources.network.retry import TransientError

CONTENT = b"".join(b"%07d\n" % number for number in range(60_000))


class Chunks(httpx.AsyncByteStream):
    def __init__(self, content: bytes, size: int) -> None:
        self.content, self.size, self.read = content, size, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), self.size):
            self.read += 1
            yield self.content[start : start + self.size]


def answer(content: bytes, size: int = 5000, **headers: str) -> tuple[httpx.Response, Chunks]:
    chunks = Chunks(content, size)
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, headers=told, stream=chunks), chunks


@given(size=st.integers(1000, 300_000), wanted=st.integers(0, len(CONTENT)), packed=st.booleans())
def test_the_cut_does_not_depend_on_the_chunks(size: int, wanted: int, packed: bool) -> None:
    content = gzip.compress(CONTENT, 1) if packed else CONTENT
    response, _ = answer(content, size, content_encoding="gzip" if packed else "identity")
    body = asyncio.run(read_body(response, lambda beginning: len(beginning) >= wanted))
    cuts = [16384, 32768, 65536, 131072, 262144]
    expected = next((cut for cut in cuts if cut >= wanted), len(CONTENT))
    assert body == Body(CONTENT[:expected], whole=expected == len(CONTENT))


@given(cut=st.integers(1, 20_000))
def test_a_gzip_stream_without_its_end_is_an_error(cut: int) -> None:
    packed = gzip.compress(CONTENT, 1)
    response, _ = answer(packed[:-cut], content_encoding="gzip")
    with pytest.raises(TransientError, match="truncated"):
        asyncio.run(read_body(response))


def test_an_empty_body_is_valid_gzip() -> None:
    response, _ = answer(b"", content_encoding="gzip")
    assert asyncio.run(read_body(response)) == Body(b"", whole=True)


def test_a_body_that_is_not_gzip_is_an_error() -> None:
    response, _ = answer(CONTENT, content_encoding="gzip")
    with pytest.raises(TransientError, match="not valid gzip"):
        asyncio.run(read_body(response))


def test_an_encoding_that_was_not_requested_is_an_error() -> None:
    response, _ = answer(CONTENT, content_encoding="br")
    with pytest.raises(TransientError, match="encoded as br"):
        asyncio.run(read_body(response))


@pytest.mark.parametrize(("length", "read"), [(16384 + 60_000, 8), (len(CONTENT), 2)])
def test_a_connection_is_reused_if_little_of_the_body_is_left(length: int, read: int) -> None:
    response, chunks = answer(CONTENT[:length], 10_000, content_length=str(length))
    body = asyncio.run(read_body(response, lambda beginning: True))
    assert len(body.content) == 16384
    assert chunks.read == read
