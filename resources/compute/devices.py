"""The devices that run the model, their number type and batch sizes, chosen from the hardware that is found."""

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

DType = Literal["float32", "bfloat16"]
_CPU_UNITS = ("avx512_bf16", "amx_bf16", "bf16")
"""Names under which torch lists the bfloat16 units of x86 (the first two) and ARM processors."""


_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Options of glibc's mallopt, from its malloc.h."""
_NEVER = (1 << 31) - 1  # mallopt takes a C int
_GLIBC_TRIM_THRESHOLD, _GLIBC_MMAP_MAX = 128 << 10, 65_536
"""glibc's defaults, from its manual."""


ALONE = 1
"""Tokens per batch that leave no room for a second window."""


class DTypeError(ValueError):
    """The hardware has no units for the requested number type."""


@dataclass(frozen=True)
class Processor:
    """A GPU or the CPU, as it was found."""

    name: str
    """The name in torch: `cpu`, `cuda:0`."""
    bfloat16: bool
    """Whether it computes in bfloat16 by hardware and not by emulation."""
    free_bytes: int
    """Free memory in bytes."""


@dataclass(frozen=True)
class Device:
    """A processor that holds a copy of the model, and the sizes to use on it."""

    name: str
    """The name in torch: `cpu`, `cuda:0`."""
    dtype: DType
    """Number type of weights and residual streams."""
    free_bytes: int
    """Free memory in bytes when the device was found."""
    batch_tokens: int
    """Tokens per batch, over all its windows; a batch holds at least one window."""
    shard_tokens: int
    """Tokens per shard; they stay in the machine's memory until the shard is written."""
    length_multiple: int
    """Window lengths are rounded up to a multiple of this many tokens."""

    def tokens_at_once(self, wanted: int | None) -> int:
        """Return the tokens per batch: `wanted` on a GPU, if it is set; a CPU reads every window alone."""
        return wanted if wanted and self.batch_tokens != ALONE else self.batch_tokens


def devices(dtype: Literal["auto", "float32", "bfloat16"] = "auto") -> tuple[Device, ...]:
    """Return all GPUs of this machine, or its CPU if it has none.

    Raises
    ------
    DTypeError
        bfloat16 is requested and the hardware has no units for it.
    """
    return configured(_gpus() or [_cpu()], dtype)


def configured(processors: Sequence[Processor], dtype: Literal["auto", "float32", "bfloat16"]) -> tuple[Device, ...]:
    """Return a device for each processor: one number type for all, and sizes that suit the hardware.

    `auto` is bfloat16 on GPUs that all have units for it, and float32 on any CPU, for the same numbers on every CPU.
    A CPU reads one window as fast as a batch. So it reads each window alone, without padding: a filing's activations
    then do not depend on the other filings, whichever library multiplies. A GPU needs batches and tiles of eight.

    Raises
    ------
    DTypeError
        bfloat16 is requested and a processor has no units for it.
    """
    if dtype == "auto":
        dtype = "bfloat16" if all(_is_gpu(one) and one.bfloat16 for one in processors) else "float32"
    for one in processors:
        if dtype == "bfloat16" and not one.bfloat16:
            why = f"{one.name} has no bfloat16 units and would emulate it, about ten times slower than float32"
            raise DTypeError(f"model.dtype bfloat16: {why}; set model.dtype to auto or float32")
    return tuple(_device(one, dtype) for one in processors)


def cpu_has_bfloat16(capabilities: Mapping[str, object]) -> bool:
    """Return whether `torch.cpu.get_capabilities()` lists units that multiply bfloat16."""
    return any(capabilities.get(unit) for unit in _CPU_UNITS)


@contextmanager
def reused_memory() -> Iterator[None]:
    """Keep freed memory in the process inside the block; return it to the system at the end.

    glibc otherwise returns every large block to the kernel at once, and a loop that allocates the same tensors again
    and again spends up to a quarter of its time on getting zeroed pages back. Without glibc this does nothing.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if set_option is None or trim is None:
        yield
        return
    set_option(_MMAP_MAX, 0)
    set_option(_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        set_option(_MMAP_MAX, _GLIBC_MMAP_MAX)
        set_option(_TRIM_THRESHOLD, _GLIBC_TRIM_THRESHOLD)
        trim(0)


def _device(processor: Processor, dtype: DType) -> Device:
    name, free = processor.name, processor.free_bytes
    if _is_gpu(processor):
        return Device(name, dtype, free, batch_tokens=16_384, shard_tokens=262_144, length_multiple=8)
    return Device(name, dtype, free, batch_tokens=ALONE, shard_tokens=16_384, length_multiple=1)


def _is_gpu(processor: Processor) -> bool:
    return processor.name != "cpu"


def _gpus() -> list[Processor]:
    import torch

    found = []
    torch.cuda.empty_cache()  # memory in torch's own cache is free, too
    for index in range(torch.cuda.device_count()):
        with torch.cuda.device(index):
            units = torch.cuda.is_bf16_supported(including_emulation=False)
            found.append(Processor(f"cuda:{index}", units, torch.cuda.mem_get_info()[0]))
    return found


def _cpu() -> Processor:
    import psutil  # noqa: PLC0415 - a GPU machine with nothing but torch and transformers reads without it
    import torch

    free = psutil.virtual_memory().available
    return Processor("cpu", cpu_has_bfloat16(torch.cpu.get_capabilities()), free)
