"""A folder of shards for some filings: unchanged ones are carried over, new and damaged ones are read."""

import errno
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from assets.activations.harvest.meter import DiskFullError, check_room
from assets.activations.harvest.reader import Group, Reader, Text
from assets.activations.shards.part import Part
from assets.activations.shards.part_record import PartRecord, part_records, shard_file
from assets.activations.shards.shard_files import damaged_blocks, link_part, remove_leftovers, remove_part, write_part
from assets.activations.shards.shards import Shards
from assets.activations.shards.writer_thread import PartWriter
from resources.lake.lake import set_aside

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Filled:
    """Filings whose activations were read now, all or some blocks, and those that were there already."""

    read: frozenset[str]
    carried_over: frozenset[str]


def fill(folder: Path, texts: Sequence[Text], blocks: Sequence[int], sources: Sequence[Path], reader: Reader) -> Filled:
    """Make `folder` hold the residual streams of `texts` after `blocks`, and nothing else.

    Parts of an interrupted attempt stay. A filing that a source has with the same `input_digest` is carried over: its
    part is linked where all of it can be used, else its rows are copied bit for bit. Where only some shards of a part
    are damaged, only those blocks are read again.

    Parameters
    ----------
    sources : folders of shards; each may be missing, empty or damaged

    Raises
    ------
    DiskFullError
        The disk has no room for what must be read; where it fills up on the way, the parts written so far stay.
    ActivationOverflowError, ReadingMemoryError
        See `Harvester`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cache = _Cache(folder, tuple(blocks), {text.accession: text for text in texts}, reader)
    cache.resume()
    for source in sources:
        cache.take_over(source)
    read = cache.write()
    return Filled(frozenset(read), frozenset(text.accession for text in texts) - read)


@dataclass(frozen=True)
class _Stored:
    """The usable share of a part in another folder: some of its filings, and the blocks whose shards are intact."""

    folder: Path
    record: PartRecord
    filings: tuple[str, ...]
    blocks: tuple[int, ...]

    @property
    def tokens(self) -> int:
        return sum(filing.tokens for filing, _ in self.record.placed(self.filings))

    def part(self) -> Part:
        number = self.record.number
        return Shards(self.folder, numbers=[number]).part(number, accessions=self.filings, blocks=self.blocks)


class _Cache:
    """A folder of parts that grows until no filing is missing."""

    def __init__(self, folder: Path, blocks: tuple[int, ...], missing: dict[str, Text], reader: Reader) -> None:
        self._folder, self._blocks, self._reader = folder, blocks, reader
        self._missing = missing
        self._copies: list[_Stored] = []
        self._damaged: list[_Stored] = []
        self._number = 0

    def resume(self) -> None:
        """Keep the parts of an interrupted attempt that are whole and still asked for; remove the others."""
        for number, record in part_records(self._folder):
            reusable = self._reusable(record)
            if self._is_reusable_whole(record, reusable) and not damaged_blocks(self._folder, number):
                self._mark_stored(reusable)
                self._number = number + 1
            else:
                remove_part(self._folder, number)
        remove_leftovers(self._folder)

    def take_over(self, source: Path) -> None:
        """Link the parts of another folder that are reusable as they are; list those to be copied or repaired."""
        for number, record in part_records(source):
            reusable = self._reusable(record)
            if not reusable or not set(self._blocks) <= set(record.blocks):
                continue
            damaged = damaged_blocks(source, number)
            for block in damaged:
                set_aside(shard_file(source, block, number))
            good = tuple(block for block in self._blocks if block not in damaged)
            stored = _Stored(source, record, reusable, good)
            if len(good) < len(self._blocks):
                self._damaged.append(stored)
                continue
            if self._is_reusable_whole(record, reusable):
                self._store(self._next(), partial(link_part, source, number, self._folder))
            else:
                self._copies.append(stored)
            self._mark_stored(reusable)

    def write(self) -> set[str]:
        """Write what is copied, repaired and read; return the accessions that were read."""
        repairs = [self._repair(one) for one in self._damaged if self._repairable(one)]
        fresh = self._reader.groups(list(self._missing.values()), self._blocks)
        groups = [*(group for group, _ in repairs), *fresh]
        tokens = sum(one.tokens for one in self._copies) + sum(group.tokens for group in groups)
        check_room(self._folder, self._reader.bytes(tokens, len(self._blocks)))
        copied = _gathered((one.part() for one in self._copies), self._reader.part_tokens(len(self._blocks)))
        rests = [*(stored for _, stored in repairs), *(None for _ in fresh)]
        with PartWriter(self._store_part) as writer:
            for part in chain(copied, self._read(groups, rests)):
                writer.put(self._next(), part)
        return {filing.accession for group in groups for filing in group.filings}

    def _read(self, groups: Sequence[Group], rests: Sequence[_Stored | None]) -> Iterator[Part]:
        """Read the groups; add to each the blocks of its filings that were intact."""
        if groups:
            for parts, rest in zip(self._reader.read(groups), rests, strict=True):
                yield from parts if rest is None else [_joined(part, rest.part()) for part in parts]

    def _repairable(self, stored: _Stored) -> bool:
        """Whether all filings of a damaged part are still asked for, and at least one of its shards is intact."""
        return bool(stored.blocks) and len(self._reusable(stored.record)) == len(stored.record.filings)

    def _repair(self, stored: _Stored) -> tuple[Group, _Stored]:
        """Return the group that reads the damaged blocks of a part again, and the part."""
        damaged = [block for block in self._blocks if block not in stored.blocks]
        where = f"{stored.folder}: part {stored.record.number}"
        self._reader.log(f"{where} is damaged at blocks {damaged}; they are read again")
        group = self._reader.group([self._missing[accession] for accession in stored.filings], damaged)
        self._mark_stored(stored.filings)
        return group, stored

    def _store_part(self, number: int, part: Part) -> None:
        about = self._reader.about()
        self._store(number, lambda new: write_part(self._folder, new, part, about))

    def _store(self, number: int, write: Callable[[int], None]) -> None:
        try:
            write(number)
        except OSError as error:
            remove_part(self._folder, number)
            if error.errno not in _FULL:
                raise
            raise DiskFullError(
                f"{self._folder}: part {number} could not be written: {error.strerror}; the parts before it stay: "
                "make room and run `peerlens refresh` again"
            ) from error

    def _is_reusable_whole(self, record: PartRecord, reusable: Sequence[str]) -> bool:
        """Whether a part can be used as it is: all its filings, the blocks asked for, read in the same way."""
        whole = len(reusable) == len(record.filings) and set(record.blocks) == set(self._blocks)
        return whole and dict(record.about) == self._reader.about()

    def _reusable(self, record: PartRecord) -> tuple[str, ...]:
        """Return the filings of a part that are still missing here and have the same input digest there."""
        pairs = ((filing, self._missing.get(filing.accession)) for filing in record.filings)
        return tuple(filing.accession for filing, text in pairs if text and text.input_digest == filing.input_digest)

    def _mark_stored(self, accessions: Iterable[str]) -> None:
        for accession in accessions:
            del self._missing[accession]

    def _next(self) -> int:
        self._number += 1
        return self._number - 1


def _joined(part: Part, rest: Part) -> Part:
    """Return the filings, which are the same in both, with the blocks of both."""
    return Part(part.filings, {**part.bits, **rest.bits}, {**part.dtypes, **rest.dtypes})


def _gathered(pieces: Iterable[Part], rows: int) -> Iterator[Part]:
    """Join pieces into parts of about so many rows; a part has one type a block, so pieces of another type wait."""
    waiting: dict[tuple[tuple[int, str], ...], list[Part]] = {}
    for piece in pieces:
        kind = tuple(sorted(piece.dtypes.items()))
        waiting.setdefault(kind, []).append(piece)
        if sum(one.rows for one in waiting[kind]) >= rows:
            yield _concatenated(waiting.pop(kind))
    yield from map(_concatenated, waiting.values())


def _concatenated(pieces: Sequence[Part]) -> Part:
    first = pieces[0]
    bits = {block: np.concatenate([piece.bits[block] for piece in pieces]) for block in first.bits}
    return Part(tuple(filing for piece in pieces for filing in piece.filings), bits, first.dtypes)
