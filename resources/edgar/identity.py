"""The identity sent to the SEC as user agent, which must name the client and an e-mail address."""

import os
import re

from resources.settings.descriptions import Edgar

IDENTITY_VARIABLE = "PEERLENS_EDGAR_IDENTITY"


class EdgarIdentityError(ValueError):
    """The identity is missing, or the SEC does not accept it; the message says where to set it."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"{problem}: give --identity to `peerlens ingest`, or set descriptions.edgar.identity in the profile or "
            f"{IDENTITY_VARIABLE}, to your name and e-mail address, such as 'Jane Doe jane@example.com'"
        )


def identity(settings: Edgar) -> str:
    """Return the identity as 'Name e-mail': from the settings, else from the environment.

    Raises
    ------
    EdgarIdentityError
        It is missing, or does not have that form.
    """
    found = (settings.identity or os.environ.get(IDENTITY_VARIABLE) or "").strip()
    if not found:
        raise EdgarIdentityError("EDGAR requires an identity, and none is set")
    if not found.isprintable() or not re.fullmatch(r"[^@]*[^\s@][^@]*\s[^\s@]+@[^\s@]+\.[^\s@.]+", found):
        raise EdgarIdentityError(f"EDGAR requires an identity, and {found!r} is not a name and an e-mail address")
    return found
