"""Where the lake is and which profile is meant."""

import os
from pathlib import Path

import pytest

from resources.environment import ROOT, home, models, open_lake, open_profile, prepare_dagster, profile_file
from resources.settings.profile import ProfileError


def test_the_home_is_the_variable_or_data_in_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEERLENS_HOME", str(tmp_path))
    assert home() == tmp_path
    assert models() == tmp_path / "models"
    monkeypatch.setenv("PEERLENS_HOME", "")
    assert home() == ROOT / "data"


def test_a_profile_is_an_argument_else_the_variable_else_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PEERLENS_PROFILE", raising=False)
    assert profile_file().stem == "sample"
    monkeypatch.setenv("PEERLENS_PROFILE", "tiny")
    assert profile_file().stem == "tiny"
    assert profile_file("sample").stem == "sample"


def test_a_profile_may_be_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("notice: Mine.")
    assert profile_file("mine.yaml") == tmp_path / "mine.yaml"
    assert open_profile("./mine.yaml").notice == "Mine."


def test_a_profile_that_is_not_bundled_is_refused_with_those_that_are() -> None:
    with pytest.raises(ProfileError, match=r"'smaple': not bundled \(.*sample, tiny.*\); give the path of a .yaml"):
        profile_file("smaple")


def test_each_profile_has_a_lake_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEERLENS_HOME", str(tmp_path))
    assert open_lake(open_profile("tiny")).root == tmp_path / "tiny"


def test_dagster_keeps_its_state_under_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DAGSTER_HOME", "PEERLENS_DAGSTER", "DAGSTER_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PEERLENS_HOME", str(tmp_path))
    assert prepare_dagster() == tmp_path / "dagster"
    assert {os.environ["DAGSTER_HOME"], os.environ["PEERLENS_DAGSTER"]} == {str(tmp_path / "dagster")}
    assert (tmp_path / "dagster" / "dagster.yaml").read_bytes() == (ROOT / "dagster.yaml").read_bytes()
