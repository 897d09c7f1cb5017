"""The hub's own client against a small fake hub over real HTTP: requests, cached files, and error messages."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.hub_server import HubServer
from fakes.lying_server import LyingServer, answer, sends

from resources.network.hub import HubFolder
from resources.settings.profile import ProfileError

NAME = "someone/reports"
FILES = {"README.md": b"# reports", "reports.py": b"raise SystemExit", "a/1.jsonl": b"{}", "a[b]/2.jsonl": b"{}\n{}"}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        running.push(NAME, FILES)
        yield running


def refusal(address: str, cache: Path) -> str:
    with pytest.raises(ProfileError) as caught:
        folder = HubFolder(address, cache)
        folder.download(folder.names())
    return str(caught.value)


def test_without_a_revision_the_newest_commit_is_used(hub: HubServer, tmp_path: Path) -> None:
    first = HubFolder(f"hf://datasets/{NAME}", tmp_path).commit
    second = hub.push(NAME, {"a/1.jsonl": b"new"})
    assert first != second == HubFolder(f"hf://datasets/{NAME}", tmp_path).commit


def test_a_pinned_commit_needs_no_request(hub: HubServer, tmp_path: Path) -> None:
    first = HubFolder(f"hf://datasets/{NAME}", tmp_path).commit
    hub.push(NAME, {"a/1.jsonl": b"new"})
    hub.log.clear()
    pinned = HubFolder(f"hf://datasets/{NAME}@{first}", tmp_path)
    assert pinned.commit == first
    assert hub.log == []
    assert pinned.download(["a/1.jsonl"])[0].read_bytes() == b"{}"


def test_a_branch_whose_name_has_slashes_is_found(hub: HubServer, tmp_path: Path) -> None:
    hub.push(NAME, {"default/train/0000.parquet": b"PAR1"}, branch="refs/convert/parquet")
    converted = HubFolder(f"hf://datasets/{NAME}@refs/convert/parquet/default", tmp_path)
    assert converted.names() == ["train/0000.parquet"]
    assert converted.download(converted.names())[0].read_bytes() == b"PAR1"


def test_only_the_files_named_are_downloaded_and_only_once(hub: HubServer, tmp_path: Path) -> None:
    folder = HubFolder(f"hf://datasets/{NAME}", tmp_path)
    assert folder.names() == sorted(FILES)
    (kept,) = folder.download(["a[b]/2.jsonl"])
    assert kept.read_bytes() == FILES["a[b]/2.jsonl"]
    assert kept.is_relative_to(tmp_path)
    again = HubFolder(f"hf://datasets/{NAME}", tmp_path)
    assert again.download(["a[b]/2.jsonl", "a/1.jsonl"])[0] == kept
    assert hub.downloads() == ["a[b]/2.jsonl", "a/1.jsonl"]


def test_downloaded_files_are_available_without_a_network(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = HubFolder(f"hf://datasets/{NAME}", tmp_path)
    files = before.download(["a/1.jsonl"])
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    after = HubFolder(f"hf://datasets/{NAME}", tmp_path)
    assert (after.commit, after.names(), after.download(["a/1.jsonl"])) == (before.commit, before.names(), files)


def test_an_unknown_data_set_is_refused_by_name(hub: HubServer, tmp_path: Path) -> None:
    said = refusal("hf://datasets/someone/else", tmp_path)
    assert "descriptions.hub: hf://datasets/someone/else" in said
    assert "no such data set" in said
    assert "check the name" in said


def test_the_error_of_a_gated_data_set_says_how_to_get_access(hub: HubServer, tmp_path: Path) -> None:
    hub.datasets[NAME].gated = True
    said = refusal(f"hf://datasets/{NAME}", tmp_path)
    assert f"request it at {hub.url}/datasets/{NAME}" in said
    assert "HF_TOKEN" in said
    assert hub.downloads() == []


@pytest.mark.parametrize("revision", ["v9", "0" * 40])
def test_an_unknown_revision_is_refused_by_name(hub: HubServer, tmp_path: Path, revision: str) -> None:
    assert f"no revision {revision}" in refusal(f"hf://datasets/{NAME}@{revision}", tmp_path)


def test_a_hub_that_cannot_be_reached_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    said = refusal(f"hf://datasets/{NAME}", tmp_path)
    assert "http://127.0.0.1:9 did not send it" in said
    assert "run again" in said


@pytest.mark.parametrize("address", ["hf://datasets/reports", "hf://datasets/a/b@", "hf://datasets/a/b c", "hf://"])
def test_an_invalid_address_is_an_error(address: str, tmp_path: Path) -> None:
    assert "is not hf://datasets/owner/name[@revision][/folder]" in refusal(address, tmp_path)


def test_hf_endpoint_is_used_in_a_fresh_process(hub: HubServer, tmp_path: Path) -> None:
    code = f"from resources.network.hub import HubFolder; print(HubFolder('hf://datasets/{NAME}', '{tmp_path}').commit)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hub.datasets[NAME].branches["main"]


COMMIT = "0" * 40
INFO = sends(answer(b'{"id": "a/b", "sha": "%s", "siblings": []}' % COMMIT.encode()))
FILE = b'[{"type": "file", "oid": "aa", "size": 2, "path": %s}]'


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in</html>",
        b"null",
        b"[]",
        b"[" * 100_000,
        b'{"id": "a/b"}',
        b'{"id": "a/b", "sha": 5, "siblings": 7}',
        b'{"id": "a/b", "sha": "../../evil", "siblings": []}',
        b'{"sha": ' + b"9" * 5000 + b"}",
    ],
    ids=range(8),
)
def test_a_hub_that_sends_something_else_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    with LyingServer({}, sends(answer(body))) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        told = refusal("hf://datasets/a/b", tmp_path)
    assert f"descriptions.hub: hf://datasets/a/b: {server.url} sent something else (" in told
    assert len(told) < 500


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"null",
        b"[" * 100_000,
        b"[{}]",
        FILE % b"5",
        FILE % b'"../../evil"',
        FILE % b'"/evil"',
        FILE % b'"a\\u0000b"',
        FILE % b'"\\ud800"',
    ],
    ids=range(9),
)
def test_a_list_of_files_that_is_none_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    with LyingServer({f"/api/datasets/a/b/tree/{COMMIT}": sends(answer(body))}, INFO) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        told = refusal("hf://datasets/a/b", tmp_path / "cache")
    assert f"{server.url} sent something else (" in told
    assert len(told) < 500
    assert not list(tmp_path.rglob("evil*"))
