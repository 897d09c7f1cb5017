"""Which autoencoders are trained, from which parent, and when one has to be trained again."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.saes.training.entries import Entry, planned_entries, training_waves
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


def test_without_training_there_is_no_entry() -> None:
    assert planned_entries(GROUPS, settings(1).model_copy(update={"train": False}), "corpus") == []


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


def in_waves(plan: list[Entry], most: int = 9) -> list[list[str]]:
    return [[entry.name for entry in wave] for wave in training_waves(plan, plan, most)]


def test_a_parents_wave_is_before_its_childrens() -> None:
    assert in_waves(planned(0)) == [["blocks-00-01", "blocks-02-03", "blocks-04"]]
    assert in_waves(planned(1)) == [["blocks-00-01", "blocks-04"], ["blocks-02-03"]]
    assert in_waves(planned(9)) == [["blocks-00-01"], ["blocks-02-03"], ["blocks-04"]]
    assert in_waves(planned(9, "backward")) == [["blocks-04"], ["blocks-02-03"], ["blocks-00-01"]]
    tree = in_waves(planned(9, "tree"))
    assert tree == [["blocks-00-01", "blocks-02-03", "blocks-04"], ["block-00", "block-01", "block-02", "block-03"]]
    assert training_waves([], [], 9) == []


def test_a_wave_has_no_more_entries_than_fit_and_none_that_is_there_already() -> None:
    assert in_waves(planned(0), most=2) == [["blocks-00-01", "blocks-02-03"], ["blocks-04"]]
    plan = planned(9)
    assert training_waves(plan, plan[1:], 9) == [[plan[1]], [plan[2]]]


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=8),
    st.integers(0, 10),
    st.sampled_from(["forward", "backward", "tree"]),
    st.integers(1, 9),
)
def test_every_entry_has_one_wave_after_its_parent(sizes: list[int], entries: int, direction: str, most: int) -> None:
    members = [number for number, size in enumerate(sizes) for _ in range(size)]
    groups = pl.DataFrame({"group": [f"g{n}" for n in members], "block": range(len(members))})
    plan = planned_entries(groups, settings(entries, direction), "corpus")
    done: set[str] = set()
    for wave in training_waves(plan, plan, most):
        assert 0 < len(wave) <= most
        assert all(entry.parent is None or entry.parent in done for entry in wave)
        assert not done & {entry.name for entry in wave}
        done |= {entry.name for entry in wave}
    assert done == {entry.name for entry in plan}
