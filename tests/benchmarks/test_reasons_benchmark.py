"""What reasons.py counts: nearest pairs and their reasons, draws of companies, and texts read here or elsewhere."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assets.activations.shards.shards import Shards, massive_tokens
from assets.features.passages import as_matrix
from assets.passages.content_words import content_tokens
from assets.passages.token_ranges import token_ranges
from assets.passages.vectors import PlacedPassage
from resources.places import ROOT, SAMPLE

sys.path.append(str(ROOT / "benchmarks"))  # scripts import each other by their bare names
from passage_texts import read_texts
from reasons_pairs import reason_figures
from reasons_returns import nearest_drawn, pairs_by_similarity, pairs_drawn, per_company
from reasons_texts import BLOCK, Texts, read, take

ENTRY = {"view": "passages", "entry": "passages-24", "block": 24}
TEXTS = {"A": "Oil and gas wells.", "B": "Refining of oil.", "C": "Crude and loans."}


def _vectors(rows: list[tuple[str, int, float, list[str]]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["company_id", "latent", "weight", "words"], orient="row")
    lits = {name: pl.lit(value) for name, value in ENTRY.items()}
    return frame.with_columns(accession="company_id", own_weight=pl.col("weight"), **lits).sort("company_id", "latent")


@pytest.fixture
def figures() -> dict[str, float]:
    """Three companies: A and B are nearest to one another by latents 0 and 1, C is nearest to A by 0 alone."""
    root = np.sqrt(0.5)
    vectors = _vectors(
        [
            ("A", 0, root, ["oil"]),
            ("A", 1, root, []),
            ("B", 0, root, ["refin*", "oil"]),
            ("B", 1, root, []),
            ("C", 0, root, ["crude"]),
            ("C", 2, root, ["loans"]),
        ]
    )
    labels = pl.DataFrame(
        {
            "latent": [0, 1, 2],
            "label": ["oil", None, "loans"],
            "terms": [["oil", "refin*"], [], ["loans"]],
            "detection_score": [0.9, None, 0.6],
        }
    ).with_columns(**{name: pl.lit(value) for name, value in ENTRY.items()})
    themes = labels.select("view", "entry", "block", "latent", share=pl.lit(0.2))
    return reason_figures(vectors, "sae_passages", labels, themes, TEXTS)


def test_a_reason_is_a_theme_that_both_texts_tell(figures: dict[str, float]) -> None:
    assert figures["reasons"] == pytest.approx(2 / 3)  # A and B by latent 0, of which C says other words
    assert figures["no_reason"] == pytest.approx(1 / 3)


def test_shares_are_of_the_whole_cosine_medians_over_pairs(figures: dict[str, float]) -> None:
    assert figures["top3_any"] == pytest.approx(1.0)
    assert figures["top3_share"] == figures["shown_share"] == pytest.approx(0.5)


def test_words_are_looked_for_in_both_texts(figures: dict[str, float]) -> None:
    assert figures["worded"] == figures["by_label"] == 1.0
    assert figures["pairs_worded"] == pytest.approx(2 / 3)


def test_a_draw_of_every_company_once_is_the_plain_figure() -> None:
    rng = np.random.default_rng(0)
    similarity, rest = (part + part.T for part in (rng.normal(size=(40, 40)), rng.normal(size=(40, 40))))
    once = np.ones((1, 40), dtype=np.int64)
    own = per_company(similarity, rest, 5)
    ordered = pairs_by_similarity(similarity, rest)[0]
    assert nearest_drawn(own, once)[0] == pytest.approx(own.mean())
    assert pairs_drawn(similarity, rest, once, 0.1)[0] == pytest.approx(ordered[:78].mean())


def test_a_company_drawn_twice_makes_its_pairs_count_twice() -> None:
    similarity = np.array([[0, 3, 2], [3, 0, 1], [2, 1, 0]], dtype=float)
    rest = np.array([[0, 0.6, 0.3], [0.6, 0, 0.1], [0.3, 0.1, 0]])
    found = pairs_drawn(similarity, rest, np.array([[2, 1, 1]]), 0.8)
    assert found[0] == pytest.approx((2 * 0.6 + 2 * 0.3) / 4)


@pytest.fixture(scope="module")
def texts(models_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Texts:
    """Two texts of the sample, read by the model."""
    two = read_texts(SAMPLE / "descriptions").filter(pl.col("accession").is_in(["KO", "PEP"]))
    return read("sample", two, tmp_path_factory.mktemp("scratch"), models_home, 400)


def test_vectors_of_passages_are_means_of_the_content_tokens_that_are_kept(texts: Texts) -> None:
    assert texts.shards is not None
    text = dict(texts.filings.select("accession", "text").iter_rows())
    for document in Shards(texts.shards).iter_documents([BLOCK]):
        rows = texts.vectors.filter(accession=document.accession).join(texts.passages, on=["accession", "passage"])
        spans = [PlacedPassage(*row) for row in rows.sort("passage").select("passage", "start", "end").iter_rows()]
        stream = document.streams[BLOCK].astype(np.float32)
        keep = ~massive_tokens(np.linalg.norm(stream, axis=1), texts.profile.activations.massive_norm)
        ranges = token_ranges(spans, document.tokens.char_start, document.tokens.char_end)
        keep &= content_tokens(text[document.accession], document.tokens.char_end)
        means = np.stack([stream[a:b][keep[a:b]].mean(axis=0) for a, b in ranges])
        np.testing.assert_allclose(as_matrix(rows.sort("passage")["vector"]), means, rtol=2e-3, atol=2e-3)


def test_what_was_read_elsewhere_gives_the_same_vectors_and_shards(
    texts: Texts, models_home: Path, tmp_path: Path
) -> None:
    assert texts.shards is not None
    place, documents = tmp_path / "sample", list(Shards(texts.shards).iter_documents())
    place.mkdir()
    two = texts.filings
    two.select("text", id="accession").write_parquet(place / "docs.parquet")
    lengths = [(one.accession, len(one.tokens)) for one in documents]
    pl.DataFrame(lengths, schema=["id", "tokens"], orient="row").write_parquet(place / "tok.parquet")
    for block in documents[0].streams:
        np.save(place / f"t{block}.npy", np.concatenate([one.streams[block] for one in documents]))
    rows = texts.passages.filter(kind="text")
    places = rows.rename({"accession": "id"}).select("id", "passage", "start", "end", "kind", "tokens")
    places.write_parquet(place / "passages.parquet")
    np.save(place / f"v{BLOCK}.npy", as_matrix(texts.vectors["vector"]))
    taken = take("sample", two, tmp_path, tmp_path / "scratch", models_home, 400)
    assert taken.vectors.equals(texts.vectors)
    assert taken.shards is not None
    for ours, theirs in zip(documents, Shards(taken.shards).iter_documents(), strict=True):
        assert ours.accession == theirs.accession
        for block, stream in ours.streams.items():
            np.testing.assert_array_equal(theirs.streams[block], stream)
