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

On a GPU (`--device cuda`, the default where there is one; never tried) the products are bfloat16, and ours has its
share of the GPU's peak: operations against a large product of matrices, and the bytes that a step moves at the least
against a copy. The last line is JSON; its ratios are the medians of those within a round.
"""

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import polars as pl
from harvest_saelens import NAME as SAELENS
from harvest_saelens import saelens_python
from machine import GpuLimits, gpu_limits, machine, warn_if_busy
from peers import Job, Worker
from sae_train_peer import SPARSIFY, sparsify_python
from sae_train_start import BATCH_TOKENS, D_MODEL, K, write_input, write_start
from tables import Round, ratio, show, summary
from tqdm import tqdm

# isort: split
import torch

ROUNDS, SECONDS, WARM_UP_STEPS, THREADS = 7, 3.0, 2, 2
WIDTHS = (4608, 18432)
LEARNING_RATE = 1e-3
CURVE = (1, 10, 30, 60)
"""Steps whose FVU is shown."""
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


def step_load(n_latents: int) -> tuple[float, float]:
    """Return operations and bytes a token that a step of ours costs at the least.

    Operations: the encoder's product, and four passes over the rows of active latents: to rebuild, for the gradients
    of their values, and of encoder and decoder. Bytes, all of float32: these rows, and of each weight the gradient and
    Adam's moments with it, four read and three written.
    """
    flop = 2 * D_MODEL * n_latents + 4 * 2 * K * D_MODEL
    weights = 2 * n_latents * D_MODEL + n_latents + D_MODEL
    return flop, 4 * (4 * K * D_MODEL + 7 * weights / BATCH_TOKENS)


def speed_table(n_latents: int, found: Found, limits: GpuLimits | None) -> pl.DataFrame:
    """Return tokens a second, memory and, on a GPU, what ours takes of its peak; what was not measured is blank."""
    flop, moved = step_load(n_latents)
    rows = []
    for name, trainer in TRAINERS.items():
        rates = [one[name] for one in found.rounds if name in one]
        peak = round(found.peaks[name]) if name in found.peaks else None
        row = {"trainer": trainer} | summary(rates, "tokens_per_s", 0)
        row |= {"of_limit": ratio(found.rounds, name, "limit")}
        row |= {"ours/theirs": ratio(found.rounds, "ours", name) if name in PEERS else None, "peak_mb": peak}
        if limits:
            rate = median(rates) if name == "ours" else None
            row |= {"of_flop_s": rate and round(rate * flop / limits.flop_s, 3)}
            row |= {"of_bandwidth": rate and round(rate * moved / limits.bytes_s, 3)}
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col("tokens_per_s").cast(pl.Int64))


def curve_table(found: Found, steps: list[int]) -> pl.DataFrame:
    """Return FVU by step, and how far ours is from sparsify's."""
    names = [name for name in TRAINERS if name != "limit"]
    fvu = {TRAINERS[name]: found.curves.get(name, [None] * len(steps)) for name in names}
    differences = curve_differences(found) or [None] * len(steps)
    columns = {"fvu at step": steps} | fvu | {"ours to sparsify": differences}
    return pl.DataFrame(columns).with_columns(pl.selectors.float().round_sig_figs(5))


def curve_differences(found: Found) -> list[float]:
    """Return |ours - sparsify| / sparsify at each step of the curve; empty where there is no sparsify."""
    return [abs(a - b) / b for a, b in zip(found.curves["ours"], found.curves.get("sparsify", []), strict=False)]


def show_found(n_latents: int, found: Found, options: argparse.Namespace) -> None:
    """Print the tables of one width."""
    on_gpu = options.device != "cpu"
    limits = gpu_limits(options.device) if on_gpu else None
    how = f"{options.rounds} rounds, {'bfloat16 products' if on_gpu else 'float32'}"
    what = f"{n_latents:,} latents, synthetic activations, d = {D_MODEL}, k = {K}, {BATCH_TOKENS:,} tokens a step"
    show(f"{what}; {how}; {machine(THREADS, options.device)}", speed_table(n_latents, found, limits))
    if options.curve:
        largest = max(curve_differences(found), default=None)
        difference = "" if largest is None else f"; curve_difference {largest:.2g}"
        show(f"{n_latents:,} latents, the same start, batches and rate{difference}", curve_table(found, options.curve))


def arguments() -> argparse.Namespace:
    """Read the command line."""
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
