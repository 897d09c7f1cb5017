"""A wrong setting is refused before anything runs."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from tiny_llama import save_tiny_llama

import pipelines.preflight as subject
from assets.clusters.paper import umap_here
from pipelines.preflight import preflight
from resources.lake.errors import LakeError
from resources.lake.lake import Lake
from resources.models.limits import check_blocks
from resources.models.weight_files import ModelNotFoundError
from resources.settings.profile import Profile, ProfileError

TODAY = date(2012, 10, 1)


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing the language model takes seconds; whether it is there is tested where models are."""
    monkeypatch.setattr(subject, "check_model", lambda settings, folder: None)
    monkeypatch.setattr(subject, "check_blocks", lambda settings, folder, blocks, setting: None)


def profile(**changed: object) -> Profile:
    return Profile.model_validate({"name": "mine", "max_filing_age_months": None, **changed})


BY_THETA = {"clusters": {"cut": "theta"}}


def test_the_defaults_pass_and_write_nothing(tmp_path: Path) -> None:
    preflight(profile(), Lake(tmp_path, "mine"), TODAY)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tickers": ["KOO"]}, "tickers: 'KOO' is not in the sample"),
        (
            {"filing_years": [2003, 2005]},
            "filing_years: no filing of 2005; the source has 2003, 2004, 2006, 2007, 2009, 2010",
        ),
        ({"corpus": {"cutoff": "2001-01-01"}}, "corpus.cutoff: 2001-01-01 is before the first filing, 2003-"),
        ({"as_of": {"first": "2013-12", "last": None}}, "is after last, the last complete month before 2012-10-01"),
        ({"as_of": {"last": "2013-12"}}, "as_of.last: 2013-12 is after the last price, 2012-09-12"),
        ({"as_of": {"first": "2000-02"}}, "as_of.first: 2000-02 is not after the first price, 2000-02-01"),
        (BY_THETA | {"as_of": {"first": "2000-03"}}, "2000-03 has 1 month of returns up to it, as prices run from"),
        (BY_THETA | {"as_of": {"first": "2000-03"}}, "set as_of.first to 2000-04 or later"),
        (
            {"backtest": {"formation_months": 1, "autolag": "fixed", "adf_lags": 30}},
            "as_of.first: 2004-12 has at most 23 trading days in the 1 months before it",
        ),
        ({"as_of": {"first": "2000-04"}}, "as_of.first: 2000-04 is before the first filing"),
        ({"as_of": {"first": "2003-01"}}, "as_of.first: 2003-01 is before the first filing"),
        ({"corpus": {"cutoff": "2005-01-01"}}, "corpus.cutoff: 2005-01-01 is after the first as-of month 2004-12"),
        (
            {"features": {"blocks": [9]}, "activations": {"blocks": [1, 2]}},
            "features.blocks: 9 is not in activations.blocks",
        ),
        (
            {"passages": {"blocks": [9]}, "features": {"blocks": [1]}, "activations": {"blocks": [1, 2]}},
            "passages.blocks: 9 is not in activations.blocks",
        ),
        ({"prices": {"source": "parquet", "path": "/gone.parquet"}}, "prices /gone.parquet: no such file"),
        ({"embedder": {"source": "folder", "path": "/gone"}}, "/gone"),
        ({"clusters": {"bert": "/gone"}}, "clusters.bert: /gone has no config.json"),
        ({"clusters": {"fundamentals": "/gone.csv"}}, "clusters.fundamentals: /gone.csv: cannot be read"),
    ],
)
def test_a_setting_that_the_data_do_not_bear_is_named(tmp_path: Path, changed: dict[str, object], words: str) -> None:
    with pytest.raises(ProfileError) as caught:
        preflight(profile(**changed), Lake(tmp_path, "mine"), TODAY)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "changed",
    [
        {"features": {"blocks": [7]}},
        {"features": {"blocks": [1]}, "passages": {"blocks": [7]}},
        {"activations": {"blocks": [1, 7]}, "features": {"blocks": [1]}, "passages": {"blocks": [1]}},
    ],
)
def test_a_block_that_the_model_has_not_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, object]
) -> None:
    monkeypatch.setattr(subject, "check_blocks", check_blocks)
    model = {"source": "folder", "path": save_tiny_llama(tmp_path / "model"), "context_length": 32, "overlap_tokens": 4}
    with pytest.raises(
        ProfileError, match=r"(features|activations|passages)\.blocks: .* has no block 7; its blocks are 0 to 1"
    ):
        preflight(profile(model=model, **changed), Lake(tmp_path, "mine"), TODAY)


def test_more_active_latents_than_there_are_is_an_error_of_the_profile(tmp_path: Path) -> None:
    model = {"source": "folder", "path": save_tiny_llama(tmp_path / "model"), "context_length": 32, "overlap_tokens": 4}
    with pytest.raises(ProfileError, match=r"saes\.k 65: an autoencoder of .* has 16 latents .*; lower k"):
        preflight(profile(model=model, saes={"k": 65, "expansion": 1}), Lake(tmp_path, "mine"), TODAY)


def test_leiden_without_its_packages_is_an_error_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = profile(clusters={"linkage": "leiden"})
    preflight(asked, Lake(tmp_path, "mine"), TODAY)
    monkeypatch.setattr("assets.clusters.leiden.find_spec", lambda name: None)
    with pytest.raises(ProfileError, match=r"profile mine: clusters\.linkage: leiden needs leidenalg: pip install"):
        preflight(asked, Lake(tmp_path, "mine"), TODAY)


def test_a_missing_model_is_an_error_of_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(settings: object, folder: object) -> None:
        raise ModelNotFoundError("no model there")

    check: Callable[..., None] = absent
    monkeypatch.setattr(subject, "check_model", check)
    with pytest.raises(ProfileError, match="profile mine: no model there"):
        preflight(profile(), Lake(tmp_path, "mine"), TODAY)


def test_a_lake_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LakeError, match="cannot write to the lake"):
        preflight(profile(), Lake(tmp_path / "file", "mine"), TODAY)


class Prices:
    """A market whose prices run from one day to another."""

    def __init__(self, first: date, last: date) -> None:
        self.days = first, last

    def span(self) -> tuple[date, date]:
        return self.days


def months_before(first: date, last: date, as_of: str, **changed: object) -> None:
    subject._dates(profile(as_of={"first": as_of, "last": as_of}, **changed), Prices(first, last), first, TODAY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("last", "as_of"),
    [
        (date(2005, 8, 31), "2005-06"),  # returns of July are not seen
        (date(2005, 7, 20), "2005-07"),  # July is not over in the data
    ],
)
def test_one_month_of_returns_before_the_first_date_is_too_few(last: date, as_of: str) -> None:
    with pytest.raises(ProfileError, match=r"profile mine: as_of\.first: .* has 1 month of returns up to it"):
        months_before(date(2005, 5, 2), last, as_of, **BY_THETA)


def test_two_months_of_returns_are_what_the_code_needs() -> None:
    months_before(date(2005, 5, 2), date(2005, 7, 29), "2005-07", **BY_THETA)


def test_classifications_alone_need_no_months_of_returns() -> None:
    by_theta = BY_THETA["clusters"] | {"methods": ["sic4"]}
    months_before(date(2005, 5, 2), date(2005, 8, 31), "2005-06", clusters=by_theta)


def test_a_stated_share_of_pairs_needs_no_months_of_returns() -> None:
    months_before(date(2005, 5, 2), date(2005, 8, 31), "2005-06")


def test_months_after_the_last_date_are_not_asked_for() -> None:
    months_before(date(2000, 2, 1), date(2005, 7, 29), "2005-07")


@pytest.mark.parametrize("name", ["train_months", "horizon_months"])
def test_windows_of_one_month_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        profile(clusters={name: 1})


def test_the_papers_embeddings_need_umap_and_bert_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {"features": {"pooling": "sum"}}
    lake = Lake(tmp_path, "mine")
    monkeypatch.setattr(umap_here, "find_spec", lambda name: None)
    with pytest.raises(ProfileError, match=r"UMAP, which is not installed; pip install 'peerlens\[paper\]'"):
        preflight(profile(**asked, paper={"enabled": True}), lake, TODAY)
    preflight(profile(**asked, paper={"enabled": True, "methods": ["c_cd", "sic4"]}), lake, TODAY)
    monkeypatch.setattr(umap_here, "find_spec", lambda name: name)
    with pytest.raises(ProfileError, match=r"paper\.bert: method bert needs the folder"):
        preflight(profile(**asked, paper={"enabled": True, "methods": ["bert"]}), lake, TODAY)
    with pytest.raises(ProfileError, match=r"paper\.bert: "):
        preflight(profile(**asked, paper={"enabled": True, "methods": ["bert"], "bert": tmp_path}), lake, TODAY)
