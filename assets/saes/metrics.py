"""How faithful an autoencoder is: FVU, L0, dead latents, cross-entropy, MMCS (docs/method.md)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from assets.activations.shards.shards import massive_tokens
from assets.saes.corpus.batches import Keep
from assets.saes.corpus.draw import Rows
from assets.saes.model.sae import Sae

CHUNK = 4096
FIRST_TOKENS = 128
"""Of a document, where cross-entropy is not to rest on one or two of them."""


class NoTokensError(ValueError):
    """There is no held-out token to score on."""


class LossesOfWindows(Protocol):
    """`resources.models.window_losses.WindowLosses`: per window, nats per predicted token `[n - 1]`."""

    def plain(self) -> Iterable[Tensor]:
        """Return the losses of the model as it is."""
        ...

    def replaced(self, block: int, replace: Callable[[Tensor], Tensor]) -> Iterable[Tensor]:
        """Return the losses where `replace` rewrites the residual stream after `block`."""
        ...

    def ablated(self, block: int) -> Iterable[Tensor]:
        """Return the losses where the residual stream after `block` is zero."""
        ...


@torch.inference_mode()
def fvu(x: Tensor, x_hat: Tensor) -> float:
    """Return the fraction of variance unexplained of `[tokens, d_model]`: sum |x - x_hat|^2 / sum |x - mean|^2."""
    x, x_hat = x.double(), x_hat.double()
    return float((x - x_hat).pow(2).sum() / (x - x.mean(dim=0)).pow(2).sum())


def fvu_of(sae: Sae, block: int, x: NDArray[Any] | Tensor) -> float:
    """Return the FVU of an autoencoder at one block, with its own scale and mean, on `x: [tokens, d_model]`."""
    everything = np.ones(len(x), dtype=np.bool_)
    return _block_scores(sae, block, x, everything)["fvu"]


def reconstruction_scores(sae: Sae, activations: Mapping[int, NDArray[Any] | Rows], keep: Keep) -> pl.DataFrame:
    """Return per block of held-out `activations: [tokens, d_model]` columns block, fvu, fvu_tokens, l0, dead_share.

    Each block has its own scale and its own mean, and is never pooled with others; massive tokens are left out by
    `keep`. Read in chunks, twice. Raises NoTokensError where a block keeps none, UnknownBlockError where the
    autoencoder does not read it.
    """
    rows = [{"block": block, **_block_scores(sae, block, x, keep[block])} for block, x in sorted(activations.items())]
    return pl.DataFrame(rows).cast({"block": pl.Int32, "fvu_tokens": pl.Int64})


@torch.inference_mode()
def _block_scores(sae: Sae, block: int, x: NDArray[Any] | Rows | Tensor, keep: NDArray[np.bool_]) -> dict[str, float]:
    kept, one, device = np.flatnonzero(keep), sae.at(block), sae.W_dec.device
    if not len(kept):
        raise NoTokensError(
            f"block {block}: no held-out token is kept: raise corpus.held_out_share or corpus.max_tokens"
        )

    def chunks() -> Iterable[Tensor]:
        return (one.scaled(x[kept[i : i + CHUNK]], block).to(device) for i in range(0, len(kept), CHUNK))

    mean = sum((chunk.sum(dim=0, dtype=torch.float64) for chunk in chunks()), torch.zeros((), device=device))
    mean = mean / len(kept)
    error = variance = active = 0.0
    alive = torch.zeros(sae.config.n_latents, dtype=torch.bool, device=device)
    for chunk in chunks():
        values, indices = one.encode(chunk)
        error += float((chunk.double() - one.decode(values, indices)).pow(2).sum())
        variance += float((chunk - mean).pow(2).sum())
        active += int((values > 0).sum())
        alive[indices[values > 0]] = True
    if not variance:
        raise NoTokensError(f"block {block}: its {len(kept)} tokens are all alike: raise corpus.held_out_share")
    dead_share = 1 - float(alive.double().mean())
    return {"fvu": error / variance, "fvu_tokens": len(kept), "l0": active / len(kept), "dead_share": dead_share}


@torch.inference_mode()
def cross_entropy_scores(
    next_token_losses: Callable[[Sequence[NDArray[Any]]], LossesOfWindows],
    saes: Iterable[tuple[str, int, Sae]],
    documents: Sequence[NDArray[Any]],
    max_tokens: int,
    massive_norm: float,
    *,
    progress: Callable[[int], None] = lambda n: None,
) -> pl.DataFrame:
    """Return per entry and block columns entry, block, ce, ce_sae, ce_ablated (nats), ce_score, dce_percent, ce_tokens.

    Documents are token ids of one window each, held out, taken in order until `max_tokens` tokens are predicted, 128 of
    each where that is enough; one block is replaced at a time. `saes` is gone through once, fastest where its blocks
    ascend: the model then reads on from the block before. Massive tokens (norm above `massive_norm` medians of the
    window) keep their own activation: they are left out of sparse autoencoders everywhere. Ablated means that the whole
    stream after the block is zero. CE score = (ce_ablated - ce_sae) / (ce_ablated - ce). `progress` advances by
    predicted tokens, in each of `passes`. Raises NoTokensError where nothing is predicted, UnknownBlockError for a
    block that is not read.
    """
    windows = _first_tokens(documents, max_tokens)
    tokens, model = sum(len(ids) - 1 for ids in windows), next_token_losses(windows)

    def mean(losses: Iterable[Tensor]) -> float:
        total = 0.0
        for window in losses:
            total += float(window.double().sum())
            progress(len(window))
        return total / tokens

    plain, ablated, rows = mean(model.plain()), dict[int, float](), []
    for entry, block, sae in saes:
        if block not in ablated:
            ablated[block] = mean(model.ablated(block))
        replaced = mean(model.replaced(block, _reconstructed(sae, block, massive_norm)))
        rows.append((entry, block, plain, replaced, ablated[block], tokens))
    columns = {
        "entry": pl.String,
        "block": pl.Int32,
        "ce": pl.Float64,
        "ce_sae": pl.Float64,
        "ce_ablated": pl.Float64,
        "ce_tokens": pl.Int64,
    }
    ce, ce_sae, ce_ablated = pl.col("ce"), pl.col("ce_sae"), pl.col("ce_ablated")
    scores = pl.DataFrame(rows, schema=columns, orient="row").sort("block", "entry")
    return scores.with_columns(ce_score=(ce_ablated - ce_sae) / (ce_ablated - ce), dce_percent=100 * (ce_sae - ce) / ce)


def passes(blocks: Sequence[int]) -> int:
    """Return how often `cross_entropy_scores` reads every token: as it is, per ablated block, per entry's block."""
    return 1 + len(set(blocks)) + len(blocks)


def transfer_score(transfer: float, zero_shot: float, scratch: float) -> float:
    """Return (transfer - zero-shot) / (scratch - zero-shot), of a score such as CE (Ghilardi et al. 2024).

    1: transfer is as good as training from scratch; 0: no better than the parent as it was. NaN where these two are
    the same.
    """
    return (transfer - zero_shot) / (scratch - zero_shot) if scratch != zero_shot else float("nan")


def _first_tokens(documents: Sequence[NDArray[Any]], max_tokens: int) -> list[NDArray[Any]]:
    """Return windows that predict `max_tokens` tokens together, of one document no more than it takes."""
    lengths = [max(0, len(ids) - 1) for ids in documents]
    most = FIRST_TOKENS
    while most < max(lengths, default=0) and sum(min(length, most) for length in lengths) < max_tokens:
        most *= 2
    windows: list[NDArray[Any]] = []
    left = max_tokens
    for ids in documents:
        if left > 0 and len(ids) > 1:
            windows.append(ids[: min(most, left) + 1])
            left -= len(windows[-1]) - 1
    if not windows:
        raise NoTokensError(
            "no held-out document of two tokens or more: raise corpus.held_out_share or corpus.max_tokens"
        )
    return windows


def _reconstructed(sae: Sae, block: int, massive_norm: float) -> Callable[[Tensor], Tensor]:
    one, scale = sae.at(block), sae.scale(block)

    def replace(x: Tensor) -> Tensor:
        massive = torch.from_numpy(massive_tokens(x.float().norm(dim=1).cpu().numpy(), massive_norm)).to(x.device)
        x_hat = one.decode(*one.encode(x.float() * scale)) / scale
        return torch.where(massive.unsqueeze(1), x, x_hat.to(x.dtype))

    return replace


@torch.inference_mode()
def mmcs(a: Tensor, b: Tensor) -> float:
    """Return the mean over latents of `a` of the largest cosine with one of `b`; decoders `[n_latents, d_model]`."""
    unit_a, unit_b = (torch.nn.functional.normalize(decoder.float(), dim=1) for decoder in (a, b))
    largest = [(chunk @ unit_b.T).max(dim=1).values for chunk in torch.split(unit_a, CHUNK)]
    return float(torch.cat(largest).double().mean())
