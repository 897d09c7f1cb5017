"""A small EDGAR over real HTTP: indexes, ticker lists, submissions and filings, with faults where asked for."""

import hashlib
import math
import random
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Literal

from fakes.edgar_formats import (
    ServedCompany,
    ServedFiling,
    company_tickers,
    company_tickers_exchange,
    master_index,
    older_submissions,
    submissions,
)
from fakes.edgar_wire import Answer, Wire, page
from fakes.serving import Serving

__all__ = ["EdgarServer", "Faults", "Logged", "ServedCompany", "ServedFiling"]

TOO_FAST = "Request Rate Threshold Exceeded"
UNDECLARED = "Your Request Originates from an Undeclared Automated Tool"
FIRST_QUARTER = (1993, 1)
FIRST_VERSION = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Faults:
    """Which requests go wrong, and how.

    Kinds: `429`, `503`, `404`, `403` (EDGAR's page about too many requests); `reset` (RST in the middle of the body),
    `half` (half of the body, then the end, against its Content-Length); `cut` (half of the content with all headers
    right, so that only the content tells), `torn` (half of the body as encoded: a gzip stream without its end).
    Refusals (no address, too fast) draw no fault, and answers without a body (304) stay as they are.
    """

    share: float = 0.0
    """Of the requests."""
    kinds: tuple[str, ...] = ("429", "503", "reset", "half")
    """All as likely."""
    retry_after: float = 0.0
    """Seconds, told with 429 and 503 in whole ones; 0 tells nothing."""
    seed: int = 0
    where: str = ""
    """Only paths that contain this can go wrong."""


@dataclass(frozen=True)
class Logged:
    """One request as it arrived, and what it got."""

    path: str
    at: float
    """Of `time.monotonic()`."""
    status: int | str
    """HTTP status, or the kind of fault where the status was fine."""
    user_agent: str
    headers: dict[str, str]
    """Names in lower case."""


class EdgarServer(Serving):
    """Context manager: serves in threads of its own until it is left.

    `filings`, `companies`, `faults`, `replaced` and `replaced_once` may be changed while it runs: `replaced` (path ->
    body) is sent with status 200 in place of what is there, `replaced_once` (path -> bodies) at the next requests only.
    More than `limit` requests in any one second get a 429. A company's newest `recent` filings are in its submissions,
    the others in older pages. What does not exist is answered with `absent`: the real EDGAR says 404 of most paths, of
    others 403 in the words of its storage.
    """

    def __init__(
        self,
        filings: Iterable[ServedFiling],
        companies: Iterable[ServedCompany] = (),
        faults: Faults = Faults(),
        limit: int | None = 10,
        recent: int = 1000,
        index_dates: str = "%Y-%m-%d",
        absent: Literal[403, 404] = 404,
        port: int = 0,
    ) -> None:
        self.filings = list(filings)
        self.companies = list(companies)
        self.faults = faults
        self.limit = limit
        self.recent = recent
        self.index_dates = index_dates
        self.absent = absent
        self.replaced: dict[str, bytes] = {}
        self.replaced_once: dict[str, list[bytes]] = {}
        self.log: list[Logged] = []
        self._versions: dict[str, tuple[str, datetime]] = {}
        self._lock = threading.Lock()
        super().__init__(Wire(self.answer, port))

    @property
    def faults(self) -> Faults:
        """Faults from now on; setting them starts their generator anew."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults, self._random = faults, random.Random(faults.seed)

    def answer(self, path: str, headers: dict[str, str]) -> Answer:
        """What a request gets; it is logged with its time of arrival."""
        with self._lock:
            at = time.monotonic()
            answer = self._refusal(path, headers, at) or self._document(path, headers)
            if answer.fault and not answer.body:
                answer = replace(answer, fault=None)
            status = answer.fault or answer.status
            self.log.append(Logged(path, at, status, headers.get("user-agent", ""), headers))
        return answer

    def _refusal(self, path: str, headers: dict[str, str], at: float) -> Answer | None:
        if not re.search(r"\S@\S+\.\S", headers.get("user-agent", "")):
            return page(403, TOO_FAST, UNDECLARED)
        if self.limit is not None and self._arrived_since(at - 1) >= self.limit:
            return page(429, TOO_FAST, TOO_FAST)
        return None

    def _arrived_since(self, since: float) -> int:
        count = 0
        for logged in reversed(self.log):
            if logged.at <= since:
                break
            count += 1
        return count

    def _document(self, path: str, headers: dict[str, str]) -> Answer:
        fault = self._fault(path)
        if fault in {"403", "429", "503"}:
            return self._faulty_status(fault)
        body = self._replacement(path)
        body = self._body(path) if body is None else body
        if body is None or fault == "404":
            return replace(_absence(self.absent), fault=fault)
        tag, modified = self._version(path, body)
        told = {"ETag": tag, "Last-Modified": format_datetime(modified, usegmt=True), "Content-Type": _type(path)}
        if _is_known(headers, tag, modified):
            return Answer(304, b"", told)
        return Answer(200, body, told, fault)

    def _fault(self, path: str) -> str | None:
        """One draw decides whether, and which."""
        if self.faults.where not in path:
            return None
        draw, share = self._random.random(), self.faults.share
        return self.faults.kinds[int(draw / share * len(self.faults.kinds))] if draw < share else None

    def _faulty_status(self, fault: str) -> Answer:
        if fault == "403":
            return page(403, TOO_FAST, TOO_FAST)
        told = {"Retry-After": str(math.ceil(self.faults.retry_after))} if self.faults.retry_after else {}
        title = TOO_FAST if fault == "429" else "Site Temporarily Unavailable"
        return page(int(fault), title, title, told)

    def _version(self, path: str, body: bytes) -> tuple[str, datetime]:
        """ETag and last change; each change counts as one second later than the one before."""
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        before = self._versions.get(path)
        if before is None:
            self._versions[path] = tag, FIRST_VERSION
        elif before[0] != tag:
            self._versions[path] = tag, before[1] + timedelta(seconds=1)
        return self._versions[path]

    def _replacement(self, path: str) -> bytes | None:
        once = self.replaced_once.get(path)
        return once.pop(0) if once else self.replaced.get(path)

    def _body(self, path: str) -> bytes | None:
        if found := re.fullmatch(r"/Archives/edgar/full-index/(\d{4})/QTR([1-4])/master\.idx", path):
            return self._index(int(found[1]), int(found[2]))
        if path.startswith("/Archives/edgar/data/"):
            return next((f.content for f in self.filings if path == f"/Archives/{f.path}"), None)
        if found := re.fullmatch(r"/submissions/CIK(\d{10})(?:-submissions-(\d{3}))?\.json", path):
            return self._submissions(int(found[1]), int(found[2] or 0))
        if path == "/files/company_tickers_exchange.json":
            return company_tickers_exchange(self.companies)
        return company_tickers(self.companies) if path == "/files/company_tickers.json" else None

    def _index(self, year: int, quarter: int) -> bytes | None:
        if FIRST_QUARTER <= (year, quarter) <= _this_quarter():
            return master_index(self.filings, year, quarter, self.index_dates)
        return None

    def _submissions(self, cik: int, older: int) -> bytes | None:
        filed = [f for f in self.filings if f.cik == cik]
        if older:
            return older_submissions(filed, self.recent, older)
        known = [c for c in self.companies if c.cik == cik] or [_company(f) for f in filed[-1:]]
        return submissions(known[0], filed, self.recent) if known else None


def _is_known(headers: dict[str, str], tag: str, modified: datetime) -> bool:
    if "if-none-match" in headers:
        return tag in headers["if-none-match"]
    since = headers.get("if-modified-since")
    return since is not None and parsedate_to_datetime(since) >= modified


def _absence(status: int) -> Answer:
    if status == 403:
        xml = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        return Answer(403, xml.encode(), {"Content-Type": "application/xml"})
    return page(404, "404 Not Found", "There is no such document")


def _type(path: str) -> str:
    return "application/json" if path.endswith(".json") else "text/plain"


def _company(filing: ServedFiling) -> ServedCompany:
    return ServedCompany(filing.cik, filing.name, (), "", "", "")


def _this_quarter() -> tuple[int, int]:
    today = datetime.now(UTC)
    return today.year, (today.month + 2) // 3
