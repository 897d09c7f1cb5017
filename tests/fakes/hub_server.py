"""A small data set hub over real HTTP: what huggingface_hub asks for when it resolves, lists and downloads."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from fakes.serving import Serving

Files = dict[str, bytes]
Show = Callable[[str, str, Files], "Answer"]
"""From name, commit and files to what is sent."""


@dataclass
class ServedDataset:
    """All commits of a data set, and which of them its branches are at."""

    gated: bool = False
    """Files are refused to everyone; the hub shows the list of files nevertheless."""
    commits: dict[str, Files] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def at(self, revision: str) -> tuple[str, Files] | None:
        """Commit and files of a branch or commit."""
        commit = self.branches.get(revision, revision)
        return (commit, self.commits[commit]) if commit in self.commits else None


@dataclass(frozen=True)
class Answer:
    """What goes over the wire."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)


class HubServer(Serving):
    """Context manager: serves in threads of its own until it is left. `log` holds method, path and status."""

    def __init__(self) -> None:
        self.datasets: dict[str, ServedDataset] = {}
        self.log: list[tuple[str, str, int]] = []
        super().__init__(_Http(self))

    def push(self, name: str, files: Files, branch: str = "main") -> str:
        """Commit these files and nothing else to a branch; returns the commit's SHA."""
        dataset = self.datasets.setdefault(name, ServedDataset())
        known = repr([len(dataset.commits), sorted(files.items())])
        commit = hashlib.sha1(known.encode()).hexdigest()
        dataset.commits[commit] = dict(files)
        dataset.branches[branch] = commit
        return commit

    def downloads(self) -> list[str]:
        """Paths of the files whose content was sent, in order."""
        sent = [path for method, path, status in self.log if method == "GET" and status == 200]
        return [path.split("/resolve/")[1].partition("/")[2] for path in sent if "/resolve/" in path]

    def answer(self, method: str, target: str) -> Answer:
        """What a request gets; it is logged."""
        path = urlsplit(target).path
        answer = self._answer([unquote(part) for part in path.strip("/").split("/")])
        self.log.append((method, unquote(path), answer.status))
        return answer

    def _answer(self, parts: list[str]) -> Answer:
        match parts:
            case ["api", "datasets", owner, name]:
                return self._of(f"{owner}/{name}", "main", _info)
            case ["api", "datasets", owner, name, "revision", revision]:
                return self._of(f"{owner}/{name}", revision, _info)
            case ["api", "datasets", owner, name, "tree", revision]:
                return self._of(f"{owner}/{name}", revision, _tree)
            case ["datasets", owner, name, "resolve", revision, *path]:
                dataset = self.datasets.get(f"{owner}/{name}")
                if dataset and dataset.gated:
                    return _error(HTTPStatus.UNAUTHORIZED, "GatedRepo", f"Access to {owner}/{name} is restricted.")
                return self._of(f"{owner}/{name}", revision, _at("/".join(path)))
        return _error(HTTPStatus.NOT_FOUND, "RepoNotFound", "Not Found")

    def _of(self, name: str, revision: str, show: Show) -> Answer:
        if name not in self.datasets:
            return _error(HTTPStatus.NOT_FOUND, "RepoNotFound", "Repository not found")
        found = self.datasets[name].at(revision)
        if found is None:
            return _error(HTTPStatus.NOT_FOUND, "RevisionNotFound", f"Invalid rev id: {revision}")
        return show(name, *found)


def _info(name: str, commit: str, files: Files) -> Answer:
    told = {"id": name, "sha": commit, "private": False, "siblings": [{"rfilename": path} for path in files]}
    return Answer(json.dumps(told).encode())


def _tree(name: str, commit: str, files: Files) -> Answer:
    entries = [{"type": "file", "oid": _oid(body), "size": len(body), "path": path} for path, body in files.items()]
    folders = sorted({path.rpartition("/")[0] for path in files} - {""})
    entries += [{"type": "directory", "oid": _oid(path.encode()), "size": 0, "path": path} for path in folders]
    return Answer(json.dumps(entries).encode())


def _at(path: str) -> Show:
    def file(name: str, commit: str, files: Files) -> Answer:
        told = {"X-Repo-Commit": commit}
        if path not in files:
            return _error(HTTPStatus.NOT_FOUND, "EntryNotFound", "Entry not found", told)
        return Answer(files[path], headers={**told, "ETag": f'"{_oid(files[path])}"'})

    return file


def _error(status: HTTPStatus, code: str, message: str, headers: dict[str, str] | None = None) -> Answer:
    told = {"X-Error-Code": code, "X-Error-Message": message, **(headers or {})}
    return Answer(json.dumps({"error": message}).encode(), status, told)


def _oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Http"

    def do_GET(self) -> None:
        answer = self.server.hub.answer(self.command, self.path)
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(answer.body)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: HubServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub
