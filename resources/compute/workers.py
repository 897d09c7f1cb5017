"""Map a function over many items in separate processes, so that one slow or crashing item harms no other."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from multiprocessing import get_context
from typing import TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
MAX_TASKS_PER_PROCESS = 500
"""A process is replaced after this many items, to free the memory that libraries hold on to."""
QUEUED_PER_WORKER = 4
"""Items queued for each worker; the rest of the iterable is not read yet."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Failed:
    """The reason why an item has no result."""

    reason: str
    is_too_slow: bool = field(default=False, compare=False)
    """Whether it took longer than its time, as it will again."""


def map_in_processes(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    timeout: float,
    workers: int | None = None,
    progress: Callable[[int], None] = lambda n: None,
) -> Iterator[Result | Failed]:
    """Yield the function's result for every item, in order, as soon as it is known.

    Processes are spawned, not forked, because the parent has threads; each computes with one thread. An exception in
    the function is raised here and ends the run.

    Parameters
    ----------
    function : callable
        Defined at the top level of a module, so that another process can import it.
    timeout : float
        Seconds per item; after that its process is killed, and its result is a Failed.
    workers : int, optional
        Number of processes; one per processor by default.
    progress : callable, optional
        Called with 1 after each item.
    """
    most, items = workers or os.cpu_count() or 1, iter(items)
    first = list(islice(items, most))
    count = max(1, len(first))  # a process for nothing costs seconds of imports
    with _pool(count) as pool:
        scheduled = (pool.schedule(function, args=(item,), timeout=timeout) for item in chain(first, items))
        waiting = deque(islice(scheduled, QUEUED_PER_WORKER * count))
        while waiting:
            outcome = _outcome(waiting.popleft(), timeout)
            waiting.extend(islice(scheduled, 1))
            progress(1)
            yield outcome


@contextmanager
def _pool(count: int) -> Iterator[ProcessPool]:
    """Yield a pool of single-threaded processes; stop them at the end, whatever they are doing."""
    spawn = get_context("spawn")
    pool = ProcessPool(count, max_tasks=MAX_TASKS_PER_PROCESS, initializer=_use_one_thread, context=spawn)
    try:
        yield pool
    finally:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def _outcome(future: ProcessFuture[Result], timeout: float) -> Result | Failed:
    try:
        return future.result()
    except FutureTimeoutError:
        return Failed(f"took longer than {timeout:g} s", is_too_slow=True)
    except ProcessExpired as error:
        return Failed(f"its process crashed (exit status {error.exitcode})")


def _use_one_thread() -> None:
    # Set before the libraries are imported: they read these variables once.
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
