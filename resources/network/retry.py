"""When to retry a request, and when to give up."""

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from resources.network.rate_limit import RateLimit

MAX_RETRY_AFTER = 3600.0
"""Seconds; a server that asks for a longer wait ends the run, which would otherwise seem to hang."""
A_YEAR = 365 * 86_400.0
"""Seconds."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long to retry; all times in seconds."""

    attempts: int = 8
    """Failures after which one document is given up, if the server responds to other requests."""
    first_wait: float = 1.0
    """Upper bound of the wait after the first failure; it doubles with each further one."""
    longest_wait: float = 60.0
    """Upper bound of every wait."""
    startup_timeout: float = 120.0
    """How long to try a server that has not responded once."""
    outage_timeout: float = 660.0
    """How long to try a server that stopped responding: EDGAR blocks a client that is too fast for ten minutes."""
    timeout: float = 60.0
    """Limit for opening a connection, and for each read from it."""
    answer_timeout: float = 300.0
    """Limit for one whole answer, from the request to the last byte: a body may come one byte a minute for ever."""

    def wait(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row: exponential backoff with full jitter."""
        # The exponent is bounded because 2.0 ** 1024 overflows.
        return random.uniform(0, min(self.longest_wait, self.first_wait * 2.0 ** min(failures - 1, 60)))


class TransientError(Exception):
    """One attempt failed; another one may succeed.

    `retry_after` is the wait that the server asked for in seconds, `too_fast` whether it reported too many requests.
    """

    def __init__(self, reason: str, retry_after: float | None = None, too_fast: bool = False) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.too_fast = too_fast


def apply_retry_after(failure: TransientError, limit: RateLimit, wait: float) -> str | None:
    """Pause all processes if the server reported too many requests; return why the wait is too long, or None.

    `wait` is the pause in seconds if the server named none.
    """
    if failure.retry_after is not None:
        limit.pause(min(failure.retry_after, MAX_RETRY_AFTER))
    elif failure.too_fast:
        limit.pause(wait)
    requested = failure.retry_after or 0.0
    if requested <= MAX_RETRY_AFTER:
        return None
    # Not as a number above that: a server may ask for 10**300 hours, or for infinitely many.
    return f"asks clients to wait {f'{requested / 3600:.1f} hours' if requested < A_YEAR else 'for more than a year'}"


class ServerStatus:
    """Whether a server responds at all, whichever document is requested."""

    def __init__(self, policy: RetryPolicy) -> None:
        self.successes = 0
        self._policy = policy
        self._failures = 0
        self._since = time.monotonic()

    def record_success(self) -> None:
        """Record a response."""
        self.successes += 1
        self._failures = 0
        self._since = time.monotonic()

    def record_failure(self) -> None:
        """Record a failed attempt."""
        self._failures += 1

    @property
    def seconds_since_success(self) -> float:
        """Seconds since the last response, or since the first request."""
        return time.monotonic() - self._since

    @property
    def is_down(self) -> bool:
        """Whether to give up: nothing but failures, many of them, for a long time."""
        bound = self._policy.outage_timeout if self.successes else self._policy.startup_timeout
        return self._failures >= self._policy.attempts and self.seconds_since_success >= bound


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for, given as a number or a date; None if it is not valid."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        # A date without a zone counts as UTC; the difference overflows for days near the year 1 or 9999.
        until = until.replace(tzinfo=UTC) if until.tzinfo is None else until
        return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())
    except (ValueError, OverflowError, TypeError, LookupError):
        return None
