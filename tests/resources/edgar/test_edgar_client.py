"""The client keeps to the rate limit, fetches nothing twice, and delivers whole documents whatever fails on the way."""

import hashlib
import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Literal

import pytest
from edgar_process import QUICK, is_complete, most_in_a_second, recorded, settings, start
from fakes.edgar_server import EdgarServer, Faults, Logged, ServedFiling
from peerlens_command import environment

from resources.edgar import EdgarError, EdgarIdentityError, Request, RetryPolicy, fetch_all
from resources.edgar.blobs import BlobStore, Pointer
from resources.edgar.identity import IDENTITY_VARIABLE

HASTY = RetryPolicy(first_wait=0.01, longest_wait=0.02, startup_timeout=0.2, outage_timeout=0.2, timeout=5)
INDEX = "/Archives/edgar/full-index/2004/QTR1/master.idx"
EVERY_KIND = ("429", "503", "403", "reset", "half", "cut", "torn")


def filings(count: int, lines: int = 50) -> list[ServedFiling]:
    made = []
    for number in range(count):
        draw = random.Random(number)
        text = b"\n".join(b"%x" % draw.getrandbits(240) for _ in range(lines))
        accession = f"9999999999-04-{number:06}"
        made.append(
            ServedFiling(9000001, "Example Inc", "10-K", date(2004, 3, 1), accession, text + b"</SEC-DOCUMENT>")
        )
    return made


def paths(served: Sequence[ServedFiling]) -> list[str]:
    return [f"/Archives/{filing.path}" for filing in served]


def requests(served: Sequence[ServedFiling]) -> list[Request]:
    return [Request(path, complete=is_complete) for path in paths(served)]


def digests(served: Sequence[ServedFiling]) -> dict[str, str]:
    return {f"/Archives/{filing.path}": hashlib.sha256(filing.content).hexdigest() for filing in served}


def stored(root: Path, served: Sequence[ServedFiling]) -> dict[str, str]:
    """Digest of every document that is there, each read and checked."""
    store, found = BlobStore(root), {}
    for path in paths(served):
        known = store.pointer(path)
        if known and known.sha256:
            found[path] = hashlib.sha256(store.get(known.sha256)).hexdigest()
    return found


def one(server: EdgarServer, root: Path, request: Request) -> Pointer:
    return fetch_all(settings(server.url), root, [request], policy=HASTY)[request.url]


@pytest.fixture
def server() -> Iterator[EdgarServer]:
    with EdgarServer(filings(3)) as serving:
        yield serving


def check_faults(root: Path, served: list[ServedFiling]) -> None:
    faults = Faults(share=0.3, kinds=EVERY_KIND, seed=5)
    with EdgarServer(served, faults=faults) as server, recorded() as sends:
        found = fetch_all(settings(server.url), root, requests(served), policy=QUICK)
    assert {path: pointer.sha256 for path, pointer in found.items()} == digests(served) == stored(root, served)
    assert {str(logged.status) for logged in server.log} >= {"200", *EVERY_KIND}
    assert len(sends.at) == len(server.log)
    assert most_in_a_second(sends.at) <= 9


def test_faults_lose_nothing_and_never_break_the_limit(tmp_path: Path) -> None:
    check_faults(tmp_path, filings(40))


@pytest.mark.slow
def test_faults_lose_nothing_of_larger_documents(tmp_path: Path) -> None:
    check_faults(tmp_path, filings(200, lines=5000))


def test_two_processes_share_one_limit(tmp_path: Path) -> None:
    served = filings(20)
    with EdgarServer(served, faults=Faults(share=0.2, kinds=("503", "reset"))) as server:
        files, gate = [tmp_path / "first", tmp_path / "second"], tmp_path / "gate"
        asked = [paths(served)[:10], paths(served)[10:]]
        started = [
            start(server.url, tmp_path, urls, file, environment(tmp_path), gate)
            for urls, file in zip(asked, files, strict=True)
        ]
        while not all(file.exists() or process.poll() for file, process in zip(files, started, strict=True)):
            time.sleep(0.001)
        gate.touch()
        assert [process.wait(60) for process in started] == [0, 0], [process.communicate() for process in started]
    times = [[float(line) for line in file.read_text().split()] for file in files]
    assert stored(tmp_path, served) == digests(served)
    assert times[0][0] < times[1][-1]  # they ran side by side
    assert times[1][0] < times[0][-1]
    assert most_in_a_second(times[0] + times[1]) <= 9


def check_kills(root: Path, kills: int, count: int) -> None:
    served, draw = filings(count, lines=500), random.Random(0)
    with EdgarServer(served) as server:
        for attempt in range(kills):
            committed, asked = set(stored(root, served)), len(server.log)
            process = start(server.url, root, paths(served), root / f"{attempt}.sends", environment(root))
            while len(server.log) == asked and process.poll() is None:
                time.sleep(0.001)
            time.sleep(draw.uniform(0, 0.35))
            process.kill()
            process.communicate()
            assert committed.isdisjoint(logged.path for logged in server.log[asked:])
        committed, asked = set(stored(root, served)), len(server.log)
        assert 0 < len(committed) < count
        process = start(server.url, root, paths(served), root / "last.sends", environment(root))
        assert process.wait(120) == 0, process.communicate()
        assert committed.isdisjoint(logged.path for logged in server.log[asked:])
    assert stored(root, served) == digests(served)
    assert len(server.log) <= count + 8 * kills


def test_a_fetch_killed_at_any_moment_resumes(tmp_path: Path) -> None:
    check_kills(tmp_path, kills=4, count=20)


@pytest.mark.slow
def test_a_fetch_killed_twenty_times_resumes(tmp_path: Path) -> None:
    check_kills(tmp_path, kills=20, count=150)


def test_an_interrupt_ends_at_once_and_keeps_the_documents(tmp_path: Path) -> None:
    served = filings(200)
    with EdgarServer(served) as server:
        process = start(server.url, tmp_path, paths(served), tmp_path / "sends", environment(tmp_path))
        while len(server.log) < 5:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=300)[1]
    assert told.strip().endswith("KeyboardInterrupt")
    assert "never retrieved" not in told
    assert stored(tmp_path, served).items() <= digests(served).items()
    assert not list(tmp_path.glob("tmp/*"))


@pytest.mark.parametrize(
    "told", [None, "", "Jane Doe", "jane@example.com", "Jane Doe jane@localhost", "Jane j@x.de\nA: b"]
)
def test_without_an_identity_no_request_is_sent(
    server: EdgarServer, tmp_path: Path, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(IDENTITY_VARIABLE, raising=False)
    anonymous = settings(server.url).model_copy(update={"identity": told})
    with pytest.raises(EdgarIdentityError, match=r"descriptions.edgar.identity .* PEERLENS_EDGAR_IDENTITY.*'Jane Doe"):
        fetch_all(anonymous, tmp_path, requests(server.filings))
    assert server.log == []


def test_the_identity_may_come_from_the_environment(
    server: EdgarServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(IDENTITY_VARIABLE, "Jörg Müller GmbH joerg@example.de")
    anonymous = settings(server.url).model_copy(update={"identity": None})
    fetch_all(anonymous, tmp_path, requests(server.filings)[:1])
    assert server.log[0].user_agent.encode("latin-1").decode() == "Jörg Müller GmbH joerg@example.de"


def test_a_rejected_identity_ends_the_run_at_once(
    server: EdgarServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resources.edgar.client.identity", lambda _: "nobody")
    with pytest.raises(EdgarIdentityError, match="rejects the user agent 'nobody' as an undeclared tool"):
        fetch_all(settings(server.url), tmp_path, requests(server.filings)[:1])
    assert len(server.log) == 1


def test_retry_after_pauses_every_process(tmp_path: Path) -> None:
    served = filings(60)
    with EdgarServer(served) as server:
        asked = [paths(served)[:30], paths(served)[30:]]
        started = [
            start(server.url, tmp_path, urls, tmp_path / name, environment(tmp_path))
            for urls, name in zip(asked, ("first", "second"), strict=True)
        ]
        while not all(file.exists() for file in (tmp_path / "first", tmp_path / "second")):
            time.sleep(0.01)
        server.faults = Faults(share=1.0, kinds=("429",), retry_after=4)
        while all(logged.status != 429 for logged in server.log):
            time.sleep(0.001)
        server.faults = Faults()
        while len({logged.path in asked[0] for logged in since_the_last_refusal(server)}) < 2:
            assert any(process.poll() is None for process in started)
            time.sleep(0.01)
        for process in started:
            process.kill()
            process.communicate()
    refused = [logged.at for logged in server.log if logged.status == 429][-1]
    assert since_the_last_refusal(server)[0].at >= refused + 4


def since_the_last_refusal(server: EdgarServer) -> list[Logged]:
    """What arrived later than what was on its way when the last 429 was sent."""
    refused = [logged.at for logged in server.log if logged.status == 429][-1]
    return [logged for logged in server.log if logged.at > refused + 1.5]


def test_a_document_older_than_max_age_is_fetched_again(server: EdgarServer, tmp_path: Path) -> None:
    first = one(server, tmp_path, Request(INDEX, max_age=3600))
    assert one(server, tmp_path, Request(INDEX, max_age=3600)) == first
    again = one(server, tmp_path, Request(INDEX, max_age=0))
    assert [logged.status for logged in server.log] == [200, 304]
    assert (again.sha256, again.n_bytes) == (first.sha256, first.n_bytes)
    assert again.fetched_at > first.fetched_at
    server.filings += filings(4)[3:]
    changed = one(server, tmp_path, Request(INDEX, max_age=0))
    assert server.log[-1].status == 200
    assert changed.sha256 != first.sha256
    assert BlobStore(tmp_path).get(str(first.sha256)) in BlobStore(tmp_path).get(str(changed.sha256)) + b"\n"


def test_expired_lists_and_refusals_are_fetched_again_filings_are_not(server: EdgarServer, tmp_path: Path) -> None:
    wanted = [*requests(server.filings)[:1], Request(INDEX), Request("/Archives/edgar/data/1/gone.txt")]
    for _ in range(2):
        fetch_all(settings(server.url), tmp_path, wanted)
    assert len(server.log) == 3
    BlobStore(tmp_path).expire()
    for _ in range(2):
        fetch_all(settings(server.url), tmp_path, wanted)
    assert sorted((logged.path, logged.status) for logged in server.log[3:]) == [
        ("/Archives/edgar/data/1/gone.txt", 404),
        (INDEX, 304),
    ]


@pytest.mark.parametrize("absent", [404, 403])
def test_a_missing_document_is_refused_with_the_reason_and_not_fetched_again(
    tmp_path: Path, absent: Literal[403, 404]
) -> None:
    with EdgarServer(filings(1), absent=absent) as server:
        gone = Request("/Archives/edgar/data/1/gone.txt")
        pointer = one(server, tmp_path, gone)
        assert pointer.sha256 is None
        assert pointer.refused in {"HTTP 404 Not Found", "HTTP 403 Forbidden"}
        assert one(server, tmp_path, gone) == pointer
    assert len(server.log) == 1


def test_a_document_that_fails_while_others_do_not_is_refused(server: EdgarServer, tmp_path: Path) -> None:
    server.faults = Faults(share=1.0, kinds=("503",), where=paths(server.filings)[0])
    found = fetch_all(settings(server.url), tmp_path, requests(server.filings), policy=HASTY)
    bad, *good = found.values()
    assert bad.refused == "8 attempts failed, the last with: HTTP 503 Service Unavailable"
    assert all(pointer.refused is None for pointer in good)
    assert len(server.log) == 8 + 1 + 2
    server.faults = Faults()
    again = fetch_all(settings(server.url), tmp_path, requests(server.filings), policy=HASTY)
    assert all(pointer.refused is None for pointer in again.values())


@pytest.mark.parametrize("kind", ["503", "cut"])
def test_one_bad_document_alone_does_not_fail_the_run(server: EdgarServer, tmp_path: Path, kind: str) -> None:
    server.faults = Faults(share=1.0, kinds=(kind,), where="/data/")
    (pointer,) = fetch_all(settings(server.url), tmp_path, requests(server.filings)[:1], policy=HASTY).values()
    assert (pointer.refused or "").startswith("8 attempts failed")


@pytest.mark.parametrize("kind", ["403", "503", "reset"])
def test_a_block_in_the_middle_of_a_run_refuses_nothing(tmp_path: Path, kind: str) -> None:
    with EdgarServer(filings(16)) as server:

        def block() -> None:
            while len(server.log) < 4:
                time.sleep(0.01)
            server.faults = Faults(share=1.0, kinds=(kind,))
            time.sleep(3)
            server.faults = Faults()

        blocking = threading.Thread(target=block)
        blocking.start()
        long_outage = replace(QUICK, outage_timeout=60)
        found = fetch_all(settings(server.url), tmp_path, requests(server.filings), policy=long_outage)
        blocking.join()
    assert [pointer.refused for pointer in found.values()] == [None] * 16


@pytest.mark.parametrize("kind", ["503", "half"])
def test_a_server_that_serves_nothing_ends_the_run(server: EdgarServer, tmp_path: Path, kind: str) -> None:
    server.faults = Faults(share=1.0, kinds=(kind,))
    with pytest.raises(EdgarError, match=r"EDGAR has not answered for .*; fetched documents are kept; run the same"):
        fetch_all(settings(server.url), tmp_path, requests(server.filings), policy=HASTY)
    server.faults = Faults()
    fetch_all(settings(server.url), tmp_path, requests(server.filings), policy=HASTY)
    assert stored(tmp_path, server.filings) == digests(server.filings)


def test_an_unreachable_server_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(EdgarError, match="EDGAR has not answered"):
        fetch_all(settings("http://127.0.0.1:9"), tmp_path, requests(filings(3)), policy=HASTY)


def test_a_wait_of_days_ends_the_run(server: EdgarServer, tmp_path: Path) -> None:
    server.faults = Faults(share=1.0, kinds=("429",), retry_after=2 * 86400)
    with pytest.raises(EdgarError, match=r"asks clients to wait 48\.0 hours.*run the same command again"):
        one(server, tmp_path, requests(server.filings)[0])


def test_reading_stops_where_enough_has_arrived_always_at_the_same_place(tmp_path: Path) -> None:
    served = filings(2, lines=60_000)  # 3.6 MB
    looks: list[int] = []

    def arrived(content: bytes) -> bool:
        looks.append(len(content))
        return len(content) >= 100_000

    with EdgarServer(served) as server:
        for root in (tmp_path / "a", tmp_path / "b"):
            pointer = one(server, root, Request(paths(served)[0], "document", until=arrived, complete=is_complete))
            assert (pointer.part, pointer.n_bytes) == ("document", 131072)
            assert BlobStore(root).get(str(pointer.sha256)) == served[0].content[:131072]
    assert looks == [16384, 32768, 65536, 131072] * 2


def test_a_stored_part_satisfies_smaller_requests_only(tmp_path: Path) -> None:
    served = filings(1, lines=10_000)
    path = paths(served)[0]
    header = Request(path, "header", until=lambda content: True)
    document = Request(path, "document", until=lambda content: len(content) > 50_000)
    with EdgarServer(served) as server:
        sizes = [one(server, tmp_path, asked).n_bytes for asked in (header, header, document, header, document)]
        assert sizes == [16384, 16384, 65536, 65536, 65536]
        assert one(server, tmp_path, Request(path)).sha256 == digests(served)[path]
        assert one(server, tmp_path, document).part == "whole"
    assert len(server.log) == 3


def test_a_document_that_ends_before_enough_has_arrived_is_whole(server: EdgarServer, tmp_path: Path) -> None:
    pointer = one(server, tmp_path, Request(paths(server.filings)[0], "document", until=lambda content: False))
    assert pointer.part == "whole"


def test_an_address_is_fetched_once_for_the_largest_part(server: EdgarServer, tmp_path: Path) -> None:
    path, done = paths(server.filings)[0], list[int]()
    wanted = [Request(path, "header", until=lambda content: True), Request(path), Request(path)]
    found = fetch_all(settings(server.url), tmp_path, wanted, done.append)
    assert found[path].part == "whole"
    assert len(server.log) == 1
    assert done == [1, 1, 1]


def test_progress_counts_what_is_stored_too(server: EdgarServer, tmp_path: Path) -> None:
    fetch_all(settings(server.url), tmp_path, requests(server.filings)[:2])
    done: list[int] = []
    fetch_all(settings(server.url), tmp_path, requests(server.filings), done.append)
    assert done == [1] * 3


def test_stored_documents_need_neither_server_nor_identity(server: EdgarServer, tmp_path: Path) -> None:
    found = fetch_all(settings(server.url), tmp_path, requests(server.filings))
    nobody = settings("http://127.0.0.1:9").model_copy(update={"identity": None})
    assert fetch_all(nobody, tmp_path, requests(server.filings)) == found


def test_a_document_that_never_ends_is_refused(
    server: EdgarServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resources.edgar.response_body.MAX_BODY_BYTES", 1000)
    pointer = one(server, tmp_path, requests(server.filings)[0])
    assert pointer.refused == "longer than 1,000 bytes"
