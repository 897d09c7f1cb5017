"""Which autoencoders are trained, from which parent, and when one has to be trained again."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import schemas
from assets.saes.model.sae import SaeConfig
from assets.saes.training.entries import Entry, curve_rows, planned_entries, sae_row, training_waves
from assets.saes.training.step import CurvePoint
from resources.settings.saes import Saes, Transfer

GROUPS = pl.DataFrame({
    "group": ["blocks-02-03", "blocks-00-01", "blocks-04", "blocks-00-01", "blocks-02-03"],
    "block": [3, 0, 4, 1, 2],
})  # fmt: skip


def settings(entries: int, direction: Any = "forward") -> Saes:
    return Saes(tokens=100, transfer=Transfer(direction=direction, entries=entries, tokens=30, learning_rate=1e-3))


def planned(entries: int, direction: Any = "forward", corpus: str = "corpus") -> list[Entry]:
    return planned_entries(GROUPS, settings(entries, direction), corpus)


def test_entries_go_by_first_block_and_the_rest_start_from_scratch() -> None:
    assert [(e.name, e.blocks, e.parent, e.tokens) for e in planned(1)] == [
        ("blocks-00-01", (0, 1), None, 100),
        ("blocks-02-03", (2, 3), "blocks-00-01", 30),
        ("blocks-04", (4,), None, 100),
    ]
    assert [e.parent for e in planned(0)] == [None] * 3
    assert [e.parent for e in planned(9)] == [None, "blocks-00-01", "blocks-02-03"]


def test_backward_they_start_from_the_group_after() -> None:
    assert [(e.name, e.parent, e.tokens) for e in planned(1, "backward")] == [
        ("blocks-00-01", None, 100),
        ("blocks-02-03", "blocks-04", 30),
        ("blocks-04", None, 100),
    ]
    assert [e.parent for e in planned(9, "backward")] == ["blocks-02-03", "blocks-04", None]


def test_along_the_tree_blocks_come_after_the_groups() -> None:
    assert [(e.name, e.blocks, e.parent, e.tokens) for e in planned(1, "tree")] == [
        ("blocks-00-01", (0, 1), None, 100),
        ("blocks-02-03", (2, 3), None, 100),
        ("blocks-04", (4,), None, 100),
        ("block-00", (0,), "blocks-00-01", 30),
        ("block-01", (1,), "blocks-00-01", 30),
    ]
    assert [e.name for e in planned(9, "tree")[3:]] == ["block-00", "block-01", "block-02", "block-03"]


@pytest.mark.parametrize("direction", ["forward", "backward", "tree"])
def test_the_recipe_of_a_child_holds_its_parents(direction: str) -> None:
    entries = {entry.name: entry for entry in planned(9, direction)}
    for entry in entries.values():
        assert entry.recipe["parent"] == (entries[entry.parent].recipe if entry.parent else None)
        assert entry.recipe["blocks"] == list(entry.blocks)
        assert entry.recipe["tokens"] == entry.tokens
        assert entry.recipe["learning_rate"] == (1e-3 if entry.parent else 4e-3)


def test_only_who_depends_on_what_was_changed_has_another_recipe() -> None:
    before = planned(1)
    moved = GROUPS.with_columns(pl.when(pl.col("block") == 0).then(9).otherwise("block").alias("block"))
    again = {e.name: e.recipe for e in planned_entries(moved, settings(0), "corpus")}
    assert again["blocks-04"] == before[2].recipe
    assert again["blocks-02-03"] != before[1].recipe
    assert all(a.recipe != b.recipe for a, b in zip(before, planned(1, corpus="c2"), strict=True))


def in_turns(plan: list[Entry], most: int = 9) -> list[list[str]]:
    return [[entry.name for entry in due] for due in training_waves(plan, plan, most)]


def test_parents_have_their_turn_before_their_children() -> None:
    assert in_turns(planned(0)) == [["blocks-00-01", "blocks-02-03", "blocks-04"]]
    assert in_turns(planned(1)) == [["blocks-00-01", "blocks-04"], ["blocks-02-03"]]
    assert in_turns(planned(9)) == [["blocks-00-01"], ["blocks-02-03"], ["blocks-04"]]
    assert in_turns(planned(9, "backward")) == [["blocks-04"], ["blocks-02-03"], ["blocks-00-01"]]
    tree = in_turns(planned(9, "tree"))
    assert tree == [["blocks-00-01", "blocks-02-03", "blocks-04"], ["block-00", "block-01", "block-02", "block-03"]]
    assert training_waves([], [], 9) == []


def test_a_turn_has_no_more_entries_than_fit_and_none_that_is_there_already() -> None:
    assert in_turns(planned(0), most=2) == [["blocks-00-01", "blocks-02-03"], ["blocks-04"]]
    plan = planned(9)
    assert training_waves(plan, plan[1:], 9) == [[plan[1]], [plan[2]]]


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=8),
    st.integers(0, 10),
    st.sampled_from(["forward", "backward", "tree"]),
    st.integers(1, 9),
)
def test_every_entry_has_one_turn_after_its_parents(sizes: list[int], entries: int, direction: str, most: int) -> None:
    members = [number for number, size in enumerate(sizes) for _ in range(size)]
    groups = pl.DataFrame({"group": [f"g{n}" for n in members], "block": range(len(members))})
    plan = planned_entries(groups, settings(entries, direction), "corpus")
    done: set[str] = set()
    for due in training_waves(plan, plan, most):
        assert 0 < len(due) <= most
        assert all(entry.parent is None or entry.parent in done for entry in due)
        assert not done & {entry.name for entry in due}
        done |= {entry.name for entry in due}
    assert done == {entry.name for entry in plan}


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
