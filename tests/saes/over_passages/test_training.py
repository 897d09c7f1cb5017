"""Training over passages is the training of tokens, over rows in memory, on one thread."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from fakes.passage_corpora import D, passage_corpus

from assets.saes.model.sae import Sae
from assets.saes.model.standard import Standard
from assets.saes.over_passages import training as training_module
from assets.saes.over_passages.plan import PassageEntry, training_settings
from assets.saes.over_passages.scores import passage_scores
from assets.saes.over_passages.training import train_passage_sae
from assets.saes.over_passages.vectors import PassageVectors, passages_by_block
from assets.saes.training import run as run_module
from assets.saes.training.curve import TrainingDivergedError
from resources.settings.passages import PassageSaes
from resources.settings.saes import Saes

ENTRY = PassageEntry("passages-24", 0, is_second=False)
SETTINGS = PassageSaes(latents=16, k=2, batch=64, passages=64 * 60, learning_rate=5e-3)


@pytest.fixture(scope="module")
def passages() -> PassageVectors:
    (one,) = passages_by_block(passage_corpus())
    return one


def content(sae: Sae) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in sae.state_dict().items()}


@pytest.mark.parametrize("activation", ["topk", "batch_topk"])
def test_it_explains_passages_of_companies_it_has_not_seen(
    passages: PassageVectors, tmp_path: Path, activation: str
) -> None:
    settings = SETTINGS.model_copy(update={"activation": activation})
    trained = train_passage_sae(ENTRY, passages, settings, tmp_path / "c")
    scores = passage_scores(trained.sae, passages)
    assert scores["fvu"] < 0.5
    assert scores["fvu"] == pytest.approx(trained.curve[-1].held_out_fvu, rel=1e-4)
    assert (trained.sae.config.blocks, trained.sae.config.scales) == ((24,), {24: 1.0})
    assert trained.curve[-1].tokens == 64 * 60


def test_latents_are_those_of_standardised_vectors(passages: PassageVectors, tmp_path: Path) -> None:
    """A dimension a hundred times larger than all others, in another unit: the same latents, to rounding."""
    wide = passages.x.astype(np.float32)
    wide[:, 7] *= 64
    scaled = PassageVectors(24, passages.company, passages.is_train, wide.astype(np.float16), passages.texts)
    ours, theirs = (
        train_passage_sae(ENTRY, one, SETTINGS, tmp_path / str(i)) for i, one in enumerate((passages, scaled))
    )
    assert theirs.curve[-1].fvu == pytest.approx(ours.curve[-1].fvu, rel=1e-3)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_does_not_change_a_bit(passages: PassageVectors, tmp_path: Path, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = content(train_passage_sae(ENTRY, passages, SETTINGS, tmp_path / "c").sae)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert found == content(train_passage_sae(ENTRY, passages, SETTINGS, tmp_path / "again").sae)


def test_an_interrupted_training_ends_with_the_same_bytes(
    passages: PassageVectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class BrokenOffError(Exception):
        pass

    seen = []

    def progress(n: int) -> None:
        seen.append(n)
        if len(seen) == 25:
            raise BrokenOffError

    straight = train_passage_sae(ENTRY, passages, SETTINGS, tmp_path / "straight")
    monkeypatch.setattr(run_module, "CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(BrokenOffError):
        train_passage_sae(ENTRY, passages, SETTINGS, tmp_path / "c", progress=progress)
    said: list[str] = []
    resumed = train_passage_sae(ENTRY, passages, SETTINGS, tmp_path / "c", log=said.append)
    assert said == ["training goes on after step 23"]
    assert content(resumed.sae) == content(straight.sae)


def test_a_small_corpus_says_what_it_does_not_bear(tmp_path: Path) -> None:
    (few,) = passages_by_block(passage_corpus(14, 4, validation=1))
    said: list[str] = []
    trained = train_passage_sae(ENTRY, few, SETTINGS, tmp_path / "c", log=said.append)
    assert (trained.sae.config.n_latents, trained.sae.config.k, trained.sae.config.d_model) == (4, 2, D)
    assert said[0].startswith("passages-24 has 4 latents and k = 2, not 16: there are only 52 passages")


def test_passages_of_one_wording_end_in_no_error(tmp_path: Path) -> None:
    """Read in other windows, the vectors of one wording differ a little."""
    (one,) = passages_by_block(passage_corpus(8, 4, validation=2, themes=1).with_columns(text=pl.lit("Same.")))
    assert train_passage_sae(ENTRY, one, SETTINGS, tmp_path / "c").sae.config.n_latents == 2


def test_a_rate_that_is_too_high_names_the_setting(
    passages: PassageVectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_high(*args: Any) -> Saes:
        return training_settings(*args).model_copy(update={"learning_rate": 1e30})

    monkeypatch.setattr(training_module, "training_settings", too_high)
    with pytest.raises(TrainingDivergedError, match=r"passage_saes.learning_rate"):
        train_passage_sae(ENTRY, passages, SETTINGS, tmp_path / "c")


def test_standard_of_training_passages_alone_is_folded_in(passages: PassageVectors, tmp_path: Path) -> None:
    other = passages.x.copy()
    other[~passages.is_train] *= 3
    changed = PassageVectors(24, passages.company, passages.is_train, other, passages.texts)
    ours, theirs = (
        train_passage_sae(ENTRY, one, SETTINGS, tmp_path / str(i)).sae for i, one in enumerate((passages, changed))
    )
    assert content(ours) == content(theirs)
    assert Standard.measured(passages.train).mean[3] > 100


def test_a_second_one_sees_nine_tenths_of_the_companies(passages: PassageVectors) -> None:
    fewer = passages.without_a_tenth(1)
    companies = {name: set(one.company[one.is_train]) for name, one in (("all", passages), ("fewer", fewer))}
    assert len(companies["all"]) >= 10
    assert companies["fewer"] < companies["all"]
    assert len(companies["all"] - companies["fewer"]) == len(companies["all"]) // 10
    assert set(passages.without_a_tenth(2).company[passages.without_a_tenth(2).is_train]) != companies["fewer"]
    assert fewer.texts < passages.texts
