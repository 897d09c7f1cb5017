"""The language model that reads: opened offline, on every device, and run on windows of tokens."""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resources.compute.devices import Device
from resources.compute.devices import devices as found_devices
from resources.models.block_hooks import StopPass, WindowError, check_blocks, decoder_layers, stream_of, watch_blocks
from resources.models.bridge import bridge_losses, bridge_to
from resources.models.limits import check_context, check_memory, model_shape, shape_of
from resources.models.model_source import load_pretrained, model_folder, model_identity
from resources.models.tokenizer import Tokenizer, open_tokenizer
from resources.models.tokens import Tokens
from resources.models.weight_files import weight_files
from resources.models.window_losses import WindowLosses
from resources.settings.model import Model

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LanguageModel", "WindowError", "open_language_model"]


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
        self._layers = [decoder_layers(one, self.n_blocks) for one in copies]
        self._locks = [Lock() for _ in copies]
        self._front = 0 if tokenizer.bos is None else 1

    def window_tokens(self, context_length: int) -> int:
        """Return the number of tokens of a window that fills `context_length` together with a BOS token."""
        return context_length - self._front

    def tokenize(self, text: str) -> Tokens:
        """Return the tokens of a whole text, however long, without special tokens and so without a BOS token."""
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

        batch, last = self._with_bos(ids, device), check_blocks(blocks, self.n_blocks)

        def passed(block: int, output: Any) -> None:
            keep(block, stream_of(output)[:, self._front :])
            if block == last:
                raise StopPass

        with self._locks[device], torch.inference_mode(), watch_blocks(self._layers[device], blocks, passed):
            self._copies[device].base_model(batch, use_cache=False)

    def next_token_losses(self, windows: "Sequence[NDArray[np.integer[Any]]]") -> WindowLosses:
        """Return the losses of windows, from which those with a replaced residual stream can be asked; on device 0.

        Parameters
        ----------
        windows : [n] integers each, n with a BOS token at most `context_length`

        Raises
        ------
        WindowError
            A window is empty or too long.
        """
        batches = [self._with_bos(np.asarray(ids)[None], 0) for ids in windows]
        return WindowLosses(self._copies[0], self._layers[0], self._locks[0], batches, self._front)

    @cached_property
    def bridge(self) -> Any:
        """TransformerLens' TransformerBridge to the copy on device 0, for its hooks; it shares the weights."""
        return bridge_to(self._copies[0], self._tokenizer)

    def bridge_losses(
        self, ids: "NDArray[np.integer[Any]]", block: int, replace: "Callable[[Tensor], Tensor]"
    ) -> "Tensor":
        """Return the losses of one window as `WindowLosses.replaced` does, computed by TransformerLens.

        Raises
        ------
        WindowError
            The window is empty or too long, or the block does not exist.
        """
        check_blocks([block], self.n_blocks)
        with self._locks[0]:
            return bridge_losses(self.bridge, self._with_bos(np.asarray(ids)[None], 0), self._front, block, replace)

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
    return load_pretrained(AutoModelForCausalLM, folder, model_id, **options).to(device.name)
