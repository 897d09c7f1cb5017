"""No second has more sends than allowed, over all users of the same file."""

import asyncio
import itertools
import struct
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.network.rate_limit import RateLimit

LAYOUT = struct.Struct("<12d")


def most_in_a_second(times: list[float]) -> int:
    """Largest number of times in any second, both its ends included."""
    return max(sum(first <= time <= first + 1 for time in times) for first in times)


def sends(limit: RateLimit, count: int) -> list[float]:
    """Times of `count` sends that all start at once."""

    async def send() -> float:
        await limit.acquire()
        return time.monotonic()

    async def all_of_them() -> list[float]:
        return await asyncio.gather(*[send() for _ in range(count)])

    return sorted(asyncio.run(all_of_them()))


@settings(deadline=None)
@given(
    per_second=st.floats(0.2, 10),
    waits=st.lists(st.floats(0, 0.4) | st.just(0.0), min_size=2, max_size=60),
)
def test_no_second_has_more_than_allowed(per_second: float, waits: list[float]) -> None:
    limit, now, made = RateLimit(Path("unused"), per_second), 1000.0, list[float]()
    for late in waits:  # each send is made at the earliest moment, or somewhat late
        now = max(now, limit.next_send_time(made)) + late
        made.append(now)
    assert most_in_a_second(made) <= max(1, per_second)
    gaps = [after - before for before, after in itertools.pairwise(made)]
    assert min(gaps) >= min(0.9 / per_second, 1) - 1e-9


def test_the_limit_makes_up_for_a_late_send() -> None:
    limit = RateLimit(Path("unused"), 9)
    even = [1000 + n * limit.window / 9 for n in range(9)]
    late = [*even[:-1], even[-1] + 0.01]
    assert limit.next_send_time(late) == pytest.approx(1000 + limit.window)


def test_sends_are_nearly_as_fast_as_allowed() -> None:
    limit, made = RateLimit(Path("unused"), 9), [1000.0]
    for _ in range(12):
        made.append(limit.next_send_time(made))
    assert made[-1] - made[0] < 1.4  # 12 gaps: 1.33 s


def test_sends_are_spread(tmp_path: Path) -> None:
    limit = RateLimit(tmp_path / "rate-limit", 9)
    assert len(sends(limit, 13)) == 13
    _, _, *made = LAYOUT.unpack(limit.file.read_bytes())  # when they were let go; a busy machine makes them later
    assert most_in_a_second(made) <= 9
    assert min(after - before for before, after in itertools.pairwise(made)) > 0.08


def test_a_pause_holds_for_everyone(tmp_path: Path) -> None:
    one, other = RateLimit(tmp_path / "rate-limit", 9), RateLimit(tmp_path / "rate-limit", 9)
    begun = time.monotonic()
    one.pause(0.5)
    other.pause(0.1)  # the longer one stays
    assert sends(other, 1)[0] - begun >= 0.5


def test_times_from_before_a_reboot_are_ignored(tmp_path: Path) -> None:
    future = time.monotonic() + 1e6
    (tmp_path / "rate-limit").write_bytes(LAYOUT.pack(future, future + 100, *[future + n for n in range(10)]))
    assert sends(RateLimit(tmp_path / "rate-limit", 9), 2)[-1] < future


@pytest.mark.parametrize("content", [b"", b"short", b"\0" * 96])
def test_an_empty_or_short_file_allows_the_first_send(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rate-limit").write_bytes(content)
    assert len(sends(RateLimit(tmp_path / "rate-limit", 9), 1)) == 1


def test_threads_stop_waiting_once_stopped_is_set(tmp_path: Path) -> None:
    limit, stopped = RateLimit(tmp_path / "rate-limit", 9), threading.Event()
    assert limit.wait(stopped)
    before = limit.file.read_bytes()
    limit.pause(86_400)
    threading.Timer(0.1, stopped.set).start()
    assert not limit.wait(stopped)
    assert LAYOUT.unpack(limit.file.read_bytes())[2:] == LAYOUT.unpack(before)[2:]  # nothing was counted


@pytest.mark.parametrize("per_second", [0, -1, 11, float("nan")])
def test_an_invalid_limit_is_an_error(per_second: float) -> None:
    with pytest.raises(ValueError, match="requests per second"):
        RateLimit(Path("unused"), per_second)
