"""A training that was interrupted goes on exactly where it was."""

import contextlib
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from fakes.sparse_streams import ACTIVE, D, batches, scale_of, sparse_data

from assets.saes.corpus.batches import MemberDraw
from assets.saes.metrics import fvu_of
from assets.saes.model.sae import Sae, SaeConfig
from assets.saes.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from assets.saes.training.step import SaeTraining, random_sae, train_together
from resources.settings.saes import Saes

N = 64
SETTINGS = Saes(k=ACTIVE, batch_tokens=N, dead_after_tokens=300, aux_weight=1.0, stop_gain=0.0)
X, _ = sparse_data(1024)
STREAMS = {0: X, 1: (50 * X[::-1]).astype(np.float16)}
BLOCKS = {"both": (0, 1), "one": (1,), "first": (0,)}
STEPS = {"both": 24, "one": 9, "first": 24}
"""`one` is done before the others."""
ACTIVATIONS = ["topk", "batch_topk", "jump_relu"]


class Wave:
    """Three entries in training, as they are made anew after an interruption."""

    def __init__(self, activation: Any = "topk", stop_gain: float = 0.0, expansion: int = 2) -> None:
        self.trainings: dict[str, SaeTraining] = {}
        self.draws: dict[str, MemberDraw] = {}
        for name, blocks in BLOCKS.items():
            scales = {block: scale_of(STREAMS[block]) for block in blocks}
            config = SaeConfig(D, expansion * D, ACTIVE, blocks, scales, activation, block_biases=True)
            means = torch.stack([torch.from_numpy(STREAMS[b].mean(axis=0) * scales[b]).float() for b in blocks])
            settings = SETTINGS.model_copy(update={"stop_gain": stop_gain})
            start = random_sae(config, means, 0)
            self.trainings[name] = SaeTraining(start, settings, STEPS[name], held_out)
            self.draws[name] = MemberDraw(blocks, scales, 0)

    def go(self, done: int = 0, until: int = 10**9) -> "Wave":
        """From the step where the stream is to go on, to the end or up to the one at which it breaks off."""
        steps = itertools.count(done + 1)

        def break_off() -> None:
            if next(steps) == until:
                raise InterruptedError

        with contextlib.suppress(InterruptedError):
            stream = itertools.islice(batches(STREAMS, self.draws, BLOCKS, N), done, None)
            train_together(self.trainings, stream, after_step=break_off)
        return self

    def save(self, file: Path) -> "Wave":
        save_checkpoint(file, self.trainings, self.draws)
        return self

    def load(self, file: Path) -> int:
        return load_checkpoint(file, self.trainings, self.draws)

    @property
    def everything(self) -> dict[str, Any]:
        """All that training changes, as bytes."""
        return {
            name: (
                {key: weight.numpy().tobytes() for key, weight in training.sae.state_dict().items()},
                [{key: m.numpy().tobytes() for key, m in s.items()} for s in training.optimiser.state.values()],
                training.silent.tolist(),
                training.curve,
                (training.steps_done, training.tokens, training.ends),
                self.draws[name].state,
            )
            for name, training in self.trainings.items()
        }


def held_out(sae: Sae) -> float:
    return sum(fvu_of(sae, block, STREAMS[block][:99]) for block in sae.config.blocks)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_interrupted_training_ends_with_the_same_bytes(tmp_path: Path, activation: str) -> None:
    straight = Wave(activation).go().everything
    assert any(silent > 0 for silent in straight["both"][2])
    file, done = tmp_path / "checkpoints" / "wave.safetensors", 0
    for until in (1, 2, 8, 9, 10, 20):
        wave = Wave(activation)
        done = wave.load(file) if done else 0
        wave.go(done, until).save(file)
        done = until
    last = Wave(activation)
    assert last.load(file) == 20
    assert last.trainings["one"].done
    assert last.go(20).everything == straight


def test_what_is_loaded_is_what_was_saved(tmp_path: Path) -> None:
    saved, loaded = Wave("batch_topk").go(until=12).save(tmp_path / "c"), Wave("batch_topk")
    loaded.load(tmp_path / "c")
    assert loaded.everything == saved.everything
    assert loaded.trainings["both"].curve == saved.trainings["both"].curve != []


def test_an_entry_that_stopped_early_stays_stopped(tmp_path: Path) -> None:
    saved = Wave(stop_gain=0.99).go().save(tmp_path / "c")
    assert {training.steps_done < STEPS[name] for name, training in saved.trainings.items()} == {True}
    loaded = Wave(stop_gain=0.99)
    done = loaded.load(tmp_path / "c")
    assert all(training.done for training in loaded.trainings.values())
    assert loaded.go(done).everything == saved.everything


def test_an_interruption_while_the_rate_comes_down_changes_nothing(tmp_path: Path) -> None:
    """Of 24 steps the curve is flat at the 6th, and training ends after the 10th."""
    straight = Wave(stop_gain=0.99).go()
    assert straight.trainings["first"].steps_done == 10
    Wave(stop_gain=0.99).go(until=8).save(tmp_path / "c")
    resumed = Wave(stop_gain=0.99)
    assert resumed.go(resumed.load(tmp_path / "c")).everything == straight.everything


def test_seconds_of_all_attempts_are_added_up(tmp_path: Path) -> None:
    interrupted = Wave().go(until=4).save(tmp_path / "c")
    resumed = Wave()
    done = resumed.load(tmp_path / "c")
    before = {name: training.seconds for name, training in interrupted.trainings.items()}
    assert {name: training.seconds for name, training in resumed.trainings.items()} == before
    assert min(before.values()) > 0
    resumed.go(done)
    assert all(training.seconds > before[name] for name, training in resumed.trainings.items())


def test_saving_again_takes_the_place_of_the_file_and_leaves_no_other(tmp_path: Path) -> None:
    wave, file = Wave().go(until=2), tmp_path / "wave.safetensors"
    wave.save(file).go(2, 5).save(file)
    assert [one.name for one in tmp_path.iterdir()] == ["wave.safetensors"]
    assert Wave().load(file) == 5


def test_a_file_stays_whole_where_the_next_one_cannot_be_written(tmp_path: Path) -> None:
    wave, file = Wave().go(until=2), tmp_path / "wave.safetensors"
    wave.save(file)
    before = file.read_bytes()
    (tmp_path / "wave.new").mkdir()
    with pytest.raises((OSError, safetensors.SafetensorError)):
        wave.go(2, 3).save(file)
    assert file.read_bytes() == before


def test_it_is_a_safetensors_file_with_json_and_nothing_pickled(tmp_path: Path) -> None:
    Wave().go(until=2).save(tmp_path / "c")
    content = (tmp_path / "c").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert set(json.loads(header.pop("__metadata__")["notes"])) == set(BLOCKS)
    assert {"both/sae/W_dec", "both/adam/encoder.bias/exp_avg_sq", "one/silent"} <= set(header)
    assert {entry["dtype"] for entry in header.values()} == {"F32", "I64"}


@pytest.mark.parametrize("damage", ["cut", "emptied", "overwritten", "foreign"])
def test_a_damaged_or_foreign_file_is_refused(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "wave.safetensors"
    Wave().go(until=2).save(file)
    whole = file.read_bytes()
    if damage == "foreign":
        safetensors.torch.save_file({"W_dec": torch.ones(3)}, file)
    else:
        file.write_bytes({"cut": whole[:-100], "emptied": b"", "overwritten": b"\x80\x04pickle" * 100}[damage])
    with pytest.raises(CheckpointError, match=r"wave\.safetensors: not a checkpoint .* training starts again"):
        Wave().load(file)


def test_a_file_of_other_entries_is_refused(tmp_path: Path) -> None:
    wave = Wave().go(until=2).save(tmp_path / "c")
    del wave.trainings["one"]
    with pytest.raises(CheckpointError, match=r"is of \['both', 'first', 'one'\], not of \['both', 'first'\]"):
        wave.load(tmp_path / "c")


@pytest.mark.parametrize("other", [{"expansion": 4}, {"activation": "jump_relu"}, {"activation": "batch_topk"}])
def test_a_file_of_other_shapes_is_refused_and_changes_nothing(tmp_path: Path, other: dict[str, Any]) -> None:
    Wave().go(until=2).save(tmp_path / "c")
    wave, untouched = Wave(**other), Wave(**other)
    with pytest.raises(CheckpointError):
        wave.load(tmp_path / "c")
    assert wave.everything == untouched.everything


def test_a_file_of_before_the_first_step_is_refused(tmp_path: Path) -> None:
    """Adam has no moments yet; nothing is lost by starting from the beginning."""
    Wave().save(tmp_path / "c")
    with pytest.raises(CheckpointError, match="both holds"):
        Wave().load(tmp_path / "c")
