"""Worker processes return results in order, and a reason for items that take too long or crash."""

import os
import signal
import time

import pytest

from resources.compute.workers import Failed, map_in_processes


def doubled(item: int) -> int:
    """Twice the item; 13 crashes, 17 never ends, 19 is a bug."""
    if item == 13:
        os.kill(os.getpid(), signal.SIGSEGV)
    if item == 17:
        time.sleep(600)
    if item == 19:
        raise ZeroDivisionError("nineteen")
    return 2 * item


def slow_at_first(item: int) -> int:
    time.sleep(1.0 if item == 0 else 0.0)
    return item


def environment(_: int) -> str | None:
    return os.environ.get("OMP_NUM_THREADS")


def process(_: int) -> int:
    return os.getpid()


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(map_in_processes(slow_at_first, range(20), 60, workers=2)) == list(range(20))


def test_an_item_that_takes_too_long_fails_and_the_others_do_not() -> None:
    assert list(map_in_processes(doubled, [1, 17, 2], 10, workers=2)) == [2, Failed("took longer than 10 s"), 4]


def test_an_item_that_crashes_fails_and_the_others_do_not() -> None:
    first, crashed, last = map_in_processes(doubled, [1, 13, 2], 60, workers=1)
    assert (first, last) == (2, 4)
    assert isinstance(crashed, Failed)
    assert crashed.reason.startswith("its process crashed")


def test_a_bug_in_the_function_is_raised() -> None:
    results = map_in_processes(doubled, [1, 19, 2], 60, workers=1)
    assert next(results) == 2
    with pytest.raises(ZeroDivisionError, match="nineteen"):
        next(results)


def test_results_stream_and_progress_counts_them() -> None:
    counted: list[int] = []
    results = map_in_processes(doubled, iter([1, 2, 17]), 600, workers=1, progress=counted.append)
    assert [next(results), next(results)] == [2, 4]
    assert counted == [1, 1]
    results.close()  # type: ignore[attr-defined]


def test_workers_are_other_processes_with_one_thread_each() -> None:
    assert os.getpid() not in list(map_in_processes(process, range(4), 60, workers=2))
    assert list(map_in_processes(environment, range(2), 60, workers=1)) == ["1", "1"]


def test_no_items_give_no_results() -> None:
    assert list(map_in_processes(doubled, [], 60, workers=1)) == []
