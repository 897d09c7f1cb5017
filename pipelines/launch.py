"""Launching assets through Dagster, in this process, and saying in one line what failed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import dagster as dg

from pipelines.failures import RunFailedError

Finished = tuple[str, tuple[str, ...]]
"""Asset, and reasons; none where the artefact was reused."""
INTERRUPTED = "DagsterExecutionInterruptedError"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def dagster_launch(
    assets: Sequence[dg.AssetsDefinition], resources: dict[str, Any], instance: dg.DagsterInstance
) -> Callable[[Sequence[str], str | None], Iterable[Finished]]:
    """Launch one run a call, recorded in the instance; raises RunFailedError after telling of what finished."""

    def launch(names: Sequence[str], partition: str | None) -> Iterator[Finished]:
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
        if not result.success:
            raise _failure(result, partition)

    return launch


def _finished(made: dg.AssetMaterialization) -> Finished:
    why, reused = str(made.metadata["reasons"].value), bool(made.metadata["reused"].value)
    return made.asset_key.to_user_string(), () if reused else tuple(why.split(", "))


def _failure(result: dg.ExecuteInProcessResult, partition: str | None) -> BaseException:
    """What ended a run: Ctrl-C, or the error of the body that failed."""
    failed = next((event for event in result.all_events if event.is_step_failure), None)
    error = failed.step_failure_data.error if failed else None
    if failed is None or error is None:
        return RunFailedError(f"run {result.run_id} failed before any body", "")
    first = error.cause or error
    if first.cls_name == INTERRUPTED:
        return KeyboardInterrupt()
    what = " ".join(first.message.split()).rpartition(f"{first.cls_name}: ")[2]
    where = f"{failed.step_key} {partition}" if partition else failed.step_key
    return RunFailedError(f"{where} failed: {first.cls_name}: {what}", error.to_string())
