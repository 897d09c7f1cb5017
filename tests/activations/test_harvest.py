import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from assets.activations.harvest import ActivationOverflowError, harvest, windows
from resources.language_model import LanguageModel, open_language_model
from resources.profile import Model

TEXT = (Path(__file__).parents[2] / "resources/sample/descriptions/KO.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    named = os.environ.get("PEERLENS_TEST_MODELS")
    return open_language_model(Model(), Path(named) if named else tmp_path_factory.getbasetemp() / "models")


def test_windows_of_ten_tokens_by_four() -> None:
    assert windows(10, 4) == [(0, 4), (4, 8), (8, 10)]
    assert windows(0, 4) == []


@given(st.integers(0, 500), st.integers(1, 100))
def test_windows_cover_every_token_once(n_tokens: int, context_length: int) -> None:
    covered = [position for first, end in windows(n_tokens, context_length) for position in range(first, end)]
    assert covered == list(range(n_tokens))
    assert all(0 < end - first <= context_length for first, end in windows(n_tokens, context_length))


def test_each_window_is_read_alone(model: LanguageModel) -> None:
    filing = harvest(model, TEXT, [4, 2], context_length=100)
    tokens = model.tokenize(TEXT)
    second = model.residual_streams(tokens.ids[100:200], [4, 2]).numpy().astype(np.float16)
    assert filing.activations.dtype == np.float16
    assert filing.activations.shape == (2, len(tokens), 576)
    assert filing.blocks == (4, 2)
    assert np.array_equal(filing.activations[:, 100:200], second)
    assert np.array_equal(filing.tokens.ids, tokens.ids)


def test_a_filing_is_read_the_same_whatever_was_read_before(model: LanguageModel) -> None:
    first = harvest(model, TEXT, [3], 64)
    harvest(model, "Something else entirely.", [3], 64)
    assert first.activations.tobytes() == harvest(model, TEXT, [3], 64).activations.tobytes()


def test_real_descriptions_fit_float16_at_every_block(model: LanguageModel) -> None:
    filing = harvest(model, TEXT, range(model.n_blocks), 1024)
    assert np.abs(filing.activations).max() < 50_000


def test_the_first_token_carries_a_massive_activation(model: LanguageModel) -> None:
    norms = np.linalg.norm(harvest(model, TEXT, [24], 1024).activations[0].astype(np.float32), axis=1)
    assert norms[0] > 10 * np.median(norms)


def test_an_empty_text_has_no_activations(model: LanguageModel) -> None:
    assert harvest(model, "", [0], 64).activations.shape == (1, 0, 576)


def test_an_overflow_names_block_and_position(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = model.residual_streams

    def beyond_float16(ids: np.ndarray, blocks: list[int]) -> torch.Tensor:
        stream = streams(ids, blocks)
        stream[1, 3, 7] = 70_000.0
        return stream

    monkeypatch.setattr(model, "residual_streams", beyond_float16)
    with pytest.raises(ActivationOverflowError, match="block 5, position 3:"):
        harvest(model, TEXT, [2, 5], 50)
