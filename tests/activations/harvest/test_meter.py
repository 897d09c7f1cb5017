from pathlib import Path

import pytest

from assets.activations.harvest.meter import Cost, DiskFullError, Meter, check_room, readable


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def meter(tokens: int, n_bytes: int) -> tuple[Meter, Clock, list[str]]:
    clock, said = Clock(), list[str]()
    return Meter(tokens, n_bytes, said.append, clock=clock), clock, said


def test_tokens_and_bytes_are_said_at_the_start() -> None:
    reading, _, said = meter(45_123, 45_123 * 30 * 576 * 2)
    reading.start()
    assert said == ["45,123 tokens to read, 1.6 GB"]


def test_minutes_are_said_once_after_five_seconds_of_reading() -> None:
    reading, clock, said = meter(60_000, 10**9)
    reading.start()
    for seconds in (2.5, 2.4, 0.1, 5.0):
        clock.now += seconds
        reading.advance(800 if seconds > 1 else 0)
    assert said[1:] == ["about 3 minutes to go at 320 tokens/s"]
    assert reading.predicted == Cost(60_000, 10**9, pytest.approx(187.5))


def test_the_clock_runs_from_the_start_not_from_construction() -> None:
    reading, clock, said = meter(100, 10)
    clock.now += 60
    reading.start()
    reading.advance(50)
    assert len(said) == 1
    assert reading.spent.seconds == 0


def test_metadata_compares_what_was_predicted_with_what_it_took() -> None:
    reading, clock, _ = meter(3000, 6_000_000_000)
    reading.start()
    for seconds in (6.0, 12.0, 0.0):
        clock.now += seconds
        reading.advance(1000)
    assert reading.metadata() == {
        "tokens_read": 3000,
        "gigabytes": 6.0,
        "tokens_per_second": 166.7,
        "predicted_minutes": 0.3,
        "minutes": 0.3,
    }


def test_what_is_done_in_five_seconds_needs_no_prediction() -> None:
    reading, clock, said = meter(1000, 10)
    reading.start()
    clock.now += 6
    reading.advance(1000)
    assert len(said) == 1
    assert "predicted_minutes" not in reading.metadata()


def test_nothing_to_read_costs_nothing() -> None:
    reading, _, said = meter(0, 0)
    reading.start()
    assert said == ["0 tokens to read, 0 bytes"]
    assert reading.metadata() == {"tokens_read": 0, "gigabytes": 0.0, "tokens_per_second": 0.0, "minutes": 0.0}


def test_an_interrupted_reading_counts_what_was_read() -> None:
    reading, clock, _ = meter(1000, 4000)
    reading.start()
    clock.now += 2
    reading.advance(250)
    assert reading.spent == Cost(250, 1000, 2.0)


@pytest.mark.parametrize(
    ("n", "tokens", "said"),
    [
        (40, 320, "less than a minute to go at 32 tokens/s"),
        (1000, 13_000, "about 1 minute to go at 200 tokens/s"),
        (10_000, 72_010_000, "about 10.0 hours to go at 2,000 tokens/s"),
    ],
)
def test_time_to_go_is_said_in_a_fitting_unit(n: int, tokens: int, said: str) -> None:
    reading, clock, told = meter(tokens, 10)
    reading.start()
    clock.now += 5 if n > 40 else 1.25
    reading.advance(n)
    clock.now += 5 if n == 40 else 0
    reading.advance(160 if n == 40 else 0)
    assert told[1] == said


@pytest.mark.parametrize(
    ("n_bytes", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_400, "999 kB"),
        (999_600, "1.0 MB"),
        (1_559_450_880, "1.6 GB"),
        (123_456_000_000, "123 GB"),
        (5 * 10**15, "5,000 TB"),
    ],
)
def test_bytes_are_readable(n_bytes: int, said: str) -> None:
    assert readable(n_bytes) == said


def test_a_full_disk_is_named_before_anything_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "made" / "yet"
    with pytest.raises(DiskFullError) as error:
        check_room(folder, 10**18)
    for named in (str(folder), "need 1,000,000 TB", "are free", "activations.blocks", "activations.keep"):
        assert named in str(error.value)


def test_room_enough_is_no_error(tmp_path: Path) -> None:
    check_room(tmp_path / "new", 1)
    assert not (tmp_path / "new").exists()
