"""Read what decoder blocks give out, and start a pass after a block, on any causal model of transformers."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


class WindowError(ValueError):
    """Windows have no tokens or more than the model's context, or a block does not exist."""


class StopPass(Exception):  # noqa: N818 - no error, as StopIteration is none
    """Everything that was asked for has been read: the rest of the forward pass need not run."""


def decoder_layers(model: Any, n_blocks: int) -> Any:
    """Return the list of decoder blocks; of a model that also sees images, not those of its vision tower."""
    from torch.nn import ModuleList

    lists = (module for module in model.get_decoder().modules() if isinstance(module, ModuleList))
    return next(layers for layers in lists if len(layers) == n_blocks)


def check_blocks(blocks: Collection[int], n_blocks: int) -> int:
    """Return the last of `blocks`.

    Raises
    ------
    WindowError
        There are none, or the model does not have one of them.
    """
    if not blocks or not all(0 <= block < n_blocks for block in blocks):
        there = f"the model has blocks 0 to {n_blocks - 1}"
        raise WindowError(f"blocks {list(blocks)}: {there}; ask for at least one of them")
    return max(blocks)


def stream_of(output: Any) -> "Tensor":
    """Return the residual stream `[batch, n, d_model]` of a block's output, which some models put into a tuple."""
    stream: Tensor = output[0] if isinstance(output, tuple) else output
    return stream


def with_stream(output: Any, stream: "Tensor") -> Any:
    """Return a block's output with another residual stream in it."""
    return (stream, *output[1:]) if isinstance(output, tuple) else stream


@contextmanager
def watch_blocks(layers: Any, blocks: Collection[int], watch: Callable[[int, Any], None]) -> Iterator[None]:
    """Call `watch(block, output)` after each of `blocks` while inside; a StopPass that it raises ends the block."""

    def hook(block: int) -> Callable[..., None]:
        return lambda module, args, output: watch(block, output)

    hooks = [layers[block].register_forward_hook(hook(block)) for block in set(blocks)]
    try:
        yield
    except StopPass:
        pass
    finally:
        for handle in hooks:
            handle.remove()


@contextmanager
def start_after(layers: Any, block: int, output: Any) -> Iterator[None]:
    """Let a pass start after `block` while inside: this block and all before it give out `output` and compute nothing.

    The model itself still makes the positions and masks that the later blocks take, so this works for every
    architecture whose blocks hand on nothing but the residual stream (Gemma 4's last blocks also take keys of earlier
    ones). TransformerBridge's `start_at_layer` runs the skipped blocks and throws their output away, which saves no
    time. Only one thread may use the model meanwhile.

    Parameters
    ----------
    layers : decoder blocks of a model
    block : zero-based; -1 starts at the beginning
    output : what `block` is to give out
    """
    skipped = layers[: block + 1]
    for layer in skipped:
        layer.forward = lambda *args, **kwargs: output
    try:
        yield
    finally:
        for layer in skipped:
            del layer.forward


@contextmanager
def replace_output(layers: Any, block: int, output: Any) -> Iterator[None]:
    """Let `block` give out `output` instead of its own while inside; all blocks run."""
    hook = layers[block].register_forward_hook(lambda module, args, own: output)
    try:
        yield
    finally:
        hook.remove()
