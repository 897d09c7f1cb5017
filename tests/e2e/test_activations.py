"""The activation cache in the whole graph: what is kept changes no result, and damage costs what is damaged."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from peerlens_command import ROOT, artefacts, peerlens, refreshed

from resources.environment import open_profile
from resources.lake.lake import Lake
from resources.lake.manifest import Manifest
from resources.settings.profile import Profile

PROFILES = ROOT / "pipelines" / "profiles"
BEFORE_THE_MODEL = {
    "companies",
    "filings",
    "tickers",
    "descriptions",
    "prices",
    "monthly_returns",
    "company_embeddings",
}
RESULTS = (
    "passage_vectors/",
    "company_features/",
    "saes/",
    "sae_scores/",
    "latent_labels/",
    "layer_distances/",
    "cluster_scores/",
)


def kept(what: str) -> Profile:
    tiny = open_profile("tiny")
    return tiny.model_copy(update={"activations": tiny.activations.model_copy(update={"keep": what})})


def stored(home: Path) -> set[str]:
    """Assets that have shards on the disk."""
    return {file.relative_to(home / "tiny").parts[0] for file in home.glob("tiny/*/*/*/shards/block-*/*")}


def shard(home: Path, asset: str, block: int, part: int = 0) -> Path:
    (file,) = home.glob(f"tiny/{asset}/*/shards/block-{block:02d}/part-{part:05d}.parquet")
    return file


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


def made(home: Path, asset: str, partition: str | None = None) -> Manifest:
    found = Lake(home, "tiny").manifest(asset, partition)
    assert found is not None
    return found


@pytest.mark.parametrize(("what", "on_disk"), [("corpus", {"sae_corpus"}), ("none", set())])
def test_what_is_kept_changes_no_result(
    tiny_home: Path, lake_copy: Path, tmp_path: Path, what: str, on_disk: set[str]
) -> None:
    for asset in (lake_copy / "tiny").iterdir():
        if asset.is_dir() and asset.name not in BEFORE_THE_MODEL:
            shutil.rmtree(asset)
    tiny = (PROFILES / "tiny.yaml").read_text(encoding="utf-8")
    (tmp_path / "tiny.yaml").write_text(tiny.replace("shard_tokens: 512", f"shard_tokens: 512, keep: {what}"))
    home, ran = lake_copy, refreshed(lake_copy, str(tmp_path / "tiny.yaml"))
    assert not {body.split()[0] for body in ran} & BEFORE_THE_MODEL
    found, expected = artefacts(home / "tiny"), artefacts(tiny_home / "tiny")
    assert {name.rpartition("/")[0] + "/" for name in found} >= set(RESULTS)
    assert found.pop("warehouse/all") and expected.pop("warehouse/all")  # names folders, which the setting changes
    assert found == expected
    assert stored(home) == on_disk
    assert stored(tiny_home) == {"activations", "sae_corpus"}


def test_keeping_less_reads_nothing_trains_nothing_and_draws_no_new_corpus(walk: Callable, lake_copy: Path) -> None:
    before, less = artefacts(lake_copy / "tiny"), kept("corpus")
    again = walk(lake_copy, less)
    assert [body for body in again.ran if body != "warehouse"] == ["activations 2003", "activations 2004", "sae_corpus"]
    after = artefacts(lake_copy / "tiny")
    assert {name for name in after if before[name] != after[name]} <= {"warehouse/all"}
    assert "tokens_read" not in made(lake_copy, "activations", "2004").metadata
    assert not any(name.startswith("shards/") for name in made(lake_copy, "activations", "2004").files)
    assert "tokens_read" not in made(lake_copy, "sae_corpus").metadata


@pytest.mark.parametrize(
    ("asset", "body", "reader", "copied"),
    [
        ("activations/2004", "activations 2004", "company_features 2004", False),
        ("sae_corpus/all", "sae_corpus", "latent_labels", True),  # the cache has the same rows
    ],
)
def test_a_flipped_bit_is_found_by_its_reader_and_only_that_shard_is_made_again(
    lake_copy: Path, asset: str, body: str, reader: str, copied: bool
) -> None:
    before, file = artefacts(lake_copy / "tiny"), shard(lake_copy, asset, 2)
    whole, rows = file.read_bytes(), pq.read_metadata(file).num_rows
    flip_a_bit(file)
    shutil.rmtree(lake_copy / "tiny" / reader.split(maxsplit=1)[0])
    again = peerlens(lake_copy, "refresh", "--profile", "tiny")
    assert again.returncode == 0, again.stderr
    ran = [line.split(" s  ")[1] for line in again.stderr.splitlines() if " s  " in line]
    assert f"{body}: damaged: {file.relative_to(file.parents[2])}" in ran
    assert {line.split(":")[0] for line in ran} <= {body, reader, "company_features 2003", "warehouse"}
    repaired = made(lake_copy, *body.split())
    assert repaired.metadata.get("tokens_read", 0) == (0 if copied else rows)
    (now,) = (f for f in file.parents[3].glob("*/shards/block-02/part-*.parquet") if f.read_bytes() == whole)
    assert repaired.folder in now.parts
    after = artefacts(lake_copy / "tiny")
    assert {name for name in after if before[name] != after[name]} <= {"warehouse/all"}


def test_a_new_filing_is_all_that_is_read(walk: Callable, lake_copy: Path) -> None:
    tiny = kept("all")
    tokens = made(lake_copy, "activations", "2004").metadata["tokens"]
    more = tiny.model_copy(update={"tickers": [*(tiny.tickers or []), "TXN"]})
    again = walk(lake_copy, more)
    assert "activations 2004" in again.ran
    assert "sae_corpus" not in again.ran
    grown = made(lake_copy, "activations", "2004")
    assert grown.metadata["filings_read"] == 1
    assert grown.metadata["tokens_read"] == grown.metadata["tokens"] - tokens > 0
