"""Ctrl-C ends a refresh wherever it arrives, also where Dagster itself would drop it."""

import os
import signal
import sys
import threading
from collections.abc import Iterator

import dagster as dg
import pytest

from pipelines.launch import dagster_launch


@dg.asset
def quick() -> dg.MaterializeResult:  # type: ignore[type-arg]
    return dg.MaterializeResult(metadata={"reasons": "missing", "reused": False})


@dg.asset(required_resource_keys={"signal"})
def interrupted(context: dg.AssetExecutionContext) -> None:
    os.kill(os.getpid(), context.resources.signal)


@dg.resource
def interrupts_when_closed(context: dg.InitResourceContext) -> Iterator[int]:
    yield context.resources.signal
    os.kill(os.getpid(), context.resources.signal)


@dg.asset(required_resource_keys={"late"})
def interrupted_afterwards() -> dg.MaterializeResult:  # type: ignore[type-arg]
    return dg.MaterializeResult(metadata={"reasons": "missing", "reused": False})


went_on = threading.Event()


class InterruptsWhenFinalized:
    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        os.kill(os.getpid(), self.number)


@dg.asset(required_resource_keys={"signal"})
def interrupted_in_a_finalizer(context: dg.AssetExecutionContext) -> None:
    InterruptsWhenFinalized(context.resources.signal)
    threading.Event().wait(10)
    went_on.set()


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def resources(request: pytest.FixtureRequest) -> Iterator[dict[str, object]]:
    """A signal to be sent, and a resource that sends it; what Dagster leaves of the handlers is put back."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    late = dg.ResourceDefinition(interrupts_when_closed.resource_fn, required_resource_keys={"signal"})
    yield {"signal": dg.ResourceDefinition.hardcoded_resource(request.param), "late": late}
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_a_run_tells_what_finished() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert list(dagster_launch([quick], {}, instance)(["quick"], None)) == [("quick", ("missing",))]


@pytest.mark.parametrize("asset", [interrupted, interrupted_in_a_finalizer, interrupted_afterwards])
def test_a_signal_inside_a_body_and_after_it_ends_the_refresh(
    asset: dg.AssetsDefinition, resources: dict[str, object]
) -> None:
    went_on.clear()
    threads, hook = threading.active_count(), sys.unraisablehook
    with dg.DagsterInstance.ephemeral() as instance, pytest.raises(KeyboardInterrupt):
        list(dagster_launch([asset], resources, instance)([asset.key.to_user_string()], None))
    assert (threading.active_count(), sys.unraisablehook) == (threads, hook)
    assert not went_on.is_set()
