"""Write while reading: a thread stores one part while the model reads the next."""

from collections.abc import Callable
from queue import Full, Queue
from threading import Thread
from types import TracebackType
from typing import Self

from assets.activations.shards.part import Part

_POLL_SECONDS = 0.1
"""Waits are this short so that Ctrl-C and the thread's errors are noticed between two of them."""


class PartWriter:
    """Stores parts in a thread of its own; a context manager whose end waits until all are stored.

    At most three parts are in memory: one being made, one waiting, one being written. An error of `write` is raised
    by the next `put`, or at the end; nothing is written after it. After an exception inside the `with` block the parts
    that were put are still written, because they are complete, and the exception is raised on.

    Parameters
    ----------
    write : stores a part under its number; called in order, from one thread
    """

    def __init__(self, write: Callable[[int, Part], None]) -> None:
        self._write = write
        self._queue: Queue[tuple[int, Part] | None] = Queue(maxsize=1)
        self._error: BaseException | None = None
        self._raised = False
        self._thread = Thread(target=self._run, name="part writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def put(self, number: int, part: Part) -> None:
        """Queue a part to be written; wait while another one is queued.

        Raises
        ------
        Exception
            What `write` raised for an earlier part; this one is not written.
        RuntimeError
            Outside the `with` block, where nothing is written.
        """
        if not self._thread.is_alive() and self._error is None:
            raise RuntimeError(f"part {number}: a PartWriter writes inside its `with` block only")
        self._hand_over((number, part))
        self._raise_error()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hand_over(None)
        while self._thread.is_alive():
            self._thread.join(_POLL_SECONDS)
        if error is None:
            self._raise_error()
        elif self._error is not None and not self._raised:
            error.add_note(f"Besides, a part could not be written: {self._error!r}")

    def _hand_over(self, item: tuple[int, Part] | None) -> None:
        while self._thread.is_alive():
            try:
                return self._queue.put(item, timeout=_POLL_SECONDS)
            except Full:
                continue
        return None

    def _raise_error(self) -> None:
        if self._error is not None:
            self._raised = True
            raise self._error

    def _run(self) -> None:
        try:
            while self._write_next():
                pass
        except BaseException as error:  # raised again in the thread that puts
            self._error = error

    def _write_next(self) -> bool:
        item = self._queue.get()
        if item is not None:
            self._write(*item)
        return item is not None
