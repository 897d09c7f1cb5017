"""Sparse autoencoders: x_hat = W_dec^T S(W_enc (x - b_dec) + b_enc) + b_dec, with S one of three ways to be sparse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import embedding_bag

from assets.saes.model.sparse_pass import Select, sparse_pass
from assets.saes.model.sparsity import above_threshold, batch_top_k, top_k
from resources.settings.saes import Activation


class SaeConfigError(ValueError):
    """A sparse autoencoder cannot have these dimensions."""


class UnknownBlockError(KeyError):
    """The sparse autoencoder was not trained on this block."""


@dataclass(frozen=True)
class SaeConfig:
    """Dimensions of a sparse autoencoder and the blocks it reads."""

    d_model: int
    """Width of the residual stream."""
    n_latents: int
    """Width of the dictionary."""
    k: int
    """Latents active per token: of every token (topk), on average (batch_topk), aimed at on average (jump_relu)."""
    blocks: tuple[int, ...] = ()
    """Zero-based blocks whose residual streams it reads."""
    scales: Mapping[int, float] = field(default_factory=dict)
    """Per block: 1 / mean norm of its residual stream; inputs are multiplied by it."""
    activation: Activation = "topk"
    """Which latents are active: the k strongest of a token, of a batch the k strongest per token, or those above a
    threshold of their own (batch_topk, too, has one threshold for all outside of training)."""
    block_biases: bool = False
    """Whether each block has its own encoder and decoder biases."""

    def __post_init__(self) -> None:
        if min(self.d_model, self.n_latents, self.k) < 1:
            raise SaeConfigError(f"d_model {self.d_model}, n_latents {self.n_latents} and k {self.k} must be positive")
        if self.k > self.n_latents:
            raise SaeConfigError(f"k = {self.k} of {self.n_latents} latents: lower saes.k or raise saes.expansion")
        if self.block_biases and not self.blocks:
            raise SaeConfigError("biases per block are wanted, and no blocks are named")

    @property
    def bias_rows(self) -> int:
        """How many sets of biases there are."""
        return len(self.blocks) if self.block_biases else 1


class Reconstruction(NamedTuple):
    """What the forward pass returns."""

    x_hat: Tensor
    """[tokens, d_model], scaled like the input."""
    values: Tensor
    """[tokens, width], 0 or more; `width` is k, or the most active latents of a token."""
    indices: Tensor
    """[tokens, width] int64, latents in no order; where the value is 0 the latent is not active."""
    l0: Tensor
    """Mean number of active latents per token; of jump_relu differentiable in the thresholds."""


class _Encoder(torch.nn.Module):
    """`encoder.weight` [n_latents, d_model] and `encoder.bias` [n_latents] or [blocks, n_latents]."""

    def __init__(self, config: SaeConfig) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(config.n_latents, config.d_model))
        self.bias = torch.nn.Parameter(torch.zeros(_bias_shape(config, config.n_latents)))


class Sae(torch.nn.Module):
    """A sparse autoencoder of one or several blocks, its weights named as in sparsify; starts all zero.

    TopK as in Gao et al. 2024 and Group-SAE, section 2; BatchTopK as in Bussmann et al. 2024, whose `threshold` outside
    of training is the running mean of the least value that was active in a batch; JumpReLU as in Rajamanoharan et al.
    2024, with a threshold `exp(log_threshold)` per latent.

    With biases per block, `at(block)` is the plain autoencoder of one block; only `forward` works on all at once.
    """

    threshold: Tensor

    def __init__(self, config: SaeConfig) -> None:
        super().__init__()
        self.config = config
        self.product_dtype: torch.dtype | None = None
        """Number type of the encoder's product; None: the weights' own."""
        self.encoder = _Encoder(config)
        self.W_dec = torch.nn.Parameter(torch.zeros(config.n_latents, config.d_model))
        self.b_dec = torch.nn.Parameter(torch.zeros(_bias_shape(config, config.d_model)))
        if config.activation == "batch_topk":
            self.register_buffer("threshold", torch.zeros(()))
        if config.activation == "jump_relu":
            self.log_threshold = torch.nn.Parameter(torch.zeros(config.n_latents))

    def at(self, block: int) -> "Sae":
        """Return the autoencoder of one block, with its scale and biases; weights are shared, not copied.

        Raises UnknownBlockError for a block that it does not read.
        """
        scales = {block: self.scale(block)}
        with torch.device("meta"):
            one = Sae(replace(self.config, blocks=(block,), scales=scales, block_biases=False))
        one.product_dtype = self.product_dtype
        one.encoder.weight, one.encoder.bias = self.encoder.weight, self._bias_of(block, self.encoder.bias)
        one.W_dec, one.b_dec = self.W_dec, self._bias_of(block, self.b_dec)
        if self.config.activation == "batch_topk":
            one.threshold = self.threshold
        if self.config.activation == "jump_relu":
            one.log_threshold = self.log_threshold
        return one.train(self.training)

    def _bias_of(self, block: int, bias: torch.nn.Parameter) -> torch.nn.Parameter:
        if self.config.bias_rows == 1:
            return bias
        return torch.nn.Parameter(bias.detach()[self.config.blocks.index(block)])

    def scale(self, block: int) -> float:
        """Return 1 / mean norm of `block`; raises UnknownBlockError."""
        if block not in self.config.scales:
            raise UnknownBlockError(
                f"block {block} has no scale in this sparse autoencoder; it reads {sorted(self.config.scales)}"
            )
        return self.config.scales[block]

    def scaled(self, x: Tensor | NDArray[np.generic], block: int) -> Tensor:
        """Return `x: [tokens, d_model]` of `block` as float32 times the block's own scale; raises UnknownBlockError."""
        x = x if isinstance(x, Tensor) else torch.from_numpy(x.astype(np.float32))
        return x.float() * self.scale(block)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return values and indices, `[tokens, width]`, of the active latents for scaled `x: [tokens, d_model]`.

        Latents are chosen as outside of training. Raises SaeConfigError where biases differ between blocks: there use
        `at(block)`.
        """
        if self.config.bias_rows > 1:
            raise SaeConfigError(f"blocks {list(self.config.blocks)} have biases of their own: encode with at(block)")
        pre = torch.addmm(self.encoder.bias, x - self.b_dec, self.encoder.weight.T)
        return self._select(training=False).choose(pre)

    def decode(self, values: Tensor, indices: Tensor) -> Tensor:
        """Return `[tokens, d_model]`, scaled, from what `encode` returns."""
        return embedding_bag(indices, self.W_dec, per_sample_weights=values, mode="sum") + self.b_dec

    def forward(self, x: Tensor, counts: Sequence[int] | None = None) -> Reconstruction:
        """Encode and decode scaled `x: [tokens, d_model]`; the backward pass touches only active latents.

        Parameters
        ----------
        x : Tensor
            Tokens of `config.blocks[0]` first, then of the next; in any order where all blocks share their biases.
        counts : sequence of int
            How many tokens each block has; needed where blocks have biases of their own.

        Raises
        ------
        SaeConfigError
            Biases differ between blocks and `counts` do not add up to the tokens.
        """
        spans = [len(x)] if self.config.bias_rows == 1 else list(counts or ())
        if len(spans) != self.config.bias_rows or sum(spans) != len(x):
            raise SaeConfigError(
                f"blocks {list(self.config.blocks)} have biases of their own: {len(x)} tokens came with counts {counts}"
            )
        weights = (self.encoder.weight, self.encoder.bias, self.W_dec, self.b_dec)
        log_threshold = self.log_threshold if self.config.activation == "jump_relu" else None
        select = self._select(self.training)
        return Reconstruction(*sparse_pass(x, *weights, log_threshold, spans, select, self.product_dtype))

    def _select(self, training: bool) -> Select:
        k = self.config.k
        if self.config.activation == "topk":
            return Select(lambda pre: top_k(pre, k), by_token=True)
        if self.config.activation == "jump_relu":
            return Select(lambda pre: above_threshold(pre, self.log_threshold.detach().exp()), by_token=False)
        if training:
            return Select(lambda pre: batch_top_k(pre, k), by_token=False)
        return Select(lambda pre: above_threshold(pre, self.threshold), by_token=False)

    @torch.no_grad()
    def normalise_decoder(self) -> None:
        """Make every decoder row one unit long."""
        norms = torch.linalg.vector_norm(self.W_dec, dim=1, keepdim=True)
        self.W_dec.div_(norms.clamp_min_(torch.finfo(norms.dtype).tiny))

    def on(self, device: str) -> Self:
        """Move to a device; on a GPU with bfloat16 units the encoder's product is bfloat16."""
        self.to(device)
        if self.W_dec.is_cuda and torch.cuda.is_bf16_supported(including_emulation=False):
            self.product_dtype = torch.bfloat16
        return self


def _bias_shape(config: SaeConfig, width: int) -> tuple[int, ...]:
    return (config.bias_rows, width) if config.bias_rows > 1 else (width,)
