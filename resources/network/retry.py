"""When to ask again, and when to give up."""

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from resources.network.rate_limit import RateLimit

LONGEST_RETRY_AFTER = 3600.0


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long a server is asked that does not answer; all times in seconds."""

    attempts: int = 8
    """Failures of one document after which it is refused, if the server answers otherwise."""
    first_wait: float = 1.0
    """Longest wait after the first failure; it doubles with each."""
    longest_wait: float = 60.0
    """Bound of that doubling."""
    no_answer: float = 120.0
    """How long a server is asked that never answered."""
    silence: float = 660.0
    """How long a server is asked that answers no more: EDGAR shuts people out for ten minutes."""
    timeout: float = 60.0
    """Wait for a connection, and for each next piece of an answer."""

    def wait(self, failures: int) -> float:
        """Seconds before asking again after so many failures in a row: exponential, anything from 0 to the bound."""
        return random.uniform(0, min(self.longest_wait, self.first_wait * 2.0 ** min(failures - 1, 60)))


class TransientError(Exception):
    """One attempt failed, another one may not.

    `retry_after` is how long the server asked to be left alone (seconds), `too_fast` whether it complained of the rate.
    """

    def __init__(self, reason: str, retry_after: float | None = None, too_fast: bool = False) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.too_fast = too_fast


def apply_retry_after(failure: TransientError, limit: RateLimit, wait: float) -> str | None:
    """Have all processes wait where the server complained of the rate; what it asks that is too much to wait for."""
    if failure.retry_after is not None:
        limit.pause(min(failure.retry_after, LONGEST_RETRY_AFTER))
    elif failure.too_fast:
        limit.pause(wait)
    asked = failure.retry_after or 0.0
    return f"asks to be left alone for {asked / 3600:.1f} hours" if asked > LONGEST_RETRY_AFTER else None


class Contact:
    """Whether the server answers at all, whichever document it is asked for."""

    def __init__(self, policy: RetryPolicy) -> None:
        self.answers = 0
        self._policy = policy
        self._failures = 0
        self._since = time.monotonic()

    def answered(self) -> None:
        """Note an answer."""
        self.answers += 1
        self._failures = 0
        self._since = time.monotonic()

    def failed(self) -> None:
        """Note a failure."""
        self._failures += 1

    @property
    def silent_for(self) -> float:
        """Seconds since the last answer, or since the first question."""
        return time.monotonic() - self._since

    @property
    def lost(self) -> bool:
        """Whether to give up: failures only, many of them, for a long time."""
        bound = self._policy.silence if self.answers else self._policy.no_answer
        return self._failures >= self._policy.attempts and self.silent_for >= bound


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header, seconds or a date, asks to wait; None where it says nothing."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())
