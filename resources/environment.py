"""What the environment says: where the lake is and which profile is meant."""

import hashlib
import os
import tempfile
from pathlib import Path

from resources.lake.lake import Lake
from resources.places import PROFILES, ROOT
from resources.settings.profile import Profile, ProfileError, load_profile
from resources.sources import HOME_FOLDERS, Sources


def home() -> Path:
    """Return `PEERLENS_HOME`, by default `data/` in the checkout."""
    return Path(os.environ.get("PEERLENS_HOME") or ROOT / "data").expanduser().absolute()


def models() -> Path:
    """Return the folder of converted models, shared by all profiles."""
    return Sources(home()).models


def secret(variable: str) -> str | None:
    """Return what an environment variable holds, without blanks around it; None where that is nothing."""
    return os.environ.get(variable, "").strip() or None


def asked_profile(name: str | None = None) -> str:
    """Return how the profile was asked for: by this name or path, else by `PEERLENS_PROFILE`, else as `sample`."""
    return name or os.environ.get("PEERLENS_PROFILE") or "sample"


def profile_file(name: str | None = None) -> Path:
    """Return the file of a profile: a bundled one's name or a path; by default `PEERLENS_PROFILE`, else `sample`.

    Raises
    ------
    ProfileError
        Neither a bundled profile nor a file.
    """
    wanted = asked_profile(name)
    if wanted.endswith((".yaml", ".yml")) or "/" in wanted:
        return Path(wanted).expanduser().absolute()
    bundled = sorted(file.stem for file in PROFILES.glob("*.yaml"))
    if wanted not in bundled:
        raise ProfileError(
            f"profile {wanted!r}: not bundled ({', '.join(bundled)}); give the path of a .yaml file for your own"
        )
    return PROFILES / f"{wanted}.yaml"


def open_profile(name: str | None = None) -> Profile:
    """Return the profile that is meant, validated.

    Raises
    ------
    ProfileError
        It is not there, is not valid, or is called like a folder that all profiles share, or its lake cannot be kept.
    """
    if "?" in str(home()):
        # Of /data/what?/peerlens.duckdb, DuckDB writes its log to /data/what.wal?/peerlens.duckdb.
        raise ProfileError(f"PEERLENS_HOME: {home()} has a question mark, where DuckDB can write no file; rename it")
    file = profile_file(name)
    profile = load_profile(file)
    if profile.name in HOME_FOLDERS and file.parent != PROFILES:
        shared = f"PEERLENS_HOME keeps what all profiles share in {', '.join(HOME_FOLDERS)}"
        raise ProfileError(f"profile {file}: name: {profile.name!r} is taken: {shared}; give another name")
    return profile


def open_lake(profile: Profile) -> Lake:
    """Return the profile's lake."""
    return Lake(home(), profile.name)


def prepare_dagster() -> Path:
    """Point Dagster at its state, which is kept under the lake's home; returns the folder.

    It is also `DAGSTER_HOME`, with a copy of the checkout's dagster.yaml: whatever Dagster writes beside that file, as
    the `logs/` of its web server, then does not land in the checkout.
    """
    state = home() / "dagster"
    state.mkdir(parents=True, exist_ok=True)
    settings, copy = (ROOT / "dagster.yaml").read_bytes(), state / "dagster.yaml"
    if not copy.is_file() or copy.read_bytes() != settings:
        written = copy.with_name(f"{copy.name}.{os.getpid()}")
        written.write_bytes(settings)
        written.replace(copy)
    state = _for_addresses(state)
    os.environ.update(DAGSTER_HOME=str(state), PEERLENS_HOME=str(home()), PEERLENS_DAGSTER=str(state))
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    return state


def _for_addresses(folder: Path) -> Path:
    """Return a path to a folder that Dagster can put into the address of a database, which it does as it stands.

    There, what follows a question mark is an option, and the rest another file. A link leads around it, in a folder of
    the user's own.
    """
    if not set("?%") & set(str(folder)):
        return folder
    links = Path(tempfile.gettempdir()) / f"peerlens-{os.getuid()}"
    links.mkdir(mode=0o700, exist_ok=True)
    if links.is_symlink() or links.stat().st_uid != os.getuid():
        raise PermissionError(f"{links} belongs to somebody else")
    link = links / hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]
    if not link.is_symlink() or link.readlink() != folder:
        made = link.with_name(f"{link.name}.{os.getpid()}")
        made.symlink_to(folder, target_is_directory=True)
        made.replace(link)
    return link
