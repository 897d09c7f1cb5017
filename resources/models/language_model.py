"""The language model that reads: opened offline, on every device there is, run on windows of tokens."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resources.compute.devices import Device
from resources.compute.devices import devices as found_devices
from resources.models.bridge import bridge_to, replacing
from resources.models.limits import check_context, check_memory, model_shape, shape_of
from resources.models.model_source import model_folder, model_identity, opened
from resources.models.tokenizer import Tokenizer, open_tokenizer
from resources.models.tokens import Tokens
from resources.models.weight_files import weight_files
from resources.settings.model import Model

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LanguageModel", "WindowError", "open_language_model"]


class WindowError(ValueError):
    """Windows have no tokens or more than the model's context, or a block does not exist."""


class _Done(Exception):  # noqa: N818 - no error: it ends the pass
    """The last block asked for has run."""


class LanguageModel:
    """A causal language model, one copy on each device, with its tokenizer; weights are never changed.

    Where the tokenizer itself begins every text with a BOS token, the model reads one in front of every window. It is
    put there and taken off again here: callers neither give it nor see it.

    Parameters
    ----------
    copies : sequence of transformers.PreTrainedModel
        The same causal model on each of `devices`, in its number type.
    tokenizer : Tokenizer
        Its tokenizer.
    identity : str
        Model id with the revision or content hash of its files; different weights have a different identity.
    devices : sequence of Device
        Where the copies lie.
    """

    def __init__(self, copies: Sequence[Any], tokenizer: Tokenizer, identity: str, devices: Sequence[Device]) -> None:
        shape = shape_of(copies[0].config)
        self.identity = identity
        self.n_blocks, self.d_model, self.context_length = shape.n_blocks, shape.d_model, shape.context_length
        self.bos = tokenizer.bos
        self.devices = tuple(devices)
        self._tokenizer = tokenizer
        self._copies = [one.eval() for one in copies]
        self._layers = [_decoder_layers(one, self.n_blocks) for one in copies]
        self._locks = [Lock() for _ in copies]
        self._front = 0 if tokenizer.bos is None else 1

    def window_tokens(self, context_length: int) -> int:
        """Tokens of a window that fills `context_length` together with a BOS token."""
        return context_length - self._front

    def tokenize(self, text: str) -> Tokens:
        """Tokens of a whole text, however long, without special tokens and so without a BOS token."""
        return self._tokenizer.tokenize(text)

    def read(
        self,
        ids: "NDArray[np.integer[Any]] | Tensor",
        blocks: Collection[int],
        keep: "Callable[[int, Tensor], None]",
        device: int = 0,
    ) -> None:
        """Hand the residual stream after each of `blocks` to `keep(block, stream)`, as soon as the block has run.

        The decoder layers' own outputs are read, so the final norm is never in them, and the pass stops after the
        last block asked for: no logits. Streams are not held here; a `keep` that wants one later copies it. Several
        threads may read at once; on one device they take turns.

        Parameters
        ----------
        ids : [batch, n] integers, n with a BOS token at most `context_length`
        blocks : zero-based blocks
        keep : takes a block and its stream [batch, n, d_model], on the device and in its number type
        device : which of `devices` reads

        Raises
        ------
        WindowError
            The windows are empty or too long, or a block does not exist.
        """
        import torch

        batch, last = self._with_bos(ids, device), self._last(blocks)

        def passed(block: int, stream: "Tensor") -> None:
            keep(block, stream[:, self._front :])
            if block == last:
                raise _Done

        with self._locks[device], self._hooked(device, blocks, passed), torch.inference_mode(), suppress(_Done):
            self._copies[device].base_model(batch, use_cache=False)

    def next_token_losses(
        self,
        ids: "NDArray[np.integer[Any]] | Tensor",
        block: int | None = None,
        replace: "Callable[[Tensor], Tensor] | None" = None,
    ) -> "Tensor":
        """Cross-entropy of each next token of one window, optionally with one residual stream replaced.

        The first token of a window is never predicted, whether a BOS token is in front of it or not.

        Parameters
        ----------
        ids : [n] integers, n with a BOS token at most `context_length`
        block : zero-based block whose output `replace` rewrites
        replace : maps the residual stream after `block`, float32 [n, d_model] without the BOS token, to its
            replacement of the same shape

        Returns
        -------
        float32 [n - 1], in nats, on the first device

        Raises
        ------
        WindowError
            The window is empty or too long, the block does not exist, or only one of `block` and `replace` is given.
        """
        import torch

        if (block is None) != (replace is None):
            raise WindowError("next_token_losses: give both the block and its replacement, or neither")
        batch, hooks = self._with_bos(np.asarray(ids)[None], 0), []
        if block is not None and replace is not None:
            self._last([block])
            hooks = [replacing(block, replace, self._front)]
        with self._locks[0], torch.inference_mode():
            logits = self._bridge.run_with_hooks(batch, return_type="logits", prepend_bos=False, fwd_hooks=hooks)
            predicted = logits[0, self._front : -1].float()
            losses = torch.nn.functional.cross_entropy(predicted, batch[0, self._front + 1 :], reduction="none")
        return losses.clone()

    @contextmanager
    def _hooked(self, device: int, blocks: Collection[int], passed: "Callable[[int, Tensor], None]") -> Iterator[None]:
        """Call `passed` with the output of each block while inside."""

        def hook(block: int) -> Callable[..., None]:
            return lambda module, args, output: passed(block, output[0] if isinstance(output, tuple) else output)

        layers = self._layers[device]
        hooks = [layers[block].register_forward_hook(hook(block)) for block in set(blocks)]
        try:
            yield
        finally:
            for handle in hooks:
                handle.remove()

    @cached_property
    def _bridge(self) -> Any:
        return bridge_to(self._copies[0], self._tokenizer)

    def _with_bos(self, ids: "NDArray[np.integer[Any]] | Tensor", device: int) -> "Tensor":
        import torch

        windows = torch.from_numpy(np.array(ids, dtype=np.int64))
        longest = self.window_tokens(self.context_length)
        if windows.ndim != 2 or not len(windows) or not 0 < windows.shape[1] <= longest:
            what = f"windows of shape {list(windows.shape)}"
            raise WindowError(f"{what}: {self.identity} reads 1 to {longest} tokens at once")
        if self.bos is not None:
            windows = torch.nn.functional.pad(windows, (1, 0), value=self.bos)
        return windows.to(self.devices[device].name)

    def _last(self, blocks: Collection[int]) -> int:
        wrong = [block for block in blocks if not 0 <= block < self.n_blocks]
        if wrong or not blocks:
            has = f"{self.identity} has blocks 0 to {self.n_blocks - 1}"
            raise WindowError(f"blocks {list(blocks)}: {has}; ask for at least one of them")
        return max(blocks)


def open_language_model(settings: Model, models: Path, devices: Sequence[Device] | None = None) -> LanguageModel:
    """Open the model of the settings on `devices`: by default every GPU of this machine, else its CPU.

    Parameters
    ----------
    settings : the profile's `model` section
    models : folder for converted models; the wheel's GGUF takes about 20 s once, every later opening about 2 s
    devices : where it is held; their number type counts, not that of the settings

    Raises
    ------
    ModelNotFoundError
        The wheel, the folder or the hub's model is not there, or not in safetensors.
    ModelCodeError
        It needs Python code of its own.
    ContextError, ModelTooLargeError
        Windows are longer than its context, or it does not fit the free memory; nothing was loaded by then.
    DTypeError
        The settings ask for bfloat16 where nothing has units for it.
    """
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    folder = model_folder(settings, models)
    weights = weight_files(folder, f"model.id {settings.id}")
    shape = model_shape(settings, models)
    check_context(settings, shape.context_length)
    devices = found_devices(settings.dtype) if devices is None else devices
    for device in devices:
        check_memory(settings, weights, shape.d_model, device)
    tokenizer = open_tokenizer(settings, models)
    copies = [_weights_on(device, folder, settings.id) for device in devices]
    return LanguageModel(copies, tokenizer, model_identity(settings, models), devices)


def _weights_on(device: Device, folder: Path, model_id: str) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    options = {"dtype": getattr(torch, device.dtype), "use_safetensors": True}
    return opened(AutoModelForCausalLM, folder, model_id, **options).to(device.name)


def _decoder_layers(model: Any, n_blocks: int) -> Any:
    """The list of decoder blocks; of a model that also sees, not those of its eye."""
    from torch.nn import ModuleList

    lists = (module for module in model.get_decoder().modules() if isinstance(module, ModuleList))
    return next(layers for layers in lists if len(layers) == n_blocks)
