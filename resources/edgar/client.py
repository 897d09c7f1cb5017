"""Fetch many EDGAR documents: skip what is stored, retry what fails, give up when EDGAR stops responding.

Each document is stored as it arrives (`resources.edgar.blobs`), so an interrupted run resumes where it stopped.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from resources.edgar.blobs import BlobStore, Pointer
from resources.edgar.fetcher import Fetcher
from resources.edgar.http_session import HttpSession
from resources.edgar.identity import identity
from resources.edgar.request import Request
from resources.network.rate_limit import RateLimit
from resources.network.retry import RetryPolicy, ServerStatus, TransientError, apply_retry_after
from resources.settings.descriptions import Edgar

WORKERS = 8
"""Requests in flight at once."""


class EdgarError(RuntimeError):
    """EDGAR does not respond; the documents fetched so far are kept."""


def fetch_all(
    settings: Edgar,
    root: Path,
    requests: Iterable[Request],
    progress: Callable[[int], None] = lambda n: None,
    policy: RetryPolicy | None = None,
) -> dict[str, Pointer]:
    """Return the pointer of each address, fetching only what `BlobStore(root)` does not have.

    A document that does not exist, or fails while others succeed, gets a pointer whose `refused` gives the reason.
    `progress` is called with 1 for each finished request.

    Raises
    ------
    EdgarIdentityError
        A document must be fetched and no identity is set, or EDGAR does not accept it.
    EdgarError
        EDGAR does not respond.
    BlobError
        A document cannot be stored.
    """
    store = BlobStore(root)
    store.remove_stale_temporaries()
    wanted = list(requests)
    found, to_fetch = _split_stored(store, wanted, progress)
    if to_fetch:
        found |= asyncio.run(_FetchRun(settings, store, progress, policy or RetryPolicy()).fetch(to_fetch))
    return {request.url: found[request.url] for request in wanted}


def _split_stored(
    store: BlobStore, wanted: list[Request], progress: Callable[[int], None]
) -> tuple[dict[str, Pointer], list[Request]]:
    """Return the stored pointers, and the requests to send: one per address, for the largest part that is wanted."""
    found: dict[str, Pointer] = {}
    to_fetch: dict[str, Request] = {}
    for request in wanted:
        stored, other = store.pointer(request.url), to_fetch.get(request.url)
        if stored is not None and request.is_satisfied_by(stored):
            found[request.url] = stored
        elif other is None or request.wants_more_than(other.part):
            to_fetch[request.url] = request
        if request.url in found or other is not None:
            progress(1)
    return found, list(to_fetch.values())


class _FetchRun:
    """One call of `fetch_all`: the state that its workers share."""

    def __init__(self, settings: Edgar, store: BlobStore, progress: Callable[[int], None], policy: RetryPolicy) -> None:
        self._settings = settings
        self._store = store
        self._progress = progress
        self._policy = policy
        self._identity = identity(settings)
        self._limit = RateLimit(store.root / "rate-limit", settings.requests_per_second)
        self._status = ServerStatus(policy)
        self._found: dict[str, Pointer] = {}

    async def fetch(self, requests: list[Request]) -> dict[str, Pointer]:
        """Fetch all requests, `WORKERS` at a time; an error that concerns more than one document ends the run."""
        queue = iter(requests)
        timeouts = self._policy.timeout, self._policy.answer_timeout
        async with HttpSession(self._identity, self._limit, *timeouts, WORKERS) as session:
            fetcher = Fetcher(self._settings, self._store, session)
            workers = [asyncio.create_task(self._work(fetcher, queue)) for _ in range(WORKERS)]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        return self._found

    async def _work(self, fetcher: Fetcher, queue: Iterator[Request]) -> None:
        for request in queue:
            pointer = await self._fetch_with_retries(fetcher, request)
            await asyncio.to_thread(self._store.point, pointer)
            self._found[request.url] = pointer
            self._progress(1)

    async def _fetch_with_retries(self, fetcher: Fetcher, request: Request) -> Pointer:
        """Fetch one document; refuse it for now if it alone keeps failing while EDGAR responds."""
        failures = 0
        while True:
            try:
                pointer = await fetcher.fetch(request)
            except TransientError as failure:
                failures += 1
                self._status.record_failure()
                if failures >= self._policy.attempts and await fetcher.server_responds():
                    self._status.record_success()
                    return request.refused(f"{failures} attempts failed, the last with: {failure}", for_now=True)
                await self._wait(failure, failures)
            else:
                self._status.record_success()
                return pointer

    async def _wait(self, failure: TransientError, failures: int) -> None:
        """Wait before the next attempt; if EDGAR reported too many requests, all processes wait."""
        if self._status.is_down:
            raise self._give_up(f"has not answered for {self._status.seconds_since_success:.0f} s ({failure})")
        wait = self._policy.wait(failures)
        if too_long := apply_retry_after(failure, self._limit, wait):
            raise self._give_up(too_long)
        await asyncio.sleep(wait)

    def _give_up(self, why: str) -> EdgarError:
        where = f"{self._settings.archive_url} or {self._settings.data_url}"
        return EdgarError(f"EDGAR {why}, at {where}; fetched documents are kept; run the same command again")
