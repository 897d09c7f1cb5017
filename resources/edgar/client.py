"""Many documents at once: what is stored is not asked for, what fails is asked for again, until there is no hope.

Every answer is stored as it arrives (`resources.edgar.blobs`), so a run that was interrupted goes on where it stopped.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from resources.edgar.answer import Fetcher
from resources.edgar.blobs import BlobStore, Pointer
from resources.edgar.identity import identity
from resources.edgar.request import Request
from resources.edgar.send import Sender
from resources.network.rate_limit import RateLimit
from resources.network.retry import Contact, RetryPolicy, TransientError, apply_retry_after
from resources.settings.descriptions import Edgar

WORKERS = 8


class EdgarError(RuntimeError):
    """EDGAR does not answer; what was fetched is kept."""


def fetch_all(
    settings: Edgar,
    root: Path,
    requests: Iterable[Request],
    progress: Callable[[int], None] = lambda n: None,
    policy: RetryPolicy | None = None,
) -> dict[str, Pointer]:
    """Return what each address answered, asking EDGAR only for what `BlobStore(root)` does not have.

    A document that is not there, or cannot be had while others can, is a pointer that says why it was refused.
    `progress` is called with 1 for each request that is done.

    Raises
    ------
    EdgarIdentityError
        Something has to be asked for and nobody is named, or EDGAR does not accept the name.
    EdgarError
        EDGAR does not answer at all.
    BlobError
        A document cannot be stored.
    """
    store = BlobStore(root)
    store.tidy()
    wanted = list(requests)
    found, asked = _sorted_out(store, wanted, progress)
    if asked:
        found |= asyncio.run(_Fetch(settings, store, progress, policy or RetryPolicy()).all(asked))
    return {request.url: found[request.url] for request in wanted}


def _sorted_out(
    store: BlobStore, wanted: list[Request], progress: Callable[[int], None]
) -> tuple[dict[str, Pointer], list[Request]]:
    """What is known, and what has to be asked for: each address once, for the most that is wanted of it."""
    found: dict[str, Pointer] = {}
    asked: dict[str, Request] = {}
    for request in wanted:
        known, other = store.pointer(request.url), asked.get(request.url)
        if known is not None and request.is_answered_by(known):
            found[request.url] = known
        elif other is None or request.wants_more_than(other.part):
            asked[request.url] = request
        if request.url in found or other is not None:
            progress(1)
    return found, list(asked.values())


class _Fetch:
    """What the workers of one `fetch_all` share."""

    def __init__(self, settings: Edgar, store: BlobStore, progress: Callable[[int], None], policy: RetryPolicy) -> None:
        self._settings = settings
        self._store = store
        self._progress = progress
        self._policy = policy
        self._identity = identity(settings)
        self._limit = RateLimit(store.root / "rate-limit", settings.requests_per_second)
        self._contact = Contact(policy)
        self._found: dict[str, Pointer] = {}

    async def all(self, asked: list[Request]) -> dict[str, Pointer]:
        """Ask for everything, `WORKERS` at a time; the first error that is not one document's ends them all."""
        todo = iter(asked)
        async with Sender(self._identity, self._limit, self._policy.timeout, WORKERS) as sender:
            fetcher = Fetcher(self._settings, self._store, sender)
            workers = [asyncio.create_task(self._work(fetcher, todo)) for _ in range(WORKERS)]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        return self._found

    async def _work(self, fetcher: Fetcher, todo: Iterator[Request]) -> None:
        for request in todo:
            pointer = await self._retry(fetcher, request)
            await asyncio.to_thread(self._store.point, pointer)
            self._found[request.url] = pointer
            self._progress(1)

    async def _retry(self, fetcher: Fetcher, request: Request) -> Pointer:
        """Ask until there is an answer, or until this document alone has none: then it is refused for now."""
        failures = 0
        while True:
            try:
                pointer = await fetcher.ask(request)
            except TransientError as failure:
                failures += 1
                self._contact.failed()
                if failures >= self._policy.attempts and await fetcher.reaches():
                    self._contact.answered()
                    return request.refused(f"{failures} attempts failed, the last one: {failure}", for_now=True)
                await self._wait(failure, failures)
            else:
                self._contact.answered()
                return pointer

    async def _wait(self, failure: TransientError, failures: int) -> None:
        """Wait before asking again; where the server complained of the rate, all processes do."""
        if self._contact.lost:
            raise self._given_up(f"has not answered for {self._contact.silent_for:.0f} s ({failure})")
        wait = self._policy.wait(failures)
        if too_much := apply_retry_after(failure, self._limit, wait):
            raise self._given_up(too_much)
        await asyncio.sleep(wait)

    def _given_up(self, why: str) -> EdgarError:
        where = f"{self._settings.archive_url} or {self._settings.data_url}"
        return EdgarError(f"EDGAR {why}, at {where}; what was fetched is kept; run the same command again")
