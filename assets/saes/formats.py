"""Autoencoders on disk in the layout of EleutherAI sparsify: `cfg.json` and `sae.safetensors`."""

import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from assets.saes.sae import SaeConfig, TopKSae

CONFIG = "cfg.json"
WEIGHTS = "sae.safetensors"
UNSUPPORTED = ("signed", "multi_topk", "skip_connection", "transcode")


class SaeFileError(ValueError):
    """A folder does not hold an autoencoder that can be read."""


def save_sae(sae: TopKSae, folder: Path) -> None:
    """Write `cfg.json` (`blocks` and `scales` are ours) and `sae.safetensors`; the same weights give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: weight.detach().cpu().contiguous() for name, weight in sae.state_dict().items()}
    (folder / WEIGHTS).write_bytes(safetensors.torch.save(weights))
    (folder / CONFIG).write_text(json.dumps(_settings(sae.config), indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load_sae(folder: Path) -> TopKSae:
    """Read an autoencoder in float32; one that others trained has no blocks and scales.

    Raises SaeFileError where a file or a tensor is missing, has another shape than `cfg.json` says, or is not TopK.
    """
    config = _config(folder)
    sae = TopKSae(config)
    weights = _weights(folder)
    for name, parameter in sae.state_dict().items():
        if name not in weights:
            raise SaeFileError(f"{folder / WEIGHTS}: no tensor {name!r}; it holds {sorted(weights)}")
        if weights[name].shape != parameter.shape:
            found, expected = list(weights[name].shape), list(parameter.shape)
            raise SaeFileError(f"{folder / WEIGHTS}: {name} is {found}, {CONFIG} says {expected}")
        parameter.copy_(weights[name])
    return sae


def _settings(config: SaeConfig) -> dict[str, Any]:
    return {
        "activation": "topk",
        "blocks": list(config.blocks),
        "d_in": config.d_model,
        "expansion_factor": config.n_latents // config.d_model,
        "k": config.k,
        "normalize_decoder": True,
        "num_latents": config.n_latents,
        "scales": {str(block): scale for block, scale in config.scales.items()},
        **dict.fromkeys(UNSUPPORTED, False),
    }


def _config(folder: Path) -> SaeConfig:
    file = folder / CONFIG
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
        odd = [key for key in UNSUPPORTED if settings.get(key)]
        if odd or settings.get("activation", "topk") != "topk":
            raise SaeFileError(
                f"{file}: only plain TopK can be read, not activation {settings.get('activation')!r} {odd}"
            )
        return SaeConfig(
            d_model=settings["d_in"],
            n_latents=settings.get("num_latents") or settings["d_in"] * settings["expansion_factor"],
            k=settings["k"],
            blocks=tuple(settings.get("blocks", ())),
            scales={int(block): scale for block, scale in settings.get("scales", {}).items()},
        )
    except FileNotFoundError as error:
        raise SaeFileError(f"{file}: no such file; a sparsify folder holds {CONFIG} and {WEIGHTS}") from error
    except json.JSONDecodeError as error:
        raise SaeFileError(f"{file}: not valid JSON: {error}") from error
    except KeyError as error:
        raise SaeFileError(f"{file}: the key {error} is missing") from error


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    file = folder / WEIGHTS
    try:
        weights: dict[str, torch.Tensor] = safetensors.torch.load_file(file)
        return weights
    except FileNotFoundError as error:
        raise SaeFileError(f"{file}: no such file; a sparsify folder holds {CONFIG} and {WEIGHTS}") from error
    except safetensors.SafetensorError as error:
        raise SaeFileError(f"{file}: not a safetensors file: {error}") from error
