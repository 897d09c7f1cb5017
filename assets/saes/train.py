"""Training of a TopK sparse autoencoder: FVU + AuxK, unit-norm decoder, Adam (Group-SAE, section 3 and appendix)."""

import copy
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from assets.saes.sae import SaeConfig, TopKSae
from assets.saes.sampling import InvalidActivationsError
from resources.profile import Saes

Batches = Callable[[int], Tensor]
"""Called with n, returns the next `[n, d_model]` float32 activations, scaled: a GroupSampler."""
CURVE_POINTS = 200
WARM_UP = 0.05
DECAY = 0.2
MAX_GRADIENT_NORM = 1.0
SILENT_BATCHES = 10


class CurvePoint(NamedTuple):
    """One point of a learning curve."""

    tokens: int
    """Tokens seen so far."""
    fvu: float
    """Fraction of variance unexplained on the batch."""
    dead_share: float
    """Share of latents silent for the last 10 batches or longer."""


class TrainingDivergedError(RuntimeError):
    """The loss became NaN or infinite; `curve` is the learning curve up to there."""

    def __init__(self, message: str, curve: list[CurvePoint]) -> None:
        super().__init__(message)
        self.curve = curve


def train_sae(
    batches: Batches,
    config: SaeConfig,
    settings: Saes,
    tokens: int,
    *,
    start: TopKSae | None = None,
    progress: Callable[[int], None] = lambda n: None,
) -> tuple[TopKSae, list[CurvePoint]]:
    """Train on `tokens` tokens, rounded up to batches; return the autoencoder and at most 200 points of its curve.

    Weights start from `start` (which is left as it is; make it with `transfer.warm_start`), else from `random_sae`.
    Raises InvalidActivationsError where a batch holds NaN or infinity, TrainingDivergedError where the loss is not
    finite, CorpusTooSmallError (from the sampler) where the corpus is smaller than one batch.
    """
    steps = math.ceil(tokens / settings.batch_tokens)
    every = math.ceil(steps / CURVE_POINTS)
    x = batches(settings.batch_tokens)
    sae = copy.deepcopy(start) if start else random_sae(config, x, settings.seed)
    training = _Training(sae, settings, steps)
    curve: list[CurvePoint] = []
    for step in range(1, steps + 1):
        point = training.step(x, curve)
        if step % every == 0 or step == steps:
            curve.append(point)
        progress(len(x))
        x = batches(settings.batch_tokens) if step < steps else x
    return sae, curve


@torch.no_grad()
def random_sae(config: SaeConfig, x: Tensor, seed: int) -> TopKSae:
    """Return untrained weights: random unit decoder rows, encoder = decoder, b_dec the mean of `x: [tokens, d]`."""
    sae = TopKSae(config)
    sae.W_dec.copy_(torch.randn(sae.W_dec.shape, generator=torch.Generator().manual_seed(seed)))
    sae.normalise_decoder()
    sae.encoder.weight.copy_(sae.W_dec)
    sae.b_dec.copy_(x.mean(dim=0))
    return sae


def auxiliary_loss(sae: TopKSae, x: Tensor, residual: Tensor, dead: Tensor) -> Tensor:
    """Return AuxK: squared error of rebuilding `residual = x - x_hat` (detached) from dead latents, not over variance.

    The d/2 strongest of the `dead: [n_dead]` latents take part; with fewer than that, the loss counts in proportion
    (Gao et al. 2024, section 2.4; the sign of the residual as in METHOD.md B).
    """
    k = min(x.shape[1] // 2, len(dead))
    activations = torch.addmm(sae.encoder.bias[dead], x - sae.b_dec, sae.encoder.weight[dead].T).relu()
    values, indices = activations.topk(k, dim=1, sorted=False)
    rebuilt = torch.zeros_like(activations).scatter(1, indices, values) @ sae.W_dec[dead]
    return (rebuilt - residual).pow(2).sum() * (2 * k / x.shape[1])


def learning_rate_factor(step: int, steps: int) -> float:
    """Return the share of the peak rate at `step` of 0..steps-1: up in the first 20th, down to 0 in the last fifth."""
    up = (step + 1) / max(1.0, WARM_UP * steps)
    down = (steps - step) / max(1.0, DECAY * steps)
    return min(1.0, up, down)


class _Training:
    """What changes from step to step: weights, Adam's moments, and how long each latent has been silent."""

    def __init__(self, sae: TopKSae, settings: Saes, steps: int) -> None:
        self._sae = sae
        self._settings = settings
        self._optimiser = torch.optim.Adam(sae.parameters(), lr=settings.learning_rate, fused=True)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimiser, lambda step: learning_rate_factor(step, steps)
        )
        self._silent = torch.zeros(sae.config.n_latents, dtype=torch.int64)
        self._tokens = 0

    def step(self, x: Tensor, curve: list[CurvePoint]) -> CurvePoint:
        """One step of Adam on `x: [tokens, d_model]`; `curve` goes into TrainingDivergedError."""
        fvu, loss = self._losses(x)
        if not loss.isfinite():
            self._refuse(x, curve)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._remove_radial_gradient()
        torch.nn.utils.clip_grad_norm_(self._sae.parameters(), MAX_GRADIENT_NORM)
        self._optimiser.step()
        self._schedule.step()
        self._sae.normalise_decoder()
        self._tokens += len(x)
        silent = self._silent >= SILENT_BATCHES * len(x)
        return CurvePoint(self._tokens, float(fvu.detach()), float(silent.float().mean()))

    def _losses(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x_hat, values, indices = self._sae(x)
        residual = x - x_hat
        variance = (x - x.mean(dim=0)).pow(2).sum()
        fvu = residual.pow(2).sum() / variance
        self._silent += len(x)
        self._silent[indices[values > 0]] = 0
        dead = (self._silent > self._settings.dead_after_tokens).nonzero().flatten()
        if not len(dead):
            return fvu, fvu
        return fvu, fvu + self._settings.aux_weight * auxiliary_loss(self._sae, x, residual.detach(), dead) / variance

    @torch.no_grad()
    def _remove_radial_gradient(self) -> None:
        """Drop the part of the decoder's gradient that is parallel to its rows: normalising would undo it anyway."""
        weight, gradient = self._sae.W_dec, self._sae.W_dec.grad
        assert gradient is not None
        gradient -= (gradient * weight).sum(dim=1, keepdim=True) * weight

    def _refuse(self, x: Tensor, curve: list[CurvePoint]) -> None:
        where = f"blocks {list(self._sae.config.blocks)}"
        if not x.isfinite().all():
            raise InvalidActivationsError(f"{where}: a batch holds NaN or infinity; harvest the activations again")
        message = f"{where}: the loss is not finite after {self._tokens} tokens; lower saes.learning_rate"
        raise TrainingDivergedError(message, curve)
