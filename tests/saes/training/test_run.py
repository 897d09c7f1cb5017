"""Waves of entries trained over shards: independent of each other, and the same after an interruption."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from fakes.activation_parts import write_streams

from assets.activations.shards.shards import Shards
from assets.saes.corpus.batches import CorpusTooSmallError, InvalidActivationsError
from assets.saes.metrics import fvu_of
from assets.saes.model.sae import Sae
from assets.saes.training import run as run_module
from assets.saes.training.curve import TrainingDivergedError
from assets.saes.training.entries import Entry, planned_entries
from assets.saes.training.run import Run, TrainingCorpus, training_corpus, validation_samples
from resources.models.tokens import Tokens
from resources.settings.profile import Profile
from resources.settings.saes import Saes, Transfer

D, ROWS, N = 8, 560, 56
MASSIVE = [7, 100, 559]
INDEX = pl.DataFrame({"first_row": [0, 300], "tokens": [300, 260]})
GROUPS = pl.DataFrame({"group": ["blocks-00-01", "blocks-00-01", "block-02"], "block": [0, 1, 2]})


def streams(rows: int, seed: int) -> dict[int, np.ndarray]:
    """Three blocks, each a bit unlike the one before and ten times as long; block 2 has massive tokens."""
    random = np.random.default_rng(seed)
    x = random.normal(1, 1, (rows, D))
    found = {block: 10**block * (x + 0.3 * block * random.normal(size=(rows, D))) for block in range(3)}
    found[2][[row for row in MASSIVE if row < rows]] = 60_000
    return {block: stream.astype(np.float16) for block, stream in found.items()}


def shards_of(folder: Path, lengths: Sequence[int], seed: int = 0) -> Shards:
    numbers = [np.arange(n, dtype=np.int32) for n in lengths]
    filings = [(f"a-{i}", Tokens(n, n, n + 1)) for i, n in enumerate(numbers)]
    return write_streams(folder, filings, streams(sum(lengths), seed))


@pytest.fixture
def corpus(tmp_path: Path) -> TrainingCorpus:
    validation = shards_of(tmp_path / "validation", [90], seed=1)
    samples = validation_samples(validation, pl.DataFrame({"first_row": [0], "tokens": [90]}), (0, 1, 2), 10.0)
    return training_corpus(shards_of(tmp_path / "train", [300, 260]), INDEX, (0, 1, 2), samples, 10.0)


def profile_of(**settings: Any) -> Profile:
    given = {"tokens": 12 * N, "batch_tokens": N, "k": 2, "expansion": 2, "stop_gain": 0.0, "dead_after_tokens": 200}
    transfer = Transfer(entries=0, tokens=5 * N, learning_rate=1e-3)
    saes = Saes(**{"transfer": transfer, **given})
    return Profile(name="p", saes=saes.model_copy(update=settings))  # some tests go beyond what a profile may say


def entries_of(profile: Profile) -> list[Entry]:
    return planned_entries(GROUPS, profile.saes, "corpus")


def go(run: Run, checkpoint: Path, progress: Callable[[int], None] = lambda n: None) -> list[str]:
    """Train to the end; returns what was said."""
    said: list[str] = []
    run.train(checkpoint, progress, said.append)
    return said


def everything(run: Run) -> dict[str, Any]:
    return {name: (content(training.sae), training.curve, training.tokens) for name, training in run.trainings.items()}


def content(sae: Sae) -> dict[str, bytes]:
    return {key: weight.numpy().tobytes() for key, weight in sae.state_dict().items()}


@pytest.mark.parametrize("pool", [0, 150 * 3 * 2 * D, 1 << 30])
@pytest.mark.parametrize("activation", ["topk", "batch_topk", "jump_relu"])
def test_entries_of_a_wave_are_what_they_are_alone(
    corpus: TrainingCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, activation: str, pool: int
) -> None:
    """Whether two batches, 150 tokens or the whole corpus are shuffled at once."""
    monkeypatch.setattr(run_module, "POOL_BYTES", pool)
    profile = profile_of(activation=activation)
    together = Run(entries_of(profile), {}, corpus, profile.saes)
    go(together, tmp_path / "together")
    for entry in entries_of(profile):
        alone = Run([entry], {}, corpus, profile.saes)
        go(alone, tmp_path / f"{entry.name}.safetensors")
        assert everything(alone)[entry.name] == everything(together)[entry.name]


@pytest.mark.parametrize("block_biases", [False, True])
def test_an_entry_has_the_settings_and_the_statistics_of_its_blocks(
    corpus: TrainingCorpus, tmp_path: Path, block_biases: bool
) -> None:
    profile = profile_of(block_biases=block_biases, activation="batch_topk")
    run = Run(entries_of(profile)[:1], {}, corpus, profile.saes, "cpu")
    sae = run.trainings["blocks-00-01"].sae
    means = torch.from_numpy(np.stack([corpus.statistics[block].mean for block in (0, 1)])).float()
    torch.testing.assert_close(sae.b_dec.data, means if block_biases else means.mean(dim=0))
    told: list[int] = []
    go(run, tmp_path / "c", told.append)
    assert (sae.config.d_model, sae.config.n_latents, sae.config.k) == (D, 2 * D, 2)
    assert (sae.config.blocks, sae.config.activation, sae.W_dec.device.type) == ((0, 1), "batch_topk", "cpu")
    assert sae.config.scales == {block: corpus.statistics[block].scale for block in (0, 1)}
    assert sum(told) == run.trainings["blocks-00-01"].tokens == run.trainings["blocks-00-01"].curve[-1].tokens == 672


def test_tokens_are_rounded_up_to_batches(corpus: TrainingCorpus, tmp_path: Path) -> None:
    profile = profile_of(tokens=2 * N + 1)
    run = Run(entries_of(profile)[:1], {}, corpus, profile.saes)
    go(run, tmp_path / "c")
    assert run.trainings["blocks-00-01"].tokens == 3 * N


def test_massive_tokens_are_not_trained_on(corpus: TrainingCorpus, tmp_path: Path) -> None:
    profile = profile_of(tokens=ROWS)
    run = Run(entries_of(profile)[1:], {}, corpus, profile.saes)
    go(run, tmp_path / "c")
    assert run.trainings["block-02"].tokens == ROWS - len(MASSIVE)


class BrokenOffError(Exception):
    """Somebody pulled the plug."""


def break_off_after(tokens: int) -> Callable[[int], None]:
    seen = [0]

    def progress(n: int) -> None:
        seen[0] += n
        if seen[0] > tokens:
            raise BrokenOffError

    return progress


@pytest.mark.parametrize("activation", ["topk", "batch_topk", "jump_relu"])
@pytest.mark.parametrize("seconds", [0.0, 120.0])
def test_an_interrupted_run_ends_with_the_same_bytes(
    corpus: TrainingCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, activation: str, seconds: float
) -> None:
    """Twice broken off in the middle of a step, with a checkpoint after every step or none at all so far."""
    monkeypatch.setattr(run_module, "CHECKPOINT_SECONDS", seconds)
    monkeypatch.setattr(run_module, "POOL_BYTES", 0)
    profile = profile_of(activation=activation)
    straight, checkpoint = Run(entries_of(profile), {}, corpus, profile.saes), tmp_path / "c" / "wave-0.safetensors"
    go(straight, tmp_path / "straight")
    for tokens in (3 * N, 13 * N):
        with pytest.raises(BrokenOffError):
            go(Run(entries_of(profile), {}, corpus, profile.saes), checkpoint, break_off_after(tokens))
        assert checkpoint.is_file() == (seconds == 0)
    resumed, told = Run(entries_of(profile), {}, corpus, profile.saes), []
    said = go(resumed, checkpoint, told.append)
    assert everything(resumed) == everything(straight)
    assert said == ([] if seconds else ["training goes on after step 6"])
    assert sum(told) == sum(training.tokens for training in straight.trainings.values())
    again = Run(entries_of(profile), {}, corpus, profile.saes)
    assert go(again, checkpoint) == ["training goes on after step 12"]
    assert everything(again) == everything(straight)


def test_a_damaged_checkpoint_is_said_and_training_starts_again(corpus: TrainingCorpus, tmp_path: Path) -> None:
    profile, checkpoint = profile_of(), tmp_path / "c"
    straight, again = (Run(entries_of(profile), {}, corpus, profile.saes) for _ in range(2))
    go(straight, checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:-5])
    (said,) = go(again, checkpoint)
    assert "not a checkpoint" in said
    assert said.endswith("training starts from its beginning")
    assert everything(again) == everything(straight)


def test_a_child_starts_from_its_parent_and_learns_at_the_rate_of_transfer(
    corpus: TrainingCorpus, tmp_path: Path
) -> None:
    transfer = Transfer(entries=1, tokens=2 * N, learning_rate=1e-30)
    profile = profile_of(transfer=transfer, block_biases=False)
    first, second = entries_of(profile)
    run = Run([first], {}, corpus, profile.saes)
    go(run, tmp_path / "parent")
    parent = run.trainings[first.name].sae
    before = content(parent)
    child = Run([second], {first.name: parent}, corpus, profile.saes)
    assert content(child.trainings[second.name].sae) == before
    go(child, tmp_path / "child")
    torch.testing.assert_close(child.trainings[second.name].sae.state_dict(), parent.state_dict())
    assert child.trainings[second.name].tokens == pytest.approx(2 * N, abs=3)
    assert child.trainings[second.name].sae.config.blocks == (2,)
    assert content(parent) == before


def test_the_held_out_fvu_is_the_mean_over_the_blocks(corpus: TrainingCorpus, tmp_path: Path) -> None:
    """Of 90 tokens of each block, which are fewer than the 128 that an entry's blocks have at the least."""
    profile = profile_of()
    run = Run(entries_of(profile), {}, corpus, profile.saes)
    go(run, tmp_path / "c")
    assert {block: len(x) for block, x in corpus.validation.items()} == {0: 90, 1: 90, 2: 89}
    for entry in entries_of(profile):
        training = run.trainings[entry.name]
        expected = np.mean([fvu_of(training.sae, block, corpus.validation[block]) for block in entry.blocks])
        assert training.curve[-1].held_out_fvu == pytest.approx(expected)


def test_validation_samples_are_at_most_2048_kept_tokens_spread_over_the_documents(tmp_path: Path) -> None:
    shards = shards_of(tmp_path, [2000, 2100])
    index = pl.DataFrame({"first_row": [0, 2000], "tokens": [2000, 2100]})
    samples = validation_samples(shards, index, (0, 2), 10.0)
    assert {block: x.shape for block, x in samples.items()} == {0: (2048, D), 2: (2048, D)}
    assert float(np.abs(samples[2]).max()) < 60_000
    assert samples[0][-1].tolist() == shards.activations(0)[-1].tolist()


def test_validation_documents_that_cannot_tell_are_refused_before_training(tmp_path: Path) -> None:
    shards, first = shards_of(tmp_path, [40, 40]), pl.DataFrame({"first_row": [0], "tokens": [1]})
    with pytest.raises(
        CorpusTooSmallError, match=r"block 1: 1 tokens of 1 validation documents .* raise corpus.validation_share"
    ):
        validation_samples(shards, first, (1,), 1e9)


def test_an_entry_that_explains_nothing_is_told(corpus: TrainingCorpus, tmp_path: Path) -> None:
    profile, said = profile_of(learning_rate=30.0), []
    run = Run(entries_of(profile)[:1], {}, corpus, profile.saes)
    run.train(tmp_path / "c", lambda n: None, said.append)
    (name,) = run.trainings
    assert [f"{name} explains nothing of the validation documents" in line for line in said] == [True]


def test_a_flat_held_out_curve_ends_all_that_have_one(corpus: TrainingCorpus, tmp_path: Path) -> None:
    profile = profile_of(stop_gain=0.99)
    run = Run(entries_of(profile), {}, corpus, profile.saes)
    go(run, tmp_path / "c")
    assert [(training.steps_done, training.ends) for training in run.trainings.values()] == [(5, 5), (5, 5)]


def test_fewer_tokens_than_a_batch_are_refused(corpus: TrainingCorpus, tmp_path: Path) -> None:
    profile = profile_of(batch_tokens=ROWS + 1)
    with pytest.raises(
        CorpusTooSmallError, match=r"560 tokens to train on, less than one batch of 561: .*batch_tokens"
    ):
        go(Run(entries_of(profile), {}, corpus, profile.saes), tmp_path / "c")


def test_where_it_diverges_the_curve_is_in_a_file(corpus: TrainingCorpus, tmp_path: Path) -> None:
    profile = profile_of(learning_rate=1e30, tokens=10_000)
    with pytest.raises(
        TrainingDivergedError,
        match=r"lower its learning rate \(saes\.learning_rate, or saes\.transfer.*; its curve is in .*diverged\.csv",
    ) as bad:
        go(Run(entries_of(profile), {}, corpus, profile.saes), tmp_path / "c" / "wave-0.safetensors")
    with (tmp_path / "c" / "diverged.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["tokens"]) for row in rows] == [point.tokens for point in bad.value.curve] != []
    assert [float(row["fvu"]) for row in rows] == [point.fvu for point in bad.value.curve]
    assert list(rows[0]) == ["tokens", "fvu", "held_out_fvu", "dead_share"]


def test_a_block_that_cannot_be_trained_on_is_named(tmp_path: Path) -> None:
    n = np.arange(50, dtype=np.int32)
    x = streams(50, 0)
    x[1][:] = 3
    shards = write_streams(tmp_path, [("a", Tokens(n, n, n + 1))], x)
    with pytest.raises(InvalidActivationsError, match="block 1: its activations are the same on every token"):
        training_corpus(shards, pl.DataFrame({"first_row": [0], "tokens": [50]}), (0, 1, 2), {}, 10.0)
