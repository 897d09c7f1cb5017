"""AuxK: what revives dead latents (Gao et al. 2024, section 2.4)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from assets.saes.model.sae import Sae
from assets.saes.model.sparse_pass import bias_per_token, pre_activations


def auxiliary_loss(
    sae: Sae, x: Tensor, counts: Sequence[int], residual: Tensor, dead: Tensor, weights: Tensor
) -> Tensor:
    """Return the weighted squared error of rebuilding `residual = x - x_hat` (detached) from dead latents.

    The d/2 strongest of the `dead: [n_dead]` latents take part; with fewer than that, the loss counts in proportion
    (Gao et al. 2024, section 2.4; the sign of the residual as in docs/method.md).

    Parameters
    ----------
    x, residual : [tokens, d_model]
    counts : tokens of each block
    dead : latents
    weights : [tokens], see `error_weights`
    """
    k = min(x.shape[1] // 2, len(dead))
    spans = counts if sae.config.bias_rows > 1 else [len(x)]
    centred, bias = x - bias_per_token(sae.b_dec, spans), sae.encoder.bias[..., dead]
    activations = torch.cat(list(pre_activations(centred, sae.encoder.weight[dead], bias, spans, None))).relu()
    values, indices = activations.topk(k, dim=1, sorted=False)
    rebuilt = torch.zeros_like(activations).scatter(1, indices, values) @ sae.W_dec[dead]
    return ((rebuilt - residual).pow(2).sum(dim=1) * weights).sum() * (2 * k / x.shape[1])
