"""The layout of SAELens 6, against its formulas written out; benchmarks/sae_formats.py compares with SAELens itself."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
import safetensors.torch
import torch
from fakes.random_saes import SCALES, raw_activations, trained
from torch import Tensor

from assets.saes.files.native import SaeFileError
from assets.saes.files.saelens import load_saelens, save_saelens
from assets.saes.model.sae import Sae, SaeConfig, UnknownBlockError
from resources.settings.saes import Activation

ACTIVATIONS = get_args(Activation)


@torch.no_grad()
def latents_and_reconstruction(sae: Sae, x: Tensor) -> tuple[Tensor, Tensor]:
    """Dense latents."""
    values, indices = sae.encode(x)
    dense = torch.zeros(len(x), sae.config.n_latents).scatter_add(1, indices, values)
    return dense, sae.decode(values, indices)


def theirs(folder: Path, x: Tensor) -> tuple[Tensor, Tensor]:
    """Latents and reconstruction as SAELens 6.54 computes them from these files (saes/*_sae.py), in float64."""
    settings = json.loads((folder / "cfg.json").read_text())
    weights = {name: w.double() for name, w in safetensors.torch.load_file(folder / "sae_weights.safetensors").items()}
    norm = weights["W_dec"].norm(dim=1) if settings.get("rescale_acts_by_decoder_norm") else torch.ones(30)
    inner = x.double() - weights["b_dec"] * settings["apply_b_dec_to_input"]
    pre = (inner @ weights["W_enc"] + weights["b_enc"]) * norm
    latents = pre.relu()
    if settings["architecture"] == "topk":
        values, indices = latents.topk(settings["k"], dim=1)
        latents = torch.zeros_like(latents).scatter(1, indices, values)
    else:
        latents = latents * (pre > weights.get("threshold", weights.get("topk_threshold", torch.zeros(()))))
    return latents, latents / norm @ weights["W_dec"] + weights["b_dec"]


def write_theirs(folder: Path, architecture: str, settings: dict[str, Any], **tensors: Tensor) -> None:
    """Files as SAELens writes them, of random weights with decoder rows of any length."""
    generator = torch.Generator().manual_seed(5)
    weights = {
        "W_enc": torch.randn(6, 30, generator=generator) * 0.2,
        "b_enc": torch.randn(30, generator=generator),
        "W_dec": torch.randn(30, 6, generator=generator),
        "b_dec": torch.randn(6, generator=generator),
    }
    safetensors.torch.save_file(weights | tensors, folder / "sae_weights.safetensors")
    base = {"architecture": architecture, "d_in": 6, "d_sae": 30, "dtype": "float32", "device": "cpu"}
    base |= {"apply_b_dec_to_input": True, "normalize_activations": "none", "reshape_activations": "none"}
    base |= {"metadata": {"sae_lens_version": "6.54.12", "hook_name": "blocks.8.hook_resid_post"}}
    whole = {key: value for key, value in (base | settings).items() if value is not None}
    (folder / "cfg.json").write_text(json.dumps(whole))


def assert_same(found: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> None:
    assert (expected[0] > 0).any()
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.double(), other.double(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("block", [8, 11])
@pytest.mark.parametrize("block_biases", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_raw_activations_give_our_latents_there_and_back(
    tmp_path: Path, activation: Activation, block_biases: bool, block: int
) -> None:
    sae = trained(activation, block_biases)
    save_saelens(sae, tmp_path, block, "some/model")
    x = raw_activations()
    latents, reconstruction = latents_and_reconstruction(sae.at(block), sae.scaled(x, block))
    ours = latents, reconstruction / sae.scale(block)
    assert_same(theirs(tmp_path, x), ours)
    back = load_saelens(tmp_path)
    assert_same(latents_and_reconstruction(back, x), ours)
    assert back.config == SaeConfig(6, 30, 4, activation=activation)
    assert not back.training


def test_a_second_copy_of_what_was_read_is_the_same_to_the_bit(tmp_path: Path) -> None:
    sae = Sae(SaeConfig(6, 30, 4, (0,), {0: 1.0}, "batch_topk"))
    sae.load_state_dict(trained("batch_topk").state_dict())
    save_saelens(sae, tmp_path, 0, "some/model")
    for name, weight in load_saelens(tmp_path).state_dict().items():
        assert torch.equal(weight, sae.state_dict()[name])


@pytest.mark.parametrize(
    ("activation", "architecture", "training", "aim"),
    [
        ("topk", "topk", "topk", "k"),
        ("batch_topk", "jumprelu", "batchtopk", "k"),
        ("jump_relu", "jumprelu", "jumprelu", "target_l0"),
    ],
)
def test_the_layout_is_that_of_saelens(
    tmp_path: Path, activation: Activation, architecture: str, training: str, aim: str
) -> None:
    save_saelens(trained(activation, block_biases=True), tmp_path, 11, "some/model")
    tensors = safetensors.torch.load_file(tmp_path / "sae_weights.safetensors")
    more = {} if activation == "topk" else {"threshold": [30]}
    shapes = {"W_enc": [6, 30], "b_enc": [30], "W_dec": [30, 6], "b_dec": [6]}
    assert {name: list(tensor.shape) for name, tensor in tensors.items()} == shapes | more
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    settings = json.loads((tmp_path / "cfg.json").read_text())
    metadata = settings.pop("metadata")
    assert settings == {
        "architecture": architecture,
        "d_in": 6,
        "d_sae": 30,
        "device": "cpu",
        "dtype": "float32",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
    } | ({"k": 4, "rescale_acts_by_decoder_norm": False} if activation == "topk" else {})
    assert metadata == {
        "model_name": "some/model",
        "hook_name": "blocks.11.hook_resid_post",
        "sae_lens_version": "6.54.12",
        "sae_lens_training_version": None,
        "training_architecture": training,
        "training_architecture_details": {aim: 4},
        "folded_scale": SCALES[11],
    }


def test_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_saelens(trained("jump_relu"), tmp_path / name, 8, "some/model")
    for file in ("cfg.json", "sae_weights.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_block_that_it_does_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownBlockError, match="block 9"):
        save_saelens(trained("topk"), tmp_path, 9, "some/model")


BATCH = {"training_architecture": "batchtopk", "training_architecture_details": {"k": 3.6, "topk_threshold_lr": 0.01}}
RAMP = torch.linspace(-0.5, 1.5, 30)


@pytest.mark.parametrize("apply_b_dec_to_input", [True, False])
@pytest.mark.parametrize(
    ("architecture", "settings", "tensors", "activation", "k"),
    [
        ("topk", {"k": 5, "rescale_acts_by_decoder_norm": False}, {}, "topk", 5),
        ("topk", {"k": 5, "rescale_acts_by_decoder_norm": True}, {}, "topk", 5),
        ("standard", {}, {}, "jump_relu", 1),
        ("jumprelu", {}, {"threshold": RAMP}, "jump_relu", 1),
        ("jumprelu", {"metadata": BATCH}, {"threshold": torch.full((30,), 0.7)}, "batch_topk", 4),
        ("jumprelu", {"metadata": BATCH}, {"threshold": RAMP}, "jump_relu", 4),
        (
            "batchtopk",
            {"k": 3.6, "rescale_acts_by_decoder_norm": True},
            {"topk_threshold": torch.tensor(0.7, dtype=torch.float64)},
            "batch_topk",
            4,
        ),
    ],
)
def test_what_saelens_writes_gives_its_latents_and_reconstruction(
    tmp_path: Path,
    architecture: str,
    settings: dict[str, Any],
    tensors: dict[str, Tensor],
    activation: Activation,
    k: int,
    apply_b_dec_to_input: bool,
) -> None:
    write_theirs(tmp_path, architecture, settings | {"apply_b_dec_to_input": apply_b_dec_to_input}, **tensors)
    sae = load_saelens(tmp_path)
    assert sae.config == SaeConfig(6, 30, k, activation=activation)
    x = raw_activations()
    assert_same(latents_and_reconstruction(sae, x), theirs(tmp_path, x))


def test_the_l0_that_jumprelu_aimed_at_is_its_k(tmp_path: Path) -> None:
    metadata = {"training_architecture": "jumprelu", "training_architecture_details": {"target_l0": 12.0}}
    write_theirs(tmp_path, "jumprelu", {"metadata": metadata}, threshold=RAMP)
    assert load_saelens(tmp_path).config.k == 12


def test_a_latent_without_a_decoder_row_stays_silent_and_finite(tmp_path: Path) -> None:
    write_theirs(tmp_path, "topk", {"k": 5, "rescale_acts_by_decoder_norm": True}, W_dec=torch.eye(30, 6))
    sae = load_saelens(tmp_path)
    assert all(weight.isfinite().all() for weight in sae.state_dict().values())
    assert not latents_and_reconstruction(sae, raw_activations())[0][:, 6:].any()


def test_bfloat16_is_read_as_float32(tmp_path: Path) -> None:
    w_dec = torch.randn(30, 6).bfloat16()
    write_theirs(tmp_path, "topk", {"k": 5, "dtype": "bfloat16"}, W_dec=w_dec)
    assert torch.equal(load_saelens(tmp_path).W_dec.data, w_dec.float())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "gated"}, "architecture 'gated' cannot be read: choose one of"),
        ({"architecture": "jumprelu_transcoder"}, "'jumprelu_transcoder' cannot be read"),
        ({"architecture": None}, "the key 'architecture' is missing"),
        ({"metadata": None, "hook_name": "blocks.8.hook_resid_post"}, "before 6"),
        ({"normalize_activations": "expected_average_only_in"}, "fold_activation_norm_scaling_factor"),
        ({"normalize_activations": "layer_norm"}, "normalize_activations is 'layer_norm'"),
        ({"reshape_activations": "hook_z"}, "reshape_activations is 'hook_z'"),
        ({"d_sae": 29}, r"W_enc is \[6, 30\], cfg.json says \[6, 29\]"),
        ({"d_in": "6"}, "d_in is '6', which is no whole number"),
        ({"k": None}, "key 'k' is missing"),
        ({"k": 31}, "k = 31 of 30 latents"),
        ({"architecture": "jumprelu"}, "no tensor 'threshold'"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    write_theirs(tmp_path, "topk", {"k": 5} | changes)
    with pytest.raises(SaeFileError, match=message):
        load_saelens(tmp_path)


def test_a_tensor_without_a_place_is_refused(tmp_path: Path) -> None:
    write_theirs(tmp_path, "topk", {"k": 5}, scaling_factor=torch.ones(30))
    with pytest.raises(SaeFileError, match=r"sae_weights.safetensors: \['scaling_factor'\] have no place"):
        load_saelens(tmp_path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(SaeFileError, match=r"cfg.json: no such file"):
        load_saelens(tmp_path)
    write_theirs(tmp_path, "topk", {"k": 5})
    (tmp_path / "sae_weights.safetensors").unlink()
    with pytest.raises(SaeFileError, match=r"sae_weights.safetensors: no such file"):
        load_saelens(tmp_path)
