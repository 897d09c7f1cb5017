"""An answer has a limit in bytes and in seconds, leads to no other host, and comes whole or not at all."""

import gzip
import itertools
import time
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from edgar_process import QUICK, settings
from fakes.lying_server import Lie, LyingServer, answer, drips, gzip_bomb, members, numbered, sends

from resources.edgar import EdgarError, Request, RetryPolicy, fetch_all
from resources.edgar.blobs import BlobStore, Pointer
from resources.edgar.fetcher import PROBE_PATH

DOCUMENT = "/Archives/edgar/data/1/0000000001-04-000001.txt"
TEXT = b"a report\n" * 3000
IMPATIENT = replace(QUICK, attempts=2, answer_timeout=0.4)
WELL = sends(answer(b"{}"))
PLAIN = Request(DOCUMENT)


def fetched(root: Path, lie: Lie, policy: RetryPolicy = IMPATIENT, request: Request = PLAIN) -> Pointer:
    with LyingServer({DOCUMENT: lie, PROBE_PATH: WELL}) as server:
        return fetch_all(settings(server.url), root, [request], policy=policy)[request.url]


@pytest.mark.parametrize(
    "lie",
    [
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drips(b"HTTP/1.1 200 OK\r\n", b"X-Header: x\r\n"),
        drips(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        drips(b"HTTP/1.1 404 Not Found\r\nContent-Length: 1000000\r\n\r\n"),
    ],
    ids=["body", "chunks", "headers", "early hints", "error page"],
)
def test_an_answer_that_never_ends_is_given_up(tmp_path: Path, lie: Lie) -> None:
    pointer = fetched(tmp_path, lie)
    assert pointer.refused == "2 attempts failed, the last with: the answer took longer than 0.4 s"
    assert BlobStore(tmp_path).pointer(DOCUMENT) == pointer
    assert pointer.fetched_at == 0  # it is asked for again


def test_the_wait_for_the_rate_limit_is_not_the_servers(tmp_path: Path) -> None:
    paths = [f"/Archives/edgar/data/{number}/0000000001-04-000001.txt" for number in range(9)]
    with LyingServer({}, sends(answer(b"a report"))) as server:
        slow = settings(server.url).model_copy(update={"requests_per_second": 5})
        found = fetch_all(slow, tmp_path, [Request(path) for path in paths], policy=replace(QUICK, answer_timeout=1.0))
    assert {pointer.refused for pointer in found.values()} == {None}


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    packed = gzip_bomb(50_000_000)
    assert len(packed) < 100_000
    lie = sends(answer(packed, Content_Encoding="gzip"))
    assert (
        fetched(tmp_path, lie, request=Request(DOCUMENT, max_bytes=1_000_000)).refused == "longer than 1,000,000 bytes"
    )


def test_a_bomb_in_an_error_page_is_read_no_further_than_its_words(tmp_path: Path) -> None:
    lie = sends(answer(gzip_bomb(50_000_000), 404, Content_Encoding="gzip"))
    assert fetched(tmp_path, lie, request=Request(DOCUMENT, max_bytes=1_000_000)).refused == "HTTP 404 Told"


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "gzip, gzip"])
def test_an_encoding_that_was_not_requested_is_unpacked_by_nobody(tmp_path: Path, encoding: str) -> None:
    body = {"deflate": zlib.compress(b"\0" * 1_000_000), "gzip, gzip": members(gzip_bomb(1_000_000))}
    pointer = fetched(tmp_path, sends(answer(body.get(encoding, b"\x0b\x02\x80"), Content_Encoding=encoding)))
    assert f"the body is encoded as {encoding}, but gzip was requested" in str(pointer.refused)


@pytest.mark.parametrize("padding", [b"", b"\0" * 512])
def test_every_member_of_a_gzip_body_is_read(tmp_path: Path, padding: bytes) -> None:
    packed = members(TEXT[:1000], TEXT[1000:], b"", b"the end") + padding
    pointer = fetched(tmp_path, sends(answer(packed, Content_Encoding="gzip")))
    assert BlobStore(tmp_path).get(str(pointer.sha256)) == TEXT + b"the end"


@pytest.mark.parametrize("end", [b"junk", members(b"another")[:-6]])
def test_what_follows_a_member_and_is_none_is_an_error(tmp_path: Path, end: bytes) -> None:
    pointer = fetched(tmp_path, sends(answer(gzip.compress(TEXT) + end, Content_Encoding="gzip")))
    assert str(pointer.refused).startswith("2 attempts failed, the last with: the body is ")


def test_a_redirect_is_named_and_not_followed(tmp_path: Path) -> None:
    with LyingServer({}, sends(answer(TEXT))) as other:
        pointer = fetched(tmp_path, sends(answer(b"", 302, Location=f"{other.url}/private")))
        assert other.log == []
    assert f"HTTP 302 Told, a redirect to '{other.url}/private', which is not followed" in str(pointer.refused)


def test_a_redirect_loop_sends_no_request_past_the_rate_limit(tmp_path: Path) -> None:
    with LyingServer({PROBE_PATH: WELL}, sends(answer(b"", 301, Location=DOCUMENT))) as server:
        fetch_all(settings(server.url), tmp_path, [Request(DOCUMENT)], policy=replace(IMPATIENT, attempts=5))
    assert len(server.log) == 6
    gaps = [after - before for (_, before), (_, after) in itertools.pairwise(server.log)]
    assert sum(gaps) > 0.9 * 5 / 9


@pytest.mark.parametrize("etag", ["\xe9", "no quotes", '"' + "x" * 5000 + '"', "\x80\xff", '"a" "b"', '"²"'])
def test_an_etag_of_any_content_is_no_error(tmp_path: Path, etag: str) -> None:
    lie = sends(answer(TEXT, ETag=etag, Last_Modified=etag))
    for _ in range(2):
        assert fetched(tmp_path, lie, request=Request(DOCUMENT, max_age=-1)).refused is None


@pytest.mark.parametrize("wait", ["²", "9" * 5000, "Fri, 01 Mar 99999999999 12:00:00 GMT", "\xff", "1e999", "-1", ""])
def test_a_retry_after_of_any_content_is_no_error(tmp_path: Path, wait: str) -> None:
    lie = numbered(sends(answer(b"", 503, Retry_After=wait)), sends(answer(TEXT)))
    try:
        assert fetched(tmp_path, lie).refused is None
    except EdgarError as error:  # of a wait that is too long
        assert "asks clients to wait for more than a year" in str(error)


def test_an_answer_is_as_old_as_the_earlier_of_two_clocks_says(tmp_path: Path) -> None:
    behind = fetched(tmp_path / "behind", sends(answer(TEXT, Date="Fri, 01 Mar 2024 12:00:00 GMT")))
    assert behind.fetched_at == 1_709_294_400
    for date in ("Fri, 01 Mar 2999 12:00:00 GMT", "²", "Fri, 01 Mar 99999999999 12:00:00 GMT", ""):
        before = time.time()
        pointer = fetched(tmp_path / repr(date), sends(answer(TEXT, Date=date)))
        assert before <= pointer.fetched_at <= time.time()


def test_a_list_from_the_future_is_asked_for_again(tmp_path: Path) -> None:
    pointer = fetched(tmp_path, sends(answer(TEXT)))
    BlobStore(tmp_path).point(replace(pointer, fetched_at=time.time() + 1e9))
    again = fetched(tmp_path, sends(answer(b"a new one")), request=Request(DOCUMENT, max_age=3600))
    assert BlobStore(tmp_path).get(str(again.sha256)) == b"a new one"
    assert again.fetched_at <= time.time()


def test_a_list_that_is_too_long_is_asked_for_again_a_filing_is_not(tmp_path: Path) -> None:
    lie, limit = sends(answer(b"x" * 2000)), 1000
    filing = fetched(tmp_path / "filing", lie, request=Request(DOCUMENT, max_bytes=limit))
    listed = fetched(tmp_path / "list", lie, request=Request(DOCUMENT, max_bytes=limit, check=len))
    assert filing.refused == listed.refused == "longer than 1,000 bytes"
    assert filing.fetched_at > 0 == listed.fetched_at
