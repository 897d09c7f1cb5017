"""What a run is said to cost follows from its texts and its models, which need not be here."""

import json
from pathlib import Path

import polars as pl
import pytest
from peerlens_command import peerlens

from pipelines.cost import ITEM_1_TOKENS, Texts, cost_rows, readable_amounts, readings, texts_to_read, work
from pipelines.failures import RefusedError
from resources.environment import open_profile
from resources.lake.lake import Lake
from resources.models.model_size import ModelSize
from resources.settings.profile import Profile

SIZE = ModelSize(blocks=3, d_model=8, attention=8, block_weights=100, parameters=1000)


def profile(**changed: object) -> Profile:
    model = {"context_length": 10, "overlap_tokens": 2}
    features = {"blocks": [1]}
    return Profile.model_validate({"name": "mine", "model": model, "features": features, **changed})


def amounts(rows: pl.DataFrame) -> dict[str, float]:
    return dict(rows.select("what", "amount").iter_rows())


def test_windows_are_read_up_to_the_last_block_as_often_as_streams_are_asked_for() -> None:
    # 18 tokens are two windows of 10 that share 2; each token of a window is multiplied with all of the window.
    kept = work(profile(activations={"blocks": [0, 1]}), Texts([18, 4], "counted"), SIZE, latents=5)
    once = 2 * (2 * (2 * 100 * 10 + 4 * 8 * 100)) + 2 * (2 * 100 * 4 + 4 * 8 * 16)
    assert (kept.readings, kept.tokens_read, kept.read_flop) == (1, 24, once)
    assert kept.encode_flop == 2 * 8 * 5 * 22
    again = work(profile(activations={"blocks": [0, 1], "keep": "none"}), Texts([18, 4], "counted"), SIZE, latents=5)
    assert (again.readings, again.tokens_read, again.read_flop) == (2, 48, 2 * once)
    assert kept.hours(kept.read_flop + kept.encode_flop) == pytest.approx(1 / 3600)


def test_without_tokens_nothing_is_encoded_and_the_texts_are_read_once() -> None:
    themes = profile(features={"blocks": [1], "views": {"passages": 1.0, "tokens": 0.0}}, activations={"keep": "none"})
    assert readings(themes) == 1
    assert work(themes, Texts([5], "counted"), SIZE, latents=5).encode_flop == 0


def test_disk_holds_the_streams_that_are_kept() -> None:
    kept = cost_rows(profile(activations={"blocks": [0, 2]}), Texts([1000], "counted"), SIZE, 5, 1e9, "here")
    assert amounts(kept)["residual streams"] == 1000 * 2 * (2 * 8 + 24) / 1e9
    none = cost_rows(profile(activations={"keep": "none"}), Texts([1000], "counted"), SIZE, 5, 1e9, "here")
    assert amounts(none)["residual streams"] == 0


def test_the_sample_is_counted_and_edgar_refused(tmp_path: Path, models_home: Path) -> None:
    (tmp_path / "models").symlink_to(models_home, target_is_directory=True)
    texts = texts_to_read(profile(model={}, tickers=["KO", "PEP"]), Lake(tmp_path, "mine"))
    assert texts.basis == "counted" and len(texts.tokens) == 2
    with pytest.raises(RefusedError, match="not on this machine"):
        texts_to_read(profile(descriptions={"source": "edgar"}), Lake(tmp_path, "mine"))


def test_the_command_says_what_the_papers_run_costs_without_any_of_its_data(tmp_path: Path) -> None:
    done = peerlens(tmp_path, "plan", "--profile", "paper", "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["what"]: row for row in json.loads(done.stdout)}
    filings, windows = 27_722, 12  # of 10,000 tokens: eleven windows of 1,024 that share 128 would hold 9,984
    assert rows["tokens"]["amount"] == filings * ITEM_1_TOKENS
    assert rows["tokens read"]["amount"] == pytest.approx(
        2 * filings * (ITEM_1_TOKENS + (windows - 1) * 128), rel=0.001
    )
    # 31 of 32 blocks of 218,103,808 weights, and attention.
    weights = 2 * 31 * 218_103_808 * rows["tokens read"]["amount"] / 1e15
    assert weights < rows["reading"]["amount"] < 1.1 * weights
    assert rows["encoding"]["amount"] == pytest.approx(2 * 4096 * 131_072 * filings * ITEM_1_TOKENS / 1e15)
    assert rows["autoencoder"]["amount"] == pytest.approx(4.294967296)
    assert rows["model"]["amount"] == pytest.approx(16.06, abs=0.01)
    hours = (rows["reading"]["amount"] + rows["encoding"]["amount"]) * 1e15 / 4e14 / 3600
    assert rows["on one GPU"]["amount"] == pytest.approx(hours)
    assert rows["on this machine"]["amount"] > 0
    assert not (tmp_path / "paper").exists()


def test_amounts_are_written_for_people() -> None:
    found = readable_amounts(pl.DataFrame({"amount": [0.0, 4.294, 27_722.0]}))
    assert found["amount"].to_list() == ["0", "4.3", "27,722"]


def test_the_papers_profile_is_the_papers() -> None:
    settings = open_profile("paper")
    assert settings.paper.enabled and (settings.paper.components, settings.paper.theta) == (4000, -3.13)
    assert (len(settings.paper.thetas), min(settings.paper.thetas), max(settings.paper.thetas)) == (36, -4.5, -1.0)
    assert (settings.features.pooling, settings.features.blocks) == ("sum", [30])
