"""A lake of an older version is taken over: no text is cut, no filing read, no autoencoder over tokens trained again.

Passages are new to it, and what describes companies has other columns: these are made, from what was kept.
"""

import json
import shutil
import tarfile
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from peerlens_command import peerlens, refreshed

from assets import schemas
from pipelines.graph import open_graph
from pipelines.refresh import plan
from pipelines.take_over import take_over
from resources.lake.build import build
from resources.lake.lake import Lake
from resources.lake.old_format import is_of_old_format
from resources.settings.profile import load_profile

MADE = Path(__file__).parent / "older_lake"
COSTLY = ("filings", "descriptions", "sae_corpus", "layer_", "saes", "company_embeddings")
"""What does not run. Activations do, once: they find that every filing was read as it is to be read now."""
MADE_AGAIN = ("latent_labels", "company_features 2003", "company_vectors 2006-12", "peer_clusters 2006-12", "warehouse")
"""What has other columns now, and what is made of it."""


@pytest.fixture
def home(tmp_path: Path, models_home: Path) -> Path:
    """PEERLENS_HOME with the lake as d004a76 left it, and its profile beside it."""
    with tarfile.open(MADE / "lake-of-d004a76.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    (tmp_path / "models").symlink_to(models_home, target_is_directory=True)
    shutil.copy(MADE / "older.yaml", tmp_path / "older.yaml")
    return tmp_path


def named(home: Path, profile: str) -> list[str]:
    """What a refresh would run."""
    done = peerlens(home, "refresh", "--dry-run", "--profile", profile)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_it_is_kept_after_adopt_and_nothing_costly_is_made_again(home: Path) -> None:
    profile, lake = str(home / "older.yaml"), Lake(home, "older")
    shards = {file: file.read_bytes() for file in sorted((home / "older").glob("activations/*/*/shards/*/*.parquet"))}
    refused = peerlens(home, "refresh", "--dry-run", "--profile", profile)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "made by an older version; `peerlens adopt` keeps its texts, activations and autoencoders" in refused.stderr

    told = peerlens(home, "adopt", "--profile", profile)
    assert told.returncode == 0, told.stderr
    assert "saes: taken over" in told.stdout.splitlines()
    assert "check agrees_with_transformer_lens was never made of it" in told.stdout

    lines = named(home, profile)
    assert [line for line in lines if line.startswith(COSTLY)] == []
    assert {f"{label}: missing" for label in ("passages 2003", "passage_saes", *MADE_AGAIN)} <= set(lines)
    ran = refreshed(home, profile)
    assert [label for label in ran if label.startswith(COSTLY)] == []
    assert named(home, profile) == []
    assert len(shards) == 3
    for old, content in shards.items():
        known = lake.manifest("activations", old.parents[3].name)
        assert known is not None
        assert (lake.folder(known) / "shards" / old.parent.name / old.name).read_bytes() == content


def test_passages_are_new_and_no_filing_is_read_again_for_them(home: Path) -> None:
    lake, graph = Lake(home, "older"), open_graph(load_profile(home / "older.yaml"), date(2012, 1, 15))
    with lake.lock():
        take_over(graph, lake, lambda line: None)
    made = {}
    for asset in ("passages", "activations", "passage_vectors"):
        for year in graph.partitions(asset):
            made[asset, year] = build(graph, lake, asset, year).manifest.metadata
    for year, filings in (("2003", 1), ("2004", 2)):
        read = made["activations", year]
        assert (read["filings_read"], read["filings_carried_over"]) == (0, filings)
        assert made["passage_vectors", year]["filings_averaged"] == filings
        assert "tokens_read" not in made["passage_vectors", year]


def test_a_refresh_takes_it_over_by_itself_and_the_next_body_carries_its_units_over(home: Path) -> None:
    profile, lake = str(home / "older.yaml"), Lake(home, "older")
    done = peerlens(home, "refresh", "--profile", profile)
    assert done.returncode == 0, done.stderr
    assert "saes: taken over" in done.stderr
    ran = [line.split(" s  ")[1] for line in done.stderr.splitlines() if " s  " in line]
    assert "activations 2003: passages" in ran
    assert [body for body in ran if body.startswith(COSTLY)] == []
    weights = lake.manifest("saes", None)
    assert weights is not None
    for asset, partition in (("saes", None), ("activations", "2003"), ("company_features", "2003")):
        known = lake.manifest(asset, partition)
        assert known is not None
        # Its body has to run, and finds every unit unchanged.
        lake.forget(asset, partition)
        (lake.partition_dir(asset, partition) / "manifest.json").write_bytes(
            known.to_json().replace(known.recipe["source"].encode(), b"0123456789abcdef")
        )
    refreshed(home, profile)
    again, read, encoded = (
        lake.manifest(*what) for what in (("saes", None), ("activations", "2003"), ("company_features", "2003"))
    )
    assert again is not None
    assert read is not None
    assert encoded is not None
    assert (again.metadata["carried_over"], again.digest) == (1, weights.digest)
    assert (read.metadata["filings_read"], read.metadata["filings_carried_over"]) == (0, 1)
    assert (encoded.metadata["filings_encoded"], encoded.metadata["filings_carried_over"]) == (0, 1)


def test_filings_get_the_name_that_older_groups_went_by(home: Path) -> None:
    lake = Lake(home, "older")
    assert peerlens(home, "adopt", "--profile", str(home / "older.yaml")).returncode == 0
    known = lake.manifest("filings", "2003")
    assert known is not None
    rows = pl.read_parquet(lake.table_files(known, "filings"))
    assert rows.columns == [column.name for column in schemas.FILINGS.columns]
    assert rows["name"].null_count() == 0


@pytest.mark.parametrize("after", ["companies", "descriptions", "layer_groups", "saes"])
def test_interrupted_anywhere_it_is_taken_over_by_the_next_run_all_the_same(home: Path, after: str) -> None:
    graph, lake = open_graph(load_profile(home / "older.yaml"), date(2026, 1, 1)), Lake(home, "older")

    def dies(sentence: str) -> None:
        if sentence.startswith(f"{after}: taken over"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_over(graph, lake, dies)
    assert is_of_old_format(lake)
    assert take_over(graph, lake, str) == 16
    assert not is_of_old_format(lake)
    assert [body.label for body in plan(graph, lake) if body.label.startswith(COSTLY)] == []
    named = [folder.partition("/")[0] for folder in lake.references()]
    assert {"companies", "saes", "peer_clusters"} <= set(named)  # of the older DuckDB file, until there is a new one


def test_a_year_that_the_profile_does_not_name_at_the_moment_is_taken_over_too(home: Path) -> None:
    file = home / "older.yaml"
    told = file.read_text()
    file.write_text(told.replace("filing_years: [2003, 2004]", "filing_years: [2004]"))
    assert peerlens(home, "adopt", "--profile", str(file)).returncode == 0
    file.write_text(told)
    lines = named(home, str(file))
    assert [line for line in lines if line.startswith(COSTLY)] == []
    assert "activations 2003: if passages changes" in lines


def test_a_table_that_cannot_be_read_and_what_comes_of_it_are_made_again(home: Path) -> None:
    (table,) = (home / "older").glob("descriptions/2003/*/descriptions/part-*.parquet")
    table.write_bytes(bytes(table.stat().st_size))
    told = peerlens(home, "adopt", "--profile", str(home / "older.yaml"))
    assert (told.returncode, told.stderr) == (0, "")
    assert (
        "descriptions 2003: made again by the next refresh, a file of its table descriptions is damaged" in told.stdout
    )
    assert "activations 2003: made again by the next refresh, its input descriptions is made again" in told.stdout
    assert "saes: taken over" in told.stdout


def test_a_model_that_was_exchanged_since_is_a_change_and_nothing_of_it_is_carried_over(home: Path) -> None:
    profile, lake = str(home / "older.yaml"), Lake(home, "older")
    (manifest,) = (home / "older").glob("activations/2003/manifest.json")
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(told | {"source": {"": "of another model"}}))
    assert peerlens(home, "adopt", "--profile", profile).returncode == 0
    lines = named(home, profile)
    assert "activations 2003: source" in lines
    assert "activations 2004: if passages changes" in lines
    assert not [line for line in lines if line.startswith("saes")]
    kept, lost = lake.manifest("activations", "2004"), lake.manifest("activations", "2003")
    assert kept is not None
    assert lost is not None
    assert lake.record(kept).units
    assert not lake.record(lost).units


def test_a_text_that_was_edited_before_the_upgrade_is_a_change(home: Path) -> None:
    profile = str(home / "older.yaml")
    (table,) = (home / "older").glob("filings/2003/*/filings/part-*.parquet")
    rows = pl.read_parquet(table)
    rows.with_columns(sha256=pl.lit("0" * 64)).write_parquet(table)
    (manifest,) = (home / "older").glob("filings/2003/manifest.json")
    told = json.loads(manifest.read_text())
    files = {name: table.stat().st_size for name in told["files"] if name.startswith("filings/")}
    manifest.write_text(json.dumps(told | {"files": told["files"] | files}))
    assert peerlens(home, "adopt", "--profile", profile).returncode == 0
    lines = named(home, profile)
    assert "filings 2003: source" in lines
    assert not [line for line in lines if line.startswith("filings 2004")]


def test_what_was_damaged_or_out_of_date_is_not_taken_over(home: Path) -> None:
    profile = str(home / "older.yaml")
    next((home / "older").glob("saes/all/*/entries/*/sae.safetensors")).unlink()
    settings = home / "older.yaml"
    settings.write_text(
        settings.read_text()
        .replace("ce_tokens: 20", "ce_tokens: 21")
        .replace("features: {blocks: [2]}", "features: {blocks: [2], pooling: max}")
    )
    told = peerlens(home, "adopt", "--profile", profile).stdout
    assert "saes: made again by the next refresh, entries/block-02/sae.safetensors is damaged" in told
    assert "company_features 2003: made again by the next refresh" in told
    assert "activations: taken over" in told
