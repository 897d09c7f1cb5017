"""Tokens: how many a prompt may cost, how many are left, and who may spend them."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from resources.explainer.errors import BudgetError

Messages = Sequence[dict[str, str]]
"""What is sent: `role` and `content` of each."""
BYTES_PER_TOKEN = 3
"""A cautious guess: English has four to five, digits and names fewer."""
AROUND = 32
"""Tokens that an endpoint's chat template puts around a message, which nobody outside sees."""


def estimated_tokens(text: str) -> int:
    """Return about how many tokens a text has, rather too many."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def prompt_tokens(messages: Messages) -> int:
    """Return about how many tokens a prompt has, rather too many."""
    return sum(estimated_tokens(message["content"]) + AROUND for message in messages)


def most_prompt_tokens(messages: Messages) -> int:
    """Return how many tokens a prompt has at the most: none is shorter than a byte."""
    return sum(len(message["content"].encode("utf-8", "replace")) + AROUND for message in messages)


@dataclass
class Spent:
    """What the answers of one run cost."""

    prompts: int = 0
    """Answered, from the endpoint or from the cache."""
    cached: int = 0
    """Of these, from the cache."""
    tokens: int = 0
    """Of all of them, as the endpoint counted; estimated where it does not count."""
    cached_tokens: int = 0
    """Of these, of answers from the cache, which cost nothing now."""


class Budget:
    """At most `limit` tokens over all threads of a run.

    Answers from the cache count as they did when they were paid for, so that a second run explains the same latents.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.spent = Spent()
        self._reserved = 0
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """Tokens that are neither spent nor set aside; negative where an endpoint took more than it was allowed."""
        return self.limit - self.spent.tokens - self._reserved

    def reserve(self, tokens: int) -> None:
        """Set tokens aside before a prompt is sent.

        Raises
        ------
        BudgetError
            So many are not left.
        """
        with self._lock:
            if tokens > self.left:
                raise BudgetError(f"a prompt may cost {tokens:,} tokens, and {max(self.left, 0):,} are left")
            self._reserved += tokens

    def release(self, reserved: int, lost: int = 0) -> None:
        """Give back what was set aside, but for `lost` tokens: those of an answer that was paid for and never came."""
        with self._lock:
            self._reserved -= reserved
            self.spent.tokens += lost

    def record(self, tokens: int, cached: bool) -> None:
        """Count an answer."""
        with self._lock:
            self.spent.prompts += 1
            self.spent.tokens += tokens
            if cached:
                self.spent.cached += 1
                self.spent.cached_tokens += tokens
