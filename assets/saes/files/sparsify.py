"""One block's autoencoder as a plain folder of sparsify or Group-SAE, for raw activations: no scale, no blocks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from assets.saes.files.native import UNSUPPORTED, WEIGHTS, write_files
from assets.saes.model.sae import Sae


@torch.no_grad()
def fold_scale(sae: Sae, block: int) -> Sae:
    """Return the autoencoder of one block with its scale s in the weights: raw activations give the same latents.

    With x raw, z = S(s W_enc (x - b_dec / s) + b_enc) is what `sae` gives for s x, and (W_dec^T z + b_dec) / s is its
    reconstruction in units of x. Products are float64, rounded once to float32. Decoder rows are then 1/s long.

    Raises
    ------
    UnknownBlockError
        `sae` does not read `block`.
    """
    one, scale = sae.at(block), sae.scale(block)
    factors = {"encoder.weight": scale, "W_dec": 1 / scale, "b_dec": 1 / scale}
    weights = {name: weight.cpu() for name, weight in one.state_dict().items()}
    weights |= {name: (weights[name].double() * factor).float() for name, factor in factors.items()}
    plain = Sae(replace(one.config, scales={block: 1.0}))
    plain.load_state_dict(weights)
    return plain.eval()


def save_sparsify(sae: Sae, folder: Path, block: int) -> None:
    """Write one block's `cfg.json` and `sae.safetensors` so that raw activations give our latents.

    TopK is what `SparseCoder.load_from_disk` of eai-sparsify 1.3 reads. It has no thresholds: JumpReLU, and BatchTopK
    as the JumpReLU that it is outside of training, are written as Group-SAE does (`jumprelu`, `log_threshold`), which
    sparsify refuses because of the unknown tensor; to use them elsewhere, write them with `save_saelens`. Decoder rows
    are not of unit norm (see `fold_scale`), and `cfg.json` states that. The folder's name should be the hook's,
    `layers.<block>`.

    Raises
    ------
    UnknownBlockError
        `sae` does not read `block`.
    """
    plain = fold_scale(sae, block)
    settings = _settings(plain) | {"folded_scale": sae.scale(block)}
    tensors = plain.state_dict()
    if "threshold" in tensors:
        tensors["log_threshold"] = tensors.pop("threshold").log().expand(plain.config.n_latents)
    write_files(folder, settings, tensors, WEIGHTS)


def _settings(plain: Sae) -> dict[str, Any]:
    config = plain.config
    settings: dict[str, Any] = dict.fromkeys(UNSUPPORTED, False) | {
        "d_in": config.d_model,
        "expansion_factor": config.n_latents // config.d_model,
        "normalize_decoder": False,
        "num_latents": config.n_latents,
    }
    if config.activation == "topk":
        return settings | {"activation": "topk", "k": config.k}
    return settings | {"jumprelu": True, "jumprelu_target_l0": config.k, "k": -1}
