"""A document that is wanted from EDGAR, and whether what is stored will do."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from resources.edgar.blobs import Part, Pointer

_PARTS: tuple[Part, ...] = ("header", "document", "whole")


@dataclass(frozen=True)
class Request:
    """A document that is wanted.

    `url` is a path as '/Archives/edgar/data/37996/0000037996-94-000005.txt'; `part` names how much of it is wanted.
    """

    url: str
    part: Part = "whole"
    until: Callable[[bytes], bool] | None = None
    """Whether a beginning of the document is all of it that is wanted."""
    complete: Callable[[bytes], bool] | None = None
    """Whether a document that came to its end is complete; if not it was cut short, and is asked for again."""
    max_age: float | None = None
    """Seconds that a stored answer is good for; None for a document that does not change."""

    def wants_more_than(self, part: Part) -> bool:
        """Whether a part of the document is too little."""
        return _PARTS.index(self.part) > _PARTS.index(part)

    def is_answered_by(self, known: Pointer) -> bool:
        """Whether a stored answer will do, a refusal as well as a document."""
        enough = known.refused is not None or not self.wants_more_than(known.part)
        fresh = self.max_age is None or time.time() - known.fetched_at <= self.max_age
        return enough and fresh and known.fetched_at > 0

    def refused(self, reason: str, for_now: bool = False) -> Pointer:
        """The pointer of a document that cannot be had; one that is refused for now is asked for again next time."""
        return Pointer(self.url, None, "whole", 0, None, None, 0.0 if for_now else time.time(), reason)
