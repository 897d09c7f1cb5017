"""Autoencoders on disk: the lake's own layout, and the plain folders of sparsify and Group-SAE."""

import json
import math
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import safetensors.torch
import torch
from fakes.random_saes import SCALES, raw_activations, trained
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from assets.saes.files.native import SaeFileError, load_sae, save_sae
from assets.saes.files.sparsify import fold_scale, save_sparsify
from assets.saes.model.sae import Sae, SaeConfig, UnknownBlockError
from resources.settings.saes import Activation

ACTIVATIONS = get_args(Activation)


def latents(sae: Sae, block: int | None = None) -> Tensor:
    """Dense, of raw activations; without a block those of an autoencoder that has none, so no scale."""
    x = raw_activations()
    one = sae if block is None else sae.at(block)
    values, indices = one.encode(x if block is None else one.scaled(x, block))
    return torch.zeros(len(x), sae.config.n_latents).scatter_add(1, indices, values)


def shapes_in(file: Path) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in safetensors.torch.load_file(file).items()}


def settings_in(folder: Path) -> dict[str, object]:
    return json.loads((folder / "cfg.json").read_text())


def rewrite(folder: Path, **changes: object) -> None:
    new = settings_in(folder) | changes
    (folder / "cfg.json").write_text(json.dumps({key: value for key, value in new.items() if value is not None}))


@pytest.mark.parametrize("block_biases", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_round_trip_gives_the_same_latents_exactly(
    tmp_path: Path, activation: Activation, block_biases: bool
) -> None:
    sae = trained(activation, block_biases)
    save_sae(sae, tmp_path / "entry")
    loaded = load_sae(tmp_path / "entry")
    assert loaded.config == sae.config
    assert not loaded.training
    assert {name: weight.dtype for name, weight in loaded.state_dict().items()} == dict.fromkeys(
        sae.state_dict(), torch.float32
    )
    for name, weight in sae.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)
    for block in (8, 11):
        assert torch.equal(latents(loaded, block), latents(sae, block))


@settings(max_examples=30, deadline=None)
@given(
    activation=st.sampled_from(ACTIVATIONS),
    block_biases=st.booleans(),
    scales=st.dictionaries(st.integers(0, 99), st.floats(1e-9, 1e9), min_size=1, max_size=4),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 9)),
)
def test_every_configuration_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    activation: Activation,
    block_biases: bool,
    scales: dict[int, float],
    sizes: tuple[int, int],
) -> None:
    folder = tmp_path_factory.mktemp("sae")
    config = SaeConfig(*sizes, 1, tuple(sorted(scales)), scales, activation, block_biases)
    save_sae(Sae(config), folder)
    assert load_sae(folder).config == config


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_equal_weights_give_equal_bytes(tmp_path: Path, activation: Activation) -> None:
    for name in ("a", "b"):
        save_sae(trained(activation), tmp_path / name)
    for file in ("cfg.json", "sae.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_the_layout_is_that_of_sparsify(tmp_path: Path) -> None:
    save_sae(trained(), tmp_path)
    assert shapes_in(tmp_path / "sae.safetensors") == {
        "W_dec": [30, 6],
        "b_dec": [6],
        "encoder.bias": [30],
        "encoder.weight": [30, 6],
    }
    found = settings_in(tmp_path)
    assert (found["d_in"], found["num_latents"], found["expansion_factor"], found["k"]) == (6, 30, 5, 4)
    assert (found["activation"], found["block_biases"]) == ("topk", False)
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("activation", "more"), [("topk", {}), ("batch_topk", {"threshold": []}), ("jump_relu", {"log_threshold": [30]})]
)
def test_biases_of_blocks_are_rows_and_thresholds_are_stored(
    tmp_path: Path, activation: Activation, more: dict[str, list[int]]
) -> None:
    save_sae(trained(activation, block_biases=True), tmp_path)
    assert shapes_in(tmp_path / "sae.safetensors") == more | {
        "W_dec": [30, 6],
        "b_dec": [2, 6],
        "encoder.bias": [2, 30],
        "encoder.weight": [30, 6],
    }
    assert (settings_in(tmp_path)["activation"], settings_in(tmp_path)["block_biases"]) == (activation, True)


def test_weights_of_others_are_read_without_blocks_and_in_float32(tmp_path: Path) -> None:
    weights = {name: w.to(torch.bfloat16) for name, w in trained().state_dict().items()}
    safetensors.torch.save_file(weights, tmp_path / "sae.safetensors")
    theirs = {"expansion_factor": 5, "normalize_decoder": True, "num_latents": 0, "k": 4, "signed": False, "d_in": 6}
    (tmp_path / "cfg.json").write_text(json.dumps(theirs))
    sae = load_sae(tmp_path)
    assert sae.config == SaeConfig(6, 30, 4)
    assert sae.W_dec.dtype == torch.float32
    assert torch.equal(sae.W_dec.data, weights["W_dec"].float())


@pytest.mark.parametrize(
    ("target", "k"), [({"jumprelu_target_l0": 128.0}, 128), ({"jumprelu_target_l0": None}, 1), ({}, 1)]
)
def test_group_sae_jumprelu_is_read_with_the_l0_it_aimed_at(tmp_path: Path, target: dict[str, object], k: int) -> None:
    weights = Sae(SaeConfig(6, 300, 4, activation="jump_relu")).state_dict()
    weights["log_threshold"].copy_(torch.linspace(-7, 0, 300))
    safetensors.torch.save_file(weights, tmp_path / "sae.safetensors")
    theirs = {"expansion_factor": 50, "num_latents": 0, "k": -1, "multi_topk": False, "jumprelu": True, "d_in": 6}
    (tmp_path / "cfg.json").write_text(json.dumps(theirs | {"jumprelu_bandwidth": 0.001} | target))
    sae = load_sae(tmp_path)
    assert sae.config == SaeConfig(6, 300, k, activation="jump_relu")
    assert torch.equal(sae.log_threshold.data, weights["log_threshold"])


def test_missing_files_and_tensors_are_named(tmp_path: Path) -> None:
    with pytest.raises(SaeFileError, match=r"cfg.json: no such file"):
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


def test_a_tensor_without_a_place_is_refused(tmp_path: Path) -> None:
    save_sae(trained("jump_relu"), tmp_path)
    rewrite(tmp_path, activation="topk")
    with pytest.raises(SaeFileError, match=r"\['log_threshold'\] have no place"):
        load_sae(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_latents": 31}, r"W_dec is \[30, 6\]|encoder.weight is \[30, 6\]"),
        ({"k": None}, "key 'k' is missing"),
        ({"k": 31}, "cfg.json: k = 31 of 30 latents"),
        ({"k": "4"}, "cfg.json: k is '4', which is no whole number"),
        ({"d_in": None}, "key 'd_in' is missing"),
        ({"num_latents": 0, "expansion_factor": None}, "key 'expansion_factor' is missing"),
        ({"scales": [1.0]}, "cfg.json: "),
        ({"scales": {"x": 1.0}}, "cfg.json: invalid literal"),
        ({"scales": {"8": 0}}, "cfg.json: a scale is 0, which is no positive number"),
        ({"scales": {"8": "0.5"}}, "cfg.json: a scale is '0.5', which is no positive number"),
        ({"scales": {"8": math.inf}}, "cfg.json: a scale is inf, which is no positive number"),
        ({"blocks": ["8"]}, "cfg.json: a block is '8', which is no number from 0 up"),
        ({"num_latents": 10**13}, r"is \[30, 6\], cfg.json says \[10000000000000, 6\]"),
        ({"num_latents": 10**10, "d_in": 10**10}, "10000000000 latents of 10000000000 dimensions, which no tensor"),
        ({"scales": {"8": 10**400}}, "cfg.json: int too large"),
        ({"jumprelu": True, "jumprelu_target_l0": math.nan}, "cfg.json: cannot convert float NaN"),
        ({"activation": "groupmax"}, "only plain TopK"),
        ({"transcode": True}, "transcode"),
        ({"signed": True}, "signed"),
        ({"multi_topk": True}, "multi_topk"),
        ({"skip_connection": True}, "skip_connection"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    save_sae(trained(), tmp_path)
    rewrite(tmp_path, **changes)
    with pytest.raises(SaeFileError, match=message):
        load_sae(tmp_path)


def test_a_weight_beyond_float32_is_refused(tmp_path: Path) -> None:
    save_sae(trained(), tmp_path)
    weights = safetensors.torch.load_file(tmp_path / "sae.safetensors")
    weights["W_dec"] = weights["W_dec"].double()
    weights["W_dec"][0, 0] = 1e300
    safetensors.torch.save_file(weights, tmp_path / "sae.safetensors")
    with pytest.raises(SaeFileError, match="W_dec holds NaN or infinity"):
        load_sae(tmp_path)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["W_dec", "log_threshold"])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, name: str, number: float) -> None:
    """But for the logarithm of a threshold of 0, which plain ReLU has."""
    save_sae(trained("jump_relu"), tmp_path)
    weights = safetensors.torch.load_file(tmp_path / "sae.safetensors")
    weights[name].view(-1)[3] = number
    safetensors.torch.save_file(weights, tmp_path / "sae.safetensors")
    if (name, number) == ("log_threshold", -math.inf):
        assert load_sae(tmp_path).log_threshold[3] == -math.inf
        return
    with pytest.raises(SaeFileError, match=f"sae.safetensors: {name} holds NaN or infinity"):
        load_sae(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "a JSON object is expected, not list"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_broken_json_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "cfg.json").write_text(content)
    with pytest.raises(SaeFileError, match=message):
        load_sae(tmp_path)


@pytest.mark.parametrize("block", [8, 11])
@pytest.mark.parametrize("block_biases", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_plain_folder_gives_our_latents_for_raw_activations(
    tmp_path: Path, activation: Activation, block_biases: bool, block: int
) -> None:
    sae = trained(activation, block_biases)
    save_sparsify(sae, tmp_path, block)
    plain = load_sae(tmp_path)
    assert (plain.config.blocks, plain.config.scales, plain.config.k) == ((), {}, 4)
    ours = latents(sae, block)
    assert (ours > 0).any()
    torch.testing.assert_close(latents(plain), ours, rtol=1e-5, atol=1e-5)


def test_a_plain_folder_of_topk_has_the_layout_of_sparsify_and_one_with_thresholds_that_of_group_sae(
    tmp_path: Path,
) -> None:
    flags = dict.fromkeys(("multi_topk", "signed", "skip_connection", "transcode", "normalize_decoder"), False)
    sizes = {"d_in": 6, "expansion_factor": 5, "num_latents": 30, "folded_scale": SCALES[11]}
    tensors = {"W_dec": [30, 6], "b_dec": [6], "encoder.bias": [30], "encoder.weight": [30, 6]}
    save_sparsify(trained("topk", block_biases=True), tmp_path, 11)
    assert settings_in(tmp_path) == flags | sizes | {"activation": "topk", "k": 4}
    assert shapes_in(tmp_path / "sae.safetensors") == tensors
    for activation in ("batch_topk", "jump_relu"):
        save_sparsify(trained(activation, block_biases=True), tmp_path, 11)
        assert settings_in(tmp_path) == flags | sizes | {"jumprelu": True, "jumprelu_target_l0": 4, "k": -1}
        assert shapes_in(tmp_path / "sae.safetensors") == tensors | {"log_threshold": [30]}


@settings(max_examples=50, deadline=None)
@given(scale=st.floats(1e-4, 1e4), seed=st.integers(0, 2**31))
def test_folding_a_scale_changes_neither_latents_nor_reconstruction(scale: float, seed: int) -> None:
    sae = Sae(SaeConfig(5, 8, 8, (2,), {2: scale}))
    generator = torch.Generator().manual_seed(seed)
    for weight in sae.state_dict().values():
        weight.copy_(torch.randn(weight.shape, generator=generator))
    x = torch.randn(7, 5, generator=generator) / scale
    plain = fold_scale(sae, 2)
    ours, raw = sae.at(2)(sae.scaled(x, 2)), plain(x)
    order = [ours.indices.argsort(1), raw.indices.argsort(1)]
    values = [one.values.gather(1, by) for one, by in zip((ours, raw), order, strict=True)]
    np.testing.assert_allclose(values[1].detach(), values[0].detach(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(raw.x_hat.detach() * scale, ours.x_hat.detach(), rtol=1e-4, atol=1e-4)


def test_folding_leaves_the_autoencoder_as_it_is_and_refuses_other_blocks() -> None:
    sae = trained(block_biases=True)
    before = {name: weight.clone() for name, weight in sae.state_dict().items()}
    plain = fold_scale(sae, 8)
    assert (plain.config.blocks, plain.config.scales, plain.config.block_biases) == ((8,), {8: 1.0}, False)
    plain.b_dec.data.zero_()
    assert all(torch.equal(sae.state_dict()[name], weight) for name, weight in before.items())
    with pytest.raises(UnknownBlockError, match="block 9"):
        fold_scale(sae, 9)
