"""Training of sparse autoencoders: FVU + AuxK, unit-norm decoder, Adam (Group-SAE, section 3 and appendix)."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NoReturn

import torch
from torch import Tensor

from assets.saes.corpus.batches import Batch, InvalidActivationsError
from assets.saes.model.sae import Sae
from assets.saes.training.auxiliary_loss import auxiliary_loss
from assets.saes.training.curve import CurvePoint, TrainingDivergedError, gain_at_end
from assets.saes.training.schedule import COOLING, MIN_RATE, learning_rate_factor
from resources.settings.saes import Saes

CURVE_POINTS = 200
HELD_OUT_POINTS = 20
"""Of the curve, those at which the held-out FVU is measured."""
EARLIEST_END = 0.25
"""Share of the steps before which no curve is called flat."""
MAX_GRADIENT_NORM = 1.0
SILENT_BATCHES = 10
"""A latent that was not active for so many batches counts as dead in the curve."""
LEAST_TOKENS = 2
"""Of a batch: a single token has no variance, so its FVU is not defined."""
THRESHOLD_MEMORY = 0.99
"""Decay of BatchTopK's running mean; less in the first steps, so that its start at 0 is forgotten."""

HeldOut = Callable[[Sae], float]
"""Mean FVU over an autoencoder's blocks on documents it is not trained on."""


class SaeTraining:
    """An autoencoder in training, and what changes from step to step: Adam's moments, silent latents, the curve.

    Parameters
    ----------
    sae : Sae
        Trained in place, on its device.
    settings : Saes
        Learning rate, auxiliary loss, early stopping.
    steps : int
        Steps at the most, over which the learning rate falls.
    held_out : HeldOut or None
        If given, it is measured 20 times. Once its curve is flat (`settings.stop_gain`) the rate falls to its minimum
        within 15 % of the steps, and training ends; where the rate is at its minimum already, at once.
    """

    def __init__(self, sae: Sae, settings: Saes, steps: int, held_out: HeldOut | None = None) -> None:
        self.sae = sae.train()
        self.curve: list[CurvePoint] = []
        self.steps_done = self.tokens = 0
        self.silent = torch.zeros(sae.config.n_latents, dtype=torch.int64, device=sae.W_dec.device)
        """[n_latents]: tokens since each latent was last active."""
        self.optimiser = torch.optim.Adam(sae.parameters(), lr=settings.learning_rate, fused=True)
        self._settings, self._steps, self._held_out = settings, steps, held_out
        self._stride = math.ceil(steps / CURVE_POINTS)
        self._held_out_stride = self._stride * math.ceil(steps / HELD_OUT_POINTS / self._stride) if held_out else 0
        self.ends = steps
        """After how many steps training ends: fewer than `steps` once the held-out curve was flat."""
        self.seconds = 0.0
        """Spent on its batches and steps, over all attempts."""

    @property
    def done(self) -> bool:
        """Whether all steps were made."""
        return self.steps_done >= self.ends

    def step(self, batch: Batch) -> CurvePoint:
        """Make one step of Adam.

        Raises
        ------
        InvalidActivationsError
            The batch holds NaN or infinity, or fewer than two tokens.
        TrainingDivergedError
            The loss or the held-out FVU is not finite.
        """
        if len(batch.x) < LEAST_TOKENS:
            raise InvalidActivationsError(
                f"{self._where}: {len(batch.x)} tokens of a batch are left to train on: "
                "raise saes.batch_tokens, or activations.massive_norm"
            )
        x = batch.x.to(self.sae.W_dec.device, non_blocking=True)
        fvu, loss = self._losses(x, batch.counts)
        if not loss.isfinite():
            self._refuse(x)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._remove_radial_gradient()
        torch.nn.utils.clip_grad_norm_(self.sae.parameters(), MAX_GRADIENT_NORM)
        for group in self.optimiser.param_groups:
            group["lr"] = self._settings.learning_rate * learning_rate_factor(self.steps_done, self._steps, self.ends)
        self.optimiser.step()
        self.sae.normalise_decoder()
        self.steps_done += 1
        self.tokens += len(x)
        return self._record_point(float(fvu.detach()), len(x))

    def _losses(self, x: Tensor, counts: Sequence[int]) -> tuple[Tensor, Tensor]:
        reconstruction = self.sae(x, counts)
        residual = x - reconstruction.x_hat
        weights = error_weights(x, counts)
        fvu = (residual.pow(2).sum(dim=1) * weights).sum()
        loss = fvu + self._sparsity_loss(reconstruction.l0)
        self._track_activity(reconstruction.values, reconstruction.indices, len(x))
        dead = (self.silent > self._settings.dead_after_tokens).nonzero().flatten()
        if not len(dead):
            return fvu, loss
        revived = auxiliary_loss(self.sae, x, counts, residual.detach(), dead, weights)
        return fvu, loss + self._settings.aux_weight * revived

    def _sparsity_loss(self, l0: Tensor) -> Tensor | float:
        """Return the penalty that keeps L0 near k: JumpReLU only, the others have L0 = k by construction."""
        if self.sae.config.activation != "jump_relu":
            return 0.0
        return self._settings.sparsity_weight * (l0 / self.sae.config.k - 1).pow(2)

    @torch.no_grad()
    def _track_activity(self, values: Tensor, indices: Tensor, tokens: int) -> None:
        """Count how long each latent has been silent; follow BatchTopK's threshold."""
        active = values > 0
        self.silent += tokens
        self.silent[indices[active]] = 0
        if self.sae.config.activation == "batch_topk" and active.any():
            share = min(THRESHOLD_MEMORY, self.steps_done / (self.steps_done + 10))
            self.sae.threshold.lerp_(values[active].min(), 1 - share)

    @torch.no_grad()
    def _remove_radial_gradient(self) -> None:
        """Drop the part of the decoder's gradient that is parallel to its rows: normalising would undo it anyway."""
        weight, gradient = self.sae.W_dec, self.sae.W_dec.grad
        assert gradient is not None
        gradient.addcmul_(weight, torch.linalg.vecdot(gradient, weight).unsqueeze(1), value=-1)

    def _record_point(self, fvu: float, batch_tokens: int) -> CurvePoint:
        """Return this step's point; at most 200 points enter the curve, 20 of them with the held-out FVU."""
        last, held_out = self.steps_done == self.ends, None
        if self._held_out and (last or self.steps_done % self._held_out_stride == 0):
            held_out = self._held_out(self.sae.eval())
            self.sae.train()
            if not math.isfinite(held_out):
                self._diverged("the held-out FVU")
        silent = float((self.silent >= SILENT_BATCHES * batch_tokens).float().mean())
        point = CurvePoint(self.tokens, fvu, held_out, silent)
        if last or self.steps_done % self._stride == 0:
            self.curve.append(point)
        if held_out is not None and self._settings.stop_gain and self.ends == self._steps:
            self._end_where_flat()
        return point

    def _end_where_flat(self) -> None:
        gain = gain_at_end(self.curve)
        if gain is None or gain >= self._settings.stop_gain or self.steps_done < EARLIEST_END * self._steps:
            return
        cooled = learning_rate_factor(self.steps_done, self._steps) <= MIN_RATE
        left = 0 if cooled else math.ceil(COOLING * self._steps)
        self.ends = min(self._steps, self.steps_done + left)

    @property
    def _where(self) -> str:
        return f"blocks {list(self.sae.config.blocks)}"

    def _refuse(self, x: Tensor) -> NoReturn:
        if not x.isfinite().all():
            raise InvalidActivationsError(
                f"{self._where}: a batch holds NaN or infinity; harvest the activations again"
            )
        self._diverged("the loss")

    def _diverged(self, what: str) -> NoReturn:
        message = f"{self._where}: {what} is not finite after {self.tokens} tokens; lower its learning rate"
        raise TrainingDivergedError(message, self.curve)


def train_together(
    trainings: Mapping[str, SaeTraining],
    batches: Iterable[Callable[[str], Batch]],
    *,
    progress: Callable[[int], None] = lambda n: None,
    after_step: Callable[[], None] = lambda: None,
) -> None:
    """Train all autoencoders to their end, in one pass over the same stream of tokens.

    Parameters
    ----------
    trainings : mapping
        By entry; each takes its own batch of what the stream draws, until it is done.
    batches : iterable
        Endless; one element per step, called with an entry's name.
    progress : callable
        Advances by tokens, of every autoencoder.
    after_step : callable
        Called between steps, when all that are not done have made the same number of them: the time for a checkpoint.
    """
    waiting = {name: training for name, training in trainings.items() if not training.done}
    stream = iter(batches)
    while waiting:
        batch_of = next(stream)
        for name, training in waiting.items():
            started = time.perf_counter()
            batch = batch_of(name)
            training.step(batch)
            training.seconds += time.perf_counter() - started
            progress(len(batch.x))
        waiting = {name: training for name, training in waiting.items() if not training.done}
        after_step()


def error_weights(x: Tensor, counts: Sequence[int]) -> Tensor:
    """Return `[tokens]`: what squared errors are multiplied by, so that their sum is the mean FVU over blocks.

    Each block counts with its share of the tokens and has its own mean and variance: FVU is never pooled over blocks
    (docs/method.md). A block with no spread in the batch counts with the spread of the whole batch.
    """
    pooled = (x - x.mean(dim=0)).pow(2).sum() / len(x)
    parts = torch.split(x, list(counts or [len(x)]))
    weights = [(1 / _spread(part, pooled) / len(x)).expand(len(part)) for part in parts if len(part)]
    return torch.cat(weights)


def _spread(x: Tensor, otherwise: Tensor) -> Tensor:
    """Return the mean squared distance from the mean, or `otherwise` where that is 0."""
    spread = (x - x.mean(dim=0)).pow(2).sum() / len(x)
    return torch.where(spread > 0, spread, otherwise)
