"""The state of an interrupted training on disk: weights, Adam's moments, the draw of members, the curve."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from assets.saes.corpus.batches import MemberDraw
from assets.saes.training.curve import CurvePoint
from assets.saes.training.step import SaeTraining

MOMENTS = ("exp_avg", "exp_avg_sq", "step")


class CheckpointError(ValueError):
    """A checkpoint is damaged, or of other autoencoders than those that are trained."""


def save_checkpoint(file: Path, trainings: Mapping[str, SaeTraining], draws: Mapping[str, MemberDraw]) -> None:
    """Write everything that an exact resume needs; the file before it stays whole until this one is."""
    tensors: dict[str, Tensor] = {}
    notes: dict[str, Any] = {}
    for name, training in trainings.items():
        tensors |= {f"{name}/{key}": value.contiguous() for key, value in _tensors(training).items()}
        notes[name] = {
            "steps": training.steps_done,
            "tokens": training.tokens,
            "ends": training.ends,
            "seconds": training.seconds,
            "curve": training.curve,
            "draw": draws[name].state,
        }
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    safetensors.torch.save_file(tensors, draft, metadata={"notes": json.dumps(notes)})
    draft.replace(file)


def load_checkpoint(file: Path, trainings: Mapping[str, SaeTraining], draws: Mapping[str, MemberDraw]) -> int:
    """Restore fresh trainings from a checkpoint; return the steps made by those that were not done.

    Raises
    ------
    CheckpointError
        The file is damaged, or holds other entries or shapes.
    """
    try:
        with safetensors.safe_open(file, "pt") as stored:
            notes = json.loads((stored.metadata() or {})["notes"])
            tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118 - no mapping
    except (safetensors.SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(f"{file}: not a checkpoint ({error}): remove it, and training starts again") from error
    if set(notes) != set(trainings):
        raise CheckpointError(f"{file} is of {sorted(notes)}, not of {sorted(trainings)}: remove it")
    for name, training in trainings.items():
        shapes = {f"{name}/{key}": shape for key, shape in _shapes(training).items()}
        stored = {key: tensor.shape for key, tensor in tensors.items() if key.startswith(f"{name}/")}
        if shapes != stored:
            raise CheckpointError(f"{file}: {name} holds {stored}, not {shapes}: remove it")
    for name, training in trainings.items():
        mine = {key.partition("/")[2]: value for key, value in tensors.items() if key.partition("/")[0] == name}
        _restore(training, mine, notes[name])
        draws[name].state = notes[name]["draw"]
    return max((training.steps_done for training in trainings.values()), default=0)


def _tensors(training: SaeTraining) -> dict[str, Tensor]:
    moments = {
        f"adam/{name}/{part}": state[part]
        for name, parameter in training.sae.named_parameters()
        if (state := training.optimiser.state.get(parameter))
        for part in MOMENTS
    }
    weights = {f"sae/{name}": weight for name, weight in training.sae.state_dict().items()}
    return weights | moments | {"silent": training.silent}


def _shapes(training: SaeTraining) -> dict[str, torch.Size]:
    """Return the shape of every tensor that is stored once a step was made."""
    weights = {f"sae/{name}": weight.shape for name, weight in training.sae.state_dict().items()}
    moments = {
        f"adam/{name}/{part}": torch.Size() if part == "step" else parameter.shape
        for name, parameter in training.sae.named_parameters()
        for part in MOMENTS
    }
    return weights | moments | {"silent": training.silent.shape}


def _restore(training: SaeTraining, tensors: Mapping[str, Tensor], notes: Mapping[str, Any]) -> None:
    weights = {name[len("sae/") :]: value for name, value in tensors.items() if name.startswith("sae/")}
    training.sae.load_state_dict(weights)
    for name, parameter in training.sae.named_parameters():
        state = {part: tensors[f"adam/{name}/{part}"].to(parameter.device) for part in MOMENTS}
        training.optimiser.state[parameter] = state
    training.silent.copy_(tensors["silent"])
    training.steps_done, training.tokens, training.ends = notes["steps"], notes["tokens"], notes["ends"]
    training.seconds = notes["seconds"]
    training.curve = [CurvePoint(*point) for point in notes["curve"]]
