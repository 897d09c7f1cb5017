"""What computes here, in which number type, and how much at once: decided from the hardware that is found."""

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
_NEVER = (1 << 31) - 1
_GLIBC_TRIM_THRESHOLD, _GLIBC_MMAP_MAX = 128 << 10, 65_536


ALONE = 1
"""Tokens of a batch that has room for no second window."""


class DTypeError(ValueError):
    """The number type asked for has no units on this machine."""


@dataclass(frozen=True)
class Processor:
    """A GPU or the CPU, as found."""

    name: str
    """As torch names it: `cpu`, `cuda:0`."""
    bfloat16: bool
    """Whether it has units for bfloat16, and does not only emulate it."""
    free_bytes: int
    """Memory free now (bytes)."""


@dataclass(frozen=True)
class Device:
    """A processor that holds a copy of the model, and how it is used."""

    name: str
    """As torch names it: `cpu`, `cuda:0`."""
    dtype: DType
    """Type of weights and residual streams."""
    free_bytes: int
    """Memory free when it was looked at (bytes)."""
    batch_tokens: int
    """Tokens read at once, over all windows of a batch; one window is always read."""
    shard_tokens: int
    """Tokens of a shard, held in the machine's memory until it is written."""
    length_multiple: int
    """Window lengths are rounded up to a multiple of this many tokens."""

    def tokens_at_once(self, wanted: int | None) -> int:
        """Tokens of a batch: as many as wanted, else what suits a GPU; a CPU reads every window alone."""
        return wanted if wanted and self.batch_tokens != ALONE else self.batch_tokens


def devices(dtype: Literal["auto", "float32", "bfloat16"] = "auto") -> tuple[Device, ...]:
    """All GPUs of this machine, else its CPU.

    Raises
    ------
    DTypeError
        bfloat16 is asked for and there are no units for it.
    """
    return configured(_gpus() or [_cpu()], dtype)


def configured(processors: Sequence[Processor], dtype: Literal["auto", "float32", "bfloat16"]) -> tuple[Device, ...]:
    """Processors with one number type for all and sizes that suit them.

    `auto` is bfloat16 on GPUs that all have units for it, and float32 on any CPU, so that all CPUs give one result.
    A CPU reads one window as fast as a batch, so there a window is read alone, without padding, and what a filing's
    activations are does not depend on the others, whichever library multiplies. A GPU wants batches and tiles of eight.

    Raises
    ------
    DTypeError
        bfloat16 is asked for and a processor has no units for it.
    """
    if dtype == "auto":
        dtype = "bfloat16" if all(_is_gpu(one) and one.bfloat16 for one in processors) else "float32"
    for one in processors:
        if dtype == "bfloat16" and not one.bfloat16:
            why = f"{one.name} has no bfloat16 units and would emulate it, about ten times slower than float32"
            raise DTypeError(f"model.dtype bfloat16: {why}; set model.dtype to auto or float32")
    return tuple(_device(one, dtype) for one in processors)


def cpu_has_bfloat16(capabilities: Mapping[str, object]) -> bool:
    """Whether `torch.cpu.get_capabilities()` lists units that multiply bfloat16."""
    return any(capabilities.get(unit) for unit in _CPU_UNITS)


@contextmanager
def reused_memory() -> Iterator[None]:
    """Inside, freed memory stays with the process; it is given back at the end.

    glibc otherwise returns every large block to the kernel at once, and a loop that makes the same tensors again and
    again spends up to a quarter of its time on getting zeroed pages back. Elsewhere than on glibc nothing changes.
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
    torch.cuda.empty_cache()  # what torch keeps for itself is free too
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
