"""The peers of sae_formats.py: SAELens and sparsify read what we write, and write what we read.

Run as a script, by the python of a virtual environment that has the library, it reads jobs, one JSON object a line:
`read` opens a folder, `write` makes an autoencoder of a kind with random weights and saves it; both encode the raw
activations of a file, and leave dense latents and the reconstruction beside the folder.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peers import Job, serve
from torch import Tensor

KINDS = {
    "saelens": {
        "topk": "TopKSAE",
        "topk, b_dec not at the input": "TopKSAE",
        "topk, rescaled by norms": "TopKTrainingSAE",
        "topk, checkpoint": "TopKTrainingSAE",
        "batchtopk": "BatchTopKTrainingSAE",
        "batchtopk, checkpoint": "BatchTopKTrainingSAE",
        "jumprelu": "JumpReLUSAE",
        "jumprelu, b_dec not at the input": "JumpReLUSAE",
        "standard": "StandardSAE",
    },
    "sparsify": {"topk": "SparseCoder", "topk, expansion factor": "SparseCoder"},
}
"""What each peer writes, and the class that does."""
Found = tuple[Tensor, Tensor]
"""Dense latents [tokens, n_latents] and reconstruction [tokens, d_model]."""


def read_saelens(folder: Path, x: Tensor) -> Found:
    """As its users do."""
    from sae_lens import SAE  # noqa: PLC0415 - here and below: each python has one of the libraries

    sae = SAE.load_from_disk(folder)
    latents = sae.encode(x)
    return latents, sae.decode(latents)


def write_saelens(folder: Path, job: Job, x: Tensor) -> Found:
    """Save it as after training, or as a checkpoint; what it then is outside of training is the reference."""
    import sae_lens  # noqa: PLC0415

    name = KINDS["saelens"][job["kind"]]
    config = {"d_in": job["d_model"], "d_sae": job["n_latents"]}
    config |= {"k": job["k"]} if "TopK" in name else {}
    config |= {"apply_b_dec_to_input": "not at the input" not in job["kind"]}
    sae = getattr(sae_lens, name)(getattr(sae_lens, f"{name}Config")(**config))
    sae.load_state_dict(random_weights(sae.state_dict(), x, job["k"]))
    if "Training" not in name:
        sae.save_model(folder)
        return read_saelens(folder, x)
    if "checkpoint" in job["kind"]:
        sae.save_model(folder)
    reference = folder / "inference" if "checkpoint" in job["kind"] else folder
    sae.save_inference_model(reference)
    return read_saelens(reference, x)


def random_weights(state: dict[str, Tensor], x: Tensor, k: int) -> dict[str, Tensor]:
    """Return decoder rows of lengths from 0.5 to 1.5, and thresholds that about k latents pass."""
    n_latents, d_model = state["W_dec"].shape
    rows = torch.nn.functional.normalize(torch.randn(n_latents, d_model), dim=1)
    size, lengths = x.norm(dim=1).mean(), torch.rand(n_latents, 1) + 0.5
    weights = {"W_dec": rows * lengths * size, "b_dec": x.mean(dim=0)}
    weights |= {"W_enc": rows.T * d_model**0.5 / size, "b_enc": torch.randn(n_latents) * 0.1}
    high = torch.distributions.Normal(0, 0.7).icdf(torch.tensor(1 - k / n_latents))
    if "threshold" in state:
        weights["threshold"] = high * (0.9 + 0.2 * torch.rand(n_latents))
    if "topk_threshold" in state:
        weights["topk_threshold"] = (high * size).double()
    return weights


def read_sparsify(folder: Path, x: Tensor) -> Found:
    """As its users do."""
    from sparsify import SparseCoder  # noqa: PLC0415

    sae = SparseCoder.load_from_disk(folder)
    found = sae.encode(x)
    latents = torch.zeros(len(x), sae.num_latents).scatter(1, found.top_indices, found.top_acts)
    return latents, sae.decode(found.top_acts, found.top_indices)


def write_sparsify(folder: Path, job: Job, x: Tensor) -> Found:
    """Save it as its trainer does; dimensions are known from `num_latents` or from the expansion factor."""
    from sparsify import SparseCoder, SparseCoderConfig  # noqa: PLC0415

    size = {"num_latents": job["n_latents"]}
    if "expansion" in job["kind"]:
        size = {"expansion_factor": job["n_latents"] // job["d_model"]}
    sae = SparseCoder(job["d_model"], SparseCoderConfig(k=job["k"], **size), dtype=torch.float32)
    torch.nn.init.normal_(sae.encoder.bias, std=0.1)
    sae.b_dec.copy_(x.mean(dim=0))
    sae.save_to_disk(folder)
    return read_sparsify(folder, x)


READERS: dict[str, Callable[[Path, Tensor], Found]] = {"saelens": read_saelens, "sparsify": read_sparsify}
WRITERS: dict[str, Callable[..., Found]] = {"saelens": write_saelens, "sparsify": write_sparsify}


@torch.no_grad()
def answer(job: dict[str, Any]) -> dict[str, str]:
    """Do a job."""
    torch.manual_seed(0)
    folder, x = Path(job["folder"]), torch.from_numpy(np.load(job["input"]))
    peer = job["peer"]
    found = READERS[peer](folder, x) if job["do"] == "read" else WRITERS[peer](folder, job, x)
    files = {name: str(folder.parent / f"{name}.npy") for name in ("latents", "x_hat")}
    for file, tensor in zip(files.values(), found, strict=True):
        np.save(file, tensor.numpy())
    return files


if __name__ == "__main__":
    serve(answer)
