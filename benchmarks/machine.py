"""The machine that a figure was measured on: its name for titles, and the most that its GPU can do.

Needs the standard library alone; torch is imported where a GPU is measured.
"""

import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MATRIX, PRODUCTS = 8192, 100
COPIED_BYTES, COPIES = 4 << 30, 10
"""Far more than a cache holds (60 MB on an H200), so that memory itself is measured."""


@dataclass(frozen=True)
class GpuLimits:
    """What a GPU reaches when it does nothing else."""

    flop_s: float
    """Operations a second of large products of bfloat16 matrices."""
    bytes_s: float
    """Bytes a second, read and written, of a copy within its memory."""


def cpu_model() -> str:
    """Return the CPU's name as Linux gives it, else as Python does."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def machine(threads: int, device: str = "cpu") -> str:
    """Return CPU, threads and, where one computes, the GPU, for the title of a table."""
    said = f"{cpu_model()}, {threads} {'thread' if threads == 1 else 'threads'}"
    if device == "cpu":
        return said
    import torch  # noqa: PLC0415 - see above

    return f"{torch.cuda.get_device_name(device)}; {said}"


def gpu_limits(device: str) -> GpuLimits:
    """Measure a GPU: on random numbers, for on zeros it draws less power and is faster."""
    import torch  # noqa: PLC0415 - see above

    a = torch.randn(MATRIX, MATRIX, device=device, dtype=torch.bfloat16)
    product = torch.empty_like(a)
    seconds = _gpu_seconds(lambda: torch.mm(a, a, out=product), PRODUCTS)
    source = torch.empty(COPIED_BYTES, dtype=torch.uint8, device=device).random_()
    target = torch.empty_like(source)
    copying = _gpu_seconds(lambda: target.copy_(source), COPIES)
    return GpuLimits(2 * MATRIX**3 / seconds, 2 * COPIED_BYTES / copying)


def _gpu_seconds(act: Callable[[], object], times: int) -> float:
    import torch  # noqa: PLC0415 - see above

    seconds = 0.0
    for _ in range(2):  # the first warms up
        torch.cuda.synchronize()
        started = time.perf_counter()
        for _ in range(times):
            act()
        torch.cuda.synchronize()
        seconds = (time.perf_counter() - started) / times
    return seconds


def warn_if_busy() -> None:
    """Say on stderr where other programs are running."""
    if (load := os.getloadavg()[0]) > 1:
        print(f"other programs are running (load {load:.1f}): wall clock will mean little", file=sys.stderr)
