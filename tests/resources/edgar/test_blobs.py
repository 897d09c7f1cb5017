"""Documents are found by their content, damaged ones are named, and no reader sees half a file."""

import gzip
import hashlib
import os
import shutil
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.edgar import blobs
from resources.edgar.blobs import BlobError, BlobStore, Pointer

URL = "/Archives/edgar/data/1/0000000001-04-000001.txt"
INDEX = "/Archives/edgar/full-index/2004/QTR1/master.idx"


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path)


def pointer(store: BlobStore, url: str = URL, content: bytes = b"a filing") -> Pointer:
    return Pointer(url, store.put(content), "whole", len(content), '"tag"', None, 1000.0, None)


def refusal(url: str = URL) -> Pointer:
    return Pointer(url, None, "whole", 0, None, None, 1000.0, "HTTP 404 Not Found")


@given(content=st.binary(max_size=5000))
def test_a_stored_document_is_read_back(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = BlobStore(tmp_path_factory.mktemp("store"))
    sha256 = store.put(content)
    assert store.get(sha256) == content
    assert sha256 == hashlib.sha256(content).hexdigest()


def test_the_same_document_is_the_same_file_anywhere(tmp_path: Path) -> None:
    files = []
    for root in (tmp_path / "a", tmp_path / "b"):
        sha256 = BlobStore(root).put(b"a filing")
        files.append((root / "blobs" / sha256[:2] / f"{sha256}.gz").read_bytes())
    assert files[0] == files[1]
    assert gzip.decompress(files[0]) == b"a filing"


def test_a_document_put_twice_is_written_once(store: BlobStore) -> None:
    store.put(b"a filing")
    (file,) = store.root.glob("blobs/*/*")
    os.utime(file, (1, 1))
    store.put(b"a filing")
    assert file.stat().st_mtime == 1


@pytest.mark.parametrize("damage", [b"", b"no gzip", gzip.compress(b"another one", mtime=0)])
def test_a_damaged_document_is_named_with_what_to_do(store: BlobStore, damage: bytes) -> None:
    sha256 = store.put(b"a filing")
    (file,) = store.root.glob("blobs/*/*")
    file.write_bytes(damage)
    with pytest.raises(BlobError, match=f"{file}: damaged .*; delete it and run again"):
        store.get(sha256)


def test_a_document_cut_short_on_disk_is_damaged(store: BlobStore) -> None:
    sha256 = store.put(b"a filing" * 1000)
    (file,) = store.root.glob("blobs/*/*")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(BlobError, match="damaged"):
        store.get(sha256)


def test_a_pointer_without_its_document_is_none(store: BlobStore) -> None:
    known = pointer(store)
    store.point(known)
    assert store.pointer(URL) == known
    (file,) = store.root.glob("blobs/*/*")
    file.unlink()
    assert store.pointer(URL) is None
    with pytest.raises(BlobError, match="no such file; run again"):
        store.get(str(known.sha256))


def test_a_mirror_has_the_same_documents(store: BlobStore) -> None:
    store.point(pointer(store, f"https://www.sec.gov{URL}"))
    assert store.pointer(f"http://127.0.0.1:8080{URL}") == store.pointer(URL) == pointer(store)


def test_a_refusal_is_remembered(store: BlobStore) -> None:
    store.point(refusal())
    assert store.pointer(URL) == refusal()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url": "/of/another/version"}'])
def test_an_unreadable_pointer_is_none(store: BlobStore, content: str) -> None:
    store.point(refusal())
    (file,) = store.root.glob("pointers/*/*")
    file.write_text(content)
    assert store.pointer(URL) is None


def test_computed_content_is_stored_by_name(store: BlobStore) -> None:
    store.put_named("/item1/3/ab12", b"{}")
    known = store.pointer("/item1/3/ab12")
    assert known is not None
    assert store.get(str(known.sha256)) == b"{}"


def test_expiry_spares_documents_and_computed_content(store: BlobStore) -> None:
    store.put_named("/item1/3/ab12", b"{}")
    for known in (pointer(store), pointer(store, INDEX, b"an index"), refusal("/Archives/edgar/data/2/gone.txt")):
        store.point(known)
    store.expire()
    assert store.pointer(URL) == pointer(store)
    assert store.pointer(INDEX) == replace(pointer(store, INDEX, b"an index"), fetched_at=0.0)
    assert store.pointer("/Archives/edgar/data/2/gone.txt") == replace(
        refusal("/Archives/edgar/data/2/gone.txt"), fetched_at=0.0
    )
    ours = store.pointer("/item1/3/ab12")
    assert ours is not None
    assert ours.fetched_at > 0


def test_only_old_temporary_files_are_removed(store: BlobStore) -> None:
    store.put(b"a filing")
    old, new = store.root / "tmp" / "old", store.root / "tmp" / "new"
    old.touch()
    new.touch()
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    store.remove_stale_temporaries()
    assert [file.name for file in store.root.glob("tmp/*")] == ["new"]


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "blobs").touch()
    with pytest.raises(BlobError, match=f"cannot write {tmp_path}/blobs/.*; free some space"):
        BlobStore(tmp_path).put(b"a filing")


def test_concurrent_writers_never_show_half_a_pointer(store: BlobStore) -> None:
    versions = [pointer(store, content=b"x" * n) for n in range(1, 5)]
    store.point(versions[0])
    seen: list[Pointer | None] = []

    def write(version: Pointer) -> None:
        for _ in range(30):
            store.point(version)

    writers = [threading.Thread(target=write, args=(version,)) for version in versions]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seen.append(store.pointer(URL))
    assert {str(asdict(p)) if p else "none" for p in seen} <= {str(asdict(version)) for version in versions}
    assert not list(store.root.glob("tmp/*"))


def to_ask_again(number: int) -> Pointer:
    return replace(refusal(f"/Archives/edgar/data/{number}/gone.txt"), fetched_at=0.0)


def test_refusals_to_be_asked_again_are_listed_until_they_are_answered(store: BlobStore) -> None:
    for known in (to_ask_again(1), to_ask_again(2), refusal("/Archives/edgar/data/3/gone.txt"), pointer(store)):
        store.point(known)
    expected = {to_ask_again(number).url: "HTTP 404 Not Found" for number in (1, 2)}
    assert store.refused_for_now() == expected
    store.point(pointer(store, to_ask_again(1).url))
    store.point(replace(to_ask_again(2), fetched_at=1000.0))
    assert store.refused_for_now() == {}
    store.expire()
    assert sorted(store.refused_for_now()) == [f"/Archives/edgar/data/{number}/gone.txt" for number in (2, 3)]


def test_refusals_that_an_older_version_wrote_are_listed_too(store: BlobStore) -> None:
    store.point(to_ask_again(1))
    shutil.rmtree(store.root / "refused-for-now")
    store.point(to_ask_again(2))
    assert sorted(store.refused_for_now()) == [to_ask_again(number).url for number in (1, 2)]


def test_a_mark_without_its_refusal_is_no_refusal(store: BlobStore) -> None:
    """A process was killed between the two."""
    store.point(to_ask_again(1))
    (mark,) = (store.root / "refused-for-now").iterdir()
    store.point(pointer(store, to_ask_again(1).url))
    mark.touch()
    (store.root / "refused-for-now" / ("0" * 64)).touch()
    assert store.refused_for_now() == {}


def test_refusals_are_listed_without_a_look_at_other_pointers(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        store.point(pointer(store, f"/Archives/edgar/data/{number}/kept.txt"))
    store.point(to_ask_again(1))
    store.refused_for_now()  # of a store without marks, all pointers are read once
    read: list[Path] = []
    known = blobs._read
    monkeypatch.setattr(blobs, "_read", lambda file: read.append(file) or known(file))
    assert list(store.refused_for_now()) == [to_ask_again(1).url]
    assert len(read) == 1
