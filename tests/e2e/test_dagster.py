"""What Dagster loads, runs on a schedule, and shows."""

import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from conftest import TODAY
from peerlens_command import ROOT, artefacts, environment

from pipelines.code_location import build_defs
from pipelines.graph import open_graph
from pipelines.refresh import plan
from resources.environment import open_lake, open_profile

MODULES = 1_500
"""Dagster and polars alone load 900; a heavy library loads hundreds."""
HEAVY = ("torch", "transformers", "transformer_lens", "ray", "sklearn")


@pytest.fixture
def home(lake_copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PEERLENS_HOME", str(lake_copy))
    return lake_copy


@pytest.fixture
def defs(home: Path) -> dg.Definitions:
    return build_defs(open_profile("tiny"), TODAY, home)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def run_job(defs: dg.Definitions, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("refresh").execute_in_process(instance=instance, raise_on_error=False)


def written(lake: Path) -> dict[str, str]:
    """When every artefact was written."""
    times = {n: json.loads((lake / n / "manifest.json").read_text())["written_at"] for n in artefacts(lake)}
    return {name.replace("/all", "").replace("/", " "): at for name, at in times.items()}


def test_definitions_load_few_modules_and_no_torch(home: Path) -> None:
    program = (
        "import sys; from pipelines.definitions import defs\n"
        f"print(len(sys.modules), [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment(home), capture_output=True, text=True, check=True
    )
    modules, heavy = done.stdout.split(maxsplit=1)
    assert heavy.strip() == "[]"
    assert int(modules) < MODULES


def test_every_asset_says_what_it_is(defs: dg.Definitions) -> None:
    specs = [asset.get_asset_spec() for asset in defs.assets or []]
    assert {spec.key.to_user_string() for spec in specs} == set(open_graph(open_profile("tiny"), TODAY).declarations)
    for spec in specs:
        schema = spec.metadata["dagster/column_schema"]
        assert spec.group_name and spec.group_name != "default"
        assert spec.kinds and spec.description and spec.code_version
        assert schema.columns and all(column.description for column in schema.columns)


def test_the_job_runs_what_the_dry_run_names(home: Path, defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
    for asset in ("backtest_summary", "tear_sheets", "warehouse"):
        shutil.rmtree(home / "tiny" / asset)
    profile = open_profile("tiny")
    named = [body.label for body in plan(open_graph(profile, TODAY), open_lake(profile))]
    before = written(home / "tiny")
    assert run_job(defs, instance).success
    after = written(home / "tiny")
    assert sorted(name for name in after if after[name] != before.get(name)) == sorted(named)
    assert named == ["backtest_summary", "tear_sheets", "warehouse"]
    record = instance.get_latest_materialization_event(dg.AssetKey("backtest_summary"))
    assert record and record.asset_materialization.metadata["dagster/row_count"].value > 0


def test_a_tick_of_the_schedule_asks_for_one_run(defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
    schedule = defs.resolve_schedule_def("monthly_refresh")
    assert schedule.cron_schedule == "0 6 1 * *"
    with dg.build_schedule_context(instance=instance) as context:
        assert len(schedule.evaluate_tick(context).run_requests or []) == 1


def test_the_sensor_fires_once_for_every_change_and_again_for_one_that_comes_back(
    home: Path, defs: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    def keys() -> list[str | None]:
        with dg.build_sensor_context(instance=instance, definitions=defs) as context:
            tick = defs.resolve_sensor_def("changes").evaluate_tick(context)
            assert bool(tick.skip_message) != bool(tick.run_requests)
            return [request.run_key for request in tick.run_requests or []]

    assert keys() == []
    shutil.rmtree(home / "tiny" / "backtest_summary")
    (first,) = keys()
    assert keys() == [first]
    assert run_job(defs, instance).success
    assert keys() == []
    shutil.rmtree(home / "tiny" / "backtest_summary")
    (again,) = keys()
    assert first != again


def test_the_sensor_does_not_repeat_a_refresh_that_failed_at_the_same(
    home: Path, defs: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    def tick() -> object:
        with dg.build_sensor_context(instance=instance, definitions=defs) as context:
            return defs.resolve_sensor_def("changes").evaluate_tick(context)

    shutil.rmtree(home / "tiny" / "backtest_summary")
    (request,) = tick().run_requests  # type: ignore[attr-defined]
    with (home / "tiny" / "refresh.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        failed = defs.resolve_job_def("refresh").execute_in_process(
            instance=instance, tags=request.tags, raise_on_error=False
        )
    assert not failed.success
    assert failed.run_id in tick().skip_message  # type: ignore[attr-defined]


def test_a_job_beside_another_refresh_says_so(home: Path, defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
    with (home / "tiny" / "refresh.lock").open("a+") as lock:
        lock.write("2026-01-01 06:00:00 (process 1)")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = run_job(defs, instance)
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "refresh in progress since 2026-01-01 06:00:00" in failed.step_failure_data.error.to_string()


def test_dg_checks_the_definitions(home: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("dg"), "check", "defs"],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
