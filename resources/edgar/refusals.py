"""Which addresses have a refusal that is to be asked for again, without a look at every pointer of the store."""

from collections.abc import Iterable, Iterator
from pathlib import Path

COMPLETE = "complete"
"""Name of the file that says that the marks of all older pointers are there."""


class RefusalMarks:
    """One empty file for each such pointer, under the pointer's name: planning lists a folder of a few files.

    A mark is set before its pointer is written and removed after, so a process killed in between leaves one mark too
    many, never one too few. Whoever reads marks looks at their pointers.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def are_complete(self) -> bool:
        """Whether the pointers that an older version wrote have their marks."""
        return (self.folder / COMPLETE).exists()

    def complete(self, names: Iterable[str]) -> None:
        """Set the marks of all pointers that need one, and remember that this is done."""
        for name in [*names, COMPLETE]:
            self.set(name)

    def set(self, name: str) -> None:
        """Mark a pointer."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).touch()

    def remove(self, name: str) -> None:
        """Remove the mark of a pointer, if it has one."""
        (self.folder / name).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """Yield the names of the marked pointers, sorted."""
        yield from sorted(file.name for file in self.folder.glob("*") if file.name != COMPLETE)
