"""The asset `passage_saes`, built in a lake whose corpus of passages a test gives."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import polars as pl
import pytest
import torch
from fakes.passage_corpora import passage_corpus

from assets import schemas
from assets.saes import assets as saes_assets
from assets.saes.corpus.batches import CorpusTooSmallError
from assets.saes.files.native import load_sae, save_sae
from assets.saes.model.standard import Standard
from assets.saes.names import entry_folder
from assets.saes.over_passages.bundled import ABOUT, BundledSae
from assets.saes.over_passages.plan import PassageEntry
from assets.saes.over_passages.scores import company_means
from assets.saes.over_passages.training import train_passage_sae
from assets.saes.over_passages.vectors import passages_by_block
from pipelines.dagster_assets import materialize_result
from resources.lake.build import Build, Made, build
from resources.lake.lake import Lake
from resources.lake.recipe import Declaration, Graph
from resources.models.model_source import model_identity
from resources.settings.passages import Passages, PassageSaes
from resources.settings.profile import Profile, ProfileError

SMALL = {"latents": 16, "k": 2, "batch": 64, "passages": 64 * 40, "learning_rate": 5e-3}


def graph_of(corpus: pl.DataFrame, **settings: Any) -> Graph:
    def make(build: Build) -> None:
        build.write(schemas.PASSAGE_CORPUS, corpus)

    tables, code = (schemas.PASSAGE_CORPUS,), str(corpus.hash_rows(0).sum())
    given = Declaration("passage_corpus", "passages", "What a test gives.", tables, make, code)
    profile = Profile(name="p", passages=Passages(blocks=[24]), passage_saes=PassageSaes(**{**SMALL, **settings}))
    return Graph({one.name: one for one in (given, saes_assets.passage_saes)}, profile, {})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "home", "p")


@pytest.fixture
def made(lake: Lake) -> Callable[..., Made]:
    def make(corpus: pl.DataFrame, **settings: Any) -> Made:
        graph = graph_of(corpus, **settings)
        build(graph, lake, "passage_corpus", None)
        return build(graph, lake, "passage_saes", None)

    return make


def table(lake: Lake, made: Made, name: str) -> pl.DataFrame:
    return pl.read_parquet(lake.table_files(made.manifest, name))


def test_two_seeds_are_trained_and_scored(lake: Lake, made: Callable[..., Made]) -> None:
    one = made(passage_corpus())
    rows, scores = table(lake, one, "passage_saes"), table(lake, one, "passage_sae_scores")
    assert rows.select("entry", "blocks", "n_latents", "k", "seed", "bundled").rows() == [
        ("passages-24", [24], 16, 2, 0, False),
        ("passages-24-seed-1", [24], 16, 2, 1, False),
    ]
    assert scores["passages"].to_list() == [48, 48]
    assert (scores["fvu"] < 1).all()
    assert (scores["overlap10"] > 0.3).all()
    assert scores["overlap10"][0] == scores["overlap10"][1]
    curves = table(lake, one, "passage_sae_curves")
    assert curves["tokens"].max() == 64 * 40
    folder = lake.folder(one.manifest)
    assert (folder / "pictures" / "curves.png").is_file()
    assert not (folder / "checkpoints").exists()
    for name in rows["entry"]:
        assert load_sae(entry_folder(folder, name)).config.scales == {24: 1.0}
    assert {check["name"] for check in one.manifest.checks} == set(saes_assets.PASSAGE_CHECKS)


def test_without_a_second_seed_nothing_is_said_of_stability(lake: Lake, made: Callable[..., Made]) -> None:
    scores = table(lake, made(passage_corpus(), second_seed=None), "passage_sae_scores")
    assert scores.select("entry", "overlap10", "mmcs").rows() == [("passages-24", None, None)]


def test_what_stands_is_not_trained_again(made: Callable[..., Made]) -> None:
    assert made(passage_corpus()).reasons
    assert not made(passage_corpus()).reasons
    assert made(passage_corpus(seed=1)).reasons == ("passage_corpus",)
    assert made(passage_corpus(seed=1), seed=5).reasons == ("config",)


def test_a_failed_advisory_check_warns_and_stops_nothing(
    lake: Lake, made: Callable[..., Made], caplog: pytest.LogCaptureFixture
) -> None:
    """Where every passage is of a theme of its own, two seeds find other ones."""
    with caplog.at_level("INFO", "peerlens"):
        one = made(passage_corpus(themes=10_000))
    (failed,) = (check for check in one.manifest.checks if not check["passed"])
    assert failed["name"] == "a_second_one_agrees"
    assert "check a_second_one_agrees failed: trained on nine tenths of the companies it shares 0." in caplog.text
    (shown,) = (check for check in _shown(lake, one) if not check.passed)
    assert (shown.check_name, shown.severity) == ("a_second_one_agrees", dg.AssetCheckSeverity.WARN)


def _shown(lake: Lake, made: Made) -> Sequence[dg.AssetCheckResult]:
    return materialize_result(graph_of(passage_corpus()), lake, made).check_results or ()


def test_a_corpus_that_is_too_small_says_what_to_do(made: Callable[..., Made]) -> None:
    with pytest.raises(CorpusTooSmallError, match="add companies or years"):
        made(passage_corpus(3, 2, validation=1))


@pytest.fixture
def bundled(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A bundled autoencoder of standardised vectors, with 16-bit weights."""
    folder = tmp_path / "bundled"
    (passages,) = passages_by_block(passage_corpus())
    entry = PassageEntry("passages-24", 3, is_second=False)
    save_sae(
        train_passage_sae(entry, passages, PassageSaes(**SMALL), tmp_path / "c").standardised, folder, torch.float16
    )
    profile = Profile(name="p")
    model = model_identity(profile.model, lake.sources.models)
    (folder / ABOUT).write_text(f'{{"model": "{model}", "block": 24, "seed": 3}}')
    monkeypatch.setattr(saes_assets, "BUNDLED", folder)
    yield folder


def test_the_bundled_one_is_scored_and_not_trained(lake: Lake, made: Callable[..., Made], bundled: Path) -> None:
    one = made(passage_corpus(seed=2), source="bundled")
    rows, scores = table(lake, one, "passage_saes"), table(lake, one, "passage_sae_scores")
    found = rows.select("entry", "seed", "bundled", "tokens").rows()
    assert found == [("passages-24", 3, True, 0)]
    assert scores["fvu"][0] < 1
    stored = load_sae(entry_folder(lake.folder(one.manifest), "passages-24"))
    (passages,) = passages_by_block(passage_corpus(seed=2))
    spread = torch.from_numpy(Standard.measured(passages.train).spread)
    torch.testing.assert_close(stored.W_dec.double(), load_sae(bundled).W_dec.double() * spread, rtol=1e-6, atol=0)


def test_the_bundled_one_is_standardised_for_the_passages_it_is_used_on(bundled: Path) -> None:
    """Texts in another style have another mean: the same latents are active in their passages all the same."""
    (ours,) = passages_by_block(passage_corpus())
    moved = replace(ours, x=(2 * ours.x.astype(np.float32) + 1).astype(np.float16))
    one, other = (company_means(BundledSae(bundled).load(passages), passages) for passages in (ours, moved))
    np.testing.assert_allclose(one, other, atol=0.05)


def test_another_bundled_one_is_taken_anew(made: Callable[..., Made], bundled: Path) -> None:
    made(passage_corpus(), source="bundled")
    assert not made(passage_corpus(), source="bundled").reasons
    sae = load_sae(bundled)
    sae.b_dec.data[0] += 1
    save_sae(sae, bundled)
    assert made(passage_corpus(), source="bundled").reasons == ("source",)


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ('{"model": "other@1", "block": 24, "seed": 0}', r"is of other@1, the profile reads with HuggingFaceTB"),
        (None, r"is of block 8, passages.blocks is \[24\]"),
        ("{}", "states no model, block and seed"),
        ("not json", "cannot be read"),
    ],
)
def test_a_bundled_one_that_does_not_fit_says_so(
    lake: Lake, made: Callable[..., Made], bundled: Path, about: str | None, says: str
) -> None:
    file = bundled / ABOUT
    file.write_text(about or file.read_text().replace("24", "8"))
    with pytest.raises(ProfileError, match=rf"passage_saes.source: bundled: .*{says}.*set passage_saes.source: train"):
        made(passage_corpus(), source="bundled")


def test_a_bundled_one_that_is_not_there_says_so(
    lake: Lake, made: Callable[..., Made], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saes_assets, "BUNDLED", tmp_path / "nowhere")
    with pytest.raises(ProfileError, match=r"set passage_saes\.source: train"):
        made(passage_corpus(), source="bundled")


def test_the_corpus_has_the_day_of_its_filings() -> None:
    assert passage_corpus()["filed_at"].unique().to_list() == [date(2004, 3, 1)]
