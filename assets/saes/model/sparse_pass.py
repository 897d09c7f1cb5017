"""Forward and backward pass of a sparse autoencoder: only active latents cost anything on the way back."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from assets.saes.model.sparsity import padded

warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")

CHUNK = 1024
GATHERED_NUMBERS = 1 << 28
"""Of decoder rows that a GPU gathers, and so holds a second time, at once."""


class Select(NamedTuple):
    """Which latents are active."""

    choose: Callable[[Tensor], tuple[Tensor, Tensor]]
    """From pre-activations `[tokens, n_latents]` to values and indices `[tokens, width]` of the active latents."""
    by_token: bool
    """Whether latents are chosen for each token alone, all of one width, so that a batch can be cut into pieces."""


BANDWIDTH = 0.48
"""Of JumpReLU's straight-through estimator, times the square root of d_model: scaled activations have a mean norm of
1, so the spread of pre-activations falls as 1 / sqrt(d_model). At d = 576 the bandwidth is .02."""


def sparse_pass(
    x: Tensor,
    w_enc: Tensor,
    b_enc: Tensor,
    w_dec: Tensor,
    b_dec: Tensor,
    log_threshold: Tensor | None,
    spans: Sequence[int],
    select: Select,
    product_dtype: torch.dtype | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return x_hat `[tokens, d]`, values and indices `[tokens, width]`, and the mean number of active latents.

    With z the active pre-activations W_enc c + b_enc, c = x - b_dec, and g the gradient at x_hat:
    dL/dz_i = W_dec[i] . g where z_i > 0, dL/dW_dec[i] = sum_t z_ti g_t, dL/dW_enc[i] = sum_t dL/dz_ti c_t,
    dL/db_enc_i = sum_t dL/dz_ti, dL/db_dec = sum_t g_t - sum_i dL/db_enc_i W_enc[i].
    A threshold t_i that a pre-activation misses or passes by less than half of e = BANDWIDTH / sqrt(d) gets
    dL/dt_i = -(1/e) sum (t_i W_dec[i] . g + dL/dL0 / tokens) (Rajamanoharan et al. 2024, equations 11 and 12).

    Parameters
    ----------
    b_enc, b_dec : [m] and [d], or a row for each of `spans`
    log_threshold : [m], of jump_relu; None for the others
    spans : how many tokens, one run after another, share a row of the biases
    select : which latents are active
    product_dtype : number type of the encoder's product; None: that of `x`
    """
    one_pass: Callable[..., Any] = _SparsePass.apply
    x_hat, values, indices, l0 = one_pass(
        x, w_enc, b_enc, w_dec, b_dec, log_threshold, (tuple(spans), select, product_dtype)
    )
    return x_hat, values, indices, l0


class _SparsePass(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        w_enc: Tensor,
        b_enc: Tensor,
        w_dec: Tensor,
        b_dec: Tensor,
        log_threshold: Tensor | None,
        how: tuple[tuple[int, ...], Select, torch.dtype | None],
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        spans, select, product_dtype = how
        offset = bias_per_token(b_dec, spans)
        centred, near = x - offset, None
        pieces = pre_activations(centred, w_enc, b_enc, spans, product_dtype)
        if select.by_token:
            values, indices = (torch.cat(part) for part in zip(*map(select.choose, pieces), strict=True))
        else:
            pre = torch.cat(list(pieces))
            values, indices = select.choose(pre)
            near = None if log_threshold is None else _near(pre, log_threshold.exp(), bandwidth(x.shape[1]))
        x_hat = embedding_bag(indices, w_dec, per_sample_weights=values, mode="sum").add_(offset)
        ctx.save_for_backward(centred, values, indices, w_enc, w_dec, log_threshold, near)
        ctx.spans, ctx.bias_shapes = spans, (b_enc.shape, b_dec.shape)
        ctx.mark_non_differentiable(values, indices)
        return x_hat, values, indices, (values > 0).sum().to(x.dtype) / max(1, len(x))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        centred, values, indices, w_enc, w_dec, log_threshold, near = ctx.saved_tensors
        g, spans = gradients[0].contiguous(), ctx.spans
        d_values = _active_dots(g, w_dec, indices) * (values > 0)
        d_w_enc, d_w_dec = _sums_by_latent(indices, len(w_enc), (d_values, centred), (values, g))
        d_b_enc = _sums_by_span(indices, d_values, len(w_enc), spans)
        d_b_dec = torch.stack([part.sum(dim=0) for part in torch.split(g, list(spans))]) - d_b_enc @ w_enc
        d_x = None
        if ctx.needs_input_grad[0]:
            d_x = embedding_bag(indices, w_enc, per_sample_weights=d_values, mode="sum")
        d_threshold = None
        if near is not None:
            d_threshold = _threshold_gradient(g, gradients[3] / max(1, len(g)), w_dec, near, log_threshold)
        enc_shape, dec_shape = ctx.bias_shapes
        return d_x, d_w_enc, d_b_enc.view(enc_shape), d_w_dec, d_b_dec.view(dec_shape), d_threshold, None


def bias_per_token(bias: Tensor, spans: Sequence[int]) -> Tensor:
    """Return a bias `[width]`, or one per span, in the shape in which it is added to tokens."""
    if bias.dim() == 1:
        return bias
    return bias.repeat_interleave(torch.tensor(spans, device=bias.device), dim=0)


def pre_activations(
    centred: Tensor, w_enc: Tensor, b_enc: Tensor, spans: Sequence[int], dtype: torch.dtype | None
) -> Iterator[Tensor]:
    """Yield `[at most 1,024 tokens, n_latents]`, of the type of `centred`: small enough to stay in the cache."""
    dtype = dtype or centred.dtype
    left, right = centred.to(dtype), w_enc.to(dtype).T
    parts = [left] if b_enc.dim() == 1 else torch.split(left, list(spans))
    for bias, part in zip(b_enc.to(dtype).view(-1, len(w_enc)), parts, strict=True):
        for rows in torch.split(part, CHUNK):
            yield torch.addmm(bias, rows, right).to(centred.dtype)


def bandwidth(d_model: int) -> float:
    """Return the width of JumpReLU's straight-through estimator, in scaled pre-activations."""
    return BANDWIDTH / math.sqrt(d_model)


def _near(pre: Tensor, threshold: Tensor, width: float) -> Tensor:
    """Return indices `[tokens, width]` of the latents close to their threshold; -1 where there are no more."""
    close = (pre - threshold).abs() < width / 2
    one, indices = padded(close.to(pre.dtype), close)
    return torch.where(one > 0, indices, -1)


def _threshold_gradient(g: Tensor, d_l0: Tensor, w_dec: Tensor, near: Tensor, log_threshold: Tensor) -> Tensor:
    """Return `[n_latents]`, the gradient at `log_threshold`."""
    threshold, there = log_threshold.exp(), near >= 0
    latents = near.clamp_min(0)
    pulls = (threshold[latents] * _active_dots(g, w_dec, latents) + d_l0) * there
    at_threshold = torch.zeros_like(threshold).index_add_(0, latents.flatten(), pulls.flatten())
    return at_threshold.mul_(-threshold / bandwidth(w_dec.shape[1]))


def _active_dots(g: Tensor, rows: Tensor, indices: Tensor) -> Tensor:
    """Return `[tokens, width]`: the dot product of each token's `g` with the rows of its active latents.

    A GPU's sampled product needs sorted columns, each once, which active latents are not: there rows are gathered.
    """
    if g.is_cuda:
        return _gathered_dots(g, rows, indices)
    tokens, width = indices.shape
    starts = torch.arange(0, tokens * width + 1, width, device=g.device)
    pattern = torch.sparse_csr_tensor(
        starts, indices.flatten(), g.new_zeros(tokens * width), (tokens, len(rows)), check_invariants=False
    )
    dots: Tensor = torch.sparse.sampled_addmm(pattern, g, rows.T).values()
    return dots.view(tokens, width)


def _gathered_dots(g: Tensor, rows: Tensor, indices: Tensor) -> Tensor:
    rows_at_once = max(1, GATHERED_NUMBERS // (indices.shape[1] * rows.shape[1]))
    parts = zip(torch.split(g, rows_at_once), torch.split(indices, rows_at_once), strict=True)
    return torch.cat([torch.bmm(rows[latents], part.unsqueeze(2)).squeeze(2) for part, latents in parts])


def _sums_by_latent(indices: Tensor, n_latents: int, *pairs: tuple[Tensor, Tensor]) -> list[Tensor]:
    """Return per pair (weights `[tokens, width]`, vectors `[tokens, d]`) the sums by latent, `[n_latents, d]`."""
    latents = indices.flatten()
    order = latents.argsort(stable=True)
    starts = torch.bincount(latents, minlength=n_latents).cumsum(0).roll(1)
    starts[0] = 0
    tokens = order // indices.shape[1]
    return [embedding_bag(tokens, x, starts, per_sample_weights=w.flatten()[order], mode="sum") for w, x in pairs]


def _sums_by_span(indices: Tensor, weights: Tensor, n_latents: int, spans: Sequence[int]) -> Tensor:
    """Return `[spans, n_latents]`: sums of `weights: [tokens, width]` by latent."""
    sums = weights.new_zeros(len(spans), n_latents)
    for row, latents, part in zip(
        sums, torch.split(indices, list(spans)), torch.split(weights, list(spans)), strict=True
    ):
        row.index_add_(0, latents.flatten(), part.flatten())
    return sums
