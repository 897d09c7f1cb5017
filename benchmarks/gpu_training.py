"""Checks of training: one pass forward and back, and a step with AuxK, against dense float64.

Which latents are active is taken from the device, and judged by itself: of the pre-activations that the device found,
the right ones have to be chosen. So no comparison depends on which of two nearly equal latents is the stronger.
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from gpu_dense import Dense, Seen, dense_pass, step_gradients
from gpu_findings import UNIT, Check, Finding, relative_error
from torch import Tensor

from assets.saes.corpus.batches import Batch
from assets.saes.model.sae import Activation, Sae, SaeConfig
from assets.saes.model.sparse_pass import Select
from assets.saes.training.step import SaeTraining
from resources.settings.profile import Saes

D_MODEL, N_LATENTS, K, COUNTS = 32, 512, 8, (700, 400)
"""More tokens than the encoder multiplies at once (1,024), of two blocks."""
DEAD, DEAD_AFTER, STEPS = 12, 100_000, 4
"""Latents that are dead at the start, fewer than the d / 2 that AuxK takes, so that no rank decides among them."""
THRESHOLD = 2.4 / D_MODEL**0.5
"""About K of the latents are above it."""
ROUNDED = 8
"""Of what a gradient is a product of: input, weight, bias and result of the encoder, once for the values and once for
the residual that they leave."""


def allowed(product: torch.dtype) -> float:
    """Return the relative error of norms that rounding explains: of the product's type, and of sums in float32."""
    longest_sum = sum(COUNTS)
    return ROUNDED * UNIT[product] + 4 * UNIT[torch.float32] * math.sqrt(longest_sum)


@dataclass(frozen=True)
class Case:
    """An autoencoder at random, and activations for it."""

    sae: Sae
    x: Tensor
    """[tokens, d_model] float32, scaled."""
    g: Tensor
    """The gradient at x_hat, of the same shape."""
    product: torch.dtype
    """Number type of the encoder's product."""

    @property
    def name(self) -> str:
        """Return what is special about it."""
        biases = "a bias per block" if self.sae.config.block_biases else "one bias"
        return f"{self.sae.config.activation}, {biases}, {str(self.product).removeprefix('torch.')}"

    def moved(self, device: str) -> tuple[Sae, Seen]:
        """Return a copy on a device, and what its choice of latents sees."""
        sae, seen = copy.deepcopy(self.sae).to(device), Seen()
        sae.product_dtype = None if self.product == torch.float32 else self.product
        select = sae._select
        sae._select = lambda training: _watched(select(training), seen)  # type: ignore[method-assign]
        return sae.train(), seen

    def dense(self) -> Dense:
        """Return its weights in float64."""
        return Dense.of(self.sae, COUNTS)

    def passes(self, device: str) -> Iterator[Finding]:
        """Compare x_hat and all gradients of one pass."""
        sae, seen = self.moved(device)
        out = sae(self.x.to(device), COUNTS)
        ((out.x_hat * self.g.to(device)).sum() + out.l0).backward()
        yield from self._choice(seen, out.values, out.indices)
        x_hat, gradients = dense_pass(self.dense(), self.x, self.g, seen.near(sae), seen.mask(out))
        yield Finding(f"{self.name}: x_hat", relative_error(out.x_hat, x_hat), allowed(self.product))
        for name, weight in sae.named_parameters():
            error = relative_error(weight.grad, gradients[name])
            yield Finding(f"{self.name}: gradient of {name}", error, allowed(self.product))

    def _choice(self, seen: Seen, values: Tensor, indices: Tensor) -> Iterator[Finding]:
        """Judge pre-activations by their greatest possible error (Cauchy-Schwarz), and the choice among them."""
        pre, bound = self.dense().pre_activations(self.x)
        unit = 4 * UNIT[self.product] + D_MODEL * UNIT[torch.float32]
        worst = ((seen.pre.double() - pre).abs() / bound).max()
        yield Finding(f"{self.name}: pre-activations, over |x| |w| + |b|", float(worst), unit)
        yield Finding(f"{self.name}: latents chosen wrongly", seen.wrongly_chosen(self.sae, values, indices), 0)

    def steps(self, device: str) -> Iterator[Finding]:
        """Compare the gradients that Adam gets in its first step, AuxK in them, and FVU over some steps."""
        sae, seen = self.moved(device)
        training = _training(sae)
        batch = Batch(self.x, COUNTS)
        first = training.step(batch)
        fvu, gradients = step_gradients(self.dense(), self.x, seen, SETTINGS, list(range(DEAD)))
        yield Finding(f"{self.name}: FVU of a step", abs(first.fvu - fvu) / fvu, allowed(self.product))
        for name, weight in sae.named_parameters():
            moment = training.optimiser.state[weight]["exp_avg"] / (1 - training.optimiser.defaults["betas"][0])
            yield Finding(
                f"{self.name}: step of {name}", relative_error(moment, gradients[name]), allowed(self.product)
            )
        norms = (sae.W_dec.detach().double().norm(dim=1) - 1).abs().max()
        yield Finding(f"{self.name}: decoder rows of length 1", float(norms), D_MODEL**0.5 * UNIT[torch.float32])
        yield self._curve(training, batch)

    def _curve(self, training: SaeTraining, batch: Batch) -> Finding:
        """Compare FVU with the same training in float64 on the CPU; by then a latent or two differs: up to 1e-3."""
        exact = _training(copy.deepcopy(self.sae).double().train())
        precise = Batch(batch.x.double(), batch.counts)
        exact.step(precise)
        pairs = [(training.step(batch).fvu, exact.step(precise).fvu) for _ in range(STEPS)]
        error = max(abs(one - other) / other for one, other in pairs)
        return Finding(f"{self.name}: FVU over {STEPS} steps", error, allowed(self.product) + 1e-3)


SETTINGS = Saes(k=K, batch_tokens=sum(COUNTS), learning_rate=1e-3, dead_after_tokens=DEAD_AFTER)


def _training(sae: Sae) -> SaeTraining:
    training = SaeTraining(sae, SETTINGS, 10**6)
    training.silent[:DEAD] = 2 * DEAD_AFTER
    return training


def _watched(select: Select, seen: Seen) -> Select:
    def choose(pre: Tensor) -> tuple[Tensor, Tensor]:
        seen.pieces.append(pre.detach().cpu())
        chosen = select.choose(pre)
        seen.chosen.append(tuple(one.detach().cpu() for one in chosen))
        return chosen

    return Select(choose, select.by_token)


def training_checks(seed: int) -> list[Check]:
    """Make all cases: three ways to be sparse, with one bias and with one per block, products of two types."""
    checks = []
    for activation in ("topk", "batch_topk", "jump_relu"):
        for block_biases in (False, True):
            sae, x, g = _random_case(activation, block_biases, seed)
            for product in (torch.float32, torch.bfloat16):
                case = Case(sae, x, g, product)
                checks += [Check(f"pass, {case.name}", case.passes), Check(f"steps, {case.name}", case.steps)]
    return checks


@torch.no_grad()
def _random_case(activation: Activation, block_biases: bool, seed: int) -> tuple[Sae, Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    config = SaeConfig(D_MODEL, N_LATENTS, K, (3, 7), {3: 1.0, 7: 1.0}, activation, block_biases)
    sae = Sae(config)
    for weight in (sae.W_dec, sae.encoder.weight):
        weight.copy_(torch.nn.functional.normalize(torch.randn(weight.shape, generator=random), dim=1))
    sae.encoder.weight[:DEAD] *= 0.05  # never among the strongest, and yet not silent for AuxK
    for bias in (sae.encoder.bias, sae.b_dec):
        bias.copy_(torch.randn(bias.shape, generator=random) * 0.1 / D_MODEL**0.5)
    sae.encoder.bias[..., :DEAD] = 0.0
    if activation == "jump_relu":
        sae.log_threshold.copy_((THRESHOLD * (0.9 + 0.2 * torch.rand(N_LATENTS, generator=random))).log())
    x, g = torch.randn(2, sum(COUNTS), D_MODEL, generator=random)
    return sae, x / D_MODEL**0.5, g / D_MODEL**0.5
