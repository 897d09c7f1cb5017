"""A new artefact: weights, rows and curves of its entries."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fakes.random_saes import trained

from assets import schemas
from assets.saes.files.native import folder_digest
from assets.saes.model.sae import SaeConfig
from assets.saes.training.curve import CurvePoint
from assets.saes.writing import SaeWriter, curve_rows, sae_row

CONFIG = SaeConfig(4, 8, 2, (0, 1), {0: 1.0, 1: 0.5}, "batch_topk")


def curve(points: int = 20, measured: tuple[int, ...] = (5, 15)) -> list[CurvePoint]:
    """FVU is the number of the point, the held-out one a tenth of it where it was measured."""
    return [CurvePoint(100 * i, float(i), i / 10 if i in measured else None, 0.25) for i in range(1, points + 1)]


def test_the_fvu_of_an_entry_is_the_mean_of_the_last_ten_points() -> None:
    assert sae_row("e", CONFIG, None, curve(), "digest")["fvu"] == np.mean(range(11, 21))
    assert sae_row("e", CONFIG, None, curve(3), "digest")["fvu"] == 2.0


def test_a_row_describes_an_entry() -> None:
    row = sae_row("blocks-00-01", CONFIG, "block-02", curve(), "digest")
    assert row | {"fvu": None} == {
        "entry": "blocks-00-01",
        "blocks": [0, 1],
        "d_model": 4,
        "n_latents": 8,
        "activation": "batch_topk",
        "k": 2,
        "parent": "block-02",
        "tokens": 2000,
        "flop": 10 * 2 * 4**2 * 2000,
        "fvu": None,
        "validation_fvu": 1.5,
        "sha256": "digest",
    }


@pytest.mark.parametrize("points", [curve(), curve(measured=()), curve(1), []])
def test_rows_are_those_of_the_tables(points: list[CurvePoint]) -> None:
    for parent in (None, "block-02"):
        row = sae_row("blocks-00-01", CONFIG, parent, points, "digest")
        assert schemas.SAES.validate(schemas.SAES.frame([row])).num_rows == 1
    rows = schemas.SAE_CURVES.frame(curve_rows("blocks-00-01", points))
    assert schemas.SAE_CURVES.validate(rows).num_rows == len(points)


def test_one_that_others_trained_has_no_curve() -> None:
    row = sae_row("theirs", CONFIG, None, [], "digest")
    assert (row["tokens"], row["flop"], row["fvu"], row["validation_fvu"]) == (0, 0, None, None)
    assert curve_rows("theirs", []) == []


def test_a_curve_is_one_row_per_point() -> None:
    assert curve_rows("e", curve(5))[4] == {
        "entry": "e", "tokens": 500, "fvu": 5.0, "held_out_fvu": 0.5, "dead_share": 0.25,
    }  # fmt: skip


def test_an_entry_that_was_saved_can_be_loaded_and_its_row_has_the_hash_of_its_files(tmp_path: Path) -> None:
    sae, written = trained(), SaeWriter(tmp_path)
    written.save("theirs", sae)
    written.save("ours", sae, "theirs", curve(3))
    again = written.load("ours")
    assert again.config == sae.config
    assert all(torch.equal(again.state_dict()[name], weight) for name, weight in sae.state_dict().items())
    assert [(row["entry"], row["parent"], row["tokens"]) for row in written.rows] == [
        ("theirs", None, 0),
        ("ours", "theirs", 300),
    ]
    assert {row["sha256"] for row in written.rows} == {folder_digest(tmp_path / "entries" / "ours")}
    assert [row["entry"] for row in written.curves] == ["ours"] * 3
