"""Which companies a profile names, in itself or in a list file."""

from pathlib import Path

from resources.settings.profile import Profile, ProfileError


def named_companies(profile: Profile) -> list[tuple[str, str]]:
    """Return the tickers and CIKs that a profile or its list file names, each with where it stands.

    Raises
    ------
    ProfileError
        The list cannot be read or is empty.
    """
    names = [(name, f"profile {profile.name}: tickers") for name in profile.tickers or ()]
    file = profile.descriptions.edgar.universe
    return names + (_lines(file) if file else [])


def _lines(file: Path) -> list[tuple[str, str]]:
    """Return the names in a list file, one a line, with where they stand; what follows a # is a remark."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"descriptions.edgar.universe: {file} cannot be read: {error}") from error
    lines = [line.partition("#")[0].strip().rstrip(",") for line in text.splitlines()]
    names = [(line, f"{file} line {number}") for number, line in enumerate(lines, start=1) if line]
    if not names:
        raise ProfileError(f"descriptions.edgar.universe: {file} names no company; write one ticker or CIK a line")
    return names
