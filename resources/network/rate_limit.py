"""One limit on requests a second, shared by all processes on the machine through a small locked file."""

import asyncio
import fcntl
import math
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST_PER_SECOND = 10
_MARGIN = 0.02
"""Seconds by which a window is longer than it need be: what may pass between the clock and the wire."""
_SPREAD = 0.9
"""Least gap between two sends, of an even one; the rest lets a late send be made up for."""
_LAYOUT = struct.Struct(f"<{2 + MOST_PER_SECOND}d")
"""When a pause was asked for, until when it lasts, and the last sends, oldest first: seconds of CLOCK_MONOTONIC.

A fixed length written by one call: a process killed at any moment leaves the old state or the new one.
"""


class RateLimit:
    """At most `per_second` sends in any second over all processes that name the same file.

    Below one a second it is one send in `1 / per_second` seconds; fractions above one are rounded down.

    Raises
    ------
    ValueError
        `per_second` is not above 0, or above 10.
    """

    def __init__(self, file: Path, per_second: float) -> None:
        if not 0 < per_second <= MOST_PER_SECOND:
            raise ValueError(f"requests per second: {per_second}; give a number above 0, at most {MOST_PER_SECOND}")
        self.file = file
        self.at_most = max(1, math.floor(per_second))
        self.window = max(1.0, 1 / per_second) + _MARGIN
        self.gap = _SPREAD * self.window / self.at_most

    def wait(self, stopped: threading.Event | None = None) -> bool:
        """`acquire` for threads; False, with nothing counted, as soon as `stopped` is set."""
        stopped = stopped or threading.Event()
        while not stopped.is_set():
            if (wait := self._take()) == 0:
                return True
            stopped.wait(wait)
        return False

    async def acquire(self) -> None:
        """Return at the moment when one may send; the send is counted as made then."""
        while (wait := self._take()) > 0:
            await asyncio.sleep(wait)

    def pause(self, seconds: float) -> None:
        """Let nobody send for so long, in no process; a longer pause that is already there stays."""
        with self._state() as (handle, paused, until, sends):
            now = time.monotonic()
            if now + seconds > _resumed(paused, until, now):
                os.pwrite(handle, _LAYOUT.pack(now, now + seconds, *sends), 0)

    def earliest(self, sends: list[float]) -> float:
        """When the next send may be made after these, oldest first."""
        ready = sends[-1] + self.gap if sends else -math.inf
        return max(ready, sends[-self.at_most] + self.window) if len(sends) >= self.at_most else ready

    def _take(self) -> float:
        """Count a send as made now and return 0, or return the seconds to wait before one asks again."""
        with self._state() as (handle, paused, until, sends):
            now = time.monotonic()
            past = [send for send in sends if send <= now]  # those in the future are from before a reboot
            ready = max(self.earliest(past), _resumed(paused, until, now))
            if ready <= now:
                os.pwrite(handle, _LAYOUT.pack(paused, until, *[*[0.0] * len(sends), *past, now][-len(sends) :]), 0)
        return max(0.0, ready - now)

    @contextmanager
    def _state(self) -> Iterator[tuple[int, float, float, list[float]]]:
        """The open file, held for the microseconds of one look, and what it says."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            content = os.pread(handle, _LAYOUT.size, 0)
            paused, until, *sends = _LAYOUT.unpack(content.ljust(_LAYOUT.size, b"\0"))
            yield handle, paused, until, sends
        finally:
            os.close(handle)


def _resumed(paused: float, until: float, now: float) -> float:
    """When a pause is over; one asked for in the future is from before a reboot."""
    return until if paused <= now else -math.inf
