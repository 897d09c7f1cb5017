"""Over HTTP/2, too, the rate limit applies at each send, and requests share a connection without getting mixed up."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import httpx
import pytest
from edgar_process import QUICK, most_in_a_second, recorded, settings

from resources.edgar import Request, fetch_all, http_session
from resources.edgar.blobs import BlobStore

Connection = h2.connection.H2Connection


class Http2Server:
    """Answers every path with the path itself after a delay, on any number of streams at once; without TLS."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.connections, self.open_streams, self.most_open_streams = 0, 0, 0
        self.arrivals: list[float] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        tasks = set()
        while arrived := await reader.read(65536):
            for event in connection.receive_data(arrived):
                if isinstance(event, h2.events.RequestReceived):
                    tasks.add(asyncio.create_task(self.answer(connection, writer, event)))
            writer.write(connection.data_to_send())
        writer.close()

    async def answer(
        self, connection: Connection, writer: asyncio.StreamWriter, event: h2.events.RequestReceived
    ) -> None:
        self.arrivals.append(time.monotonic())
        self.open_streams += 1
        self.most_open_streams = max(self.most_open_streams, self.open_streams)
        await asyncio.sleep(self.delay)
        assert event.headers is not None
        (path,) = [value for name, value in event.headers if name == b":path"]
        connection.send_headers(event.stream_id, [(":status", "200")])
        connection.send_data(event.stream_id, path, end_stream=True)
        writer.write(connection.data_to_send())
        self.open_streams -= 1


@pytest.fixture
def http2(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Http2Server, str]]:
    """A server, and clients that speak HTTP/2 at once, because without TLS there is no negotiation."""
    monkeypatch.setattr(http_session, "_client", lambda *told, http2: httpx.AsyncClient(http1=not http2, http2=http2))
    server, loop = Http2Server(0.4), asyncio.new_event_loop()
    listening = loop.run_until_complete(asyncio.start_server(server.serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    for task in asyncio.all_tasks(loop):
        task.cancel()
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
    loop.close()


def test_http2_streams_run_side_by_side_within_the_limit(http2: tuple[Http2Server, str], tmp_path: Path) -> None:
    server, url = http2
    wanted = [Request(f"/submissions/CIK{number:010}.json") for number in range(12)]
    with recorded("httpcore.http2") as sends:
        found = fetch_all(settings(url), tmp_path, wanted, policy=QUICK)
    store = BlobStore(tmp_path)
    assert {path: store.get(str(pointer.sha256)).decode() for path, pointer in found.items()} == {
        request.url: request.url for request in wanted
    }
    assert len(sends.at) == len(server.arrivals) == 12
    assert most_in_a_second(sends.at) <= 9
    assert server.connections == 1
    assert server.most_open_streams > 1
