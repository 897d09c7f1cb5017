import socket
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from plain_layers import layer_outputs
from read_model import losses, streams
from transformers import AutoModelForCausalLM

from resources.compute.devices import Device, devices
from resources.models.language_model import LanguageModel, WindowError, open_language_model
from resources.places import ROOT
from resources.settings.model import Model

TEXT = (ROOT / "resources/sample/descriptions/KO.txt").read_text(encoding="utf-8")
HOME = "HuggingFaceTB--SmolLM2-135M-Instruct"


@pytest.fixture(scope="module")
def model(models_home: Path) -> LanguageModel:
    return open_language_model(Model(), models_home)


@pytest.fixture(scope="module")
def plain(models_home: Path, model: LanguageModel) -> torch.nn.Module:
    (folder,) = (models_home / HOME).glob("*-v1")
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def test_the_wheel_holds_smollm2(model: LanguageModel) -> None:
    assert (model.n_blocks, model.d_model, model.context_length, model.bos) == (30, 576, 8192, None)


def test_streams_equal_forward_hooks_of_the_plain_model(model: LanguageModel, plain: torch.nn.Module) -> None:
    ids = torch.tensor(model.tokenize(TEXT).ids[:120].reshape(3, 40), dtype=torch.long)
    expected = layer_outputs(plain, ids)
    kept = streams(model, ids, [29, 0, 7])
    assert list(kept) == [0, 7, 29]
    for block, stream in kept.items():
        assert stream.shape == (3, 40, 576)
        torch.testing.assert_close(stream, expected[block], rtol=0, atol=0)


def test_a_batch_of_one_length_is_each_window_alone(model: LanguageModel) -> None:
    ids = model.tokenize(TEXT).ids[:120].reshape(3, 40)
    together = streams(model, ids, [4, 12])
    for row in range(3):
        alone = streams(model, ids[row : row + 1], [4, 12])
        assert all(torch.equal(together[block][row], alone[block][0]) for block in (4, 12))


def test_a_pass_stops_after_the_last_block_asked_for(model: LanguageModel) -> None:
    ran: list[int] = []
    hooks = [
        layer.register_forward_hook(lambda m, a, out, block=block: ran.append(block))
        for block, layer in enumerate(model._layers[0])
    ]
    streams(model, model.tokenize(TEXT).ids[None, :20], [3, 5])
    for hook in hooks:
        hook.remove()
    assert ran == [0, 1, 2, 3, 4, 5]


def test_a_stream_is_handed_over_before_the_next_block_runs_and_then_let_go(model: LanguageModel) -> None:
    outputs: list[weakref.ref[torch.Tensor]] = []
    held: list[int] = []
    hooks = [
        layer.register_forward_hook(lambda m, a, out: outputs.append(weakref.ref(out))) for layer in model._layers[0]
    ]

    def keep(block: int, stream: torch.Tensor) -> None:
        assert len(outputs) == block + 1
        held.append(sum(output() is not None for output in outputs))

    model.read(model.tokenize(TEXT).ids[None, :20], range(30), keep)
    for hook in hooks:
        hook.remove()
    assert len(held) == 30
    assert max(held) <= 2


def test_an_error_of_the_keeper_ends_the_pass_and_leaves_no_hook(model: LanguageModel) -> None:
    ids = model.tokenize(TEXT).ids[None, :20]

    def refuse(block: int, stream: torch.Tensor) -> None:
        raise OSError(f"block {block}")

    with pytest.raises(OSError, match="block 2"):
        model.read(ids, [2, 3], refuse)
    assert list(streams(model, ids, [1])) == [1]
    assert not any(layer._forward_hooks for layer in model._layers[0])


def test_two_devices_read_at_once_what_each_reads_alone(models_home: Path) -> None:
    (cpu,) = devices("float32")[:1]
    model = open_language_model(Model(), models_home, [cpu, cpu])
    ids = model.tokenize(TEXT).ids[:128].reshape(8, 1, 16)
    with ThreadPoolExecutor(4) as pool:
        both = list(pool.map(lambda i: streams(model, ids[i], [i, 9], device=i % 2), range(8)))
    for i, kept in enumerate(both):
        alone = streams(model, ids[i], [i, 9])
        assert set(kept) == {i, 9}
        assert all(torch.equal(kept[block], alone[block]) for block in kept)
    weights = [next(one.parameters()).data_ptr() for one in model._copies]
    assert weights[0] != weights[1]


def test_a_device_decides_the_number_type(models_home: Path, model: LanguageModel) -> None:
    half = Device("cpu", "bfloat16", 10**10, 1024, 16_384, 1)
    ids = model.tokenize(TEXT).ids[None, :16]
    stream = streams(open_language_model(Model(), models_home, [half]), ids, [3])[3]
    assert stream.dtype == torch.bfloat16
    exact = streams(model, ids, [3])[3]
    assert 1e-4 < (stream.float() - exact).norm() / exact.norm() < 0.05


def test_next_token_losses_equal_those_of_the_plain_model(model: LanguageModel, plain: torch.nn.Module) -> None:
    ids = torch.tensor(model.tokenize(TEXT).ids[:150], dtype=torch.long)
    found = losses(model, ids)
    with torch.inference_mode():
        expected = plain(ids[None], labels=ids[None]).loss
    assert found.shape == (149,)
    torch.testing.assert_close(found.mean(), expected.clone(), rtol=1e-5, atol=1e-5)


def test_an_unchanged_replacement_changes_nothing_and_a_zero_ruins_prediction(model: LanguageModel) -> None:
    ids = model.tokenize(TEXT).ids[:60]
    untouched = losses(model, ids)
    same = losses(model, ids, 12, lambda stream: stream.clone())
    zero = losses(model, ids, 12, torch.zeros_like)
    torch.testing.assert_close(same, untouched)
    assert zero.mean() > untouched.mean() + 2


def test_the_replaced_stream_is_the_residual_stream_after_the_block(model: LanguageModel) -> None:
    ids = model.tokenize(TEXT).ids[:40]
    seen: list[torch.Tensor] = []
    losses(model, ids, 9, lambda stream: seen.append(stream.clone()) or stream)
    torch.testing.assert_close(seen[0], streams(model, ids[None], [9])[9][0], rtol=1e-4, atol=1e-2)


def test_hooks_of_losses_leave_the_streams_alone(model: LanguageModel) -> None:
    ids = model.tokenize(TEXT).ids[None, :30]
    before = streams(model, ids, [20])[20]
    losses(model, ids[0], 5, torch.zeros_like)
    assert torch.equal(streams(model, ids, [20])[20], before)


@pytest.mark.parametrize(
    ("ids", "blocks", "message"),
    [
        ([[1, 2]], [30], "blocks 0 to 29"),
        ([[1, 2]], [-1], "blocks 0 to 29"),
        ([[1, 2]], [], "at least one"),
        ([[]], [0], "1 to 8192 tokens"),
        ([[1] * 8193], [0], "1 to 8192 tokens"),
        ([1, 2], [0], r"shape \[2\].*1 to 8192 tokens"),
        (np.empty((0, 3)), [0], "1 to 8192 tokens"),
    ],
)
def test_impossible_windows_and_blocks_are_refused(model: LanguageModel, ids: list, blocks: list, message: str) -> None:
    with pytest.raises(WindowError, match=message):
        model.read(np.array(ids, dtype=np.int32), blocks, lambda block, stream: None)


def test_opening_and_scoring_need_no_network(models_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(host: str, *rest: object, **more: object) -> list:
        asked.append(host)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    model = open_language_model(Model(), models_home)
    assert torch.isfinite(losses(model, model.tokenize("Soft drinks").ids)).all()
    assert asked == []


def test_a_converted_model_opens_as_a_folder(model: LanguageModel, models_home: Path) -> None:
    (folder,) = (models_home / HOME).glob("*-v1")
    opened = open_language_model(Model(source="folder", path=folder, id="my/smollm2"), models_home)
    ids = model.tokenize(TEXT).ids[None, :10]
    assert opened.identity.startswith("my/smollm2@")
    assert torch.equal(streams(opened, ids, [1])[1], streams(model, ids, [1])[1])
