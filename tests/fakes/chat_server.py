"""A small OpenAI-compatible endpoint over real HTTP, with answers of its own and faults where asked for."""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fakes.serving import Serving

from assets.features.explainer_prompts import DETECT, EXPLAIN

Brain = Callable[[list[dict[str, str]]], str]
"""From messages to the text of the answer."""
PATH = "/v1/chat/completions"


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    body: dict[str, Any]
    key: str | None
    at: float
    """Of `time.monotonic()`."""


@dataclass(frozen=True)
class Told:
    """What goes over the wire."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None
    """Bytes after which the connection breaks; None: all are sent."""


class ChatServer(Serving):
    """Context manager: serves in threads of its own until it is left, at `url` with `/v1` behind it.

    `faults` are the answers to the next requests, in order: a status with optional Retry-After (`429 1`), `silence`
    (no answer for as long as it serves), `half` (of the body), or `raw ...` (these letters). Without a fault the
    `brain` answers, and `usage` is told where it `counts`.
    """

    def __init__(self, brain: Brain, key: str | None = None) -> None:
        self.brain, self.key = brain, key
        self.counts = True
        self.faults: list[str] = []
        self.always: str | None = None
        self.asked: list[Asked] = []
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        super().__init__(_Http(self))
        self.url = f"{self.url}/v1"

    def __exit__(self, *error: Any) -> None:
        self.stopped.set()
        super().__exit__(*error)

    def answer(self, path: str, body: dict[str, Any], key: str | None) -> Told:
        """What a request gets; it is logged."""
        with self._lock:
            self.asked.append(Asked(body, key, time.monotonic()))
            fault = self.faults.pop(0) if self.faults else self.always
        if path.partition("?")[0] != PATH:
            return _error(404, f"no such page: {path}")
        if self.key is not None and key != f"Bearer {self.key}":
            return _error(401, f"Incorrect API key provided: {key}")
        return self._faulty(fault, body) if fault else self._completion(body)

    def _faulty(self, fault: str, body: dict[str, Any]) -> Told:
        word, _, rest = fault.partition(" ")
        if word == "silence":
            self.stopped.wait()
            return Told(b"", sent=0)
        if word == "half":
            whole = self._completion(body)
            return Told(whole.body, sent=len(whole.body) // 2)
        if word == "raw":
            return Told(rest.encode())
        headers = {"Retry-After": rest} if word == "429" and rest else {}
        headers |= {"Location": rest} if word in {"301", "307"} else {}
        return _error(int(word), "told to fail", headers)

    def _completion(self, body: dict[str, Any]) -> Told:
        text = self.brain(body["messages"])
        told: dict[str, Any] = {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}
        if self.counts:
            prompt = sum(len(message["content"]) // 4 for message in body["messages"])
            told["usage"] = {"prompt_tokens": prompt, "completion_tokens": 1 + len(text) // 4}
        return Told(json.dumps(told).encode())


def knows(word: str) -> Brain:
    """A model that is always right: what it looks for is this word, and it marks this word."""

    def answer(messages: list[dict[str, str]]) -> str:
        instruction, question = (message["content"] for message in messages)
        if instruction == EXPLAIN:
            return json.dumps({"theme": word})
        sought = word if instruction == DETECT else f"<<{word}>>"
        return str([int(sought in line) for line in windows_of(question)])

    return answer


def windows_of(question: str) -> list[str]:
    """The numbered windows of a question."""
    return re.findall(r"^\d+\. (.*)$", question, re.MULTILINE)


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Told:
    return Told(json.dumps({"error": {"message": message}}).encode(), status, headers or {})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Http"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        told = self.server.chat.answer(self.path, body, self.headers.get("Authorization"))
        if told.sent == 0:
            self.close_connection = True
            return
        self.send_response(told.status)
        for name, value in {"Content-Length": str(len(told.body)), **told.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(told.body[: told.sent])
        self.close_connection = self.close_connection or told.sent is not None

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, chat: ChatServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.chat = chat

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may go at any time."""
