"""The [CLS] vector of a BERT-like encoder, the paper's BERT baseline: only the first tokens of a text are read."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resources.models.weight_files import content_hash, model_files


def bert_identity(folder: Path, setting: str) -> str:
    """Return the content hash of an encoder's files; raises ModelNotFoundError, which names the setting, without."""
    return content_hash(model_files(folder, setting))


def bert_cls_vectors(
    folder: Path, texts: Sequence[str], progress: Callable[[int], None] = lambda n: None
) -> NDArray[np.float32]:
    """Return the last hidden state of the first token of each text, [texts, d], read one text at a time in float32.

    A text is cut at the longest input of the encoder, 512 tokens for BERT.

    Raises
    ------
    ModelNotFoundError
        The folder has no encoder.
    """
    model_files(folder, "the folder of an encoder")
    import torch
    from transformers import AutoModel, AutoTokenizer

    model: Any = AutoModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    longest = model.config.max_position_embeddings
    vectors = []
    with torch.inference_mode():
        for text in texts:
            inputs = tokenizer(text, truncation=True, max_length=longest, return_tensors="pt")
            vectors.append(model(**inputs).last_hidden_state[0, 0].numpy())
            progress(1)
    return np.array(vectors, dtype=np.float32)
