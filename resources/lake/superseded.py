"""What no manifest names any more: since when, who still does, and when it goes."""

import json
from collections.abc import Callable, Iterable

from resources.lake.store import Store

KEEP_SECONDS = 3600.0
"""What nothing names any more stays this long, for readers that opened it before."""
REFERENCES, MARK = "references.json", ".superseded"

Named = dict[str, list[str]]
"""Published file -> folders that it names, as asset/partition/folder."""


class Superseded:
    """Folders beside the current ones, each with a mark that tells since when nothing names it."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock

    def marked(self, directory: str) -> set[str]:
        """Return the names of folders in a partition's directory that have a mark."""
        return {n.removesuffix(MARK) for n in self._store.names(directory) if n.endswith(MARK)}

    def mark(self, folder: str) -> None:
        """Note that nothing names a folder from now on."""
        self._store.write(f"{folder}{MARK}", f"{self._clock():.0f}".encode())

    def remove(self, directory: str, current: str | None, named: set[str] | None) -> None:
        """Remove from a partition's directory what nothing has named for an hour; the caller holds the partition.

        Parameters
        ----------
        directory : str
            As asset/partition.
        current : str or None
            Folder of the current artefact; without one nothing goes.
        named : set of str or None
            Folders that published files name; None where that is lost, and then nothing goes.
        """
        for folder in sorted(self.marked(directory)):
            path = f"{directory}/{folder}"
            if named is None or path in named:
                self.mark(path)  # its hour begins when nothing names it any more
            elif current and folder != current and self._age(path) > KEEP_SECONDS:
                self._store.remove(path)
                self._store.remove(f"{path}{MARK}")

    def references(self) -> Named:
        """Return what each published file names; nothing where that is lost, until the file is published again."""
        try:
            told = json.loads(self._store.read(REFERENCES) or b"{}")
            return {str(name): [str(folder) for folder in folders] for name, folders in told.items()}
        except (ValueError, TypeError, AttributeError):
            return {}

    def refer(self, name: str, folders: Iterable[str]) -> None:
        """Keep the folders that a published file names, and no longer those that it named before."""
        self._write(self.references() | {name: sorted(set(folders))})

    def refer_to_both(self, name: str, folders: Iterable[str]) -> None:
        """Keep what a file names that is about to be replaced, and what the new one will name."""
        there = self.references()
        self._write(there | {name: sorted({*folders, *there.get(name, [])})})

    def release(self, name: str, folders: Iterable[str]) -> None:
        """Keep only `folders` for a file that has been replaced; the hour of the others begins now."""
        there = self.references()
        for folder in {*there.get(name, [])} - {*folders}:
            if self._store.stamp(f"{folder}{MARK}"):
                self.mark(folder)  # somebody may have opened the file before a moment ago
        self.refer(name, folders)

    def _write(self, references: Named) -> None:
        self._store.write(REFERENCES, json.dumps(references, indent=1, sort_keys=True).encode())

    def _age(self, folder: str) -> float:
        """Return seconds since a folder was marked; 0 for a mark that cannot be read."""
        told = (self._store.read(f"{folder}{MARK}") or b"").decode(errors="replace")
        return self._clock() - float(told) if told.isdigit() else 0.0
