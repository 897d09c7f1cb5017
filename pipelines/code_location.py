"""What Dagster loads for a profile: assets, the refresh job, its monthly schedule and its change sensor."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.dagster_assets import LakeResource, dagster_asset
from pipelines.graph import open_graph
from pipelines.launch import dagster_launch
from pipelines.newest_filing import filing_warnings
from pipelines.refresh import plan, refresh
from pipelines.schedules import monthly_refresh
from pipelines.sensors import change_sensor
from resources.clock import local_day, utc_now
from resources.lake.lake import Lake
from resources.lake.recipe import Graph
from resources.settings.profile import Profile


def build_defs(
    profile: Profile,
    today: date,
    lake_home: Path,
    resource_overrides: dict[str, Any] | None = None,
    clock: Callable[[], date] = local_day,
) -> dg.Definitions:
    """Return everything that Dagster loads, for a profile and a day.

    What is loaded has the partitions of that day for as long as it stays loaded. The job and the sensor ask `clock`
    which day it is, so they see months and filing years that came since.
    """
    lake = Lake(lake_home, profile.name)
    resources = {"lake": LakeResource(home=str(lake_home), profile=profile.name), **(resource_overrides or {})}

    @dg.op
    def refresh_lake(context: dg.OpExecutionContext) -> None:
        """Walk the graph in order and make what is out of date."""
        # Inside: it loads SQLAlchemy, which a run has loaded by now, but whoever loads the definitions has not.
        from pipelines.run_history import prune_runs  # noqa: PLC0415

        graph = open_graph(profile, clock())
        made = refresh(graph, lake, dagster_launch(_assets(graph), resources, context.instance))
        context.log.info(f"{len(made)} bodies executed")
        prune_runs(context.instance, utc_now())
        for line in filing_warnings(graph, lake):
            context.log.warning(line)

    @dg.job(name="refresh", executor_def=dg.in_process_executor)
    def refresh_job() -> None:
        """Bring every artefact up to date: executes what `peerlens refresh --dry-run` names, nothing else."""
        refresh_lake()

    return dg.Definitions(
        assets=_assets(open_graph(profile, today)),
        resources=resources,
        jobs=[refresh_job],
        schedules=[monthly_refresh(refresh_job)],
        sensors=[change_sensor(refresh_job, lambda: plan(open_graph(profile, clock()), lake))],
        executor=dg.in_process_executor,
    )


def _assets(graph: Graph) -> list[dg.AssetsDefinition]:
    return [dagster_asset(graph, declaration) for declaration in graph.declarations.values()]
