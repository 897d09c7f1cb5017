"""Losses that start after the replaced block, against whole passes of the plain model with a forward hook."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_llama import WORDS, save_tiny_llama
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    Gemma4TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    MixtralConfig,
    PretrainedConfig,
)

from resources.models import window_losses
from resources.models.language_model import LanguageModel, WindowError, open_language_model
from resources.settings.profile import Model

BLOCKS = 4
WINDOWS = [np.random.default_rng(i).integers(3, len(WORDS), n).astype(np.int32) for i, n in enumerate((9, 20, 2, 14))]
SIZES = {"vocab_size": len(WORDS), "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": BLOCKS}
LLAMA_LIKE = SIZES | {"intermediate_size": 32, "num_key_value_heads": 1, "max_position_embeddings": 32}
LOCAL_AND_GLOBAL = {"head_dim": 8, "sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"] * 2}
TOKENS_IN_EVERY_BLOCK = {"hidden_size_per_layer_input": 4, "vocab_size_per_layer_input": len(WORDS)}
ARCHITECTURES = {
    "llama": None,
    "gpt-neox": GPTNeoXConfig(**SIZES, intermediate_size=32, max_position_embeddings=32),
    "gpt2": GPT2Config(vocab_size=len(WORDS), n_embd=16, n_head=2, n_layer=BLOCKS, n_positions=32),
    "gemma2": Gemma2Config(**LLAMA_LIKE, **LOCAL_AND_GLOBAL, final_logit_softcapping=0.5),
    "gemma3": Gemma3TextConfig(**LLAMA_LIKE, **LOCAL_AND_GLOBAL),
    "gemma4": Gemma4TextConfig(**LLAMA_LIKE, **LOCAL_AND_GLOBAL, hidden_size_per_layer_input=0),
    "gemma4-tokens": Gemma4TextConfig(**LLAMA_LIKE, **LOCAL_AND_GLOBAL, **TOKENS_IN_EVERY_BLOCK),
    "gemma4-keys": Gemma4TextConfig(**LLAMA_LIKE, **LOCAL_AND_GLOBAL, **TOKENS_IN_EVERY_BLOCK, num_kv_shared_layers=2),
    "mixtral": MixtralConfig(**LLAMA_LIKE, num_local_experts=4),
}


def save(folder: Path, config: PretrainedConfig | None, *, bos: bool) -> Path:
    save_tiny_llama(folder, bos=bos, blocks=BLOCKS)
    if config is not None:
        torch.manual_seed(1)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=[(name, bos) for name in ARCHITECTURES for bos in (True, False)], ids=str)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name, bos = request.param
    return save(tmp_path_factory.mktemp(name), ARCHITECTURES[name], bos=bos)


def opened(folder: Path) -> LanguageModel:
    settings = Model(source="folder", path=folder, id="my/tiny", context_length=32, overlap_tokens=8)
    return open_language_model(settings, folder.parent)


@pytest.fixture(scope="module")
def model(folder: Path) -> LanguageModel:
    return opened(folder)


@pytest.fixture(scope="module")
def plain(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def whole_pass(
    plain: Any, ids: np.ndarray, bos: int | None, block: int = 0, replace: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """Next-token losses of one window, all blocks run, the output of `block` rewritten by a forward hook."""
    front = [] if bos is None else [bos]
    batch = torch.tensor([front + ids.tolist()])

    def rewrite(module: object, args: object, output: Any) -> Any:
        stream = (output[0] if isinstance(output, tuple) else output).clone()
        if replace is not None:
            stream[0, len(front) :] = replace(stream[0, len(front) :])
        return (stream, *output[1:]) if isinstance(output, tuple) else stream

    layers = next(one for one in plain.modules() if isinstance(one, torch.nn.ModuleList) and len(one) == BLOCKS)
    hook = layers[block].register_forward_hook(rewrite)
    with torch.inference_mode():
        logits = plain(batch, use_cache=False).logits[0, len(front) : -1]
    hook.remove()
    return torch.nn.functional.cross_entropy(logits, batch[0, len(front) + 1 :], reduction="none")


def shifted(stream: Tensor) -> Tensor:
    return 0.5 * stream + torch.arange(stream.shape[0] * stream.shape[1]).reshape(stream.shape) % 7 / 3


def assert_same(found: list[Tensor], expected: list[Tensor]) -> None:
    assert [len(one) for one in found] == [len(one) for one in expected]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.clone(), other.clone(), rtol=1e-5, atol=1e-5)


def test_losses_that_start_after_a_block_equal_whole_passes(model: LanguageModel, plain: Any) -> None:
    losses = model.next_token_losses(WINDOWS)
    unchanged = [whole_pass(plain, ids, model.bos) for ids in WINDOWS]
    assert_same(list(losses.plain()), unchanged)
    for block in (0, 1, BLOCKS - 1, 2):
        replaced = [whole_pass(plain, ids, model.bos, block, shifted) for ids in WINDOWS]
        assert_same(list(losses.replaced(block, shifted)), replaced)
        assert not torch.allclose(replaced[1], unchanged[1], atol=1e-3)
        ablated = [whole_pass(plain, ids, model.bos, block, torch.zeros_like) for ids in WINDOWS]
        assert_same(list(losses.ablated(block)), ablated)
    assert_same(list(losses.plain()), unchanged)


@pytest.mark.parametrize(
    ("name", "only"), [("llama", True), ("gemma4", True), ("gemma4-keys", False), ("gemma4-tokens", False)]
)
def test_blocks_that_take_more_than_the_stream_are_found_out(tmp_path: Path, name: str, only: bool) -> None:
    model = opened(save(tmp_path / "tiny", ARCHITECTURES[name], bos=True))
    assert model.next_token_losses(WINDOWS)._only_stream == only


def test_losses_do_not_depend_on_what_is_read_together(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    together = model.next_token_losses(WINDOWS)
    monkeypatch.setattr(window_losses, "TOKENS_AT_ONCE", 1)
    alone = model.next_token_losses(WINDOWS)
    for block in (2, 1):
        assert_same(list(together.replaced(block, shifted)), list(alone.replaced(block, shifted)))
        assert_same(list(together.ablated(block)), list(alone.ablated(block)))


@pytest.fixture
def llama(tmp_path: Path) -> LanguageModel:
    return opened(save(tmp_path / "tiny", None, bos=True))


def test_ascending_blocks_read_the_windows_once_and_run_only_the_blocks_behind_a_replaced_one(
    llama: LanguageModel,
) -> None:
    ran: list[int] = []
    losses = llama.next_token_losses(WINDOWS)
    assert losses._only_stream
    for block, layer in enumerate(llama._layers[0]):
        layer.mlp.register_forward_hook(lambda m, a, out, block=block: ran.append(block))
    list(losses.replaced(1, shifted))
    assert ran == [0, 1, 2, 3]
    ran.clear()
    list(losses.ablated(1))
    assert ran == [2, 3]
    ran.clear()
    list(losses.replaced(3, shifted))
    assert ran == [2, 3]
    ran.clear()
    list(losses.replaced(0, shifted))
    assert ran == [0, 1, 2, 3]


def test_the_model_reads_as_before_after_its_losses_even_after_an_error(llama: LanguageModel) -> None:
    def refuse(stream: Tensor) -> Tensor:
        raise OSError("refused")

    before: list[Tensor] = []
    after: list[Tensor] = []
    llama.read(WINDOWS[0][None], [2], lambda block, stream: before.append(stream.clone()))
    losses = llama.next_token_losses(WINDOWS)
    list(losses.ablated(1))
    with pytest.raises(OSError, match="refused"):
        list(losses.replaced(2, refuse))
    llama.read(WINDOWS[0][None], [2], lambda block, stream: after.append(stream.clone()))
    assert torch.equal(before[0], after[0])
    assert not any("forward" in vars(layer) or layer._forward_hooks for layer in llama._layers[0])


def test_an_error_within_a_pass_puts_the_skipped_blocks_back(llama: LanguageModel) -> None:
    def refuse(module: object, args: object) -> None:
        raise OSError("refused")

    hook = llama._layers[0][3].register_forward_pre_hook(refuse)
    with pytest.raises(OSError, match="refused"):
        list(llama.next_token_losses(WINDOWS).ablated(1))
    hook.remove()
    assert not any("forward" in vars(layer) for layer in llama._layers[0])


@pytest.mark.parametrize("block", [-1, BLOCKS])
def test_a_block_that_does_not_exist_is_refused(llama: LanguageModel, block: int) -> None:
    losses = llama.next_token_losses(WINDOWS)
    for refused in (losses.ablated(block), losses.replaced(block, shifted)):
        with pytest.raises(WindowError, match=rf"blocks \[{block}\]: the model has blocks 0 to 3"):
            next(refused)


def test_windows_that_are_too_long_or_empty_are_refused(llama: LanguageModel) -> None:
    for length in (0, 32):
        with pytest.raises(WindowError, match="1 to 31 tokens"):
            llama.next_token_losses([np.full(length, 3)])


def test_a_replacement_is_given_float32_whatever_the_model_computes_in(llama: LanguageModel) -> None:
    half = llama._copies[0].bfloat16()
    losses = LanguageModel([half], llama._tokenizer, "half", llama.devices).next_token_losses(WINDOWS)
    seen: list[Tensor] = []
    replaced = list(losses.replaced(1, lambda stream: seen.append(stream) or stream))
    assert {stream.dtype for stream in seen} == {one.dtype for one in replaced} == {torch.float32}
    assert [len(stream) for stream in seen] == [len(ids) for ids in WINDOWS]
    for one, plain in zip(replaced, losses.plain(), strict=True):
        torch.testing.assert_close(one.clone(), plain.clone(), rtol=1e-2, atol=1e-2)
