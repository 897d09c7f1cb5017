"""What replicate.py says of detection scores, and what it trains where nothing else is asked for."""

import random
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from tiny_llama import WORDS, save_tiny_llama

from resources.places import ROOT
from resources.settings.activations import Activations
from resources.settings.model import Model
from resources.settings.profile import Profile
from resources.settings.saes import Saes

sys.path.append(str(ROOT / "benchmarks"))  # scripts import each other by their bare names
import replicate
import replicate_labels
from replicate import Plan, train_for_detection
from replicate_labels import Tally, counts, detection, difference, scores_of, tally
from replicate_runs import Laboratory

SEEDS = 2


def _labels(rows: list[tuple[int, int, str, str | None, float | None]]) -> pl.DataFrame:
    kinds = {"seed": int, "block": int, "latent_of": str, "label": str, "detection_score": float}
    return pl.DataFrame(rows, schema=kinds, orient="row")


OURS = _labels(
    [
        (0, 1, "0 a 1", "oil", 0.9),
        (0, 8, "0 b 1", "gas", 0.7),
        (0, 8, "0 b 2", None, None),
        (0, 8, "0 b 3", "a word of few windows", None),
        (1, 1, "1 a 1", "oil", 0.8),
    ]
)
THEIRS = _labels([(0, 1, "0 c 1", "oil", 0.6), (0, 1, "0 c 2", "gas", 0.8), (1, 1, "1 c 1", "oil", 0.9)])


def test_half_width_is_that_of_the_mean_of_independent_latents() -> None:
    values = np.random.default_rng(0).uniform(0.5, 1.0, 200)
    found = tally(pl.DataFrame({"latent_of": [str(i) for i in range(200)], "score": values}))
    assert found.mean == pytest.approx(values.mean())
    assert found.half_width == pytest.approx(1.959964 * values.std(ddof=1) / np.sqrt(200), rel=1e-6)


def test_a_latent_drawn_at_several_blocks_is_no_new_evidence() -> None:
    once = pl.DataFrame({"latent_of": ["a", "b", "c"], "score": [0.5, 0.7, 0.9]})
    assert tally(pl.concat([once] * 5)) == pytest.approx(tally(once))


def test_of_one_latent_there_is_no_interval() -> None:
    found = tally(pl.DataFrame({"latent_of": ["a", "a"], "score": [0.5, 0.7]}))
    assert np.isnan(found.half_width)


def test_intervals_of_a_difference_add_up_in_squares() -> None:
    assert Tally(0.8, 0.03) - Tally(0.7, 0.04) == pytest.approx((0.1, 0.05))


def test_a_latent_without_a_label_counts_as_one_that_is_told_by_chance() -> None:
    scored, every = scores_of(OURS)
    assert sorted(scored["score"]) == [0.7, 0.8, 0.9]
    assert sorted(every["score"]) == [0.5, 0.7, 0.8, 0.9]  # a label of too few windows is in neither


def test_rows_count_latents_labels_and_scores() -> None:
    assert counts(OURS) == {
        "latents": 5,
        "labelled": 4,
        "scored": 3,
        "share labelled": "80.0%",
        ".7 or more of the scored": "100.0%",
    }


def test_detection_is_in_percent_by_seed_and_block() -> None:
    found = detection(OURS)
    assert found["by seed"] == "80.0 80.0"
    assert found["by block"] == "85.0 70.0"
    assert str(found["scored"]).startswith("80.0 ± ")
    assert str(found["all"]).startswith("72.5 ± ")


def test_differences_are_within_seeds() -> None:
    found = difference(OURS, THEIRS)
    assert found["by seed"] == "+10.0 -10.0"
    assert str(found["scored"]).startswith("3.3 ± ")


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    """Of a model of five blocks, of which transfer is tried on 1, 2 and 3, and 60 texts of its words."""
    folder = tmp_path_factory.mktemp("replicate")
    save_tiny_llama(folder / "tiny", blocks=5)
    model = Model(source="folder", path=folder / "tiny", id="toy/toy", context_length=32, overlap_tokens=4)
    saes = Saes(tokens=1024, batch_tokens=64, k=4, stop_gain=0.0)
    profile = Profile(name="toy", model=model, saes=saes, activations=Activations(shard_tokens=4096))
    draw = random.Random(0)
    texts = [f"{' '.join(draw.choices(WORDS[3:], k=40))}. ".capitalize() * 2 for _ in range(60)]
    laboratory = Laboratory(folder / "work", texts, profile, folder / "models", replicate.bar)
    assert laboratory.harvest_seconds
    return laboratory


@pytest.fixture(scope="module")
def plan(laboratory: Laboratory) -> Plan:
    plan = Plan(laboratory)
    train_for_detection(laboratory, plan, SEEDS)
    return plan


def _trained(laboratory: Laboratory) -> dict[Path, int]:
    files = laboratory.folder.glob("*/seed-*/*/result.json")
    return {file.relative_to(laboratory.folder): file.stat().st_mtime_ns for file in files}


def test_only_autoencoders_of_the_blocks_compared_are_trained(laboratory: Laboratory, plan: Plan) -> None:
    assert plan.targets == [1, 2, 3]
    chosen = plan.groups(plan.knee)
    of_chosen = sum(any(block in group for block in plan.targets) for group in chosen.groups)
    found = [file.parts[:2] for file in _trained(laboratory)]
    for seed in range(SEEDS):
        assert found.count((plan.per_layer.name, f"seed-{seed}")) == 3
        assert found.count((chosen.name, f"seed-{seed}")) == of_chosen
        assert found.count((plan.groups(1).name, f"seed-{seed}")) == 1
    assert len(found) == SEEDS * (4 + of_chosen)


def test_the_whole_plan_takes_what_is_trained(laboratory: Laboratory, plan: Plan) -> None:
    before = _trained(laboratory)
    whole = laboratory.results(plan.per_layer, 0)
    assert [result.blocks for result in whole] == [(block,) for block in range(5)]
    after = _trained(laboratory)
    assert before.items() < after.items()


def test_the_option_prints_the_tables_alone_and_labels_are_kept(
    laboratory: Laboratory, plan: Plan, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = laboratory.folder.parents[1]
    pl.DataFrame({"description": [text.text for text in laboratory.texts]}).write_parquet(folder / "texts.parquet")
    places = {"--texts": folder / "texts.parquet", "--work": folder / "work", "--models": folder / "models"}
    options = [part for option in places.items() for part in map(str, option)]
    monkeypatch.setattr(sys, "argv", ["replicate.py", "--only", "detection", "--seeds", str(SEEDS), *options])
    monkeypatch.setattr(replicate, "PROFILE", laboratory.profile)
    monkeypatch.setattr(replicate, "THREADS", torch.get_num_threads())  # those of the tests stay as they are
    before = _trained(laboratory)
    replicate.main()
    said = capsys.readouterr().out
    for variant in plan.detection.values():
        assert f"({variant.name})" in said
    assert "chosen groups - one group" in said
    kept = pl.concat(pl.read_parquet(file) for file in laboratory.folder.glob("*/seed-*/*/labels-*.parquet"))
    assert kept["latent"].n_unique() > 10

    def never(*args: object) -> None:
        raise AssertionError("labelled again")

    monkeypatch.setattr(replicate_labels, "label_latents", never)
    replicate.main()
    assert capsys.readouterr().out == said
    assert _trained(laboratory) == before
