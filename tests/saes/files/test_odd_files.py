"""Files of others that look right: each is read right or refused in one line, before its weights are in memory."""

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from test_downloaded import MODEL, fitted, saelens, sparsify, trained

from assets.saes.files.downloaded import SaeMismatchError, download_digest, open_downloaded
from assets.saes.files.hooks import stream_of_folder, stream_of_hook
from assets.saes.files.native import SaeFileError
from assets.saes.files.saelens import save_saelens

LAYOUTS = {"saelens": (saelens, "sae_weights.safetensors"), "sparsify": (sparsify, "sae.safetensors")}
COUNTS = {"saelens": "d_sae", "sparsify": "num_latents"}


def refusal(folder: Path, **known: Any) -> str:
    with pytest.raises((SaeFileError, SaeMismatchError)) as caught:
        fitted(folder, **known)
    line = str(caught.value)
    assert "\n" not in line and len(line) < 500
    return line


def change(folder: Path, **settings: Any) -> Path:
    file = folder / "cfg.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))
    return folder


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (torch.int8, "I8"),
        (torch.int64, "I64"),
        (torch.uint8, "U8"),
        (torch.bool, "BOOL"),
        (torch.complex64, "C64"),
        (torch.float8_e4m3fn, "F8_E4M3"),
    ],
)
def test_weights_that_are_no_floats_are_refused(tmp_path: Path, layout: str, kind: torch.dtype, name: str) -> None:
    write, file = LAYOUTS[layout]
    folder = write(tmp_path / "layers.8")
    weights = safetensors.torch.load_file(folder / file)
    weights["W_dec"] = weights["W_dec"].to(kind)
    safetensors.torch.save_file(weights, folder / file)
    assert f"{file}: W_dec holds numbers of type {name}; weights are read in float32" in refusal(folder)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_floats_are_read(tmp_path: Path, kind: torch.dtype) -> None:
    folder = sparsify(tmp_path / "layers.8")
    weights = safetensors.torch.load_file(folder / "sae.safetensors")
    safetensors.torch.save_file({n: w.to(kind) for n, w in weights.items()}, folder / "sae.safetensors")
    assert torch.equal(fitted(folder).W_dec.data, weights["W_dec"].to(kind).float())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("count", [0, -30, 10**30, 10**4000, 30.5, True, "30"])
def test_a_number_of_latents_that_is_none_is_refused(tmp_path: Path, layout: str, count: object) -> None:
    folder = change(LAYOUTS[layout][0](tmp_path / "layers.8"), **{COUNTS[layout]: count})
    if count == 0 and layout == "sparsify":
        assert fitted(folder).config.n_latents == 30  # then it is d_in times the expansion factor
    else:
        assert COUNTS[layout] in refusal(folder)


@pytest.mark.parametrize("factor", [10**14, 10**30])
def test_a_factor_that_no_memory_holds_is_refused(tmp_path: Path, factor: int) -> None:
    assert "cfg.json" in refusal(change(sparsify(tmp_path / "layers.8"), num_latents=None, expansion_factor=factor))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_shape_is_compared_before_the_weights_are_read(tmp_path: Path, layout: str) -> None:
    """The file says it has 4 TB of weights, and has none of them; a machine may be too small to open it at all."""
    write, file = LAYOUTS[layout]
    folder = write(tmp_path / "layers.8")
    head = json.dumps({"W_dec": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}}).encode()
    with (folder / file).open("wb") as stream:
        stream.write(len(head).to_bytes(8, "little") + head)
        stream.truncate(8 + len(head) + 4 * 10**12)
    line = refusal(folder)
    assert "no tensor" in line or "cannot be read" in line


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["cfg.json", "weights"])
def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path, layout: str, name: str) -> None:
    write, file = LAYOUTS[layout]
    folder = write(tmp_path / "layers.8")
    wrong = folder / (name if name == "cfg.json" else file)
    wrong.unlink()
    wrong.mkdir()
    line = refusal(folder)
    assert (f"{wrong}: is a folder or a device" if name == "cfg.json" else f"{folder}: holds neither") in line
    with pytest.raises(SaeFileError, match=r"is a folder|holds neither"):
        download_digest(folder)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"d_in": ' + b"9" * 5000 + b"}", b" " * (2 << 20), b"null"],
)
def test_settings_that_are_no_settings_are_one_line(tmp_path: Path, content: bytes) -> None:
    for write, _ in LAYOUTS.values():
        folder = write(tmp_path / write.__name__ / "layers.8")
        (folder / "cfg.json").write_bytes(content)
        assert "cfg.json" in refusal(folder)


def test_notes_of_a_megabyte_are_one_short_line(tmp_path: Path) -> None:
    long = "x" * 900_000
    for note in ({"hook_name": long}, {"model_name": long}, {"hook_name": [long]}):
        assert "it " in refusal(saelens(tmp_path, **note)) or "hook_name" in refusal(saelens(tmp_path, **note))
    assert "architecture" in refusal(change(saelens(tmp_path), architecture=long))


@pytest.mark.parametrize("place", ["settings", "metadata"])
@pytest.mark.parametrize("key", ["activation_fn", "activation_fn_str"])
@pytest.mark.parametrize(
    ("architecture", "stated", "reads"),
    [
        ("standard", "topk", False),
        ("standard", "TopK", False),
        ("standard", "tanh-relu", False),
        ("standard", ["topk"], False),
        ("standard", "relu", True),
        ("standard", None, True),
        ("topk", "topk", True),
        ("topk", "relu", False),
    ],
)
def test_an_activation_that_the_architecture_does_not_have_is_refused(
    tmp_path: Path, place: str, key: str, architecture: str, stated: object, reads: bool
) -> None:
    folder = saelens(tmp_path, **({key: stated} if place == "metadata" else {}))
    change(folder, architecture=architecture, **({key: stated} if place == "settings" else {}))
    if reads:
        open_downloaded(folder)
        return
    line = refusal(folder)
    assert f"architecture '{architecture}' with {key}" in line and "write `topk` as the architecture" in line


@pytest.mark.parametrize("note", ["center_writing_weights", "fold_ln"])
@pytest.mark.parametrize("inside", [True, False])
def test_a_model_with_moved_streams_is_refused_where_it_has_layer_norm(tmp_path: Path, note: str, inside: bool) -> None:
    notes = {"model_from_pretrained_kwargs": {note: True}} if inside else {note: True}
    line = refusal(saelens(tmp_path / "a", **notes), layer_norm=True)
    assert f"trained on a model with {note}" in line and "take one that was trained without" in line
    fitted(saelens(tmp_path / "a", **notes), layer_norm=False)  # RMSNorm: TransformerLens leaves the streams alone
    off = {"model_from_pretrained_kwargs": {note: False}}
    fitted(saelens(tmp_path / "b", **off), layer_norm=True)


HOOKS = [
    ("blocks.7.hook_resid_post", 7),
    ("blocks.8.hook_resid_pre", 7),
    ("blocks.07.hook_resid_post", 7),
    ("layer_7", 7),
    ("Layer 7", 7),
    ("layer7", 7),
    ("L7", 7),
    ("l_7", 7),
    ("block-7", 7),
    ("resid_post_layer_7", 7),
    ("resid_pre_layer_8", 7),
    ("residual_layer_7", 7),
    ("hook_resid_post.7", 7),
    ("model.layers.7", 7),
    ("transformer.h.7", 7),
    ("gpt_neox.layers.7", 7),
    ("model.decoder.layers.7", 7),
    ("blocks.7.hook_out", 7),
    ("blocks.8.hook_in", 7),
    ("blocks.0.hook_resid_pre", -1),
]


@pytest.mark.parametrize(("name", "block"), HOOKS)
def test_a_block_is_read_in_any_spelling(tmp_path: Path, name: str, block: int) -> None:
    assert stream_of_hook(name).block == block
    assert (stream := stream_of_folder(name)) and stream.block == block
    if block == 7:
        assert f"it reads {name!r}" in refusal(saelens(tmp_path / "a", hook_name=name))
        assert f"it reads {name!r}" in refusal(sparsify(tmp_path / name))
        fitted(saelens(tmp_path / "b", hook_name=name), 7)
        fitted(sparsify(tmp_path / name), 7)


@pytest.mark.parametrize("name", ["layer_7.mlp", "blocks.7.hook_mlp_out", "layer_7_attn", "blocks.7.hook_resid_mid"])
def test_a_part_of_a_block_is_no_residual_stream(tmp_path: Path, name: str) -> None:
    assert "it reads" in refusal(saelens(tmp_path / "a", hook_name=name))
    assert "it reads" in refusal(sparsify(tmp_path / name))


@pytest.mark.parametrize(
    "name", ["average_l0_71", "k3-c1", "smollm2-sae", "width_16k", "v2", "my-sae-32k", "layer", "L" + "9" * 99]
)
def test_a_name_without_a_block_says_nothing(tmp_path: Path, name: str) -> None:
    assert stream_of_folder(name) is None
    assert fitted(sparsify(tmp_path / name)).config.blocks == (8,)


def test_a_folder_of_saelens_says_the_block_where_its_notes_do_not(tmp_path: Path) -> None:
    folder = tmp_path / "layer_7"
    save_saelens(trained(), folder, 8, MODEL)
    settings = json.loads((folder / "cfg.json").read_text())
    settings["metadata"]["hook_name"] = None
    (folder / "cfg.json").write_text(json.dumps(settings))
    assert "it reads 'layer_7'" in refusal(folder)
