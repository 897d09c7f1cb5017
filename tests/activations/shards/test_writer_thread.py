import os
import signal
from collections.abc import Callable
from threading import Event, Timer, get_ident

import pytest

from assets.activations.shards.writer_thread import PartWriter

SOON = 20.0
"""Seconds after which a test that would wait for ever gives up."""


class Disk:
    """Notes what is written; waits for `open` before each part, and fails from part `full_at` on."""

    def __init__(self, full_at: int | None = None) -> None:
        self.written: list[tuple[int, str]] = []
        self.threads: set[int] = set()
        self.begun, self.open, self.full_at = Event(), Event(), full_at
        self.open.set()

    def write(self, number: int, part: str) -> None:
        self.threads.add(get_ident())
        self.begun.set()
        assert self.open.wait(SOON)
        if self.full_at is not None and number >= self.full_at:
            raise OSError(28, "No space left on device")
        self.written.append((number, part))


def test_parts_are_written_in_order_by_another_thread() -> None:
    disk = Disk()
    with PartWriter(disk.write) as writer:
        for number in range(5):
            writer.put(number, f"part {number}")
    assert disk.written == [(number, f"part {number}") for number in range(5)]
    assert len(disk.threads) == 1
    assert get_ident() not in disk.threads


def test_reading_goes_on_while_a_part_is_being_written() -> None:
    disk = Disk()
    disk.open.clear()
    with PartWriter(disk.write) as writer:
        writer.put(0, "being written")
        assert disk.begun.wait(SOON)
        writer.put(1, "waiting")
        assert disk.written == []
        disk.open.set()
    assert [number for number, _ in disk.written] == [0, 1]


def test_a_third_part_waits_for_the_disk() -> None:
    disk = Disk()
    disk.open.clear()
    with PartWriter(disk.write) as writer:
        writer.put(0, "being written")
        assert disk.begun.wait(SOON)
        writer.put(1, "waiting")
        closing = Event()
        opener = _later(0.3, lambda: (closing.set(), disk.open.set()))
        writer.put(2, "has to wait")
        assert closing.is_set()
        opener.join(SOON)
    assert [number for number, _ in disk.written] == [0, 1, 2]


def test_a_full_disk_is_raised_by_the_next_put() -> None:
    disk = Disk(full_at=1)
    put: list[int] = []
    with pytest.raises(OSError, match="No space left"), PartWriter(disk.write) as writer:
        for number in range(50):
            writer.put(number, "part")
            put.append(number)
    assert disk.written == [(0, "part")]
    assert len(put) < 5


def test_a_full_disk_is_raised_at_the_end_at_the_latest() -> None:
    disk = Disk(full_at=0)
    with pytest.raises(OSError, match="No space left"), PartWriter(disk.write) as writer:
        writer.put(0, "part")


def test_a_put_that_waits_hears_of_a_full_disk() -> None:
    disk = Disk(full_at=0)
    disk.open.clear()
    with pytest.raises(OSError, match="No space left"), PartWriter(disk.write) as writer:
        writer.put(0, "fails")
        assert disk.begun.wait(SOON)
        writer.put(1, "waiting")
        _later(0.2, disk.open.set)
        writer.put(2, "never")
    assert disk.written == []


def test_an_error_that_was_caught_is_raised_again_at_the_end() -> None:
    disk = Disk(full_at=0)
    with pytest.raises(OSError, match="No space left"), PartWriter(disk.write) as writer:
        for number in range(5):
            try:
                writer.put(number, "part")
            except OSError:
                break


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_parts_put_before_an_exception_are_written(error: type[BaseException]) -> None:
    disk = Disk()
    disk.open.clear()
    with pytest.raises(error), PartWriter(disk.write) as writer:
        writer.put(0, "being written")
        assert disk.begun.wait(SOON)
        writer.put(1, "waiting")
        _later(0.2, disk.open.set)
        raise error
    assert [number for number, _ in disk.written] == [0, 1]


def test_a_full_disk_is_told_beside_another_exception() -> None:
    disk = Disk(full_at=0)
    disk.open.clear()
    with pytest.raises(ValueError, match="first") as raised, PartWriter(disk.write) as writer:
        writer.put(0, "part")
        _later(0.1, disk.open.set)
        raise ValueError("first")
    assert "No space left on device" in raised.value.__notes__[0]


def test_a_put_outside_the_block_is_refused() -> None:
    writer = PartWriter(Disk().write)
    with pytest.raises(RuntimeError, match="part 3"):
        writer.put(3, "part")
    with writer:
        pass
    with pytest.raises(RuntimeError, match="part 4"):
        writer.put(4, "part")


def test_ctrl_c_ends_a_put_that_waits_for_the_disk() -> None:
    disk = Disk()
    disk.open.clear()
    with pytest.raises(KeyboardInterrupt), PartWriter(disk.write) as writer:
        writer.put(0, "being written")
        assert disk.begun.wait(SOON)
        writer.put(1, "waiting")
        try:
            _later(0.2, lambda: os.kill(os.getpid(), signal.SIGINT))
            writer.put(2, "has to wait")
        finally:
            assert disk.written == []
            disk.open.set()
    assert [number for number, _ in disk.written] == [0, 1]


def _later(seconds: float, action: Callable[[], object]) -> Timer:
    timer = Timer(seconds, action)
    timer.start()
    return timer
