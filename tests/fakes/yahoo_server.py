"""A small Yahoo over real HTTP: charts, cookies, crumbs and the consent page, with faults where asked for."""

import json
import random
import socket
import struct
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from fakes.serving import Serving
from fakes.yahoo_walks import Walk, refusal

__all__ = ["FAULTS", "Logged", "Walk", "YahooServer"]

CHART = "/v8/finance/chart/"
CRUMB = "aB3.crumb/x"
DOWN = b"<html><body>Will be right back...<br>Thank you for your patience.</body></html>"
CONSENT = (
    b"<html><form method='post' action='/v2/collectConsent'><input name='csrfToken' value='t0k'/>"
    b"<input name='sessionId' value='s1'/></form></html>"
)
FAULTS = ("429", "503", "401", "404", "half", "reset", "down", "late", "short")
"""Statuses; `half` of the body, `reset` in the middle of it; `down`: a page instead of JSON; valid JSON that begins too
`late` or stops too `short`."""


@dataclass(frozen=True)
class Logged:
    """One request as it arrived, and what it got."""

    path: str
    params: dict[str, str]
    at: float
    """Of `time.monotonic()`."""
    outcome: int | str
    """HTTP status, or the fault."""

    @property
    def symbol(self) -> str | None:
        """Whose chart was asked for."""
        return unquote(self.path.removeprefix(CHART)) if self.path.startswith(CHART) else None


@dataclass(frozen=True)
class _Answer:
    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    fault: str | None = None


class YahooServer(Serving):
    """Context manager: serves in threads of its own until it is left.

    `today`, `walks`, `next_faults` (symbol -> faults of its next charts, in order), `faults` (symbol -> fault of all
    its charts), `meta` (symbol -> metadata that its charts have in place of the true ones) and `share` (of all charts,
    that have a fault of `kinds`) may be changed while it runs. Where it
    `wants_crumb`, charts without the crumb are refused; crumbs are while `crumbs` is another status than 200.
    A 429 asks to be left alone for `retry_after` seconds, if any.
    """

    def __init__(self, walks: Mapping[str, Walk], today: date, seed: int = 0) -> None:
        self.walks = dict(walks)
        self.today = today
        self.meta: dict[str, dict[str, Any]] = {}
        self.next_faults: dict[str, list[str]] = {}
        self.faults: dict[str, str] = {}
        self.share = 0.0
        self.kinds: tuple[str, ...] = FAULTS[:2]
        self.wants_crumb = False
        self.crumbs = 200
        self.retry_after: int | None = None
        self.log: list[Logged] = []
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        super().__init__(_Http(self))

    def charts(self, symbol: str | None = None) -> list[Logged]:
        """Charts asked for, in order; of one symbol or of all."""
        return [logged for logged in self.log if logged.symbol and symbol in (None, logged.symbol)]

    def answer(self, target: str) -> _Answer:
        """What a request gets; it is logged with its time of arrival."""
        split = urlsplit(target)
        params = dict(parse_qsl(split.query))
        with self._lock:
            at = time.monotonic()
            is_chart = split.path.startswith(CHART)
            answer = self._chart(unquote(split.path[len(CHART) :]), params) if is_chart else self._page(split.path)
            self.log.append(Logged(split.path, params, at, answer.fault or answer.status))
        return answer

    def _page(self, path: str) -> _Answer:
        match path:
            case "/":
                return _Answer(b"", 404, {"Set-Cookie": "A3=d=AQAB; Max-Age=31557600; Path=/"})
            case "/v1/test/getcrumb":
                return _Answer(CRUMB.encode() if self.crumbs == 200 else b"Too Many Requests\r\n", self.crumbs)
            case "/consent" | "/copyConsent" | "/v2/collectConsent":
                return _Answer(CONSENT)
        return _Answer(b"not found", 404)

    def _chart(self, symbol: str, params: Mapping[str, str]) -> _Answer:
        fault = self._fault(symbol)
        if self.wants_crumb and params.get("crumb") != CRUMB:
            fault = "401"
        if fault in {"401", "429", "503"}:
            pause = {"Retry-After": str(self.retry_after)} if fault == "429" and self.retry_after else {}
            return replace(_refused(fault), fault=fault, headers=pause)
        if fault == "down":
            return _Answer(DOWN, fault=fault)
        walk = self.walks.get(symbol)
        if walk is None or fault == "404" or walk.first > self.today:
            return _json(refusal("Not Found", "No data found, symbol may be delisted"), 404, fault)
        start, end = float(params["period1"]), float(params["period2"])
        keep = {"late": slice(15, None), "short": slice(None, -15)}.get(fault or "", slice(None))
        chart = walk.chart(symbol, self.today, start, end, keep)
        chart["chart"]["result"][0]["meta"] |= self.meta.get(symbol, {})
        return _json(chart, 200, fault)

    def _fault(self, symbol: str) -> str | None:
        if self.next_faults.get(symbol):
            return self.next_faults[symbol].pop(0)
        drawn = self._random.random() < self.share
        return self.faults.get(symbol) or (self._random.choice(self.kinds) if drawn else None)


def spread(symbols: Iterable[str], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """Symbol -> fault, drawn so that each fault has its share of the symbols."""
    left = sorted(symbols)
    random.Random(seed).shuffle(left)
    total, faults = len(left), {}
    for fault, share in shares.items():
        faults |= {left.pop(): fault for _ in range(round(share * total))}
    return faults


def _refused(fault: str) -> _Answer:
    match fault:
        case "401":
            return _json({"finance": {"result": None, "error": {"code": "Unauthorized"}}}, 401)
        case "429":
            return _Answer(b"Too Many Requests\r\n", 429)
    return _Answer(b"<html>Service Unavailable</html>", int(fault))


def _json(content: object, status: int, fault: str | None = None) -> _Answer:
    return _Answer(json.dumps(content).encode(), status, {"Content-Type": "application/json"}, fault)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    connection: socket.socket
    server: "_Http"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.server.yahoo.answer(self.path)
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if answer.fault in {"half", "reset"}:
            self._stop_halfway(answer)
        else:
            self.wfile.write(answer.body)

    do_POST = do_GET  # noqa: N815

    def _stop_halfway(self, answer: _Answer) -> None:
        self.wfile.write(answer.body[: len(answer.body) // 2])
        if answer.fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; the log of the fake has it."""


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, yahoo: YahooServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.yahoo = yahoo

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may go at any time."""
