"""What notices that the outside world, a setting or the code changed."""

from collections.abc import Callable, Sequence

import dagster as dg

from pipelines.refresh import Planned
from resources.lake.digests import digest_of

SHOWN = 5
PLAN = "peerlens/plan"
"""Tag of a refresh run: digest of what the planner named when it was launched."""


def change_sensor(job: dg.JobDefinition, plan: Callable[[], Sequence[Planned]]) -> dg.SensorDefinition:
    """Ask the planner every minute and launch one refresh where it names a body; switch it on in the UI."""

    @dg.sensor(
        name="changes",
        job=job,
        minimum_interval_seconds=60,
        description="Launches one refresh when a source, a setting or the code changed.",
    )
    def changes(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        named = plan()
        if not named:
            return dg.SkipReason("everything is up to date")
        if _running(context.instance, job.name):
            return dg.SkipReason("a refresh is running")
        lines = [f"{body.label}: {body.why}" for body in named]
        wanted, last = digest_of(lines), _last_run(context.instance, job.name)
        if last and last.status == dg.DagsterRunStatus.FAILURE and last.tags.get(PLAN) == wanted:
            return dg.SkipReason(f"run {last.run_id} failed at the same: mend it, then launch the job `{job.name}`")
        run_key = digest_of([wanted, last.run_id if last else ""])
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=run_key, tags={PLAN: wanted})], cursor="; ".join(lines[:SHOWN])
        )

    return changes


def _running(instance: dg.DagsterInstance, job: str) -> bool:
    busy = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    return bool(instance.get_runs(dg.RunsFilter(job_name=job, statuses=busy), limit=1))


def _last_run(instance: dg.DagsterInstance, job: str) -> dg.DagsterRun | None:
    """Return the newest refresh.

    Its id goes into the run key, which fires once for ever, so that A -> B -> A fires again.
    """
    runs = instance.get_runs(dg.RunsFilter(job_name=job), limit=1)
    return runs[0] if runs else None
