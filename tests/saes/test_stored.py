"""Autoencoders of an artefact, read when they are needed."""

from pathlib import Path

import polars as pl
import pytest
from fakes.random_saes import trained

from assets import schemas
from assets.saes.files.native import SaeFileError
from assets.saes.stored import StoredSaes
from assets.saes.writing import SaeWriter


@pytest.fixture
def saes(tmp_path: Path) -> StoredSaes:
    """Two entries that both read blocks 8 and 11."""
    written = SaeWriter(tmp_path)
    written.save("a", trained())
    written.save("b", trained("jump_relu"))
    return StoredSaes(tmp_path, schemas.SAES.frame(written.rows))


def test_by_block_each_autoencoder_is_read_once(saes: StoredSaes) -> None:
    found = list(saes.by_block())
    assert [(entry, block, sae.config.activation) for entry, block, sae in found] == [
        ("a", 8, "topk"),
        ("a", 11, "topk"),
        ("b", 8, "jump_relu"),
        ("b", 11, "jump_relu"),
    ]
    assert found[0][2] is found[1][2]


def test_chosen_blocks_are_loaded_together(saes: StoredSaes) -> None:
    loaded = saes.load_blocks(pl.DataFrame({"entry": ["b", "a", "b"], "block": [8, 11, 11]}))
    assert list(loaded) == [("b", 8), ("a", 11), ("b", 11)]
    assert loaded["b", 8] is loaded["b", 11]


def test_an_entry_that_is_not_there_is_named(saes: StoredSaes) -> None:
    with pytest.raises(SaeFileError, match=r"entries/c/cfg.json: no such file"):
        saes.load("c")
