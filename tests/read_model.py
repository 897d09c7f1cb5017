"""What a language model reads and loses, as tests of it ask for one window or batch at a time."""

from collections.abc import Callable

import numpy as np
import torch

from resources.models.language_model import LanguageModel


def streams(model: LanguageModel, ids: object, blocks: list[int], device: int = 0) -> dict[int, torch.Tensor]:
    """Copies of the residual streams after some blocks, by block."""
    kept: dict[int, torch.Tensor] = {}
    model.read(ids, blocks, lambda block, stream: kept.update({block: stream.clone()}), device)
    return kept


def losses(
    model: LanguageModel,
    ids: np.ndarray,
    block: int = 0,
    replace: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> torch.Tensor:
    """Losses of one window, with the stream after `block` replaced if a replacement is given."""
    windows = model.next_token_losses([ids])
    (one,) = windows.plain() if replace is None else windows.replaced(block, replace)
    return one.clone()
