"""Tokens of a text, as the language model makes them and the shards keep them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tokens:
    """Tokens of one text: ids, and the characters `[char_start, char_end)` that each stands for; all int32 [n]."""

    ids: NDArray[np.int32]
    char_start: NDArray[np.int32]
    char_end: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)
