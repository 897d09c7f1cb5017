import json
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from plain_layers import layer_outputs
from read_model import losses, streams
from tiny_llama import BOS, save_tiny_llama
from transformers import AutoModelForCausalLM

from resources.models.language_model import LanguageModel, WindowError, open_language_model
from resources.settings.model import Model

IDS = np.array([3, 4, 5, 6, 7, 8], dtype=np.int32)
WITH_BOS = torch.tensor([[BOS, 3, 4, 5, 6, 7, 8]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_llama(tmp_path_factory.mktemp("tiny"))


def opened(folder: Path) -> LanguageModel:
    settings = Model(source="folder", path=folder, id="my/tiny", context_length=32, overlap_tokens=8)
    return open_language_model(settings, folder.parent)


@pytest.fixture(scope="module")
def model(folder: Path) -> LanguageModel:
    return opened(folder)


@pytest.fixture(scope="module")
def plain(folder: Path) -> torch.nn.Module:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def test_the_tokenizers_own_bos_is_never_among_the_tokens(model: LanguageModel) -> None:
    assert model.bos == BOS
    assert model.tokenize("we make soft drinks").ids.tolist() == [3, 4, 5, 6]


def test_every_window_is_read_with_the_bos_in_front_and_stored_without(
    model: LanguageModel, plain: torch.nn.Module
) -> None:
    batch = np.stack([IDS, IDS[::-1]])
    kept = streams(model, batch, [0, 1])
    expected = layer_outputs(plain, torch.tensor([[BOS, *row] for row in batch.tolist()]))
    without = layer_outputs(plain, torch.tensor(batch.tolist()))
    for block in (0, 1):
        assert kept[block].shape == (2, 6, 16)
        torch.testing.assert_close(kept[block], expected[block][:, 1:], rtol=0, atol=0)
        assert not torch.allclose(kept[block], without[block])


def test_losses_predict_the_same_tokens_with_and_without_a_bos(model: LanguageModel, plain: torch.nn.Module) -> None:
    with torch.inference_mode():
        logits = plain(WITH_BOS).logits[0]
    expected = torch.nn.functional.cross_entropy(logits[1:-1], WITH_BOS[0, 2:], reduction="none")
    found = losses(model, IDS)
    assert found.shape == (5,)
    torch.testing.assert_close(found, expected.clone(), rtol=1e-5, atol=1e-6)
    assert losses(model, IDS[:1]).shape == (0,)


def test_the_bridge_adds_no_second_bos_and_a_replacement_never_sees_the_first(
    model: LanguageModel, plain: torch.nn.Module
) -> None:
    seen: list[torch.Tensor] = []
    same = losses(model, IDS, 0, lambda stream: seen.append(stream.clone()) or stream)
    torch.testing.assert_close(same, losses(model, IDS), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(seen[0], layer_outputs(plain, WITH_BOS)[0][0, 1:].clone(), rtol=1e-5, atol=1e-6)


def test_a_replacement_leaves_the_stream_of_the_bos_alone(model: LanguageModel, plain: torch.nn.Module) -> None:
    def zero_but_bos(module: object, args: object, output: torch.Tensor) -> torch.Tensor:
        return torch.cat([output[:, :1], torch.zeros_like(output[:, 1:])], dim=1)

    hook = plain.model.layers[0].register_forward_hook(zero_but_bos)
    with torch.inference_mode():
        logits = plain(WITH_BOS).logits[0]
    hook.remove()
    expected = torch.nn.functional.cross_entropy(logits[1:-1], WITH_BOS[0, 2:], reduction="none")
    found = losses(model, IDS, 0, torch.zeros_like)
    torch.testing.assert_close(found, expected.clone(), rtol=1e-5, atol=1e-6)


def test_the_bos_counts_towards_the_context(model: LanguageModel) -> None:
    assert model.window_tokens(32) == 31
    assert streams(model, np.full((1, 31), 3), [0])[0].shape == (1, 31, 16)
    with pytest.raises(WindowError, match="1 to 31 tokens"):
        streams(model, np.full((1, 32), 3), [0])


def test_the_bridge_gives_a_bos_to_its_own_copy_of_the_tokenizer_alone(tmp_path: Path) -> None:
    folder = save_tiny_llama(tmp_path / "tiny", bos=False)
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    del config["bos_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    model = opened(folder)
    losses(model, IDS)
    assert model._tokenizer.fast.bos_token is None
    assert model._tokenizer.fast.pad_token is None


def test_a_tokenizer_that_adds_no_bos_gives_a_model_that_reads_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: pytest.fail("asked the network"))
    folder = save_tiny_llama(tmp_path / "plain", bos=False)
    model, plain = opened(folder), AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    assert model.bos is None
    bare = torch.tensor(IDS[None].tolist())
    torch.testing.assert_close(streams(model, IDS[None], [1])[1], layer_outputs(plain, bare)[1], rtol=0, atol=0)
    with torch.inference_mode():
        logits = plain(bare).logits[0]
    expected = torch.nn.functional.cross_entropy(logits[:-1], bare[0, 1:], reduction="none")
    torch.testing.assert_close(losses(model, IDS), expected.clone(), rtol=1e-5, atol=1e-6)
