"""Data sets on the Hugging Face hub: resolve the commit, list its files, download some of them.

Files are only downloaded; no code of a data set is ever run.
"""

import glob
import os
import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from httpx2 import HTTPError
from huggingface_hub import HfApi, get_cached_repo_tree, parse_hf_uri, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import (
    CachedRepoTreeNotFoundError,
    EntryNotFoundError,
    GatedRepoError,
    HfUriError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
)
from huggingface_hub.hf_api import RepoFile

from resources.settings.profile import ProfileError

MALFORMED = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)
"""What the library raises for an answer that is not the hub's: a page, other types, JSON that is nested too deep."""
UNSENT = (HTTPError, OSError, *MALFORMED)
COMMIT = re.compile(r"[0-9a-f]{40}")
MOST_WORDS = 300
"""Characters of an error that are told; the library quotes whole addresses."""


class HubFolder:
    """A data set on the hub, or a folder of one, given as `hf://datasets/owner/name[@revision][/folder]`.

    Without a revision it is the newest commit. Downloads are kept in `cache` and used again without a network.
    The library reads HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE from the environment.
    """

    def __init__(self, address: str, cache: Path) -> None:
        try:
            self._uri = parse_hf_uri(address)
        except HfUriError as error:
            wanted = "hf://datasets/owner/name[@revision][/folder]"
            raise ProfileError(f"descriptions.hub: {address!r} is not {wanted}: {error.msg.strip()}") from error
        self.address, self.folder, self.cache = address, self._uri.path_in_repo.strip("/"), cache
        # Read here because the library reads the variable only once, when it is first imported.
        self._endpoint = os.environ.get("HF_ENDPOINT") or None
        self._api = HfApi(endpoint=self._endpoint)

    @cached_property
    def commit(self) -> str:
        """SHA of the commit; the hub is not asked if the address names a SHA. Raises ProfileError."""
        try:
            commit = self._api.resolve_revision(
                self._uri.id, repo_type="dataset", revision=self._uri.revision, cache_dir=self.cache
            ).resolved
            # It becomes the name of a folder of the cache.
            if not COMMIT.fullmatch(str(commit)):
                raise ValueError(f"a commit called {str(commit)[:60]!a}")
            return commit
        except (RevisionResolutionError, *UNSENT) as error:
            raise self._hub_error(error) from error

    def names(self) -> list[str]:
        """Return the paths of all files, relative to the folder and sorted. Raises ProfileError."""
        try:
            paths = [_checked(file.path) for file in self._tree()]
        except ProfileError:
            raise
        except UNSENT as error:
            raise self._hub_error(error) from error
        inside = f"{self.folder}/" if self.folder else ""
        return sorted(path.removeprefix(inside) for path in paths if path.startswith(inside))

    def download(self, names: Iterable[str]) -> list[Path]:
        """Download these files unless they are cached, and return their paths on disk. Raises ProfileError."""
        paths = [f"{self.folder}/{name}".lstrip("/") for name in names]
        # Escaped because `allow_patterns` are globs, and a file name may hold brackets.
        missing = [glob.escape(path) for path in paths if self._cached(path) is None]
        try:
            if missing:
                snapshot_download(
                    self._uri.id,
                    repo_type="dataset",
                    revision=self.commit,
                    cache_dir=self.cache,
                    allow_patterns=missing,
                    endpoint=self._endpoint,
                )
        except ProfileError:
            raise
        except UNSENT as error:
            raise self._hub_error(error) from error
        return [cached for path in paths if (cached := self._cached(path))]

    def _cached(self, path: str) -> Path | None:
        found = try_to_load_from_cache(
            self._uri.id, path, repo_type="dataset", revision=self.commit, cache_dir=self.cache
        )
        return Path(found) if isinstance(found, str) else None

    def _tree(self) -> list[RepoFile]:
        """Return all files of the commit; the first download leaves the listing in the cache."""
        try:
            return get_cached_repo_tree(self._uri.id, repo_type="dataset", revision=self.commit, cache_dir=self.cache)
        except CachedRepoTreeNotFoundError:
            entries = self._api.list_repo_tree(self._uri.id, recursive=True, revision=self.commit, repo_type="dataset")
            return [entry for entry in entries if isinstance(entry, RepoFile)]

    def _hub_error(self, error: Exception) -> ProfileError:
        hub = self._api.endpoint
        page = f"{hub}/datasets/{self._uri.id}"
        login = "log in with `hf auth login` or set HF_TOKEN"
        if isinstance(error, GatedRepoError):
            why = f"its owner gives access on request: request it at {page}, then {login}"
        elif isinstance(error, RepositoryNotFoundError):
            why = f"{hub} has no such data set, or it is private: check the name; for a private one {login}"
        elif isinstance(error, RevisionNotFoundError):
            why = f"it has no revision {self._uri.revision}: see {page}/tree/main, or leave @revision out"
        elif isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
            why = f"a file of commit {self.commit} does not exist any more: run again, or name another revision"
        else:
            words = " ".join(str(error).split()) or type(error).__name__
            told = words if len(words) <= MOST_WORDS else f"{words[:MOST_WORDS]}..."
            what = "sent something else" if isinstance(error, MALFORMED) else "did not send it"
            why = f"{hub} {what} ({told}); run again, downloaded files are kept"
        return ProfileError(f"descriptions.hub: {self.address}: {why}")


def _checked(path: object) -> str:
    """Return the path of a file of a data set. Raises ValueError if it is none, or leads out of the data set."""
    if not isinstance(path, str) or not path.isprintable() or ".." in path.split("/") or path.startswith("/"):
        raise ValueError(f"a file called {str(path)[:60]!a}")
    return path
