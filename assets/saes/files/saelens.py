"""One block's autoencoder in the layout of SAELens 6: `cfg.json` and `sae_weights.safetensors`, for raw activations.

`W_enc` [d_model, n_latents], `W_dec` [n_latents, d_model], `b_enc`, `b_dec`, and `threshold` [n_latents] of JumpReLU;
BatchTopK is stored as JumpReLU with one threshold for all, as SAELens itself does.
"""

import math
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from assets.saes.files.native import (
    CONFIG,
    K_UNKNOWN,
    SaeFileError,
    explained,
    filled,
    read_settings,
    read_tensors,
    whole_number,
    write_files,
)
from assets.saes.files.sparsify import fold_scale
from assets.saes.model.sae import Sae, SaeConfig
from resources.settings.saes import Activation

SAELENS_WEIGHTS = "sae_weights.safetensors"
VERSION = "6.54.12"
"""Of the layout that is written."""
BATCH_TOPK = ("batchtopk", "matryoshka_batchtopk")
"""Names of trainings: the autoencoders they export are called jumprelu, only their checkpoints keep these names."""
READABLE = ("topk", "jumprelu", "standard", *BATCH_TOPK)
ACTIVATION_NAMES: Mapping[str, Sequence[str]] = {
    "topk": ("topk",),
    "jumprelu": ("jumprelu", "relu"),
    "standard": ("relu",),
    **dict.fromkeys(BATCH_TOPK, ("batchtopk", "topk", "relu")),
}
"""What files may call the activation of each architecture."""
TRAININGS: Mapping[Activation, str] = {"topk": "topk", "batch_topk": "batchtopk", "jump_relu": "jumprelu"}


def save_saelens(sae: Sae, folder: Path, block: int, model_id: str) -> None:
    """Write one block so that `SAE.load_from_disk(folder)` of SAELens gives our latents for raw activations.

    The block's scale is folded into the weights (see `fold_scale`) and noted in the metadata. Decoder rows are then not
    of unit norm: latents would change with `fold_W_dec_norm`, which SAELens never does unasked, and refuses for TopK.

    Raises
    ------
    UnknownBlockError
        `sae` does not read `block`.
    """
    plain = fold_scale(sae, block)
    weights, config = plain.state_dict(), plain.config
    tensors = {
        "W_enc": weights["encoder.weight"].T,
        "b_enc": weights["encoder.bias"],
        "W_dec": weights["W_dec"],
        "b_dec": weights["b_dec"],
    }
    if config.activation == "batch_topk":
        tensors["threshold"] = weights["threshold"].expand(config.n_latents)
    if config.activation == "jump_relu":
        tensors["threshold"] = weights["log_threshold"].exp()
    metadata = _metadata(config, block, model_id) | {"folded_scale": sae.scale(block)}
    write_files(folder, _settings(config) | {"metadata": metadata}, tensors, SAELENS_WEIGHTS)


def load_saelens(folder: Path) -> Sae:
    """Read an autoencoder of SAELens 6 in float32, ready to encode; it has no blocks and scales.

    Read are TopK, JumpReLU, BatchTopK and the plain ReLU (`standard`: JumpReLU with thresholds 0). Where SAELens does
    not subtract `b_dec` from its input, or multiplies pre-activations by decoder norms, encoder and decoder are changed
    so that latents and reconstructions are the same. The logarithm of a JumpReLU threshold moves it by less than 1e-6
    of itself. The k that JumpReLU aimed at is in the metadata of its training, if anywhere; else it is 1.

    Raises
    ------
    SaeFileError
        A file or a tensor is missing or has the wrong shape, or the autoencoder is of another kind: other
        architectures, reshaped or normalised activations, files of SAELens before 6.
    """
    file = folder / CONFIG
    settings = read_settings(file)
    with explained(file):
        _refuse_others(settings, file)
        shapes = _shapes(settings)
    tensors = read_tensors(folder / SAELENS_WEIGHTS, shapes)
    with explained(file):
        config = _config(settings, tensors)
    weights = _weights(settings, tensors) | _threshold(config.activation, tensors)
    return filled(config, weights, folder / SAELENS_WEIGHTS)


def _settings(config: SaeConfig) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "apply_b_dec_to_input": True,
        "architecture": "topk" if config.activation == "topk" else "jumprelu",
        "d_in": config.d_model,
        "d_sae": config.n_latents,
        "device": "cpu",
        "dtype": "float32",
        "normalize_activations": "none",
        "reshape_activations": "none",
    }
    if config.activation == "topk":
        settings |= {"k": config.k, "rescale_acts_by_decoder_norm": False}
    return settings


def _metadata(config: SaeConfig, block: int, model_id: str) -> dict[str, Any]:
    return {
        "hook_name": f"blocks.{block}.hook_resid_post",
        "model_name": model_id,
        "sae_lens_training_version": None,
        "sae_lens_version": VERSION,
        "training_architecture": TRAININGS[config.activation],
        "training_architecture_details": {"target_l0" if config.activation == "jump_relu" else "k": config.k},
    }


def _refuse_others(settings: Mapping[str, Any], file: Path) -> None:
    if not isinstance(settings.get("metadata"), dict):
        raise SaeFileError(
            f"{file}: no metadata: of SAELens before 6? load it with SAELens 6 and `save_model` it again"
        )
    if (architecture := settings["architecture"]) not in READABLE:
        raise SaeFileError(
            f"{file}: architecture {reprlib.repr(architecture)} cannot be read: choose one of {list(READABLE)}"
        )
    if (how := settings.get("normalize_activations", "none")) != "none":
        raise SaeFileError(
            f"{file}: normalize_activations is {how!r:.60}, which is not in the weights: in SAELens call "
            "`fold_activation_norm_scaling_factor` and `save_model`, or choose another autoencoder"
        )
    if (how := settings.get("reshape_activations", "none")) != "none":
        raise SaeFileError(f"{file}: reshape_activations is {how!r:.60}: only residual streams can be read")
    _check_activation(settings, file)


def _check_activation(settings: Mapping[str, Any], file: Path) -> None:
    """Refuse an activation that the architecture does not have; before 6, TopK of SAELens was a kind of `standard`."""
    architecture = settings["architecture"]
    for place in (settings, settings["metadata"]):
        for key in ("activation_fn", "activation_fn_str", "activation"):
            stated = place.get(key)
            if stated is None or (isinstance(stated, str) and stated.lower() in ACTIVATION_NAMES[architecture]):
                continue
            raise SaeFileError(
                f"{file}: architecture {architecture!r} with {key} {reprlib.repr(stated)}: which of them holds? if it "
                "is TopK, write `topk` as the architecture, with its k, and leave the other out"
            )


def _shapes(settings: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    d_in, d_sae = whole_number(settings, "d_in"), whole_number(settings, "d_sae")
    shapes: dict[str, tuple[int, ...]] = {"W_enc": (d_in, d_sae), "b_enc": (d_sae,)}
    shapes |= {"W_dec": (d_sae, d_in), "b_dec": (d_in,)}
    if settings["architecture"] == "jumprelu":
        shapes["threshold"] = (d_sae,)
    if settings["architecture"] in BATCH_TOPK:
        shapes["topk_threshold"] = ()
    return shapes


def _config(settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> SaeConfig:
    d_in, d_sae = whole_number(settings, "d_in"), whole_number(settings, "d_sae")
    details = settings["metadata"].get("training_architecture_details") or {}
    if settings["architecture"] == "topk":
        return SaeConfig(d_in, d_sae, whole_number(settings, "k"))
    k = max(1, round(settings.get("k") or details.get("k") or details.get("target_l0") or K_UNKNOWN))
    return SaeConfig(d_in, d_sae, k, activation="batch_topk" if _is_batch_topk(settings, tensors) else "jump_relu")


def _is_batch_topk(settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> bool:
    """Return whether it has one threshold for all latents; after `fold_W_dec_norm` it has not."""
    if settings["architecture"] in BATCH_TOPK:
        return True
    threshold = tensors.get("threshold")
    trained = settings["metadata"].get("training_architecture") in BATCH_TOPK
    return trained and threshold is not None and bool((threshold == threshold[0]).all())


def _weights(settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights in our form; computed ones are float64.

    z = S((x - b_dec) W_enc norm + b_enc norm), x_hat = z W_dec / norm + b_dec.
    """
    w_enc, b_enc, w_dec, b_dec = (tensors[name] for name in ("W_enc", "b_enc", "W_dec", "b_dec"))
    if not settings.get("apply_b_dec_to_input", True):
        b_enc = b_enc.double() + b_dec.double() @ w_enc.double()
    if settings.get("rescale_acts_by_decoder_norm"):
        norm = torch.linalg.vector_norm(w_dec, dim=1, dtype=torch.float64)
        w_enc, b_enc = w_enc * norm, b_enc * norm
        w_dec = w_dec / norm.clamp_min(torch.finfo(norm.dtype).tiny)[:, None]
    return {"encoder.weight": w_enc.T, "encoder.bias": b_enc, "W_dec": w_dec, "b_dec": b_dec}


def _threshold(activation: Activation, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the threshold in our form.

    Only positive latents are active, so a negative threshold acts like 0, which is also that of plain ReLU.
    """
    threshold = tensors.get("topk_threshold", tensors.get("threshold"))
    if activation == "topk":
        return {}
    if threshold is None:
        return {"log_threshold": torch.full_like(tensors["b_enc"], -math.inf)}
    if activation == "batch_topk":
        return {"threshold": threshold.flatten()[0].clamp_min(0)}
    return {"log_threshold": threshold.double().clamp_min(0).log()}
