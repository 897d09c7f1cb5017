"""Autoencoders on disk."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from assets.saes.formats import SaeFileError, load_sae, save_sae
from assets.saes.sae import SaeConfig, TopKSae
from assets.saes.train import random_sae


def trained() -> TopKSae:
    return random_sae(SaeConfig(6, 30, 4, (8, 11), {8: 1 / 3, 11: 0.1234567890123}), torch.ones(2, 6), seed=3)


def rewrite(folder: Path, **changes: object) -> None:
    settings = json.loads((folder / "cfg.json").read_text()) | changes
    (folder / "cfg.json").write_text(json.dumps({k: v for k, v in settings.items() if v is not None}))


def test_a_round_trip_gives_the_same_latents_exactly(tmp_path: Path) -> None:
    sae = trained()
    save_sae(sae, tmp_path / "entry")
    loaded = load_sae(tmp_path / "entry")
    assert loaded.config == sae.config
    x = torch.randn(20, 6, generator=torch.Generator().manual_seed(0))
    for ours, theirs in zip(sae.encode(x), loaded.encode(x), strict=True):
        assert torch.equal(ours, theirs)


def test_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_sae(trained(), tmp_path / name)
    for file in ("cfg.json", "sae.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_the_layout_is_that_of_sparsify(tmp_path: Path) -> None:
    save_sae(trained(), tmp_path)
    shapes = {name: list(w.shape) for name, w in safetensors.torch.load_file(tmp_path / "sae.safetensors").items()}
    assert shapes == {"W_dec": [30, 6], "b_dec": [6], "encoder.bias": [30], "encoder.weight": [30, 6]}
    settings = json.loads((tmp_path / "cfg.json").read_text())
    assert (settings["d_in"], settings["num_latents"], settings["expansion_factor"], settings["k"]) == (6, 30, 5, 4)
    assert list(settings) == sorted(settings)


def test_weights_of_others_are_read_without_blocks_and_in_float32(tmp_path: Path) -> None:
    weights = {name: w.to(torch.bfloat16) for name, w in trained().state_dict().items()}
    safetensors.torch.save_file(weights, tmp_path / "sae.safetensors")
    theirs = {"expansion_factor": 5, "normalize_decoder": True, "num_latents": 0, "k": 4, "signed": False, "d_in": 6}
    (tmp_path / "cfg.json").write_text(json.dumps(theirs))
    sae = load_sae(tmp_path)
    assert sae.config == SaeConfig(6, 30, 4)
    assert sae.W_dec.dtype == torch.float32
    assert torch.equal(sae.W_dec.data, weights["W_dec"].float())


def test_missing_files_and_tensors_are_named(tmp_path: Path) -> None:
    with pytest.raises(SaeFileError, match="cfg.json: no such file"):
        load_sae(tmp_path)
    save_sae(trained(), tmp_path)
    weights = safetensors.torch.load_file(tmp_path / "sae.safetensors")
    del weights["b_dec"]
    safetensors.torch.save_file(weights, tmp_path / "sae.safetensors")
    with pytest.raises(SaeFileError, match="no tensor 'b_dec'"):
        load_sae(tmp_path)
    (tmp_path / "sae.safetensors").write_bytes(b"not weights")
    with pytest.raises(SaeFileError, match="not a safetensors file"):
        load_sae(tmp_path)
    (tmp_path / "sae.safetensors").unlink()
    with pytest.raises(SaeFileError, match="safetensors: no such file"):
        load_sae(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_latents": 31}, r"W_dec is \[30, 6\]|encoder.weight is \[30, 6\]"),
        ({"k": None}, "key 'k' is missing"),
        ({"activation": "groupmax"}, "only plain TopK"),
        ({"transcode": True}, "transcode"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    save_sae(trained(), tmp_path)
    rewrite(tmp_path, **changes)
    with pytest.raises(SaeFileError, match=message):
        load_sae(tmp_path)


def test_broken_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cfg.json").write_text("{")
    with pytest.raises(SaeFileError, match="not valid JSON"):
        load_sae(tmp_path)
