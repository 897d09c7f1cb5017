"""The bundled autoencoder over passages is trained outside a lake, by the code of the pipeline."""

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fakes.passage_corpora import passage_corpus
from safetensors import safe_open

from assets.activations.harvest.reader import Reader
from assets.saes.files.native import load_sae
from assets.saes.over_passages.bundled import BundledSae
from resources.lake.progress import no_bar
from resources.places import ROOT, SAMPLE
from resources.settings.passages import PassageSaes

sys.path.append(str(ROOT / "benchmarks"))  # scripts import each other by their bare names
from bundle_passage_sae import bundle, profile_for
from passage_texts import PassagePass, corpus_of, read_texts, take_saved

TICKERS = ("KO", "PEP", "MU", "INTC")
SMALL = PassageSaes(latents=16, k=2, batch=64, passages=64 * 40, learning_rate=5e-3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Beginnings of four texts of the sample."""
    texts = tmp_path / "texts"
    texts.mkdir()
    for ticker in TICKERS:
        text = (SAMPLE / "descriptions" / f"{ticker}.txt").read_text("utf-8")
        (texts / f"{ticker}.txt").write_text(text[:400], "utf-8")
    return texts


def passing(models: Path, work: Path, said: list[str]) -> PassagePass:
    profile = profile_for(2, 3)
    return PassagePass(Reader(profile, models, no_bar, said.append), profile, work)


def test_a_pass_goes_on_where_it_was_and_makes_a_corpus(folder: Path, models_home: Path, tmp_path: Path) -> None:
    texts, said, work = read_texts(folder), list[str](), tmp_path / "work"
    first = passing(models_home, work, said).run(texts)
    assert any("tokens to read" in sentence for sentence in said)
    said.clear()
    assert passing(models_home, work, said).run(texts) == first
    assert said == []
    corpus = corpus_of(work, first, profile_for(2, 3).corpus)
    assert corpus.group_by("accession").len()["len"].max() <= 3
    assert set(corpus["company_id"]) == set(TICKERS)
    assert set(corpus["split"]) == {"train", "validation"}
    assert {len(vector) for vector in corpus["vector"]} == {2 * 576}
    one = corpus.row(0, named=True)
    assert one["text"] in texts.filter(pl.col("accession") == one["accession"])["text"][0]


def test_vectors_that_were_read_elsewhere_make_the_same_corpus(folder: Path, models_home: Path, tmp_path: Path) -> None:
    texts, work = read_texts(folder), tmp_path / "work"
    ours = corpus_of(work, passing(models_home, work, []).run(texts), profile_for(2, 3).corpus)
    saved = tmp_path / "saved"
    saved.mkdir()
    texts.select("text", id="accession").write_parquet(saved / "docs.parquet")
    places = pl.read_parquet(work / "passages.parquet").rename({"accession": "id"})
    places.select("id", "passage", "start", "end", "kind", "tokens").write_parquet(saved / "passages.parquet")
    read = {(row["accession"], row["passage"]): row["vector"] for row in ours.to_dicts()}
    nothing = bytes(2 * 576)
    vectors = [read.get(key, nothing) for key in places.select("id", "passage").iter_rows()]
    np.save(saved / "v2.npy", np.frombuffer(b"".join(vectors), "<f2").reshape(-1, 576).astype(np.float32))
    taken = tmp_path / "taken"
    theirs = corpus_of(taken, take_saved(saved, texts, profile_for(2, 3), taken), profile_for(2, 3).corpus)
    key = ["accession", "passage"]
    assert theirs.sort(key).equals(ours.sort(key))


def test_what_is_bundled_has_16_bits_and_says_what_it_is(tmp_path: Path) -> None:
    about = bundle(passage_corpus(), SMALL, "model@1", "made up", tmp_path)
    bundled = BundledSae(tmp_path).check("model@1", [24])
    assert about == json.loads((tmp_path / "about.json").read_text()) == bundled.about()
    assert about["corpus"] == {
        "texts": "made up", "filings": 30, "companies": 30, "passages": 360, "validation_passages": 48
    }  # fmt: skip
    assert set(about["measured"]) == {
        "fvu", "l0", "dead_share", "overlap10", "mmcs", "labels", "scored", "detection_score",
    }  # fmt: skip
    with safe_open(tmp_path / "sae.safetensors", "pt") as stored:
        assert {stored.get_slice(name).get_dtype() for name in stored.keys()} == {"F16"}  # noqa: SIM118  no mapping
    assert load_sae(tmp_path).config.scales == {24: 1.0}
    again = tmp_path / "again"
    bundle(passage_corpus(), SMALL, "model@1", "made up", again)
    assert BundledSae(again).digest == bundled.digest
