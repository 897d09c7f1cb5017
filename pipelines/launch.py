"""Launching assets through Dagster, in this process, and saying in one line what failed."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import CodeType
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.dagster_assets import DAMAGED
from pipelines.dagster_state import state_errors
from pipelines.failures import DamagedInputError, RunFailedError
from resources.lake.recipe import label

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

Finished = tuple[str, tuple[str, ...]]
"""Asset, and reasons; none where the artefact was reused."""
INTERRUPTS = {signal.SIGINT, signal.SIGTERM}
AGAIN_SECONDS = 0.05
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def dagster_launch(
    assets: Sequence[dg.AssetsDefinition], resources: dict[str, Any], instance: dg.DagsterInstance
) -> Callable[[Sequence[str], str | None], Iterable[Finished]]:
    """Launch one run a call, recorded in the instance; raises RunFailedError after telling of what finished.

    It is a DamagedInputError where a file of the lake is not what was written. Raises StateError where Dagster cannot
    record the run, as on a full disk.
    """

    def launch(names: Sequence[str], partition: str | None) -> Iterator[Finished]:
        with _received_signals() as received, _interrupts_sent_again(), state_errors():
            result = dg.materialize(
                assets,
                selection=list(names),
                partition_key=partition,
                instance=instance,
                resources=resources,
                run_config=QUIET,
                tags={"peerlens/refresh": "true"},
                raise_on_error=False,
            )
        for event in result.get_asset_materialization_events():
            yield _finished(event.step_materialization_data.materialization)
        if INTERRUPTS & set(received):
            raise KeyboardInterrupt
        if not result.success:
            raise _failure(result, partition)

    return launch


@contextmanager
def _received_signals() -> Iterator[list[int]]:
    """Yield a list that holds, at the end, the signals that arrived: Dagster tells of a Ctrl-C inside a body only."""
    received, (reader, writer) = list[int](), os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield received
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)
        with os.fdopen(reader, "rb") as told:
            received += told.read()


@contextmanager
def _interrupts_sent_again() -> Iterator[None]:
    """Send an interrupt that struck a finalizer, where Python drops what is raised, once more, until the body ends."""
    before, senders, over = sys.unraisablehook, list[threading.Thread](), threading.Event()

    def hook(dropped: "UnraisableHookArgs") -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt | dg.DagsterExecutionInterruptedError):
            senders.append(threading.Thread(target=send))
            senders[-1].start()
        else:
            before(dropped)

    def send() -> None:
        while not over.wait(AGAIN_SECONDS):
            if not _is_running(hook.__code__, threading.main_thread()):  # Python drops what is raised in the hook, too
                return os.kill(os.getpid(), signal.SIGINT)
        return None

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
        over.set()
        for sender in senders:
            sender.join()


def _is_running(code: CodeType, thread: threading.Thread) -> bool:
    """Tell whether a thread is now inside the function with this code."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame is not None


def _finished(made: dg.AssetMaterialization) -> Finished:
    why, reused = str(made.metadata["reasons"].value), bool(made.metadata["reused"].value)
    return made.asset_key.to_user_string(), () if reused else tuple(why.split(", "))


def _failure(result: dg.ExecuteInProcessResult, partition: str | None) -> RunFailedError:
    """Return the error of the first body that failed."""
    failed = next((event for event in result.all_events if event.is_step_failure), None)
    error = failed.step_failure_data.error if failed else None
    if failed is None or error is None:
        return RunFailedError(f"run {result.run_id} failed before any body", "")
    first = error.cause or error
    what = " ".join(first.message.split()).rpartition(f"{first.cls_name}: ")[2]
    where = label(str(failed.step_key), partition)
    message, raised = f"{where} failed: {first.cls_name}: {what}", failed.step_failure_data.user_failure_data
    if raised and DAMAGED in raised.metadata:
        return DamagedInputError(message, error.to_string(), str(raised.metadata[DAMAGED].value))
    return RunFailedError(message, error.to_string())
