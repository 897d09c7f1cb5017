"""Autoencoders that others trained, checked against the model."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from assets.saes.files.downloaded import SaeMismatchError, check_fits, download_digest, open_downloaded
from assets.saes.files.native import SaeFileError, save_sae
from assets.saes.files.saelens import save_saelens
from assets.saes.files.sparsify import save_sparsify
from assets.saes.model.sae import Sae, SaeConfig

MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"


def trained(block_biases: bool = False) -> Sae:
    sae = Sae(SaeConfig(6, 30, 4, (8, 11), {8: 0.5, 11: 0.1}, "topk", block_biases))
    generator = torch.Generator().manual_seed(3)
    for weight in sae.state_dict().values():
        weight.copy_(torch.randn(weight.shape, generator=generator))
    return sae.eval()


def saelens(folder: Path, **metadata: Any) -> Path:
    """A folder of SAELens, its metadata changed."""
    save_saelens(trained(), folder, 8, MODEL)
    settings = json.loads((folder / "cfg.json").read_text())
    settings["metadata"] |= metadata
    (folder / "cfg.json").write_text(json.dumps(settings))
    return folder


def sparsify(folder: Path, **run: Any) -> Path:
    """A folder of sparsify, its run's `config.json` beside."""
    save_sparsify(trained(), folder, 8)
    if run:
        (folder.parent / "config.json").write_text(json.dumps(run))
    return folder


def fitted(folder: Path, block: int = 8, **known: Any) -> Sae:
    model = {"d_model": 6, "n_blocks": 12, "model_id": MODEL}
    return check_fits(open_downloaded(folder), folder, block, **model | known)


@torch.no_grad()
def reconstruction(sae: Sae, block: int) -> torch.Tensor:
    x = 3 * torch.randn(50, 6, generator=torch.Generator().manual_seed(0)) + 1
    one = sae.at(block)
    return one.decode(*one.encode(one.scaled(x, block))) / one.scale(block)


def test_the_two_layouts_are_told_apart_by_their_files(tmp_path: Path) -> None:
    one, other = fitted(saelens(tmp_path / "a")), fitted(sparsify(tmp_path / "layers.8"))
    assert one.config == other.config == SaeConfig(6, 30, 4, (8,), {8: 1.0})
    for sae in (one, other):
        assert not sae.training
        torch.testing.assert_close(reconstruction(sae, 8), reconstruction(trained(), 8), rtol=1e-5, atol=1e-5)


def test_neither_and_both_layouts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SaeFileError, match=r"holds neither of sae.safetensors"):
        open_downloaded(tmp_path)
    saelens(sparsify(tmp_path))
    with pytest.raises(SaeFileError, match=r"holds both of sae.safetensors"):
        open_downloaded(tmp_path)


def test_one_of_ours_is_taken_at_its_block(tmp_path: Path) -> None:
    ours = trained(block_biases=True)
    save_sae(ours, tmp_path / "blocks-08-11")
    for block in (8, 11):
        sae = fitted(tmp_path / "blocks-08-11", block)
        assert sae.config == SaeConfig(6, 30, 4, (block,), {block: 1.0})
        torch.testing.assert_close(reconstruction(sae, block), reconstruction(ours, block), rtol=1e-5, atol=1e-5)
    with pytest.raises(SaeMismatchError, match=r"it reads blocks \[8, 11\], wanted is 9"):
        fitted(tmp_path / "blocks-08-11", 9)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"d_model": 576}, "cfg.json: it reads a stream 6 wide, the model's is 576"),
        ({"n_blocks": 8}, "it is for block 8, the model has 0 to 7"),
        ({"block": -1}, "it is for block -1"),
        ({"block": 7}, "it reads 'blocks.8.hook_resid_post', wanted is the residual stream after block 7: take"),
        ({"model_id": "EleutherAI/pythia-160m"}, "trained on 'HuggingFaceTB/SmolLM2.*, the model is 'EleutherAI"),
    ],
)
def test_another_model_or_block_is_refused(tmp_path: Path, known: dict[str, Any], message: str) -> None:
    with pytest.raises(SaeMismatchError, match=message):
        fitted(saelens(tmp_path), **known)


@pytest.mark.parametrize(
    "hook",
    ["blocks.8.hook_resid_post", "blocks.9.hook_resid_pre", "layers.8", "model.layers.8", "transformer.h.8", None],
)
def test_names_of_the_stream_after_a_block_are_understood(tmp_path: Path, hook: str | None) -> None:
    assert fitted(saelens(tmp_path, hook_name=hook)).config.blocks == (8,)


@pytest.mark.parametrize(
    "hook",
    [
        "blocks.8.hook_resid_pre",
        "blocks.8.hook_resid_mid",
        "blocks.8.hook_mlp_out",
        "blocks.8.attn.hook_z",
        "hook_embed",
        "model.layers.8.mlp",
        "vision_tower.encoder.layers.8",
    ],
)
def test_other_hooks_are_refused(tmp_path: Path, hook: str) -> None:
    with pytest.raises(SaeMismatchError, match=f"it reads '{hook}', wanted is the residual stream after block 8"):
        fitted(saelens(tmp_path, hook_name=hook))


def test_the_stream_before_the_first_block_is_after_none(tmp_path: Path) -> None:
    with pytest.raises(SaeMismatchError, match="it is for block -1"):
        fitted(saelens(tmp_path, hook_name="blocks.0.hook_resid_pre"), -1)


@pytest.mark.parametrize("name", ["layers.8", "h.8", "layers.8/seed1", "any name", "smollm2-sae"])
def test_a_folder_of_sparsify_may_have_the_hook_in_its_name(tmp_path: Path, name: str) -> None:
    assert fitted(sparsify(tmp_path / name)).config.blocks == (8,)


@pytest.mark.parametrize("name", ["layers.7", "layers.8.mlp", "layers.8.mlp/seed0", "embed_tokens", "h.80"])
def test_a_folder_of_sparsify_with_another_hook_in_its_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SaeMismatchError, match=r"it reads '.*', wanted is the residual stream after block 8"):
        fitted(sparsify(tmp_path / name))


def test_the_model_of_a_run_of_sparsify_is_compared(tmp_path: Path) -> None:
    folder = sparsify(tmp_path / "layers.8", model="huggingfacetb/smollm2-135m-instruct")
    fitted(folder)
    (tmp_path / "config.json").write_text('{"model": "EleutherAI/pythia-160m"}')
    with pytest.raises(SaeMismatchError, match=r"config.json: it was trained on 'EleutherAI/pythia-160m'"):
        fitted(folder)
    fitted(folder, model_id=None)


def test_a_group_of_group_sae_fits_its_blocks_only(tmp_path: Path) -> None:
    folder = sparsify(tmp_path / "k3-c1", clusters={"k3-c0": [0, 1], "k3-c1": [7, 8]})
    for block in (7, 8):
        assert fitted(folder, block).config.blocks == (block,)
    with pytest.raises(SaeMismatchError, match=r"config.json: 'k3-c1' reads blocks \[7, 8\], wanted is .* block 9"):
        fitted(folder, 9)


def test_normalised_activations_need_their_factor(tmp_path: Path) -> None:
    folder = sparsify(tmp_path / "layers.8", normalize_activations=1.0)
    with pytest.raises(SaeMismatchError, match=r"normalize_activations is set.* scaling_factors.pt"):
        fitted(folder)
    assert fitted(folder, scale=0.25).config.scales == {8: 0.25}


@pytest.mark.parametrize("key", ["hook_name", "model_name"])
def test_notes_of_saelens_of_another_type_are_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(SaeFileError, match=f"cfg.json: {key} is 5, a str is expected"):
        fitted(saelens(tmp_path, **{key: 5}))


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"model": 5}, "model is 5, a str is expected"),
        ({"clusters": [3]}, r"clusters is \[3\], a dict is expected"),
        ({"clusters": {"k3-c1": 3}}, "k3-c1 is 3, a list is expected"),
    ],
)
def test_notes_of_sparsify_of_another_type_are_refused(tmp_path: Path, run: dict[str, Any], message: str) -> None:
    with pytest.raises(SaeFileError, match=f"config.json: {message}"):
        fitted(sparsify(tmp_path / "k3-c1", **run))


def test_a_digest_changes_with_either_file_and_with_nothing_else(tmp_path: Path) -> None:
    first = download_digest(sparsify(tmp_path / "a"))
    assert first == download_digest(sparsify(tmp_path / "b", model="x"))
    (tmp_path / "b" / "README.md").touch()
    assert first == download_digest(tmp_path / "b")
    for file in ("cfg.json", "sae.safetensors"):
        with (tmp_path / "b" / file).open("ab") as stream:
            stream.write(b" ")
        assert download_digest(tmp_path / "b") != first
        sparsify(tmp_path / "b")
    (tmp_path / "b" / "cfg.json").unlink()
    with pytest.raises(SaeFileError, match=r"cfg.json: no such file"):
        download_digest(tmp_path / "b")
