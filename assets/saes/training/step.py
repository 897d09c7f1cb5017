"""Training of sparse autoencoders: FVU + AuxK, unit-norm decoder, Adam (Group-SAE, section 3 and appendix)."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, NoReturn

import torch
from torch import Tensor

from assets.saes.corpus.batches import Batch, InvalidActivationsError
from assets.saes.model.sae import Sae, SaeConfig
from assets.saes.training.auxiliary_loss import auxiliary_loss
from resources.settings.saes import Saes

CURVE_POINTS = 200
HELD_OUT_POINTS = 20
"""Of the curve, those at which the held-out FVU is measured."""
FLAT_SHARE = 0.2
"""Of the tokens so far: the stretch at the end over which a curve is flat or not."""
WARM_UP, DECAYED, COOLING = 0.05, 0.85, 0.15
"""Shares of the steps: in which the rate rises, in which it falls, and in which it falls once the curve is flat."""
EARLIEST_END = 0.25
"""Share of the steps before which no curve is called flat."""
LEAST_RATE = 0.02
MAX_GRADIENT_NORM = 1.0
SILENT_BATCHES = 10
LEAST_TOKENS = 2
"""Of a batch: one has no variance."""
THRESHOLD_MEMORY = 0.99
"""Of BatchTopK's running mean; less in the first steps, so that it forgets where it started."""

HeldOut = Callable[[Sae], float]
"""Mean FVU over an autoencoder's blocks on documents it is not trained on."""


class CurvePoint(NamedTuple):
    """One point of a learning curve."""

    tokens: int
    """Tokens seen so far."""
    fvu: float
    """Fraction of variance unexplained on the batch, the mean over its blocks, each about its own mean."""
    held_out_fvu: float | None
    """The same on validation documents; None where it was not measured at this point."""
    dead_share: float
    """Share of latents silent for the last 10 batches or longer."""


class TrainingDivergedError(RuntimeError):
    """The loss or the held-out FVU became NaN or infinite; `curve` is the learning curve up to there."""

    def __init__(self, message: str, curve: list[CurvePoint]) -> None:
        super().__init__(message)
        self.curve = curve


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
        Where there is one, it is measured 20 times. Once it is flat (`settings.stop_gain`) the rate falls to its least
        within 15 % of the steps, and training ends; where it is at its least already, at once.
    """

    def __init__(self, sae: Sae, settings: Saes, steps: int, held_out: HeldOut | None = None) -> None:
        self.sae = sae.train()
        self.curve: list[CurvePoint] = []
        self.steps_done = self.tokens = 0
        self.silent = torch.zeros(sae.config.n_latents, dtype=torch.int64, device=sae.W_dec.device)
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
        """One step of Adam.

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
        return self._noted(float(fvu.detach()), len(x))

    def _losses(self, x: Tensor, counts: Sequence[int]) -> tuple[Tensor, Tensor]:
        reconstruction = self.sae(x, counts)
        residual = x - reconstruction.x_hat
        weights = error_weights(x, counts)
        fvu = (residual.pow(2).sum(dim=1) * weights).sum()
        loss = fvu + self._sparsity_loss(reconstruction.l0)
        self._note_active(reconstruction.values, reconstruction.indices, len(x))
        dead = (self.silent > self._settings.dead_after_tokens).nonzero().flatten()
        if not len(dead):
            return fvu, loss
        revived = auxiliary_loss(self.sae, x, counts, residual.detach(), dead, weights)
        return fvu, loss + self._settings.aux_weight * revived

    def _sparsity_loss(self, l0: Tensor) -> Tensor | float:
        """Of JumpReLU, what keeps L0 at k; the others have it by construction."""
        if self.sae.config.activation != "jump_relu":
            return 0.0
        return self._settings.sparsity_weight * (l0 / self.sae.config.k - 1).pow(2)

    @torch.no_grad()
    def _note_active(self, values: Tensor, indices: Tensor, tokens: int) -> None:
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

    def _noted(self, fvu: float, batch_tokens: int) -> CurvePoint:
        """This step's point; of at most 200 steps it goes into the curve, of 20 with the held-out FVU."""
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
        cooled = learning_rate_factor(self.steps_done, self._steps) <= LEAST_RATE
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
        By entry; each takes its own batch of what the stream drew, until it is done.
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


@torch.no_grad()
def random_sae(config: SaeConfig, means: Tensor, seed: int) -> Sae:
    """Return untrained weights: random unit decoder rows, encoder = decoder, b_dec the means.

    `means: [blocks, d_model]` are those of the scaled activations of the blocks; with shared biases b_dec is their
    mean. JumpReLU's thresholds start where about k of the latents of an average token are above them: scaled
    activations have a mean norm of 1, of which the mean is taken away before they are encoded.
    """
    sae = Sae(config)
    sae.W_dec.copy_(torch.randn(sae.W_dec.shape, generator=torch.Generator().manual_seed(seed)))
    sae.normalise_decoder()
    sae.encoder.weight.copy_(sae.W_dec)
    sae.b_dec.copy_(means if config.bias_rows > 1 else means.mean(dim=0))
    if config.activation == "jump_relu":
        share = torch.tensor(1 - config.k / config.n_latents, dtype=torch.float64)
        normal = float(torch.special.ndtri(share).clamp_min(0.1))
        spread = float((1 - means.pow(2).sum(dim=1)).clamp_min(0.01).mean())
        sae.log_threshold.fill_(math.log(normal * math.sqrt(spread / config.d_model)))
    return sae


def error_weights(x: Tensor, counts: Sequence[int]) -> Tensor:
    """Return `[tokens]`: what squared errors are multiplied by, so that their sum is the mean FVU over blocks.

    Each block counts with its share of the tokens and has its own mean and variance: FVU is never pooled over blocks
    (METHOD.md B, metrics). A block with no spread in the batch counts with the spread of the whole batch.
    """
    pooled = (x - x.mean(dim=0)).pow(2).sum() / len(x)
    parts = torch.split(x, list(counts or [len(x)]))
    weights = [(1 / _spread(part, pooled) / len(x)).expand(len(part)) for part in parts if len(part)]
    return torch.cat(weights)


def _spread(x: Tensor, otherwise: Tensor) -> Tensor:
    """Mean squared distance from the mean."""
    spread = (x - x.mean(dim=0)).pow(2).sum() / len(x)
    return torch.where(spread > 0, spread, otherwise)


def learning_rate_factor(step: int, steps: int, ends: int | None = None) -> float:
    """Return the share of the peak rate at `step` of 0..steps-1.

    Up in the first 20th, half a cosine down towards 85 % of the steps, and never under 2 %, which it reaches after
    77 %: at this rate the end of a held-out curve shows whether it is flat. Where training `ends` before its last step,
    the rate comes down to 2 % by then.
    """
    up = (step + 1) / max(1.0, WARM_UP * steps)
    down = (1 + math.cos(math.pi * min(1.0, step / (DECAYED * steps)))) / 2
    if ends is not None and ends < steps:
        down = min(down, (ends - 1 - step) / (COOLING * steps))
    return min(1.0, up) * max(LEAST_RATE, down)


def gain_at_end(curve: Sequence[CurvePoint]) -> float | None:
    """Return by which share the held-out FVU fell over the last fifth of the tokens; None where it began later."""
    measured = [(point.tokens, point.held_out_fvu) for point in curve if point.held_out_fvu is not None]
    if not measured:
        return None
    tokens, now = measured[-1]
    before = [fvu for seen, fvu in measured if seen <= (1 - FLAT_SHARE) * tokens]
    if not before:
        return None
    return 1 - now / before[-1] if before[-1] else 0.0
