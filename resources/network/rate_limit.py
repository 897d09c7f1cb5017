"""A limit on requests per second, shared by all processes on the machine through a small locked file."""

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

MAX_PER_SECOND = 10
"""The SEC allows ten requests per second in all, however many machines a client uses."""
_MARGIN = 0.02
"""Seconds by which a window is longer than needed: the time between reading the clock and the bytes on the wire."""
_MIN_GAP_SHARE = 0.9
"""Smallest gap between two sends, as a share of an even gap; the rest makes up for late sends."""
_LAYOUT = struct.Struct(f"<{2 + MAX_PER_SECOND}d")
"""Start and end of the pause, then the last sends, oldest first; all in seconds of CLOCK_MONOTONIC.

The length is fixed and one call writes it, so a process killed at any moment leaves the old state or the new one.
"""


class RateLimit:
    """At most `per_second` sends in any second, over all processes that use the same file.

    Below one per second it is one send in `1 / per_second` seconds; above one, fractions are rounded down.

    Raises
    ------
    ValueError
        `per_second` is not in (0, 10].
    """

    def __init__(self, file: Path, per_second: float) -> None:
        if not 0 < per_second <= MAX_PER_SECOND:
            raise ValueError(f"requests per second: {per_second}; give a number above 0, at most {MAX_PER_SECOND}")
        self.file = file
        self.max_sends = max(1, math.floor(per_second))
        self.window = max(1.0, 1 / per_second) + _MARGIN
        self.gap = _MIN_GAP_SHARE * self.window / self.max_sends

    def wait(self, stopped: threading.Event | None = None) -> bool:
        """Wait for the limit in a thread; return False, without counting a send, as soon as `stopped` is set."""
        stopped = stopped or threading.Event()
        while not stopped.is_set():
            if (wait := self._try_acquire()) == 0:
                return True
            stopped.wait(wait)
        return False

    async def acquire(self) -> None:
        """Wait until a send is allowed, and count it as made at that moment."""
        while (wait := self._try_acquire()) > 0:
            await asyncio.sleep(wait)

    def pause(self, seconds: float) -> None:
        """Stop the sends of all processes for so many seconds; a longer pause that is already set stays."""
        with self._state() as (handle, paused, until, sends):
            now = time.monotonic()
            if now + seconds > _pause_end(paused, until, now):
                os.pwrite(handle, _LAYOUT.pack(now, now + seconds, *sends), 0)

    def next_send_time(self, sends: list[float]) -> float:
        """Return the time of the next allowed send after these, given oldest first."""
        ready = sends[-1] + self.gap if sends else -math.inf
        return max(ready, sends[-self.max_sends] + self.window) if len(sends) >= self.max_sends else ready

    def _try_acquire(self) -> float:
        """Count a send and return 0 if it is allowed now; else return the seconds to wait before the next try."""
        with self._state() as (handle, paused, until, sends):
            now = time.monotonic()
            past = [send for send in sends if send <= now]  # times in the future are from before a reboot
            ready = max(self.next_send_time(past), _pause_end(paused, until, now))
            if ready <= now:
                os.pwrite(handle, _LAYOUT.pack(paused, until, *[*[0.0] * len(sends), *past, now][-len(sends) :]), 0)
        return max(0.0, ready - now)

    @contextmanager
    def _state(self) -> Iterator[tuple[int, float, float, list[float]]]:
        """Lock the file and yield its handle and content; held for microseconds only."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            content = os.pread(handle, _LAYOUT.size, 0)
            paused, until, *sends = _LAYOUT.unpack(content.ljust(_LAYOUT.size, b"\0"))
            yield handle, paused, until, sends
        finally:
            os.close(handle)


def _pause_end(paused: float, until: float, now: float) -> float:
    """Return the end of a pause; one that starts in the future was set before a reboot and does not count."""
    return until if paused <= now else -math.inf
