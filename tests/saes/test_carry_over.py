"""Autoencoders of the artefact before, and which of them are still whole."""

from pathlib import Path

import pytest
from fakes.random_saes import trained

from assets import schemas
from assets.saes.carry_over import PreviousSaes
from assets.saes.names import entry_folder
from assets.saes.training.curve import CurvePoint
from assets.saes.writing import SaeWriter

NAMES = {"whole", "changed", "gone"}


@pytest.fixture
def before(tmp_path: Path) -> PreviousSaes:
    """Three entries, of which one lost a byte and one its weights since they were written."""
    written = SaeWriter(tmp_path / "before")
    for name in sorted(NAMES):
        written.save(name, trained(), None, [CurvePoint(100, 0.5, None, 0.0)])
    changed = entry_folder(tmp_path / "before", "changed") / "sae.safetensors"
    changed.write_bytes(changed.read_bytes()[:-1])
    (entry_folder(tmp_path / "before", "gone") / "sae.safetensors").unlink()
    rows, curves = schemas.SAES.frame(written.rows), schemas.SAE_CURVES.frame(written.curves)
    return PreviousSaes(rows, curves, tmp_path / "before")


def test_only_whole_files_are_intact_and_only_of_the_entries_asked_for(before: PreviousSaes) -> None:
    assert before.intact(NAMES) == {"whole"}
    assert before.intact({"changed", "never there"}) == set()


def test_a_copy_has_the_same_bytes_rows_and_curves(before: PreviousSaes, tmp_path: Path) -> None:
    rows, curves = before.copy({"whole"}, tmp_path / "now")
    assert [row["entry"] for row in rows] == ["whole"]
    assert [(row["entry"], row["tokens"]) for row in curves] == [("whole", 100)]
    now = PreviousSaes(schemas.SAES.frame(rows), schemas.SAE_CURVES.frame(curves), tmp_path / "now")
    assert now.intact(NAMES) == {"whole"}


def test_without_an_artefact_before_nothing_is_carried_over(tmp_path: Path) -> None:
    nothing = PreviousSaes(schemas.SAES.empty(), schemas.SAE_CURVES.empty(), None)
    assert nothing.intact(NAMES) == set()
    assert nothing.copy(set(), tmp_path) == ([], [])
