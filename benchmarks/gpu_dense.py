"""Sparse autoencoders written out anew: dense, in float64, on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from assets.saes.model.sae import Reconstruction, Sae
from assets.saes.model.sparse_pass import bandwidth
from assets.saes.training.step import MAX_GRADIENT_NORM
from resources.settings.profile import Saes


@dataclass
class Seen:
    """The pre-activations from which a device chose, piece by piece, and what it chose."""

    pieces: list[Tensor] = field(default_factory=list)
    chosen: list[tuple[Tensor, ...]] = field(default_factory=list)

    @property
    def pre(self) -> Tensor:
        """Return those of the pass: `[tokens, n_latents]`."""
        return torch.cat(self.pieces)

    def mask(self, out: Reconstruction | None = None) -> Tensor:
        """Return where latents are active, `[tokens, n_latents]`; by default in the pieces themselves."""
        if out is not None:
            return dense_mask(out.values.detach().cpu(), out.indices.cpu(), self.pre.shape[1])
        return torch.cat([dense_mask(*chosen, self.pre.shape[1]) for chosen in self.chosen])

    def near(self, sae: Sae) -> Tensor | None:
        """Return where JumpReLU's threshold gets a gradient; None of the others."""
        if sae.config.activation != "jump_relu":
            return None
        threshold = sae.log_threshold.detach().exp().cpu()  # the device's own: another exp may differ in its last bit
        return (self.pre - threshold).abs() < bandwidth(sae.config.d_model) / 2

    def wrongly_chosen(self, sae: Sae, values: Tensor, indices: Tensor) -> float:
        """Return how many values differ from those that have to be active; equally strong latents count as one."""
        pre, k = self.pre, sae.config.k
        active = values.detach().cpu()
        if sae.config.activation == "jump_relu":
            expected = (pre > sae.log_threshold.detach().exp()) & (pre > 0)
            near = (pre - sae.log_threshold.detach().exp()).abs() < 1e-6
            found = dense_mask(active, indices.cpu(), pre.shape[1])
            return float(((found != expected) & ~near).sum())
        if sae.config.activation == "topk":
            expected = pre.relu().sort(dim=1, descending=True).values[:, :k]
            return float((active.sort(dim=1, descending=True).values != expected).sum())
        strongest = pre.relu().flatten().sort(descending=True).values[: k * len(pre)]
        mine = active[active > 0].sort(descending=True).values
        strongest = strongest[strongest > 0]
        return float((mine != strongest).sum()) if len(mine) == len(strongest) else float(len(strongest))


def dense_mask(values: Tensor, indices: Tensor, n_latents: int) -> Tensor:
    """Return `[tokens, n_latents]` bool from values and indices `[tokens, width]` of active latents."""
    counts = torch.zeros(len(values), n_latents).scatter_add(1, indices, (values > 0).float())
    return counts > 0


@dataclass(frozen=True)
class Dense:
    """Weights in float64, and how many tokens each row of the biases is for."""

    weights: dict[str, Tensor]
    """By their names in `Sae`."""
    counts: tuple[int, ...]

    @classmethod
    def of(cls, sae: Sae, counts: Sequence[int]) -> Dense:
        """Copy the weights of an autoencoder on the CPU."""
        weights = {name: weight.detach().double().requires_grad_() for name, weight in sae.named_parameters()}
        return cls(weights, tuple(counts))

    def by_token(self, name: str) -> Tensor:
        """Return a bias `[tokens, width]`."""
        rows = self.weights[name].view(-1, self.weights[name].shape[-1])
        counts = self.counts if len(rows) > 1 else (sum(self.counts),)
        return rows.repeat_interleave(torch.tensor(counts), dim=0)

    def encode(self, x: Tensor) -> Tensor:
        """Return pre-activations `[tokens, n_latents]`."""
        centred = x.double() - self.by_token("b_dec")
        return centred @ self.weights["encoder.weight"].T + self.by_token("encoder.bias")

    def pre_activations(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return them, and |x| |w| + |b|: what the rounding of input, weight and bias is a share of."""
        with torch.no_grad():
            lengths = (x.double() - self.by_token("b_dec")).norm(dim=1)[:, None]
            widths = self.weights["encoder.weight"].norm(dim=1)[None]
            return self.encode(x), lengths * widths + self.by_token("encoder.bias").abs()

    def decode(self, latents: Tensor) -> Tensor:
        """Return x_hat `[tokens, d_model]` of dense latents."""
        return latents @ self.weights["W_dec"] + self.by_token("b_dec")

    def gradients(self, loss: Tensor) -> dict[str, Tensor]:
        """Return the gradient of a loss at every weight but the threshold's."""
        names = [name for name in self.weights if name != "log_threshold"]
        found = torch.autograd.grad(loss, [self.weights[name] for name in names], retain_graph=True)
        return dict(zip(names, found, strict=True))

    def threshold_gradient(self, g: Tensor, d_l0: float, near: Tensor) -> Tensor:
        """Return JumpReLU's, by its straight-through estimator (Rajamanoharan et al. 2024, equations 11 and 12).

        Parameters
        ----------
        g : gradient at x_hat
        d_l0 : gradient at the number of active latents of a token
        near : [tokens, n_latents], where the estimator's window is
        """
        threshold, w_dec = self.weights["log_threshold"].detach().exp(), self.weights["W_dec"].detach()
        pulls = (threshold * (g @ w_dec.T) + d_l0 / len(g)) * near
        return pulls.sum(dim=0) * -threshold / bandwidth(w_dec.shape[1])


def dense_pass(
    dense: Dense, x: Tensor, g: Tensor, near: Tensor | None, mask: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return x_hat and the gradients of (x_hat * g).sum() + L0, the active latents given."""
    x_hat = dense.decode(dense.encode(x) * mask)
    gradients = dense.gradients((x_hat * g.double()).sum())
    if near is not None:
        gradients["log_threshold"] = dense.threshold_gradient(g.double(), 1.0, near)
    return x_hat.detach(), gradients


def step_gradients(
    dense: Dense, x: Tensor, seen: Seen, settings: Saes, dead: list[int]
) -> tuple[float, dict[str, Tensor]]:
    """Return FVU and the gradients that Adam gets: of FVU + AuxK, no radial part in the decoder's, clipped.

    Parameters
    ----------
    seen : of the same step on a device
    dead : latents for AuxK, at most d / 2, which all take part
    """
    weights = _error_weights(x, dense.counts)
    pre = dense.encode(x)
    mask = seen.mask()
    x_hat = dense.decode(pre * mask)
    fvu = ((x.double() - x_hat).pow(2).sum(dim=1) * weights).sum()
    rebuilt = pre[:, dead].relu() @ dense.weights["W_dec"][dead]
    missed = (rebuilt - (x.double() - x_hat).detach()).pow(2).sum(dim=1)
    auxiliary = (missed * weights).sum() * 2 * len(dead) / x.shape[1]
    loss = fvu + settings.aux_weight * auxiliary
    gradients = dense.gradients(loss)
    if "log_threshold" in dense.weights:
        gradients["log_threshold"] = _threshold_gradient(dense, x_hat, loss, seen, mask, settings)
    w_dec = dense.weights["W_dec"].detach()
    gradients["W_dec"] -= (gradients["W_dec"] * w_dec).sum(dim=1, keepdim=True) * w_dec
    norm = torch.stack([one.norm() for one in gradients.values()]).norm()
    factor = min(1.0, MAX_GRADIENT_NORM / float(norm + 1e-6))
    return float(fvu.detach()), {name: one * factor for name, one in gradients.items()}


def _threshold_gradient(dense: Dense, x_hat: Tensor, loss: Tensor, seen: Seen, mask: Tensor, settings: Saes) -> Tensor:
    """Return that of a step: FVU pulls at x_hat, and the sparsity loss at L0."""
    (g,) = torch.autograd.grad(loss, x_hat, retain_graph=True)
    l0 = float(mask.sum()) / len(mask)
    d_l0 = settings.sparsity_weight * 2 * (l0 / settings.k - 1) / settings.k
    threshold = dense.weights["log_threshold"].detach().float().exp()
    near = (seen.pre - threshold).abs() < bandwidth(x_hat.shape[1]) / 2
    return dense.threshold_gradient(g, d_l0, near)


def _error_weights(x: Tensor, counts: Sequence[int]) -> Tensor:
    """Return `[tokens]`: 1 over the block's mean squared distance from its mean, over all tokens."""
    parts = torch.split(x.double(), list(counts))
    return torch.cat(
        [(len(part) / (part - part.mean(dim=0)).pow(2).sum() / len(x)).expand(len(part)) for part in parts]
    )
