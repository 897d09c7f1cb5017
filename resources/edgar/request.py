"""A request for an EDGAR document, and whether a stored one satisfies it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from resources.edgar.blobs import Part, Pointer

_PARTS: tuple[Part, ...] = ("header", "document", "whole")


@dataclass(frozen=True)
class Request:
    """A document to fetch.

    `url` is a path such as '/Archives/edgar/data/37996/0000037996-94-000005.txt'; `part` is how much of it is wanted.
    """

    url: str
    part: Part = "whole"
    check: Callable[[bytes], object] | None = None
    """Raise EdgarFormatError if a document is not what was asked for; it is then not stored, and asked for again."""
    max_bytes: int | None = None
    """A longer document, after decompression, is refused; None for the limit of all documents."""
    until: Callable[[bytes], bool] | None = None
    """Return whether a beginning of the document holds all that is wanted; None to read it whole."""
    complete: Callable[[bytes], bool] | None = None
    """Return whether a whole document has its own end; one that has not is truncated and fetched again."""
    max_age: float | None = None
    """Age in seconds at which a stored document is fetched again; None for a document that never changes."""

    def wants_more_than(self, part: Part) -> bool:
        """Return whether the request needs more of the document than `part`."""
        return _PARTS.index(self.part) > _PARTS.index(part)

    def is_satisfied_by(self, stored: Pointer) -> bool:
        """Return whether a stored pointer answers the request: a refusal does, as well as a document.

        An answer from the future is from a clock that was ahead; nobody knows its age, so it counts as not asked for.
        """
        enough = stored.refused is not None or not self.wants_more_than(stored.part)
        fresh = self.max_age is None or 0 <= time.time() - stored.fetched_at <= self.max_age
        return enough and fresh and stored.fetched_at > 0

    def refused(self, reason: str, for_now: bool = False) -> Pointer:
        """Return the pointer of a document that is not available; `for_now` has it fetched again in the next run."""
        return Pointer(self.url, None, "whole", 0, None, None, 0.0 if for_now else time.time(), reason)
