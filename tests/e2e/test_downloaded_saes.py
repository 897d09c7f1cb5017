"""Autoencoders that others trained are entries beside those trained here."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from assets.saes.files.native import load_sae
from assets.saes.files.saelens import save_saelens
from assets.saes.files.sparsify import save_sparsify
from pipelines.graph import open_graph
from pipelines.refresh import plan
from resources.environment import open_lake, open_profile
from resources.settings.profile import Profile, ProfileError
from resources.settings.saes import Download

BLOCK = 2


@pytest.fixture
def tiny() -> Profile:
    return open_profile("tiny")


def manifest(home: Path, asset: str) -> dict:
    return json.loads((home / "tiny" / asset / "all" / "manifest.json").read_text())


def table(home: Path, asset: str) -> pl.DataFrame:
    place = home / "tiny" / asset / "all"
    return pl.read_parquet(place / manifest(home, asset)["folder"] / asset / "*.parquet")


def ours(home: Path) -> tuple[str, Path]:
    """The entry that reads the block, and the folder of its weights."""
    (name,) = table(home, "saes").filter(pl.col("blocks").list.contains(BLOCK))["entry"]
    return name, home / "tiny" / "saes" / "all" / manifest(home, "saes")["folder"] / "entries" / name


def with_downloads(profile: Profile, *downloads: Download) -> Profile:
    return profile.model_copy(update={"saes": profile.saes.model_copy(update={"downloads": list(downloads)})})


def test_downloads_are_scored_like_ours_and_nothing_is_trained_again(
    walk: Callable, lake_copy: Path, tiny: Profile, tmp_path: Path
) -> None:
    name, folder = ours(lake_copy)
    sae = load_sae(folder)
    save_sparsify(sae, tmp_path / "layers.2", BLOCK)
    save_saelens(sae, tmp_path / "lens", BLOCK, tiny.model.id)
    folders = [tmp_path / "layers.2", tmp_path / "lens"]
    downloads = [Download(name=f"z-{folder.name}", path=folder, block=BLOCK) for folder in folders]
    asked = with_downloads(tiny, *downloads)
    ran = walk(lake_copy, asked).ran
    assert {"saes", "sae_scores"} <= set(ran)
    metadata = manifest(lake_copy, "saes")["metadata"]
    assert (metadata["trained"], metadata["carried_over"], metadata["downloaded"]) == (0, 2, len(downloads))
    rows = table(lake_copy, "saes").filter(pl.col("entry").str.starts_with("z-"))
    assert rows.select("tokens", "flop", "fvu").unique().rows() == [(0, 0.0, None)]
    scores = table(lake_copy, "sae_scores").filter(block=BLOCK)
    assert sorted(scores["entry"]) == sorted([name, *(one.name for one in downloads)])
    for score in ("fvu", "l0", "ce_sae"):
        assert scores[score].to_list() == pytest.approx([scores.filter(entry=name)[score].item()] * 3, rel=1e-4)
    assert walk(lake_copy, asked).ran == []


def test_a_download_that_is_not_there_is_refused_before_anything_runs(
    lake_copy: Path, tiny: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEERLENS_HOME", str(lake_copy))
    asked = with_downloads(tiny, Download(name="theirs", path=tmp_path / "nowhere", block=BLOCK))
    with pytest.raises(ProfileError, match=r"saes\.downloads: .*nowhere"):
        plan(open_graph(asked, date(2026, 1, 15)), open_lake(asked))
