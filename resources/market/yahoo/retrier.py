"""Asking until there is an answer, until there is no hope for one symbol, or until nobody answers at all."""

import threading
from collections.abc import Callable
from typing import TypeVar

from resources.market.quotes import PriceError
from resources.network.rate_limit import RateLimit
from resources.network.retry import Contact, RetryPolicy, TransientError, apply_retry_after

T = TypeVar("T")


class LeftError(Exception):
    """One symbol cannot be had for now, others can; the message is the reason, its cause the last failure."""


class Retrier:
    """What the threads of one call share: whether Yahoo answers, and the limit on requests.

    Once `stopped` is set all of them give up. `answered` are the errors that are answers nevertheless; `reaches` asks
    something that can be had if anything can.
    """

    def __init__(
        self,
        limit: RateLimit,
        policy: RetryPolicy,
        reaches: Callable[[], bool],
        answered: tuple[type[Exception], ...],
        stopped: threading.Event,
    ) -> None:
        self._limit = limit
        self._policy = policy
        self._reaches = reaches
        self._answered = answered
        self._contact = Contact(policy)
        self._stopped = stopped

    def until_answered(self, ask: Callable[[], T]) -> T:
        """What `ask` returns or raises; asked again after each TransientError.

        Raises
        ------
        LeftError
            It failed as often as policy allows while Yahoo answers otherwise.
        PriceError
            Yahoo does not answer at all, or all was stopped.
        """
        failures, answers = 0, self._contact.answers
        while True:
            if self._stopped.is_set():
                raise self._given_up("was not asked to the end")
            try:
                answer = ask()
            except TransientError as failure:
                failures += 1
                self._note(failure)
                if failures >= self._policy.attempts and (self._contact.answers > answers or self._probe()):
                    raise LeftError(self._reason(failure, failures)) from failure
                self._wait(failure, failures)
            except self._answered:
                self._contact.answered()
                raise
            else:
                self._contact.answered()
                return answer

    def _reason(self, failure: TransientError, failures: int) -> str:
        if isinstance(failure, self._answered):
            return f"{failure} (asked {failures} times)"
        return f"Yahoo refused {failures} times: {failure}"

    def _note(self, failure: TransientError) -> None:
        if isinstance(failure, self._answered):
            self._contact.answered()
        else:
            self._contact.failed()

    def _probe(self) -> bool:
        if self._reaches():
            self._contact.answered()
            return True
        return False

    def _wait(self, failure: TransientError, failures: int) -> None:
        """Wait before asking again; where Yahoo complained of the rate, all processes do."""
        if self._contact.lost:
            raise self._given_up(f"does not answer ({failure}; nothing for {self._contact.silent_for:.0f} s)")
        wait = self._policy.wait(failures)
        if too_much := apply_retry_after(failure, self._limit, wait):
            raise self._given_up(too_much)
        if self._stopped.wait(wait):
            raise self._given_up(f"was not asked to the end ({failure})")

    def _given_up(self, why: str) -> PriceError:
        return PriceError(f"Yahoo {why}; what was fetched is kept; run the same command again")
