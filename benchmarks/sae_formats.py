"""Whether SAELens and sparsify agree with us on what an autoencoder's files mean.

`python benchmarks/sae_formats.py` has the installed SAELens and sparsify, each in a virtual environment and a process
of its own, read autoencoders of ours and encode raw activations, and write theirs, which we read and encode. Ours have
blocks with scales and, in half of the cases, biases of their own, both folded into the files; theirs have decoder rows
that are not of unit norm. 512 tokens, d = 576, 4,608 latents, k = 32, float32, two threads.

The difference of a case is that of the token where it is largest: over its latents, the largest difference over the
largest latent; likewise for the reconstruction in raw units. Where a latent is so close to its threshold, or to the
next in rank, that rounding decides whether it is active, the token is left out; the table says how many are. The last
line is JSON, by peer the largest difference of latents and the share of tokens left out; above 1e-5, or above .1 left
out, the exit code is 1.
"""

import argparse
import itertools
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl
from harvest_saelens import NAME as SAELENS
from harvest_saelens import saelens_python
from machine import machine
from peers import Job, Worker
from sae_formats_peer import KINDS
from sae_train_peer import SPARSIFY, sparsify_python
from tables import show
from tqdm import tqdm

# isort: split
import torch
from torch import Tensor

from assets.saes.files.downloaded import check_fits, open_downloaded
from assets.saes.files.saelens import save_saelens
from assets.saes.files.sparsify import save_sparsify
from assets.saes.model.sae import Sae, SaeConfig
from assets.saes.training.random_start import random_sae
from resources.settings.saes import Activation

D_MODEL, N_LATENTS, K, TOKENS, THREADS, SEED = 576, 4608, 32, 512, 2, 0
SIZES, N_BLOCKS = {8: 40.0, 11: 68.0}, 30
"""Mean norm of the raw activations after our blocks, and how many blocks the model has."""
FIRST = next(iter(SIZES))
"""The block that theirs are for."""
NOISE = 0.1
"""What is added to our first biases."""
ALLOWED = 1e-5
"""Of the largest latent of a token: differences, and the margin within which rounding decides what is active."""
MOST_LEFT_OUT = 0.1
MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
NAMES = {"saelens": SAELENS, "sparsify": SPARSIFY}
ACTIVATIONS: dict[str, tuple[Activation, ...]] = {"saelens": get_args(Activation), "sparsify": ("topk",)}
"""Which of ours a peer can express."""


@dataclass(frozen=True)
class Found:
    """What one side makes of raw activations."""

    latents: Tensor
    """Dense, [tokens, n_latents]."""
    x_hat: Tensor
    """[tokens, d_model]."""


@dataclass(frozen=True)
class Case:
    """What both sides make of the same, and where they have to agree."""

    ours: Found
    theirs: Found
    certain: Tensor
    """Mask [tokens] of those whose active latents do not depend on rounding."""

    def row(self) -> dict[str, float]:
        """Return the cells of the table."""
        kept = self.certain
        return {
            "L0": float((self.theirs.latents > 0).sum(dim=1).float().mean()),
            "latents": difference(self.ours.latents[kept], self.theirs.latents[kept]),
            "x_hat": difference(self.ours.x_hat[kept], self.theirs.x_hat[kept]),
            "left_out": int((~kept).sum()),
        }


class Bench:
    """One peer's process, and the folder through which it is asked.

    Parameters
    ----------
    peer : saelens or sparsify
    worker : its process
    folder : empty
    bar : of what was compared
    """

    def __init__(self, peer: str, worker: Worker, folder: Path, bar: tqdm) -> None:
        self._peer, self._worker, self._folder, self._bar = peer, worker, folder, bar
        self._raw = {block: raw_activations(size) for block, size in SIZES.items()}
        self._numbers = itertools.count()

    def rows(self) -> Iterator[dict[str, object]]:
        """Yield rows of the table: first what we write, then what the peer writes."""
        for activation, biases in itertools.product(ACTIVATIONS[self._peer], (False, True)):
            sae = our_sae(activation, biases, self._raw)
            for block in SIZES:
                kind = f"{activation}, block {block}" + (", biases of its own" if biases else "")
                yield self._row("ours", kind, self._they_read(sae, block))
        for kind in KINDS[self._peer]:
            yield self._row("theirs", kind, self._we_read(kind))

    def _they_read(self, sae: Sae, block: int) -> Case:
        """Encode with ours on both sides."""
        folder = self._new_folder(block)
        if self._peer == "saelens":
            save_saelens(sae, folder, block, MODEL)
        else:
            save_sparsify(sae, folder, block)
        return self._case(sae, block, self._asked(folder, block, {"do": "read"}))

    def _we_read(self, kind: str) -> Case:
        """Encode with theirs on both sides."""
        folder = self._new_folder(FIRST)
        job = {"do": "write", "kind": kind, "d_model": D_MODEL, "n_latents": N_LATENTS, "k": K}
        theirs = self._asked(folder, FIRST, job)
        sae = check_fits(open_downloaded(folder), folder, FIRST, d_model=D_MODEL, n_blocks=N_BLOCKS)
        return self._case(sae, FIRST, theirs)

    def _case(self, sae: Sae, block: int, theirs: Found) -> Case:
        x = self._raw[block]
        return Case(encoded(sae, block, x), theirs, certain(sae, block, x))

    def _new_folder(self, block: int) -> Path:
        return self._folder / str(next(self._numbers)) / f"layers.{block}"

    def _asked(self, folder: Path, block: int, job: Job) -> Found:
        file = self._folder / "x.npy"
        np.save(file, self._raw[block].numpy())
        job |= {"peer": self._peer, "folder": str(folder), "input": str(file)}
        return Found(**{name: torch.from_numpy(np.load(file)) for name, file in self._worker.ask(job).items()})

    def _row(self, written_by: str, kind: str, case: Case) -> dict[str, object]:
        self._bar.update()
        return {"peer": NAMES[self._peer], "written by": written_by, "kind": kind} | case.row()


def raw_activations(size: float) -> Tensor:
    """Return Gaussian numbers about a mean that is not 0, as residual streams are; `size` is their mean norm."""
    generator = torch.Generator().manual_seed(int(size))
    x = torch.randn(TOKENS, D_MODEL, generator=generator) + torch.randn(D_MODEL, generator=generator)
    return x * size / x.norm(dim=1).mean()


def our_sae(activation: Activation, block_biases: bool, raw: dict[int, Tensor]) -> Sae:
    """Return one of all blocks, its weights random, its thresholds such that about k latents pass."""
    config = SaeConfig(
        D_MODEL, N_LATENTS, K, tuple(raw), {block: 1 / size for block, size in SIZES.items()}, activation, block_biases
    )
    means = torch.stack([x.mean(dim=0) / SIZES[block] for block, x in raw.items()])
    sae = random_sae(config, means, SEED)
    generator = torch.Generator().manual_seed(SEED)
    for bias in (sae.encoder.bias, sae.b_dec):
        bias.data += torch.randn(bias.shape, generator=generator) * NOISE / D_MODEL**0.5
    high = 1.75 / D_MODEL**0.5
    if activation == "batch_topk":
        sae.threshold.fill_(high)
    if activation == "jump_relu":
        sae.log_threshold.data = (high * (0.9 + 0.2 * torch.rand(N_LATENTS, generator=generator))).log()
    return sae.eval()


@torch.no_grad()
def encoded(sae: Sae, block: int, x: Tensor) -> Found:
    """Return what ours makes of raw activations."""
    one = sae.at(block)
    values, indices = one.encode(one.scaled(x, block))
    latents = torch.zeros(len(x), sae.config.n_latents).scatter_add(1, indices, values)
    return Found(latents, one.decode(values, indices) / one.scale(block))


@torch.no_grad()
def certain(sae: Sae, block: int, x: Tensor) -> Tensor:
    """Return a mask [tokens]: no latent is within `ALLOWED` of its threshold, or of the rank that decides.

    A threshold below that margin counts for nothing: a latent that just passes it is as good as 0.
    """
    one = sae.at(block)
    centred = one.scaled(x, block).double() - one.b_dec.double()
    pre = torch.addmm(one.encoder.bias.double(), centred, one.encoder.weight.double().T)
    margin = pre.amax(dim=1, keepdim=True) * ALLOWED
    if one.config.activation == "topk":
        strongest = pre.relu().topk(one.config.k + 1, dim=1).values
        return strongest[:, -2] - strongest[:, -1] > margin[:, 0]
    threshold = (one.threshold if one.config.activation == "batch_topk" else one.log_threshold.exp()).double()
    return ~(((pre - threshold).abs() <= margin) & (threshold > margin)).any(dim=1)


def difference(ours: Tensor, theirs: Tensor) -> float:
    """Return the largest over tokens of the largest difference over the largest number."""
    if ours.shape != theirs.shape:
        return float("inf")
    return float(((ours - theirs).abs().amax(dim=1) / theirs.abs().amax(dim=1)).max())


def compared(python: Callable[[Path], Path | None], peer: str, options: argparse.Namespace, bar: tqdm) -> pl.DataFrame:
    """Return the table of one peer; without rows where it cannot be installed."""
    if not (path := python(options.venvs)):
        return pl.DataFrame()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        worker = stack.enter_context(
            Worker(NAMES[peer], path, Path(__file__).with_name("sae_formats_peer.py"), THREADS)
        )
        return pl.DataFrame(list(Bench(peer, worker, Path(folder), bar).rows()))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--venvs", type=Path, default=Path("~/.cache/peerlens-benchmarks").expanduser())
    return parser.parse_args()


def main() -> None:
    """Print the table and the claims."""
    options = arguments()
    torch.set_num_threads(THREADS)
    claims = {}
    with tqdm(unit="cases", disable=None) as bar:
        for peer, python in {"saelens": saelens_python, "sparsify": sparsify_python}.items():
            table = compared(python, peer, options, bar)
            bar.clear()
            if len(table):
                largest = pl.selectors.float().round_sig_figs(3)
                what = f"largest relative differences over {TOKENS} tokens but for those left out"
                show(f"{what}; {machine(THREADS)}", table.with_columns(largest))
            claims[f"{peer}_max_diff"] = float(f"{table['latents'].max():.2e}") if len(table) else None
            claims[f"{peer}_left_out"] = round(table["left_out"].mean() / TOKENS, 4) if len(table) else None
    print(json.dumps(claims))
    bars = {"max_diff": ALLOWED, "left_out": MOST_LEFT_OUT}
    sys.exit(any(value is not None and value > bars[name.partition("_")[2]] for name, value in claims.items()))


if __name__ == "__main__":
    main()
