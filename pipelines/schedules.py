"""When peer groups are renewed without being asked."""

import dagster as dg


def monthly_refresh(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Return a schedule: one run of the refresh job at 06:00 on the first of every month; switch it on in the UI."""
    return dg.ScheduleDefinition(
        name="monthly_refresh",
        job=job,
        cron_schedule="0 6 1 * *",
        description="Renews the peer groups: executes what `peerlens refresh --dry-run` names.",
    )
