"""Scores of autoencoders over passages, and what two seeds share."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fakes.passage_corpora import passage_corpus

from assets.saes.over_passages.checks import passage_checks
from assets.saes.over_passages.plan import PassageEntry
from assets.saes.over_passages.scores import company_means, overlap, passage_scores, stability, unit_vectors
from assets.saes.over_passages.training import train_passage_sae
from assets.saes.over_passages.vectors import PassageVectors, passages_by_block
from resources.settings.passages import PassageSaes

SETTINGS = PassageSaes(latents=16, k=2, batch=64, passages=64 * 60, learning_rate=5e-3)


def saes_of(passages: PassageVectors, folder: Path) -> list:
    seeds = [PassageEntry(f"e{seed}", seed, is_second=False) for seed in (0, 1)]
    return [train_passage_sae(entry, passages, SETTINGS, folder / entry.name).sae for entry in seeds]


def test_overlap_of_four_companies_by_hand() -> None:
    a = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]])
    b = a[:, ::-1]
    c = np.array([[1, 0], [0, 1], [0.9, 0.1], [0.1, 0.9]])
    assert overlap(a, b, 1) == 1
    assert overlap(a, c, 1) == 0
    assert overlap(a, c, 3) == 1


def test_unit_vectors_by_hand() -> None:
    """Latent 0 is active in both of two companies, latent 1 in one: idf 1 and ln(3/2) + 1."""
    found = unit_vectors(np.array([[1.0, 2.0], [1.0, 0.0]]))
    rare = 2 * (np.log(1.5) + 1)
    expected = np.array([1, rare]) / np.hypot(1, rare)
    np.testing.assert_allclose(found, [expected, [1, 0]])


def test_company_means_are_over_its_passages(tmp_path: Path) -> None:
    (passages,) = passages_by_block(passage_corpus())
    sae = saes_of(passages, tmp_path)[0].at(24)
    found = company_means(sae, passages)
    rows = passages.company == passages.company[0]
    values, indices = sae.encode(sae.scaled(passages.x[rows], 24))
    expected = np.zeros(sae.config.n_latents)
    np.add.at(expected, indices.numpy().ravel(), values.detach().numpy().ravel() / rows.sum())
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)


def test_an_autoencoder_agrees_with_itself_and_less_with_another_seed(tmp_path: Path) -> None:
    (passages,) = passages_by_block(passage_corpus())
    one, other = saes_of(passages, tmp_path)
    assert stability(one, one, passages) == {"overlap10": 1.0, "mmcs": pytest.approx(1.0, abs=1e-6)}
    found = stability(one, other, passages)
    assert 0.4 < found["overlap10"] <= 1
    assert 0.5 < found["mmcs"] < 1


def test_the_overlap_of_few_companies_is_empty(tmp_path: Path) -> None:
    (passages,) = passages_by_block(passage_corpus(20, 12))
    one, other = saes_of(passages, tmp_path)
    assert stability(one, other, passages)["overlap10"] is None


def test_scores_count_validation_passages_and_active_latents(tmp_path: Path) -> None:
    (passages,) = passages_by_block(passage_corpus())
    found = passage_scores(saes_of(passages, tmp_path)[0], passages)
    assert (found["block"], found["passages"]) == (24, 48)
    assert 0 < found["l0"] <= 2
    assert 0 <= found["dead_share"] < 0.5


def checked(**columns: float | None) -> dict[str, bool]:
    row = {"fvu": 0.3, "dead_share": 0.0, "overlap10": 0.8} | columns
    schema = {"fvu": pl.Float64, "dead_share": pl.Float64, "overlap10": pl.Float64}
    return {name: passed for name, passed, _ in passage_checks(pl.DataFrame([row], schema=schema))}


@pytest.mark.parametrize(
    ("column", "value", "failed"),
    [
        ("fvu", 0.3, set()),
        ("fvu", 1.2, {"explains_passages"}),
        ("fvu", float("nan"), {"scores_are_finite", "explains_passages"}),
        ("dead_share", 0.2, {"few_dead_latents"}),
        ("overlap10", 0.5, {"a_second_one_agrees"}),
        ("overlap10", None, set()),
    ],
)
def test_a_check_fails_for_what_it_is_about(column: str, value: float | None, failed: set[str]) -> None:
    assert {name for name, passed in checked(**{column: value}).items() if not passed} == failed
