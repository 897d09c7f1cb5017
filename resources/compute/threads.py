"""How many threads a computation has."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread inside the `with` block: sums that threads share out have other last bits.

    A number type, a processor's instructions and a library's release still have.
    """
    # Inside: whoever plans loads neither.
    import torch
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)
