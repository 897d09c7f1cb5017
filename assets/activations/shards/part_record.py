"""The record of a part, written after its shards: without a record there is no part."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, cast

import xxhash

from assets.activations.shards.part import DType
from resources.lake.errors import DamagedFileError
from resources.lake.lake import set_aside

_VERSION = 1
_NAME = re.compile(r"part-(\d{5,})\.json")


class ShardNotFoundError(FileNotFoundError):
    """A folder holds no shards, or not the block, part or filing that was asked for."""


class ShardMismatchError(ValueError):
    """Rows do not fit a shard, or parts do not fit each other: other blocks, width, length or model."""


@dataclass(frozen=True)
class PartFiling:
    """A filing of a part: its rows, and the digest of all that they depend on."""

    accession: str
    tokens: int
    input_digest: str


@dataclass(frozen=True)
class PartShard:
    """A block's file: xxh3-128 of its bytes, their number, and the type of its payload."""

    xxh3: str
    bytes: int
    dtype: DType


@dataclass(frozen=True)
class PartRecord:
    """What a part consists of; `about` states what produced it, such as model and tokenizer."""

    number: int
    d_model: int
    about: Mapping[str, str]
    filings: tuple[PartFiling, ...]
    shards: Mapping[int, PartShard]

    @property
    def rows(self) -> int:
        """Tokens of all filings."""
        return sum(filing.tokens for filing in self.filings)

    @property
    def blocks(self) -> tuple[int, ...]:
        """Blocks, ascending."""
        return tuple(sorted(self.shards))

    def placed(self, accessions: Collection[str] | None = None) -> list[tuple[PartFiling, int]]:
        """Return filings, all or those asked for, in order, and the first row of each inside the part."""
        requested = None if accessions is None else frozenset(accessions)
        placed = zip(self.filings, accumulate((filing.tokens for filing in self.filings), initial=0), strict=False)
        return [(filing, first) for filing, first in placed if requested is None or filing.accession in requested]

    def runs(self, accessions: Collection[str] | None = None) -> list[tuple[int, int]]:
        """Return the rows of these filings, all or those asked for, as stretches (first row, rows) without gaps."""
        runs = list[tuple[int, int]]()
        for filing, first in self.placed(accessions):
            if runs and sum(runs[-1]) == first:
                runs[-1] = (runs[-1][0], runs[-1][1] + filing.tokens)
            else:
                runs.append((first, filing.tokens))
        return runs

    def damaged(self, file: Path, what: str) -> DamagedFileError:
        """Return the error for a file of this part."""
        return DamagedFileError(file, f"{what}; `peerlens refresh` reads its {len(self.filings)} filings again")


def record_file(folder: Path, number: int) -> Path:
    """Return the file of a part's record."""
    return folder / f"part-{number:05d}.json"


def shard_file(folder: Path, block: int, number: int) -> Path:
    """Return the file of a part's shard of one block."""
    return folder / f"block-{block:02d}" / f"part-{number:05d}.parquet"


def read_record(folder: Path, number: int) -> PartRecord | None:
    """Read the record of a part; None where there is none, or not as it was written."""
    try:
        written = json.loads(record_file(folder, number).read_text(encoding="utf-8"))
        content = written["part"]
        if (written["version"], written["xxh3"]) != (_VERSION, _digest(content)):
            return None
        filings = tuple(_filing(**filing) for filing in content["filings"])
        shards = {int(block): PartShard(**shard) for block, shard in content["shards"].items()}
        return PartRecord(number, content["d_model"], content["about"], filings, shards)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def _filing(accession: str, tokens: int, input_digest: str = "", made_from: str = "") -> PartFiling:
    """Return a filing as a record has it; older records say `made_from`."""
    return PartFiling(accession, tokens, input_digest or made_from)


def checked_record(folder: Path, number: int, expected: Mapping[str, str] | None = None) -> PartRecord:
    """Read the record of a part that must be there, and must state what is expected.

    Raises
    ------
    DamagedFileError
        It is missing, not as it was written, or states another model; it has been set aside.
    """
    part, file = read_record(folder, number), record_file(folder, number)
    wrong = [key for key, value in (expected or {}).items() if part and part.about.get(key) != value]
    if part and not wrong:
        return part
    set_aside(file)
    if not part:
        raise DamagedFileError(file, "not the record that was written; `peerlens refresh` reads its filings again")
    raise part.damaged(file, f"its {wrong[0]} is {part.about.get(wrong[0])}, not {(expected or {})[wrong[0]]}")


def record_numbers(folder: Path) -> list[int]:
    """Return the numbers of the parts that have a record, readable or not, ascending."""
    return sorted(int(match[1]) for file in folder.glob("part-*.json") if (match := _NAME.fullmatch(file.name)))


def part_records(folder: Path) -> list[tuple[int, PartRecord]]:
    """Return the parts of a folder whose record is readable, by number; none where there is no folder."""
    found = ((number, read_record(folder, number)) for number in record_numbers(folder))
    return [(number, part) for number, part in found if part]


def write_record(folder: Path, part: PartRecord) -> None:
    """Write the record of a part atomically: a reader sees all of it or nothing."""
    content = cast(dict[str, Any], {**asdict(part), "rows": part.rows})
    del content["number"]
    content["shards"] = {str(block): content["shards"][block] for block in part.blocks}
    file = record_file(folder, part.number)
    draft = file.with_suffix(".json.draft")
    written = {"version": _VERSION, "part": content, "xxh3": _digest(content)}
    draft.write_text(json.dumps(written, indent=1, sort_keys=True), encoding="utf-8")
    draft.replace(file)


def _digest(content: Any) -> str:
    return xxhash.xxh3_128_hexdigest(json.dumps(content, sort_keys=True).encode())
