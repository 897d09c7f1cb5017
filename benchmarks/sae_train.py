"""Training of a TopK autoencoder beside EleutherAI's sparsify and SAELens: speed, memory, learning curve, gradients.

`python benchmarks/sae_train.py [--rounds 7] [--seconds 3] [--widths 4608 18432]` makes synthetic activations (Gaussian,
correlated, of a decaying spectrum, mean norm 1) and, at each width, trains on them on two threads in turn, round by
round, each in a process of its own, where idle threads wait without spinning:

- the bare product of the encoder, forward only: the limit;
- ours, `SaeTraining` of assets/saes/training/step.py; and once more with freed memory returned to the kernel, as in
  the peers;
- sparsify's SparseCoder, step by step as its Trainer does it;
- SAELens' TopKTrainingSAE, by its SAETrainer.

d = 576, k = 32, 2,048 tokens a step, Adam, float32; the same weights at the start, the same batches, the same constant
learning rate, no dead latents. Before the rounds, the first steps of all give the curves. Where rounding makes
another latent active, Adam makes a whole step of it: curves of the same mathematics part after some 15 to 30 steps, by
less than one in a thousand. Ours clips the gradient at norm 1, which sparsify does not; at 4,608 latents the norm stays
below 0.2. Memory is the most that training takes over what its process has before: libraries and input. Our gradients
are compared with those of plain dense operations.

On a GPU (`--device cuda`, the default where there is one; never tried) the products are bfloat16. The last line is
JSON; its ratios are the medians of those within a round.
"""

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from harvest import Round, ratio, show, summary
from harvest_saelens import NAME as SAELENS
from harvest_saelens import saelens_python
from peers import Job, Worker, warn_if_busy
from sae_train_peer import SPARSIFY, sparsify_python
from tqdm import tqdm

# isort: split
import torch
from torch import Tensor

from assets.saes.model.sae import SaeConfig
from assets.saes.training.random_start import random_sae

ROUNDS, SECONDS, WARM_UP_STEPS, THREADS, SEED = 7, 3.0, 2, 2, 0
D_MODEL, K, BATCH_TOKENS, BATCHES, WIDTHS = 576, 32, 2048, 64, (4608, 18432)
LEARNING_RATE = 1e-3
CURVE = (1, 10, 30, 60)
"""Steps whose FVU is shown."""
CHECKED_TOKENS, NOISE, ROUNDING = 512, 0.01, 1e-6
"""Tokens on which gradients are compared; what is added to the first weights, so that no bias is zero; by how much
the last active latent of a token is ahead of the next, for else the order of additions decides between them."""
SCRIPT = Path(__file__).with_name("sae_train_peer.py")
TRAINERS = {"limit": "bare encoder product", "ours": "ours", "ours_returning": "ours, memory returned"}
TRAINERS |= {"sparsify": SPARSIFY, "saelens": SAELENS}
"""By name in a round."""
PEERS = ("sparsify", "saelens")


@dataclass(frozen=True)
class Found:
    """What was measured at one width."""

    rounds: list[Round]
    peaks: dict[str, float]
    """Megabytes."""
    curves: dict[str, list[float]]
    """FVU at the steps of the curve."""
    grad_error: float


class Bench:
    """All that train, with one bar for all of them."""

    def __init__(self, options: argparse.Namespace, folder: Path, bar: tqdm) -> None:
        self._options, self._folder, self._bar = options, folder, bar
        ours = Path(sys.executable)
        pythons = {"limit": ours, "ours": ours, "ours_returning": ours, "sparsify": sparsify_python(options.venvs)}
        pythons |= {"saelens": saelens_python(options.venvs)}
        self._pythons = {name: python for name, python in pythons.items() if python}
        each = options.rounds * len(self._pythons) + len(options.curve) * (len(self._pythons) - 1)
        bar.reset(each * len(options.widths))
        self._x = write_input(folder / "x.npy")

    def width(self, n_latents: int) -> Found:
        """Measure at one width."""
        grad_error = write_start(self._folder / "start.npz", self._x, n_latents)
        with ExitStack() as stack:
            workers = {
                name: stack.enter_context(Worker(TRAINERS[name], python, SCRIPT, THREADS))
                for name, python in self._pythons.items()
            }
            for name, worker in workers.items():
                worker.ask(self._job(name, n_latents))
            curves = {name: self._curve(worker) for name, worker in workers.items() if name != "limit"}
            for worker in workers.values():
                worker.ask({"do": "run", "steps": WARM_UP_STEPS})
            answers = [self._round(workers) for _ in range(self._options.rounds)]
        rounds = [{name: answer["tokens_per_s"] for name, answer in one.items()} for one in answers]
        peaks = {name: max(one[name]["peak_mb"] for one in answers) for name in workers}
        return Found(rounds, peaks, curves, grad_error)

    def _job(self, name: str, n_latents: int) -> Job:
        job = {"do": "open", "side": name, "device": self._options.device, "threads": THREADS}
        job |= {"d_model": D_MODEL, "n_latents": n_latents, "k": K, "learning_rate": LEARNING_RATE}
        job |= {"input": str(self._folder / "x.npy"), "start": str(self._folder / "start.npz")}
        return job | {"batch_tokens": BATCH_TOKENS}

    def _curve(self, worker: Worker) -> list[float]:
        done, curve = 0, []
        for step in self._options.curve:
            curve.append(worker.ask({"do": "run", "steps": step - done})["fvu"])
            done = step
            self._bar.update()
        return curve

    def _round(self, workers: dict[str, Worker]) -> dict[str, Job]:
        answers = {}
        for name, worker in workers.items():
            answers[name] = worker.ask({"do": "run", "seconds": self._options.seconds})
            self._bar.update()
        return answers


def write_input(path: Path) -> Tensor:
    """Write `[batches, tokens, d_model]`, variance of the i-th direction 1/i, mean norm 1; return the first batch."""
    numbers = np.random.default_rng(SEED)
    directions = np.linalg.qr(numbers.standard_normal((D_MODEL, D_MODEL)))[0].astype(np.float32)
    mixing = directions / np.sqrt(np.arange(1, D_MODEL + 1, dtype=np.float32))[:, None]
    x = numbers.standard_normal((BATCHES, BATCH_TOKENS, D_MODEL), dtype=np.float32) @ mixing
    x /= np.linalg.norm(x, axis=2).mean()
    np.save(path, x)
    return torch.from_numpy(x[0].copy())


def write_start(path: Path, x: Tensor, n_latents: int) -> float:
    """Write the weights from which all start, as ours makes them; return the error of their gradients."""
    sae = random_sae(SaeConfig(D_MODEL, n_latents, K, (0,), {0: 1.0}), x.mean(dim=0, keepdim=True), SEED)
    np.savez(path, **{name: weight.numpy() for name, weight in sae.state_dict().items()})
    return grad_error(sae, x)


def grad_error(sae: torch.nn.Module, x: Tensor) -> float:
    """Largest difference of ours from the dense gradients of the squared error, over the largest gradient or 1."""
    torch.manual_seed(SEED)
    with torch.no_grad():
        for weight in sae.parameters():
            weight.add_(torch.randn_like(weight), alpha=NOISE)
    dense = {name: weight.detach().clone().requires_grad_() for name, weight in sae.named_parameters()}
    strongest = pre_activations(dense, x).topk(K + 1, dim=1).values
    x = x[strongest[:, K - 1] - strongest[:, K] > ROUNDING][:CHECKED_TOKENS]
    (x - sae(x).x_hat).pow(2).sum().backward()
    dense_loss(dense, x).backward()
    pairs = [(weight.grad, dense[name].grad) for name, weight in sae.named_parameters()]
    return max(float((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1)) for ours, theirs in pairs)


def dense_loss(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """Squared error of a TopK autoencoder in plain operations, over all latents."""
    pre = pre_activations(weights, x)
    values, indices = pre.topk(K, dim=1)
    latents = torch.zeros_like(pre).scatter(1, indices, values)
    return (x - latents @ weights["W_dec"] - weights["b_dec"]).pow(2).sum()


def pre_activations(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """Of all latents, `[tokens, n_latents]`, none of them negative."""
    return ((x - weights["b_dec"]) @ weights["encoder.weight"].T + weights["encoder.bias"]).relu()


def speed_table(found: Found) -> pl.DataFrame:
    """Tokens a second and memory; what was not measured is blank."""
    rows = []
    for name, trainer in TRAINERS.items():
        rates = [one[name] for one in found.rounds if name in one]
        peak = round(found.peaks[name]) if name in found.peaks else None
        rows.append(
            {"trainer": trainer}
            | summary(rates, "tokens_per_s", 0)
            | {"of_limit": ratio(found.rounds, name, "limit")}
            | {"ours/theirs": ratio(found.rounds, "ours", name) if name in PEERS else None, "peak_mb": peak}
        )
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col("tokens_per_s").cast(pl.Int64))


def curve_table(found: Found, steps: list[int]) -> pl.DataFrame:
    """FVU by step, and how far ours is from sparsify's."""
    names = [name for name in TRAINERS if name != "limit"]
    fvu = {TRAINERS[name]: found.curves.get(name, [None] * len(steps)) for name in names}
    differences = curve_differences(found) or [None] * len(steps)
    columns = {"fvu at step": steps} | fvu | {"ours to sparsify": differences}
    return pl.DataFrame(columns).with_columns(pl.selectors.float().round_sig_figs(5))


def curve_differences(found: Found) -> list[float]:
    """|ours - sparsify| / sparsify at each step of the curve; empty where there is no sparsify."""
    return [abs(a - b) / b for a, b in zip(found.curves["ours"], found.curves.get("sparsify", []), strict=False)]


def show_found(n_latents: int, found: Found, options: argparse.Namespace) -> None:
    """Print the tables of one width."""
    numbers = f"float32, {THREADS} threads" if options.device == "cpu" else "bfloat16 products"
    what = f"synthetic activations, d = {D_MODEL}, k = {K}, {BATCH_TOKENS:,} tokens a step"
    show(f"{n_latents:,} latents; {what}; {options.rounds} rounds; {numbers}", speed_table(found))
    if options.curve:
        largest = max(curve_differences(found), default=None)
        difference = "" if largest is None else f"; curve_difference {largest:.2g}"
        show(f"{n_latents:,} latents, the same start, batches and rate{difference}", curve_table(found, options.curve))


def arguments() -> argparse.Namespace:
    """The command line's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each side in a round, about")
    parser.add_argument("--widths", type=int, nargs="+", default=list(WIDTHS), help="latents")
    parser.add_argument("--curve", type=int, nargs="*", default=list(CURVE), help="steps whose FVU is shown")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cuda is untested")
    parser.add_argument("--venvs", type=Path, default=Path("~/.cache/peerlens-benchmarks").expanduser())
    return parser.parse_args()


def main() -> None:
    """Print the tables and the claims."""
    options = arguments()
    torch.set_num_threads(THREADS)
    warn_if_busy()
    found = {}
    with tempfile.TemporaryDirectory() as folder, tqdm(unit="jobs", disable=None) as bar:
        bench = Bench(options, Path(folder), bar)
        for n_latents in options.widths:
            found[n_latents] = bench.width(n_latents)
            bar.clear()
            show_found(n_latents, found[n_latents], options)
    claims = {
        f"vs_{peer}_{width}": ratio(found[width].rounds, "ours", peer) if width in found else None
        for width in WIDTHS
        for peer in PEERS
    }
    print(json.dumps(claims | {"grad_error": float(f"{max(one.grad_error for one in found.values()):.2e}")}))


if __name__ == "__main__":
    main()
