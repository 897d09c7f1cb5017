"""What Dagster loads for a profile: assets, the refresh job, its monthly schedule and its change sensor."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.dagster_assets import LakeResource, dagster_asset
from pipelines.graph import open_graph
from pipelines.launch import dagster_launch
from pipelines.refresh import plan, refresh
from pipelines.schedules import monthly_refresh
from pipelines.sensors import change_sensor
from resources.clock import local_day
from resources.lake.lake import Lake
from resources.settings.profile import Profile


def build_defs(
    profile: Profile, today: date, lake_home: Path, resource_overrides: dict[str, Any] | None = None
) -> dg.Definitions:
    """Return everything that Dagster loads, for a profile and a day."""
    graph, lake = open_graph(profile, today), Lake(lake_home, profile.name)
    assets = [dagster_asset(graph, declaration) for declaration in graph.declarations.values()]
    resources = {"lake": LakeResource(home=str(lake_home), profile=profile.name), **(resource_overrides or {})}

    @dg.op
    def refresh_lake(context: dg.OpExecutionContext) -> None:
        """Walk the graph in order and make what is out of date."""
        launch = dagster_launch(assets, resources, context.instance)
        made = refresh(graph, lake, launch)
        context.log.info(f"{len(made)} bodies executed")

    @dg.job(name="refresh", executor_def=dg.in_process_executor)
    def refresh_job() -> None:
        """Bring every artefact up to date: executes what `peerlens refresh --dry-run` names, nothing else."""
        refresh_lake()

    return dg.Definitions(
        assets=assets,
        resources=resources,
        jobs=[refresh_job],
        schedules=[monthly_refresh(refresh_job)],
        sensors=[change_sensor(refresh_job, lambda: plan(open_graph(profile, local_day()), lake))],
        executor=dg.in_process_executor,
    )
