"""The table of changes: what changed -> exactly the bodies that ran, and what the dry run named before."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from own_data import write_quotes
from peerlens_command import artefacts, peerlens, refreshed

from assets.saes.grouping.flop import CostModel
from pipelines.status import status_table
from resources.environment import open_lake, open_profile
from resources.market import price_file
from resources.settings.profile import Profile, load_profile
from resources.universe import table_source as table_universe

YEARS = ("2006-12", "2007-12")


@pytest.fixture
def tiny() -> Profile:
    return open_profile("tiny")


@pytest.fixture
def home(lake_copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the finished tiny lake, in force."""
    monkeypatch.setenv("PEERLENS_HOME", str(lake_copy))
    return lake_copy


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the bundled sample, in force instead of it."""
    folder = tmp_path / "sample"
    shutil.copytree(table_universe.SAMPLE, folder)
    monkeypatch.setattr(table_universe, "SAMPLE", folder)
    monkeypatch.setattr(price_file, "SAMPLE_PRICES", folder / "prices.parquet")
    return folder


def of_both(*assets: str) -> list[str]:
    return [f"{asset} {year}" for year in YEARS for asset in assets]


def raise_close(sample: Path, day: date) -> None:
    """KO's close of a day, one per cent higher."""
    prices = pl.read_parquet(sample / "prices.parquet")
    touched = (pl.col("ticker") == "KO") & (pl.col("date") == day)
    assert prices.filter(touched).height == 1
    higher = pl.when(touched).then(pl.col("adj_close") * 1.01).otherwise(pl.col("adj_close"))
    prices.with_columns(adj_close=higher).write_parquet(sample / "prices.parquet")


def test_nothing_changed_runs_nothing(walk: Callable, home: Path, tiny: Profile) -> None:
    before = artefacts(home / "tiny")
    again = walk(home, tiny)
    assert again.named == again.ran == []
    assert artefacts(home / "tiny") == before


def test_a_changed_description_reads_that_filing_and_trains_nothing(
    walk: Callable, home: Path, tiny: Profile, sample: Path
) -> None:
    assert corpus_state(tiny) == "pinned, 0 filings have changed since"
    with (sample / "descriptions" / "KO.txt").open("a", encoding="utf-8") as text:
        text.write(" The company also sells bottled water.\n")
    changed = walk(home, tiny)
    read = [
        f"{asset} 2004"
        for asset in (
            "filings",
            "descriptions",
            "bert_vectors",
            "company_embeddings",
            "passages",
            "activations",
            "passage_vectors",
            "description_vectors",
            "company_features",
        )
    ]
    groups = (
        "company_vectors",
        "named_rivals",
        "peer_clusters",
        "peer_network",
        "peer_scores",
        "peer_stack",
        "rival_scores",
        "cluster_labels",
        "cluster_scores",
        "cointegrated_pairs",
        "hedge_baskets",
        "atlas",
    )
    assert changed.certain == ["filings 2004"]
    for_the_data_to_say = (
        *of_both("hedge_scores"),
        "lift_intervals",
        "peer_intervals",
        "stack_path",
        "backtest_summary",
        "paper_book",
        "tear_sheets",
    )  # whether other groups score otherwise, or make pairs
    certain = [*read, *of_both(*groups), "cluster_drift", "warehouse"]
    assert sorted(changed.named) == sorted([*certain, *for_the_data_to_say])
    assert [body for body in changed.ran if body not in for_the_data_to_say] == certain
    lake = open_lake(tiny)
    assert lake.manifest("activations", "2004").metadata["filings_read"] == 1
    assert lake.manifest("company_features", "2004").metadata["filings_encoded"] == 1
    assert lake.manifest("company_features", "2004").metadata["filings_carried_over"] == 3
    assert corpus_state(tiny) == "pinned, 1 filings have changed since"


def corpus_state(profile: Profile) -> str:
    return str(status_table(profile).filter(asset="sae_corpus")["state"].item())


def test_a_close_inside_a_month_changes_no_return_and_so_no_group(
    walk: Callable, home: Path, tiny: Profile, sample: Path
) -> None:
    raise_close(sample, date(2007, 6, 15))
    changed = walk(home, tiny)
    assert changed.certain == ["prices"]
    formed = ["cointegrated_pairs 2007-12", "hedge_baskets 2007-12", *of_both("hedge_scores")]
    books = ["backtest_summary", "paper_book", "tear_sheets"]
    assert sorted(changed.ran) == sorted(["prices", "monthly_returns", *formed, *books, "warehouse"])
    assert set(changed.ran) < set(changed.named)


def test_a_month_end_close_changes_the_groups_formed_after_it_and_the_scores_of_those_before(
    walk: Callable, home: Path, tiny: Profile, sample: Path
) -> None:
    raise_close(sample, date(2007, 6, 29))
    before = artefacts(home / "tiny")
    changed = walk(home, tiny)
    after = artefacts(home / "tiny")
    assert changed.ran[:2] == ["prices", "monthly_returns"]
    assert {"cluster_scores 2006-12", "peer_clusters 2007-12", "cointegrated_pairs 2007-12"} <= set(changed.ran)
    assert not {"peer_clusters 2006-12", "cointegrated_pairs 2006-12"} & set(changed.named)
    assert before["peer_clusters/2006-12"] == after["peer_clusters/2006-12"]
    assert before["cluster_scores/2006-12"] != after["cluster_scores/2006-12"]
    assert set(changed.certain) <= set(changed.ran) <= set(changed.named)


def test_a_setting_changes_only_what_declares_it(walk: Callable, home: Path, tiny: Profile) -> None:
    dearer = tiny.model_copy(update={"backtest": tiny.backtest.model_copy(update={"cost_bps": 50.0})})
    changed = walk(home, dearer)
    assert changed.certain == ["backtest_summary"]
    assert changed.named == changed.ran == ["backtest_summary", "tear_sheets", "warehouse"]
    assert walk(home, tiny).ran == ["backtest_summary", "tear_sheets", "warehouse"]


def test_changed_code_that_makes_the_same_bytes_goes_no_further_than_the_views(
    walk: Callable, home: Path, tiny: Profile
) -> None:
    before = artefacts(home / "tiny")
    changed = walk(home, tiny, code={"cluster_labels": "another"})
    assert changed.certain == of_both("cluster_labels")
    assert sorted(changed.named) == sorted([*of_both("cluster_labels", "atlas"), "warehouse"])
    assert changed.ran == [*of_both("cluster_labels"), "warehouse"]
    after = artefacts(home / "tiny")
    assert {name for name in after if after[name] != before[name]} == {"warehouse/all"}


def test_a_changed_body_carries_over_the_units_whose_own_code_is_the_same(
    walk: Callable, home: Path, tiny: Profile
) -> None:
    changed = walk(home, tiny, code=dict.fromkeys(("saes", "company_features", "company_embeddings"), "another"))
    assert changed.ran == [
        *(f"company_embeddings {year}" for year in (2003, 2004)),
        "saes",
        *(f"company_features {year}" for year in (2003, 2004)),
        "warehouse",
    ]
    lake = open_lake(tiny)
    saes, features = lake.manifest("saes", None), lake.manifest("company_features", "2003")
    assert saes is not None and features is not None
    assert (saes.metadata["trained"], saes.metadata["carried_over"]) == (0, 2)
    assert (features.metadata["filings_encoded"], features.metadata["filings_carried_over"] > 0) == (0, True)


def test_a_deleted_folder_is_made_again_and_nothing_after_it(walk: Callable, home: Path, tiny: Profile) -> None:
    before = artefacts(home / "tiny")
    shutil.rmtree(home / "tiny" / "layer_groups")
    changed = walk(home, tiny)
    assert changed.certain == changed.ran == ["layer_groups"]
    assert changed.named[:2] == ["layer_groups", "saes"]
    assert artefacts(home / "tiny") == before


@pytest.mark.parametrize("harm", ["missing", "truncated"])
def test_a_damaged_file_is_named_and_its_artefact_made_again_alone(
    walk: Callable, home: Path, tiny: Profile, harm: str
) -> None:
    before = artefacts(home / "tiny")
    (file,) = (home / "tiny" / "layer_groups").glob("*/*/layer_groups/*.parquet")
    file.unlink() if harm == "missing" else file.write_bytes(file.read_bytes()[:-1])
    why = "damaged: layer_groups/part-00000.parquet"
    assert status_table(tiny).filter(asset="layer_groups").select("rows", "state").rows() == [(None, why)]
    changed = walk(home, tiny)
    assert changed.certain == ["layer_groups"]
    assert changed.ran == ["layer_groups", "warehouse"]  # it lies beside the damaged one, so the DuckDB file names it
    after = artefacts(home / "tiny")
    assert {name for name in before if after[name] != before[name]} == {"warehouse/all"}


def test_the_predicted_cost_is_that_of_the_tokens_read_and_trained_on(lake_copy: Path, tiny: Profile) -> None:
    def table(asset: str) -> pl.DataFrame:
        return pl.read_parquet(lake_copy / "tiny" / asset / "all" / "*" / asset / "*.parquet")

    groups, passes = table("layer_groups"), tiny.saes.tokens / table("sae_corpus")["tokens"].sum()
    costs = CostModel(576, tiny.saes.expansion, tiny.model.context_length, passes)
    expected = costs.ratio(groups["group"].n_unique() - 1, groups.height, groups["block"].max() + 1)
    assert groups["cost_ratio"].unique().to_list() == [pytest.approx(expected)]


@pytest.mark.parametrize(
    ("harm", "trained"), [("no settings", 1), ("half of the weights", 1), ("other settings of one length", 2)]
)
def test_damaged_autoencoders_are_trained_again_alone(lake_copy: Path, harm: str, trained: int) -> None:
    """What is as long as it was is noticed once another one is damaged."""
    before, lake = artefacts(lake_copy / "tiny"), lake_copy / "tiny" / "saes"
    first, second = sorted(one.parent for one in lake.glob("*/*/entries/*/cfg.json"))
    settings, weights = first / "cfg.json", first / "sae.safetensors"
    if harm == "no settings":
        settings.unlink()
    elif harm == "half of the weights":
        weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    else:
        content = settings.read_text()
        assert '"k": 16' in content
        settings.write_text(content.replace('"k": 16', '"k": 15'))
        (second / "cfg.json").unlink()
    assert "saes" in refreshed(lake_copy, "tiny")
    metadata = json.loads((lake / "all" / "manifest.json").read_text())["metadata"]
    assert (metadata["trained"], metadata["carried_over"]) == (trained, 2 - trained)
    after = artefacts(lake_copy / "tiny")
    assert {name for name in before if after[name] != before[name]} <= {"warehouse/all"}


def test_a_deleted_dagster_database_costs_nothing(lake_copy: Path) -> None:
    shutil.rmtree(lake_copy / "dagster")
    assert refreshed(lake_copy, "tiny") == []


def test_a_month_later_adds_one_as_of_and_leaves_the_groups_of_older_ones_alone(walk: Callable, own_copy: Path) -> None:
    profile = load_profile(own_copy / "own.yaml")
    assert walk(own_copy, profile).ran == []
    before = manifests(own_copy / "own")
    write_quotes(own_copy, date(2008, 1, 31))
    later = profile.model_copy(update={"as_of": profile.as_of.model_copy(update={"last": "2008-01"})})
    changed = walk(own_copy, later)
    after = manifests(own_copy / "own")
    groups = ["company_vectors", "peer_clusters", "cluster_labels", "cointegrated_pairs", "hedge_baskets"]
    peers = ["peer_network", "peer_scores", "peer_stack", "named_rivals", "rival_scores"]
    assert set(after) - set(before) == {
        f"{asset}/2008-01" for asset in [*groups, *peers, "cluster_scores", "hedge_scores", "atlas"]
    }
    assert {name.split("/")[0] for name in before if after[name] != before[name]} == {
        "prices", "monthly_returns", "cluster_scores", "peer_scores", "cluster_drift", "lift_intervals",
        "peer_intervals", "atlas", "stack_path", "hedge_scores", "backtest_summary", "paper_book", "tear_sheets",
        "warehouse"
    }  # fmt: skip
    assert set(changed.certain) <= set(changed.ran) <= set(changed.named)


def manifests(lake: Path) -> dict[str, str]:
    """Every manifest as it is: the same text is the same folder, written at the same time."""
    return {name: (lake / name / "manifest.json").read_text(encoding="utf-8") for name in artefacts(lake)}


def test_the_dry_run_prints_the_bodies_that_the_refresh_then_runs(lake_copy: Path) -> None:
    for asset in ("backtest_summary", "tear_sheets", "warehouse"):
        shutil.rmtree(lake_copy / "tiny" / asset)
    dry = peerlens(lake_copy, "refresh", "--profile", "tiny", "--dry-run")
    named = [line.split(":")[0] for line in dry.stdout.splitlines()]
    assert named == refreshed(lake_copy, "tiny") == ["backtest_summary", "tear_sheets", "warehouse"]
