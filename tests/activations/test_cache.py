"""What is carried over, what is read again, and what a crash or a damaged file costs."""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from tiny_llama import WORDS, save_tiny_llama

from assets.activations import cache
from assets.activations.cache import Filled, fill
from assets.activations.harvest.meter import DiskFullError
from assets.activations.harvest.reader import Group, Reader, Text, text_digest
from assets.activations.shards.shards import Shards
from resources.lake.errors import DamagedFileError
from resources.places import ROOT
from resources.settings.activations import Activations
from resources.settings.model import Model
from resources.settings.profile import Profile

BLOCKS = (0, 2)
TEXTS = [
    "we make soft drinks and sell a chips",
    "we sell chips and make soft drinks and chips and we sell a drinks and make chips we sell and sell and sell",
    "we sell",
    "drinks and chips and soft drinks",
    "we make and sell and make chips",
    "soft chips",
]


class Noted(Reader):
    """A reader that remembers what it was asked to read."""

    def read(self, groups: Sequence[Group]) -> Iterator:
        self.asked = [(filing.accession, group.blocks) for group in groups for filing in group.filings]
        return super().read(groups)


@contextlib.contextmanager
def silent(total: int | None, unit: str) -> Iterator:
    yield lambda n: None


def profile(model: Path, shard_tokens: int) -> Profile:
    settings = Model(source="folder", path=model, id="toy/toy", context_length=16, overlap_tokens=4)
    return Profile(name="toy", model=settings, activations=Activations(shard_tokens=shard_tokens))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_llama(tmp_path_factory.mktemp("toy") / "model", blocks=3)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def reader(model: Path, tmp_path: Path, said: list[str]) -> Noted:
    found = Noted(profile(model, 12), tmp_path / "models", silent, said.append)
    found.asked = []
    return found


def texts(words: Sequence[str] = TEXTS, names: Sequence[str] = "abcdef") -> list[Text]:
    return [Text(name, word, text_digest(Model(), "toy", word)) for name, word in zip(names, words, strict=True)]


def streams(folder: Path) -> dict[tuple[str, int], bytes]:
    return {
        (document.accession, block): stream.tobytes()
        for document in Shards(folder).iter_documents()
        for block, stream in document.streams.items()
    }


def files(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def shards(folder: Path, block: int) -> list[Path]:
    return sorted((folder / f"block-{block:02d}").glob("*.parquet"))


def flip(file: Path, byte: int) -> None:
    content = bytearray(file.read_bytes())
    content[byte] ^= 1
    file.unlink()  # what is linked elsewhere stays as it is
    file.write_bytes(content)


def test_every_filing_is_read_and_found_again(tmp_path: Path, reader: Noted) -> None:
    assert fill(tmp_path / "s", texts(), BLOCKS, [], reader) == Filled(frozenset("abcdef"), frozenset())
    found = Shards(tmp_path / "s")
    assert sorted(found.places) == list("abcdef")
    assert len(found.parts) > 2
    assert found.blocks == BLOCKS
    assert {name: found.places[name].tokens for name in "ac"} == {"a": 8, "c": 2}


def test_a_new_filing_is_the_only_one_read_and_the_others_are_the_same_files(tmp_path: Path, reader: Noted) -> None:
    fill(tmp_path / "old", texts()[:5], BLOCKS, [], reader)
    filled = fill(tmp_path / "new", texts(), BLOCKS, [tmp_path / "old"], reader)
    assert reader.asked == [("f", BLOCKS)]
    assert filled == Filled(frozenset("f"), frozenset("abcde"))
    assert [file.stat().st_nlink for file in shards(tmp_path / "old", 0)] == [2] * len(shards(tmp_path / "old", 0))


def test_what_is_carried_over_and_what_is_read_at_once_is_the_same_bit_for_bit(tmp_path: Path, reader: Noted) -> None:
    fill(tmp_path / "whole", texts(), BLOCKS, [], reader)
    changed = [*texts()[:2], Text("c", "make soft chips", "other"), *texts()[3:5]]
    fill(tmp_path / "old", changed, BLOCKS, [], reader)
    fill(tmp_path / "new", texts(), BLOCKS, [tmp_path / "old"], reader)
    assert {name for name, _ in reader.asked} == {"c", "f"}
    assert streams(tmp_path / "new") == streams(tmp_path / "whole")


def test_a_filing_that_is_no_longer_wanted_goes(tmp_path: Path, reader: Noted) -> None:
    fill(tmp_path / "old", texts(), BLOCKS, [], reader)
    reader.asked = []
    fill(tmp_path / "new", texts()[1:], BLOCKS, [tmp_path / "old"], reader)
    assert reader.asked == []
    assert sorted(Shards(tmp_path / "new").places) == list("bcdef")


def test_fewer_blocks_are_copied_and_more_are_read(tmp_path: Path, reader: Noted) -> None:
    fill(tmp_path / "old", texts(), BLOCKS, [], reader)
    whole = streams(tmp_path / "old")
    reader.asked = []
    fill(tmp_path / "fewer", texts(), (2,), [tmp_path / "old"], reader)
    assert reader.asked == []
    assert streams(tmp_path / "fewer") == {key: bits for key, bits in whole.items() if key[1] == 2}
    fill(tmp_path / "more", texts(), (0, 1, 2), [tmp_path / "old"], reader)
    assert len(reader.asked) == 6


@pytest.mark.parametrize("harm", ["flipped", "short", "missing"])
def test_of_a_damaged_part_only_the_damaged_shard_is_read_again(
    tmp_path: Path, reader: Noted, said: list[str], harm: str
) -> None:
    fill(tmp_path / "old", texts(), BLOCKS, [], reader)
    whole, file = streams(tmp_path / "old"), shards(tmp_path / "old", 2)[1]
    held = [filing.accession for filing in Shards(tmp_path / "old").parts[1].filings]
    if harm == "flipped":
        flip(file, file.stat().st_size // 2)
    elif harm == "short":
        os.truncate(file, file.stat().st_size - 9)
    else:
        file.unlink()
    fill(tmp_path / "new", texts(), BLOCKS, [tmp_path / "old"], reader)
    assert reader.asked == [(name, (2,)) for name in held]
    assert any("part 1 is damaged at blocks [2]" in sentence for sentence in said)
    assert streams(tmp_path / "new") == whole


@pytest.mark.parametrize("blocks", [(2,), (0, 2)])
def test_a_part_of_which_no_shard_is_left_is_read_again_whole(
    tmp_path: Path, reader: Noted, blocks: tuple[int, ...]
) -> None:
    fill(tmp_path / "old", texts(), blocks, [], reader)
    whole = streams(tmp_path / "old")
    held = [filing.accession for filing in Shards(tmp_path / "old").parts[1].filings]
    for block in blocks:
        flip(shards(tmp_path / "old", block)[1], 77)
    fill(tmp_path / "new", texts(), blocks, [tmp_path / "old"], reader)
    assert sorted(reader.asked) == [(name, blocks) for name in sorted(held)]
    assert streams(tmp_path / "new") == whole


def test_what_one_source_has_damaged_another_may_have_whole(tmp_path: Path, reader: Noted) -> None:
    fill(tmp_path / "one", texts(), BLOCKS, [], reader)
    fill(tmp_path / "other", texts(), BLOCKS, [], reader)
    file = shards(tmp_path / "one", 0)[0]
    flip(file, 50)
    reader.asked = []
    fill(tmp_path / "new", texts(), BLOCKS, [tmp_path / "one", tmp_path / "other"], reader)
    assert reader.asked == []
    assert streams(tmp_path / "new") == streams(tmp_path / "other")
    assert [left.name for left in file.parent.glob("*.damaged")] == [f"{file.name}.damaged"]


def test_parts_that_say_something_else_of_themselves_are_copied_not_linked(
    tmp_path: Path, reader: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "old", texts()[:5], BLOCKS, [], reader)
    about = reader.about()
    monkeypatch.setattr(reader, "about", lambda: {**about, "more": "to say"})
    fill(tmp_path / "new", texts(), BLOCKS, [tmp_path / "old"], reader)
    assert reader.asked == [("f", BLOCKS)]
    assert Shards(tmp_path / "new").metadata["more"] == "to say"


def test_a_shard_of_another_model_is_not_taken(tmp_path: Path, reader: Noted, said: list[str]) -> None:
    other = save_tiny_llama(tmp_path / "other", blocks=3, seed=1)
    theirs = Reader(profile(other, 12), tmp_path / "models", silent, said.append)
    fill(tmp_path / "old", texts(), BLOCKS, [], reader)
    fill(tmp_path / "theirs", texts(), BLOCKS, [], theirs)
    whole = streams(tmp_path / "old")
    assert whole != streams(tmp_path / "theirs")
    shutil.copy(shards(tmp_path / "theirs", 0)[0], shards(tmp_path / "old", 0)[0])
    with pytest.raises(DamagedFileError, match=r"block-00/part-00000\.parquet"):
        Shards(tmp_path / "old").activations(0)
    fill(tmp_path / "new", texts(), BLOCKS, [tmp_path / "old"], reader)
    assert {blocks for _, blocks in reader.asked} == {(0,)}
    assert streams(tmp_path / "new") == whole


def test_a_whole_folder_of_another_model_is_refused_by_who_expects_this_one(tmp_path: Path, reader: Noted) -> None:
    fill(tmp_path / "s", texts(), BLOCKS, [], reader)
    expected = {"model": reader.about()["model"]}
    assert Shards(tmp_path / "s", expected).activations(0).shape[1] == 16
    with pytest.raises(DamagedFileError, match="toy/toy@"):
        Shards(tmp_path / "s", {"model": "toy/toy@another"}).activations(0)


def test_an_interrupted_attempt_goes_on_where_it_was(
    tmp_path: Path, reader: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "whole", texts(), BLOCKS, [], reader)
    write, written = cache.write_part, []

    def dies_at_the_third(folder: Path, number: int, *rest: object) -> None:
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        write(folder, number, *rest)  # type: ignore[arg-type]
        written.append(number)

    monkeypatch.setattr(cache, "write_part", dies_at_the_third)
    with pytest.raises(DiskFullError, match=r"part 2 could not be written: No space left on device; .* make room"):
        fill(tmp_path / "s", texts(), BLOCKS, [], reader)
    monkeypatch.undo()
    done = set(Shards(tmp_path / "s").places)
    assert 0 < len(done) < 6
    fill(tmp_path / "s", texts(), BLOCKS, [], reader)
    assert {name for name, _ in reader.asked} == set("abcdef") - done
    assert streams(tmp_path / "s") == streams(tmp_path / "whole")


def test_a_part_left_behind_damaged_or_unwanted_is_removed(tmp_path: Path, reader: Noted) -> None:
    fill(tmp_path / "s", texts(), BLOCKS, [], reader)
    flip(shards(tmp_path / "s", 0)[0], 100)
    wanted = texts()[:4]
    fill(tmp_path / "s", wanted, BLOCKS, [], reader)
    fill(tmp_path / "whole", wanted, BLOCKS, [], reader)
    assert streams(tmp_path / "s") == streams(tmp_path / "whole")


def test_no_room_is_said_before_anything_is_read(
    tmp_path: Path, reader: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(DiskFullError, match=r"need .* 1\.0 kB are free"):
        fill(tmp_path / "s", texts(), BLOCKS, [], reader)
    assert not list((tmp_path / "s").glob("part-*"))


def test_a_full_disk_ends_it_with_its_name_and_what_was_written_stays(tmp_path: Path, model: Path) -> None:
    full = _filling(tmp_path, model, limit_bytes=3_000)
    _, told = full.communicate(timeout=120)
    assert full.returncode == 1
    assert re.search("part 0 could not be written: .*File too large; the parts before it stay: make room", told)
    assert not list((tmp_path / "s").glob("**/part-*"))
    roomy = _filling(tmp_path, model)
    assert (roomy.communicate(timeout=120), roomy.returncode)[1] == 0
    assert len(Shards(tmp_path / "s").places) == 100


FILL = """
import sys, resource, signal, time
from pathlib import Path
sys.path[:0] = ["tests", "tests/activations"]
from test_cache import BLOCKS, cache, fill, many, profile, silent
from assets.activations.harvest.reader import Reader
model, folder, limit, last = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
write = cache.write_part
cache.write_part = lambda folder, number, *rest: time.sleep(600) if number == last else write(folder, number, *rest)
if limit:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
reader = Reader(profile(model, 60), folder / "models", silent, lambda sentence: None)
fill(folder / "s", many(), BLOCKS, [], reader)
"""


def many() -> list[Text]:
    """A hundred texts, most longer than a window."""
    drawn = np.random.default_rng(0).choice(WORDS[3:], (100, 60))
    words = [" ".join(row[: 5 + i % 55]) for i, row in enumerate(drawn)]
    return texts(words, [f"a{i:03d}" for i in range(100)])


def _filling(folder: Path, model: Path, limit_bytes: int = 0, stops_at: int = -1) -> subprocess.Popen[str]:
    """A process that fills `folder`; it may write only so large files, or hang at a part."""
    return subprocess.Popen(
        [sys.executable, "-c", FILL, str(model), str(folder), str(limit_bytes), str(stops_at)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _killed(folder: Path, model: Path, parts: int, seconds: float, stops_at: int = -1) -> None:
    """Kill a filling some seconds after it has so many parts."""
    process, deadline = _filling(folder, model, stops_at=stops_at), time.monotonic() + 120
    while len(list((folder / "s").glob("part-*.json"))) < parts:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.001)
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)


def kills(folder: Path, model: Path, moments: range) -> list[int]:
    """Kill fillings at random moments, each then done again to its end; returns how many parts each kill left."""
    reader = Reader(profile(model, 60), folder / "models", silent, lambda sentence: None)
    fill(folder / "whole", many(), BLOCKS, [], reader)
    expected, left = streams(folder / "whole"), []
    for moment in moments:
        one, chance = folder / str(moment), random.Random(moment)
        _killed(one, model, chance.randrange(len(expected) // 4), chance.random() / 50)
        left.append(len(list((one / "s").glob("part-*.json"))))
        fill(one / "s", many(), BLOCKS, [], reader)
        assert streams(one / "s") == expected
        shutil.rmtree(one)
    return left


def test_a_kill_in_the_middle_changes_no_bit(tmp_path: Path, model: Path) -> None:
    reader = Noted(profile(model, 60), tmp_path / "models", silent, lambda sentence: None)
    fill(tmp_path / "whole", many(), BLOCKS, [], reader)
    one = tmp_path / "one"
    one.mkdir()
    _killed(one, model, parts=20, seconds=0, stops_at=20)
    done = {name for name, place in Shards(tmp_path / "whole").places.items() if place.part < 20}
    fill(one / "s", many(), BLOCKS, [], reader)
    assert {name for name, _ in reader.asked} == {text.accession for text in many()} - done
    assert streams(one / "s") == streams(tmp_path / "whole")


@pytest.mark.slow
def test_fifty_kills_change_no_bit(tmp_path: Path, model: Path) -> None:
    left = kills(tmp_path, model, range(50))
    assert len(set(left)) > 15  # they came at many moments
