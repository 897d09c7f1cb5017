"""What is written down of an artefact: the manifest, which the planner reads, and the record, which builds read.

The two are apart because a plan over decades reads every manifest. A manifest holds a digest a month; the record beside
the tables holds one a filing, which only the body that works on this partition asks for.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from resources.lake.digests import digest_of

FORMAT = 2
"""Of manifest and record; 1 had everything in the manifest and digests over Parquet bytes."""
RECORD = "record.json"
"""Name of the record in the folder of its artefact."""
DIGEST_LETTERS = 32


@dataclass(frozen=True)
class StoredFile:
    """A file of an artefact as it was written. `sha256` is empty for files that carry hashes of their own."""

    size: int
    changed: int
    """Modification time in nanoseconds: where it is the same, a plan need not read the file to know it unharmed."""
    sha256: str = ""


@dataclass(frozen=True)
class Record:
    """What an artefact was made of, piece by piece.

    `slices` maps table -> slice -> digest of its rows; `units` a filing or an autoencoder -> digest of its own recipe;
    `source` a slice of the outside world -> digest.
    """

    slices: dict[str, dict[str, str]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """Return the record as bytes, the same for the same content."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()


@dataclass(frozen=True)
class Manifest:
    """The pointer to an artefact, and all of it that a plan needs.

    `tables` maps table -> {"rows": n, "months": {month: digest of its slices}}, '' for a table without dates; `files`
    maps every file to what it was when written; `published` does so for copies at the lake's root. `codes` are the
    versions of the code that made it and its units; `adopted` maps one of today to the one of `codes` that it stands
    for, where `peerlens adopt` said so.
    """

    asset: str
    partition: str | None
    recipe: dict[str, Any]
    folder: str
    digest: str
    tables: dict[str, dict[str, Any]]
    files: dict[str, StoredFile]
    published: dict[str, StoredFile] = field(default_factory=dict)
    codes: tuple[str, str] = ("", "")
    adopted: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    written_at: float = 0.0

    @property
    def rows(self) -> int:
        """Number of rows of the first table, which is the asset's own."""
        return int(next(iter(self.tables.values()))["rows"])

    def to_json(self) -> bytes:
        """Return the manifest as text that people can read."""
        return json.dumps(asdict(self) | {"format": FORMAT}, indent=1).encode()


def parse_manifest(content: bytes) -> Manifest | None:
    """Return the manifest that was written; None where it is truncated, not JSON, or of another version."""
    try:
        told = json.loads(content)
        if told.pop("format") != FORMAT or told.keys() != {f.name for f in fields(Manifest)}:
            return None
        for name in ("files", "published"):
            told[name] = {file: StoredFile(**known) for file, known in told[name].items()}
        code, unit_code = told["codes"]
        known = Manifest(**told | {"codes": (code, unit_code)})
        whole = {"code", "schema", "config", "source", "inputs"} <= known.recipe.keys() and known.rows >= 0
    except (ValueError, TypeError, AttributeError, KeyError, StopIteration):
        return None
    return known if whole and known.files else None


def parse_record(content: bytes) -> Record:
    """Return the record that was written; its file's hash has been checked before."""
    return Record(**json.loads(content))


def month_digests(slices: Mapping[str, str]) -> dict[str, str]:
    """Return the digest of each month's slices; '' stands for a table that is one slice.

    Parameters
    ----------
    slices : mapping
        '2004-03-31 accession', '2004-03' or '' -> digest of the rows.
    """
    months: dict[str, list[tuple[str, str]]] = {}
    for name, digest in slices.items():
        months.setdefault(name[:7], []).append((name, digest))
    return {month: _digest_of_slices(found) for month, found in months.items()}


def _digest_of_slices(slices: Iterable[tuple[str, str]]) -> str:
    return digest_of(sorted(slices))[:DIGEST_LETTERS]
