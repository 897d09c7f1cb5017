"""Waits grow, headers are parsed, and a server counts as down only after many failures and a long time."""

import math
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.network.rate_limit import RateLimit
from resources.network.retry import RetryPolicy, ServerStatus, TransientError, apply_retry_after, retry_after

NOW = datetime(2024, 3, 1, 12, 0, 0, tzinfo=UTC)


@given(failures=st.integers(1, 2000))
def test_a_wait_is_between_zero_and_a_bound_that_doubles(failures: int) -> None:
    wait = RetryPolicy(first_wait=1, longest_wait=60).wait(failures)
    assert 0 <= wait <= min(60, 2.0 ** min(failures - 1, 10))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("2", 2.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("Fri, 01 Mar 2024 12:00:30 GMT", 30.0),
        ("Fri, 01 Mar 2024 13:00:30 +0100", 30.0),
        ("Fri, 01 Mar 2024 12:00:30 -0000", 30.0),
        ("Fri, 01 Mar 2024 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("²", None),
        ("nan", None),
        ("Fri, 01 Mar 99999999999 12:00:00 GMT", None),
        ("Fri, 01 Mar 2024 12:00:00 +999999999", None),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0.0),
        ("1, 2, 3", None),
        ("٣", 3.0),
        ("9" * 400, math.inf),
    ],
)
def test_retry_after_is_read(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


@given(
    st.text(max_size=60) | st.from_regex(r"[A-Za-z]{3}, \d{1,5} [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [+-]\d+", fullmatch=True)
)
def test_a_retry_after_of_any_content_is_seconds_or_none(header: str) -> None:
    seconds = retry_after(header, NOW)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("seconds", "told"), [(7200.0, "2.0 hours"), (1e300, "more than a year"), (math.inf, "a year")]
)
def test_a_wait_that_is_too_long_is_told_in_words_that_fit(tmp_path: Path, seconds: float, told: str) -> None:
    failure = TransientError("HTTP 503", seconds)
    why = apply_retry_after(failure, RateLimit(tmp_path / "rate-limit", 9), 1.0)
    assert why is not None
    assert told in why
    assert len(why) < 60


def test_a_server_is_not_down_after_few_failures_or_a_short_time() -> None:
    status = ServerStatus(RetryPolicy(attempts=3, startup_timeout=0.05, outage_timeout=0.15))
    status.record_failure()
    time.sleep(0.06)
    assert not status.is_down
    status.record_failure()
    status.record_failure()
    assert status.is_down


def test_a_server_that_has_responded_gets_more_time() -> None:
    status = ServerStatus(RetryPolicy(attempts=1, startup_timeout=0.05, outage_timeout=0.15))
    status.record_success()
    status.record_failure()
    time.sleep(0.06)
    assert not status.is_down
    time.sleep(0.1)
    assert status.is_down
    status.record_success()
    status.record_failure()
    assert not status.is_down
