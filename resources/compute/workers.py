"""Many items through a function in processes of their own, where one may take too long or crash without harm."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError as TookTooLongError
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import get_context
from typing import TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
TASKS_A_PROCESS = 500
"""After so many a process is replaced, so that what libraries hoard is let go."""
AHEAD = 4
"""Items that wait for each worker."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Failed:
    """What stands in place of a result."""

    reason: str


def map_in_processes(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    timeout: float,
    workers: int | None = None,
    progress: Callable[[int], None] = lambda n: None,
) -> Iterator[Result | Failed]:
    """What a function returns for every item, in order, as soon as it is known.

    Processes are started afresh, not forked, for the parent has threads; each computes with one thread. What the
    function raises is raised here, and ends all.

    Parameters
    ----------
    function : callable
        At the top level of a module, so that another process can import it.
    timeout : float
        Seconds that one item may take; then its process is killed, and the item is Failed.
    workers : int, optional
        How many processes at most; one for each processor where not given.
    progress : callable, optional
        Called with 1 after every item.
    """
    most, items = workers or os.cpu_count() or 1, iter(items)
    first = list(islice(items, most))
    count = max(1, len(first))  # a process for nothing costs seconds of imports
    pool = ProcessPool(count, max_tasks=TASKS_A_PROCESS, initializer=_one_thread, context=get_context("spawn"))
    try:
        scheduled = (pool.schedule(function, args=(item,), timeout=timeout) for item in chain(first, items))
        waiting = deque(islice(scheduled, AHEAD * count))
        while waiting:
            outcome = _outcome(waiting.popleft(), timeout)
            waiting.extend(islice(scheduled, 1))
            progress(1)
            yield outcome
    finally:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def _outcome(future: ProcessFuture[Result], timeout: float) -> Result | Failed:
    try:
        return future.result()
    except TookTooLongError:
        return Failed(f"took longer than {timeout:g} s")
    except ProcessExpired as error:
        return Failed(f"its process crashed (exit status {error.exitcode})")


def _one_thread() -> None:
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
