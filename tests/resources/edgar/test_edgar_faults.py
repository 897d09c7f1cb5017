"""The fake EDGAR fails as configured: how often, where, and how it looks on the wire."""

import socket
import zlib
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest
from fakes.edgar_server import EdgarServer, Faults, ServedFiling

POLITE = {"User-Agent": "Jane Doe jane@example.com"}
SMALL = [
    ServedFiling(9, "SMALL CO", "10-K", date(2003, 3, day), f"0000000009-03-{day:06}", b"%d " % day * 2000)
    for day in range(1, 11)
]
PATHS = [f"/Archives/{filing.path}" for filing in SMALL]


def outcomes(faults: Faults, requests: int) -> list[int | str]:
    with EdgarServer(SMALL, faults=faults, limit=None) as server, httpx.Client(headers=POLITE) as client:
        for number in range(requests):
            ask(client, server.url + PATHS[number % len(PATHS)])
        return [logged.status for logged in server.log]


def ask(client: httpx.Client, url: str) -> httpx.Response | Exception:
    try:
        return client.get(url)
    except httpx.HTTPError as error:
        return error


def one_fault(kind: str, **faults: Any) -> httpx.Response | Exception:
    with EdgarServer(SMALL, faults=Faults(1.0, (kind,), **faults)) as server, httpx.Client(headers=POLITE) as client:
        return ask(client, server.url + PATHS[0])


def test_faults_come_in_the_share_that_was_asked_for() -> None:
    kinds = ("429", "503", "403", "reset", "half", "cut", "torn")
    counts = Counter(str(status) for status in outcomes(Faults(0.3, kinds, seed=1), 600))
    assert 0.25 < 1 - counts["200"] / 600 < 0.35
    assert set(counts) == {"200", *kinds}
    assert min(counts[kind] for kind in kinds) > 10


def test_the_same_seed_makes_the_same_faults() -> None:
    faults = Faults(0.5, seed=7)
    assert outcomes(faults, 40) == outcomes(faults, 40) != outcomes(replace(faults, seed=8), 40)


def test_faults_keep_to_the_paths_they_are_meant_for() -> None:
    with EdgarServer(SMALL, faults=Faults(1.0, ("503",), where="/full-index/")) as server:
        index = server.url + "/Archives/edgar/full-index/2003/QTR1/master.idx"
        assert [httpx.get(url, headers=POLITE).status_code for url in (index, server.url + PATHS[0])] == [503, 200]


@pytest.mark.parametrize("kind", ["429", "503"])
def test_retry_after_is_told_in_whole_seconds_where_it_is_set(kind: str) -> None:
    silent, told = one_fault(kind), one_fault(kind, retry_after=1.5)
    assert isinstance(silent, httpx.Response) and isinstance(told, httpx.Response)
    assert silent.status_code == told.status_code == int(kind)
    assert "retry-after" not in silent.headers
    assert told.headers["retry-after"] == "2"


def test_the_page_about_too_many_requests_does_not_speak_of_undeclared_tools() -> None:
    answer = one_fault("403")
    assert isinstance(answer, httpx.Response)
    assert "Request Rate Threshold Exceeded" in answer.text
    assert "Undeclared" not in answer.text


def test_a_reset_breaks_the_connection_in_the_middle_of_the_body() -> None:
    head, body, ended = _raw_answer("reset")
    assert f"content-length: {len(SMALL[0].content)}" in head
    assert 0 < len(body) < len(SMALL[0].content)
    assert ended == "reset"


def test_half_a_body_ends_before_its_length() -> None:
    head, body, ended = _raw_answer("half")
    assert f"content-length: {len(SMALL[0].content)}" in head
    assert body == SMALL[0].content[: len(SMALL[0].content) // 2]
    assert ended == "end"


def test_a_cut_body_agrees_with_its_length() -> None:
    head, body, _ = _raw_answer("cut")
    assert f"content-length: {len(SMALL[0].content) // 2}" in head
    assert body == SMALL[0].content[: len(SMALL[0].content) // 2]
    packed = one_fault("cut")
    assert isinstance(packed, httpx.Response)
    assert packed.content == body


def test_a_torn_body_is_a_gzip_stream_without_its_end() -> None:
    with (
        EdgarServer(SMALL, faults=Faults(1.0, ("torn",))) as server,
        httpx.stream("GET", server.url + PATHS[0], headers=POLITE) as answer,
    ):
        packed = b"".join(answer.iter_raw())
    unpacking = zlib.decompressobj(31)
    assert SMALL[0].content.startswith(unpacking.decompress(packed))
    assert int(answer.headers["content-length"]) == len(packed)
    assert not unpacking.eof


def _raw_answer(kind: str) -> tuple[str, bytes, str]:
    """Head, body and end of a faulty answer, as they come over the wire."""
    with EdgarServer(SMALL, faults=Faults(1.0, (kind,))) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as wire:
            wire.sendall(f"GET {PATHS[0]} HTTP/1.1\r\nUser-Agent: a@b.c\r\nConnection: close\r\n\r\n".encode())
            received, ended = _all_from(wire)
    head, _, body = received.partition(b"\r\n\r\n")
    return head.decode().lower(), body, ended


def _all_from(wire: socket.socket) -> tuple[bytes, str]:
    received = b""
    while True:
        try:
            chunk = wire.recv(65536)
        except ConnectionResetError:
            return received, "reset"
        if not chunk:
            return received, "end"
        received += chunk


def test_faults_can_change_while_the_server_runs() -> None:
    with EdgarServer(SMALL) as server, httpx.Client(headers=POLITE) as client:
        server.faults = Faults(1.0, ("503",))
        assert client.get(server.url + PATHS[0]).status_code == 503
        server.faults = Faults()
        assert client.get(server.url + PATHS[0]).status_code == 200
