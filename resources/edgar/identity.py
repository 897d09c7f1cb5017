"""Who asks: the SEC wants to know."""

import os
import re

from resources.settings.descriptions import Edgar

IDENTITY_VARIABLE = "PEERLENS_EDGAR_IDENTITY"


class EdgarIdentityError(ValueError):
    """Who asks is not said, or not so that the SEC accepts it; the message says where to say it."""

    def __init__(self, wrong: str) -> None:
        super().__init__(
            f"{wrong}: give --identity to `peerlens ingest`, or set descriptions.edgar.identity in the profile or "
            f"{IDENTITY_VARIABLE}, to your name and e-mail address, as 'Jane Doe jane@example.com'"
        )


def identity(settings: Edgar) -> str:
    """Who asks, as 'Name e-mail': from the settings, else from the environment.

    Raises
    ------
    EdgarIdentityError
        It is missing or not of that form.
    """
    told = (settings.identity or os.environ.get(IDENTITY_VARIABLE) or "").strip()
    if not told:
        raise EdgarIdentityError("EDGAR wants to know who asks, and nobody is named")
    if not told.isprintable() or not re.fullmatch(r"[^@]*[^\s@][^@]*\s[^\s@]+@[^\s@]+\.[^\s@.]+", told):
        raise EdgarIdentityError(f"EDGAR wants to know who asks, and {told!r} is not a name and an e-mail address")
    return told
