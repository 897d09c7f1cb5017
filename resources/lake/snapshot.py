"""One look at a lake: whoever plans or builds sees every artefact as it was when it was first asked for.

Without it, another process's commit between working out a recipe and reading the rows would put rows into an artefact
whose recipe names others.
"""

from dataclasses import dataclass

from resources.lake.lake import Lake
from resources.lake.manifest import Manifest, Record


@dataclass(frozen=True)
class Seen:
    """What there is of one partition of an asset: its manifest, and what of it is missing or damaged."""

    manifest: Manifest | None
    damage: list[str]

    @property
    def whole(self) -> Manifest | None:
        """The manifest of an artefact that can be read; None where there is none or it is damaged."""
        return None if self.damage else self.manifest


class Snapshot:
    """The artefacts of a lake at one moment; each is looked at once, when it is first asked for."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._seen: dict[tuple[str, str | None], Seen] = {}
        self._records: dict[str, Record] = {}

    def look(self, asset: str, partition: str | None) -> Seen:
        """Return what there is of a partition."""
        key = asset, partition
        if key not in self._seen:
            self._seen[key] = Seen(self.lake.read_manifest(*key), self.lake.damage(*key))
        return self._seen[key]

    def whole(self, asset: str, partition: str | None) -> Manifest | None:
        """Return the artefact of a partition; None if there is none or it is damaged."""
        return self.look(asset, partition).whole

    def record(self, known: Manifest) -> Record:
        """Return the digests of an artefact's slices, units and sources; raises DamagedFileError."""
        where = str(self.lake.folder(known))
        if where not in self._records:
            self._records[where] = self.lake.record(known)
        return self._records[where]
