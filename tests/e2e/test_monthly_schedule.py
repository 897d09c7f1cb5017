"""The monthly schedule goes on over the turn of the year: no setting is edited, nothing is loaded anew."""

from datetime import date, datetime
from pathlib import Path

import dagster as dg
import pytest
from own_data import write_own_data, write_texts
from peerlens_command import artefacts

from pipelines.code_location import build_defs
from resources.settings.profile import Profile, load_profile

LOADED = date(2005, 12, 1)
FILED = (date(2006, 3, 1), date(2007, 2, 15))
"""XOM's later filings, one in each of the new years."""
TICKS = [date(2005 + month // 12, month % 12 + 1, 1) for month in range(12, 37)]
"""The first of every month from 2006-01 to 2008-01."""


@pytest.fixture
def profile(tmp_path: Path, models_home: Path) -> Profile:
    """A profile that is open at its end, in a home of its own; its lake is empty."""
    (tmp_path / "models").symlink_to(models_home, target_is_directory=True)
    file = write_own_data(tmp_path)
    text = file.read_text(encoding="utf-8").replace("[2004, 2007]", "{first: 2004, last: null}")
    months = 'first: "2007-10", last: "2007-12", every_months: 1'
    assert months in text
    text = text.replace(months, 'first: "2005-12", last: null, every_months: 12')
    file.write_text(text.replace("max_filing_age_months: null", "max_filing_age_months: 48"), encoding="utf-8")
    return load_profile(file)


def partitions(lake: Path, asset: str) -> set[str]:
    return {name.split("/")[1] for name in artefacts(lake) if name.startswith(f"{asset}/")}


def test_the_schedule_brings_in_filings_and_months_of_two_new_years(profile: Profile, tmp_path: Path) -> None:
    home, lake, day = tmp_path, tmp_path / "own", LOADED
    write_texts(home, later=())
    defs = build_defs(profile, LOADED, home, clock=lambda: day)
    schedule, job = defs.resolve_schedule_def("monthly_refresh"), defs.resolve_job_def("refresh")
    seen = {}
    with dg.DagsterInstance.ephemeral() as instance:
        for day in TICKS:
            write_texts(home, later=[filed for filed in FILED if filed < day])
            with dg.build_schedule_context(instance, datetime(day.year, day.month, 1, 6)) as context:
                (request,) = schedule.evaluate_tick(context).run_requests or []
            assert job.execute_in_process(instance=instance, tags=request.tags).success
            seen[day] = partitions(lake, "activations"), partitions(lake, "peer_clusters")
    assert seen[date(2006, 1, 1)] == ({"2004"}, {"2005-12"})
    assert seen[date(2006, 3, 1)] == ({"2004"}, {"2005-12"})
    assert seen[date(2006, 4, 1)] == ({"2004", "2006"}, {"2005-12"})
    assert seen[date(2007, 1, 1)] == ({"2004", "2006"}, {"2005-12", "2006-12"})
    assert seen[date(2008, 1, 1)] == ({"2004", "2006", "2007"}, {"2005-12", "2006-12", "2007-12"})
