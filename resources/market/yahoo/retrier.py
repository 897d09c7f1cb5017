"""Retries for Yahoo: until there is a response, until one symbol is deferred, or until Yahoo counts as down."""

import threading
from collections.abc import Callable
from typing import TypeVar

from resources.market.quotes import PriceError
from resources.network.rate_limit import RateLimit
from resources.network.retry import RetryPolicy, ServerStatus, TransientError, apply_retry_after

T = TypeVar("T")


class DeferredError(Exception):
    """One symbol keeps failing while others succeed; it is left for a later run. The cause is the last failure."""


class Retrier:
    """Retries shared by the threads of one run: they share the rate limit and what is known of the server.

    Parameters
    ----------
    server_responds : callable
        Fetches something that Yahoo always has; returns whether that works.
    responses : tuple of exception types
        Errors that are responses of a working server, such as "no such symbol".
    stopped : threading.Event
        Once it is set, all threads give up.
    """

    def __init__(
        self,
        limit: RateLimit,
        policy: RetryPolicy,
        server_responds: Callable[[], bool],
        responses: tuple[type[Exception], ...],
        stopped: threading.Event,
    ) -> None:
        self._limit = limit
        self._policy = policy
        self._server_responds = server_responds
        self._responses = responses
        self._status = ServerStatus(policy)
        self._stopped = stopped

    def call(self, fetch: Callable[[], T]) -> T:
        """Call `fetch` until it returns or raises something other than a TransientError.

        Raises
        ------
        DeferredError
            It failed as often as the policy allows while Yahoo responds to other requests.
        PriceError
            Yahoo does not respond at all, or the run was stopped.
        """
        failures, successes = 0, self._status.successes
        while True:
            if self._stopped.is_set():
                raise self._give_up("downloads were stopped")
            try:
                result = fetch()
            except TransientError as failure:
                failures += 1
                self._record(failure)
                if failures >= self._policy.attempts and (self._status.successes > successes or self._probe()):
                    raise DeferredError(self._reason(failure, failures)) from failure
                self._wait(failure, failures)
            except self._responses:
                self._status.record_success()
                raise
            else:
                self._status.record_success()
                return result

    def _reason(self, failure: TransientError, failures: int) -> str:
        if isinstance(failure, self._responses):
            return f"{failure} ({failures} attempts)"
        return f"{failures} attempts failed, the last with: {failure}"

    def _record(self, failure: TransientError) -> None:
        if isinstance(failure, self._responses):
            self._status.record_success()
        else:
            self._status.record_failure()

    def _probe(self) -> bool:
        if self._server_responds():
            self._status.record_success()
            return True
        return False

    def _wait(self, failure: TransientError, failures: int) -> None:
        """Wait before the next attempt; if Yahoo reported too many requests, all processes wait."""
        if self._status.is_down:
            silence = f"nothing for {self._status.seconds_since_success:.0f} s"
            raise self._give_up(f"does not answer ({failure}; {silence})")
        wait = self._policy.wait(failures)
        if too_long := apply_retry_after(failure, self._limit, wait):
            raise self._give_up(too_long)
        if self._stopped.wait(wait):
            raise self._give_up(f"downloads were stopped ({failure})")

    def _give_up(self, why: str) -> PriceError:
        return PriceError(f"Yahoo {why}; fetched prices are kept; run the same command again")
