"""Who trains in sae_train.py: ours, sparsify and SAELens, each in a process of its own, with a step as its trainer's.

Run as a script, by the python of a virtual environment that has the library, it reads jobs, one JSON object a line:
`open` builds an autoencoder and its trainer, `run` makes steps of it. Learning rates are constant, and no latent is
dead: AuxK costs nothing on any side.
"""

import importlib
import math
import os
import time
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from peers import Job, peer_python, serve
from torch import Tensor

SPARSIFY = "eai-sparsify 1.3.3"
PINNED = ["eai-sparsify==1.3.3", "simple-parsing==0.1.9", "schedulefree==1.4.1", "datasets==5.2.0"]
STEPS = 10**8
"""Of a training, for schedules: more than are made."""
NEVER = 10**12
"""Tokens, or steps, after which a latent is dead."""
MEGABYTE = 1e6


def sparsify_python(venvs: Path) -> Path | None:
    """Python of sparsify's virtual environment; None where it cannot be installed."""
    return peer_python(venvs / "sparsify", SPARSIFY, PINNED, ("torch", "transformers"))


class Bare:
    """The encoder's product and nothing else."""

    modules = ()

    def __init__(self, job: Job, start: dict[str, Tensor]) -> None:
        dtype = torch.float32 if job["device"] == "cpu" else torch.bfloat16
        self._weight, self._bias = start["encoder.weight"].T.to(dtype), start["encoder.bias"].to(dtype)

    @torch.no_grad()
    def step(self, x: Tensor) -> None:
        """Forward only."""
        torch.addmm(self._bias, x.to(self._bias.dtype), self._weight)

    def fvu(self, made: None) -> float:
        """None."""
        return math.nan


class Ours:
    """As in a run of the product; but for `ours`, freed memory is returned to the kernel, as it is in the peers."""

    modules = ("resources.environment", "assets.saes.training.step")

    def __init__(self, job: Job, start: dict[str, Tensor]) -> None:
        from assets.saes.corpus.batches import Batch  # noqa: PLC0415 - here and below: each python has one of them
        from assets.saes.model.sae import SaeConfig  # noqa: PLC0415
        from assets.saes.training import step  # noqa: PLC0415
        from assets.saes.training.random_start import random_sae  # noqa: PLC0415
        from resources.compute.devices import reused_memory  # noqa: PLC0415
        from resources.settings.saes import Saes  # noqa: PLC0415

        self._memory = reused_memory() if job["side"] == "ours" else nullcontext()
        self._memory.__enter__()  # as around all steps of a run
        patch.object(step, "learning_rate_factor", lambda step, steps, ends: 1.0).start()
        config = SaeConfig(job["d_model"], job["n_latents"], job["k"], (0,), {0: 1.0})
        sae = random_sae(config, start["b_dec"][None], 0).on(job["device"])
        sae.load_state_dict(start)
        chosen = {"k": job["k"], "batch_tokens": job["batch_tokens"], "learning_rate": job["learning_rate"]}
        self._batch = Batch
        self._training = step.SaeTraining(sae, Saes(**chosen, dead_after_tokens=NEVER), STEPS)

    def step(self, x: Tensor) -> Any:
        """Return a point of the learning curve."""
        return self._training.step(self._batch(x, (len(x),)))

    def fvu(self, made: Any) -> float:
        """Return that of the point."""
        return made.fvu


class Sparsify:
    """As in `Trainer.fit` with the loss fvu and the optimiser adam, without AuxK, its default.

    Left out, as the work of harvesting: the model, and the mask of tokens, which copies the activations twice.
    """

    modules = ("sparsify",)

    def __init__(self, job: Job, start: dict[str, Tensor]) -> None:
        from sparsify import SparseCoder, SparseCoderConfig  # noqa: PLC0415
        from transformers import get_linear_schedule_with_warmup  # noqa: PLC0415

        torch.set_float32_matmul_precision("high")
        config = SparseCoderConfig(num_latents=job["n_latents"], k=job["k"])
        self._sae = SparseCoder(job["d_model"], config, job["device"], dtype=torch.float32)
        self._sae.load_state_dict(start)
        self._adam = torch.optim.Adam([{"params": self._sae.parameters(), "lr": job["learning_rate"]}])
        self._schedule = get_linear_schedule_with_warmup(self._adam, 0, STEPS)
        self._since_fired = torch.zeros(job["n_latents"], device=job["device"], dtype=torch.long)
        self._did_fire = torch.zeros(job["n_latents"], device=job["device"], dtype=torch.bool)

    def step(self, x: Tensor) -> float:
        """Return FVU."""
        fvu = self._forward_and_backward(x)
        self._sae.remove_gradient_parallel_to_decoder_directions()
        self._adam.step()
        self._adam.zero_grad()
        self._schedule.step()
        self._count_silence(len(x))
        return fvu

    def fvu(self, made: float) -> float:
        """Return what `step` returned."""
        return made

    def _forward_and_backward(self, x: Tensor) -> float:
        self._sae.set_decoder_norm_to_unit_norm()
        out = self._sae(x=x, y=x, dead_mask=None, total_variance=(x - x.mean(0)).pow(2).sum())
        self._did_fire[out.latent_indices.flatten()] = True
        fvu = float(out.fvu.detach())
        (out.fvu + 0.0 * out.auxk_loss + out.multi_topk_fvu / 8).backward()
        return fvu

    @torch.no_grad()
    def _count_silence(self, tokens: int) -> None:
        self._since_fired += tokens
        self._since_fired[self._did_fire] = 0
        self._did_fire.zero_()


class SAELens:
    """A turn of the loop of `SAETrainer.fit`, with default settings, without its progress bar and its log.

    `use_sparse_activations`, for small k, is left off, as by default: with it SAETrainer 6.54.12 fails on a CPU, where
    it asks a sparse tensor for a view.
    """

    modules = ("sae_lens.training.sae_trainer",)

    def __init__(self, job: Job, start: dict[str, Tensor]) -> None:
        from sae_lens import TopKTrainingSAE, TopKTrainingSAEConfig  # noqa: PLC0415
        from sae_lens.config import SAETrainerConfig  # noqa: PLC0415
        from sae_lens.training.sae_trainer import SAETrainer  # noqa: PLC0415

        config = TopKTrainingSAEConfig(job["d_model"], job["n_latents"], device=job["device"], k=job["k"])
        sae = TopKTrainingSAE(config)
        names = {"W_enc": start["encoder.weight"].T, "b_enc": start["encoder.bias"]}
        sae.load_state_dict(names | {name: start[name] for name in ("W_dec", "b_dec")})
        settings = {"total_training_samples": STEPS * job["batch_tokens"], "device": job["device"]}
        settings |= {"train_batch_size_samples": job["batch_tokens"], "lr": job["learning_rate"]}
        settings |= {"lr_end": job["learning_rate"] / 10}  # the runner's; a constant rate has no use for it
        settings |= {"autocast": job["device"] != "cpu", "dead_feature_window": NEVER}
        self._trainer = SAETrainer(SAETrainerConfig(**settings), sae, data_provider=iter(()))

    def step(self, x: Tensor) -> Any:
        """Return what went in and came out."""
        self._trainer.maybe_reset_sparsity()
        made = self._trainer.step(x)
        self._trainer.n_training_steps += 1
        return made

    def fvu(self, made: Any) -> float:
        """Compute it here: the library's loss is not over the variance."""
        x = made.sae_in
        return float((x - made.sae_out).pow(2).sum() / (x - x.mean(0)).pow(2).sum())


SIDES = {"limit": Bare, "ours": Ours, "ours_returning": Ours, "sparsify": Sparsify, "saelens": SAELens}


class Training:
    """One side's, from job to job."""

    def answer(self, job: Job) -> Job:
        """Do a job."""
        if job["do"] == "open":
            return self._open(job)
        return self._run(job.get("steps", math.inf), job.get("seconds", math.inf))

    def _open(self, job: Job) -> Job:
        side, self._device = SIDES[job["side"]], job["device"]
        if self._device == "cpu":
            os.environ["SPARSIFY_DISABLE_TRITON"] = "1"  # its kernel needs a GPU, and is taken wherever triton is
        for module in side.modules:
            importlib.import_module(module)
        torch.set_num_threads(job["threads"])
        self._x = torch.from_numpy(np.load(job["input"], mmap_mode="c")).to(self._device)
        self._x.sum()  # now its pages are no part of what training takes
        self._before = self._start_of_peak()
        with np.load(job["start"]) as start:
            self._side = side(job, {name: torch.from_numpy(start[name]).to(self._device) for name in start})
        self._turns = count()
        return {"torch": torch.__version__}

    def _run(self, steps: float, seconds: float) -> Job:
        """Make so many steps, or as many as take about so long; FVU is of the last one's batch, before that step."""
        started, done, spent = time.perf_counter(), 0, 0.0
        while done < steps and spent < seconds:
            made = self._side.step(self._x[next(self._turns) % len(self._x)])
            if self._device != "cpu":
                torch.cuda.synchronize()
            done, spent = done + 1, time.perf_counter() - started
        rate = done * self._x.shape[1] / spent
        return {"tokens_per_s": rate, "fvu": self._side.fvu(made), "peak_mb": self._peak()}

    def _start_of_peak(self) -> float:
        """Forget the peak so far, of imports; return what is in use."""
        if self._device != "cpu":
            torch.cuda.reset_peak_memory_stats()
            return torch.cuda.memory_allocated() / MEGABYTE
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return resident("VmRSS")

    def _peak(self) -> float:
        """Megabytes that were in use at the most, over what was in use before anything was built."""
        in_use = resident("VmHWM") if self._device == "cpu" else torch.cuda.max_memory_allocated() / MEGABYTE
        return in_use - self._before


def resident(which: str) -> float:
    """Megabytes of this process; its `ru_maxrss` would start from the peak of the process that started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 / MEGABYTE for line in lines if line.startswith(which))


if __name__ == "__main__":
    serve(Training().answer)
