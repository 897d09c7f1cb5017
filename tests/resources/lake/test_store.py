"""Names and bytes on a disk: whole or not at all, one holder of a lease, and one line where something is in the way."""

import subprocess
import sys
from pathlib import Path

import pytest

from resources.lake.errors import LakeBusyError, LakeError
from resources.lake.store import LocalStore
from resources.places import ROOT


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "lake")


def test_what_was_written_is_read_and_listed_and_removed(store: LocalStore) -> None:
    assert store.read("prices/all/manifest.json") is None
    assert store.stamp("prices/all/manifest.json") is None
    assert store.names("prices") == []
    store.write("prices/all/manifest.json", b"one")
    store.write("prices/2004/manifest.json", b"two")
    assert store.read("prices/all/manifest.json") == b"one"
    assert store.names("prices") == ["2004", "all"]
    assert store.names("prices/all") == ["manifest.json"]
    assert store.local("prices/all/manifest.json").read_bytes() == b"one"
    store.remove("prices/all")
    store.remove("prices/all")
    assert store.names("prices") == ["2004"]


def test_a_stamp_tells_one_version_from_another_of_the_same_size(store: LocalStore) -> None:
    store.write("file", b"one")
    first = store.stamp("file")
    assert first == store.stamp("file")
    store.write("file", b"two")
    assert store.stamp("file") != first


def test_only_the_version_that_was_seen_is_published_over(store: LocalStore) -> None:
    store.publish("pointer", b"1", over=None)
    seen = store.stamp("pointer")
    store.publish("pointer", b"2", over=seen)
    for stale in (seen, None):
        with pytest.raises(LakeBusyError, match="pointer: another process has written it meanwhile; run it again"):
            store.publish("pointer", b"3", over=stale)
    assert store.read("pointer") == b"2"


def test_a_folder_is_no_file_and_makes_way_for_one(store: LocalStore) -> None:
    store.write("name/inside", b"")
    assert store.read("name") is None
    assert store.stamp("name") is None
    store.write("name", b"file")
    assert store.read("name") == b"file"


def test_a_file_where_a_folder_should_be_is_one_line(store: LocalStore) -> None:
    store.write("prices", b"")
    assert store.names("prices") == []
    with pytest.raises(LakeError, match=r"cannot write to the lake at .*prices/all: .*; set PEERLENS_HOME"):
        store.write("prices/all", b"")


def test_a_lease_has_one_holder_and_tells_the_next_who_it_is(store: LocalStore) -> None:
    with store.lease("lock") as lease:
        lease.note("me")
        with pytest.raises(LakeBusyError, match=r"^me$"):
            store.lease("lock", wait=False)
        lease.note("")
    with store.lease("lock", wait=False):
        pass


def test_a_lease_dies_with_its_process(store: LocalStore) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom resources.lake.store import LocalStore\n"
        "held = LocalStore(Path(sys.argv[1])).lease('lock')\nos._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(store.root)], cwd=ROOT, check=False)
    assert done.returncode == 9
    with store.lease("lock", wait=False):
        pass


def test_a_name_may_hold_letters_that_are_patterns_elsewhere(store: LocalStore) -> None:
    for name in ("a[1]", "a*", "a?", "a%20", "a b"):
        store.write(f"{name}/file", name.encode())
    assert [store.read(f"{name}/file") for name in ("a[1]", "a*")] == [b"a[1]", b"a*"]
    assert store.names("a*") == ["file"]
