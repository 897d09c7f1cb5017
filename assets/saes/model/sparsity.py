"""Which latents are active: the strongest of a token, the strongest of a batch, or all above a threshold."""

import torch
from torch import Tensor

_GROUP = 16


def top_k(pre: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return values (0 where negative) and indices `[tokens, k]` of the k largest of `pre: [tokens, n_latents]`.

    The k largest lie in the k groups with the largest maxima, so most of a wide row is only looked at once.
    """
    tokens, n_latents = pre.shape
    groups = n_latents // _GROUP
    if n_latents % _GROUP or groups < 2 * k:
        values, indices = pre.topk(k, dim=1, sorted=False)
        return values.relu_(), indices
    best = pre.view(tokens, _GROUP, groups).amax(dim=1).topk(k, dim=1, sorted=False).indices
    members = torch.arange(0, n_latents, groups, device=pre.device)
    candidates = (best.unsqueeze(2) + members).flatten(1)
    values, places = pre.gather(1, candidates).topk(k, dim=1, sorted=False)
    return values.relu_(), candidates.gather(1, places)


def batch_top_k(pre: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return values and indices `[tokens, width]` of the k x tokens largest positive numbers of the whole `pre`.

    BatchTopK (Bussmann et al. 2024); `width` is the most that one token has. Unused places hold value 0.
    """
    flat = pre.relu().flatten()
    values, places = flat.topk(min(k * len(pre), flat.numel()), sorted=False)
    chosen = torch.zeros_like(flat).index_copy_(0, places, values).view_as(pre)
    return above_threshold(chosen, chosen.new_zeros(()))


def above_threshold(pre: Tensor, threshold: Tensor) -> tuple[Tensor, Tensor]:
    """Return values and indices `[tokens, width]` of positive `pre` above `threshold: []` or `[n_latents]`.

    JumpReLU (Rajamanoharan et al. 2024); `width` is the most that one token has, at least 1. Unused places hold 0.
    """
    return padded(pre, (pre > threshold) & (pre > 0))


def padded(pre: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return values and indices `[tokens, width]` of `pre` where `mask`, each row filled up with value 0, index 0."""
    tokens, latents = mask.nonzero(as_tuple=True)
    counts = torch.bincount(tokens, minlength=len(pre))
    width = max(1, int(counts.max())) if len(pre) else 1
    place = torch.arange(len(tokens), device=pre.device) - (counts.cumsum(0) - counts)[tokens]
    values, indices = pre.new_zeros(len(pre), width), latents.new_zeros(len(pre), width)
    values[tokens, place], indices[tokens, place] = pre[tokens, latents], latents
    return values, indices
