"""Which autoencoders are trained, from which parent, and when one has to be trained again."""

from pathlib import Path

import numpy as np
import polars as pl
from fakes.activation_parts import write_streams

from assets import schemas
from assets.saes.entries import curve_rows, planned_entries, sae_row, train_entry
from assets.saes.sae import SaeConfig
from assets.saes.train import CurvePoint
from resources.profile import Profile, Saes, Transfer
from resources.tokens import Tokens

GROUPS = pl.DataFrame({
    "group": ["blocks-02-03", "blocks-00-01", "blocks-04", "blocks-00-01", "blocks-02-03"],
    "block": [3, 0, 4, 1, 2],
})  # fmt: skip


def settings(entries: int) -> Saes:
    return Saes(tokens=100, transfer=Transfer(entries=entries, tokens=30))


def test_entries_go_by_first_block_and_the_rest_start_from_scratch() -> None:
    planned = planned_entries(GROUPS, settings(1), "corpus")
    assert [(e.name, e.blocks, e.parent, e.tokens) for e in planned] == [
        ("blocks-00-01", (0, 1), None, 100),
        ("blocks-02-03", (2, 3), "blocks-00-01", 30),
        ("blocks-04", (4,), None, 100),
    ]
    assert [e.parent for e in planned_entries(GROUPS, settings(0), "corpus")] == [None] * 3
    assert [e.parent for e in planned_entries(GROUPS, settings(9), "corpus")] == [None, "blocks-00-01", "blocks-02-03"]


def test_the_recipe_of_a_child_holds_its_parents() -> None:
    planned = planned_entries(GROUPS, settings(1), "corpus")
    assert planned[1].recipe["parent"] == planned[0].recipe
    moved = GROUPS.with_columns(pl.when(pl.col("block") == 0).then(9).otherwise("block").alias("block"))
    again = {e.name: e.recipe for e in planned_entries(moved, settings(0), "corpus")}
    assert again["blocks-04"] == planned[2].recipe
    assert again["blocks-02-03"] != planned[1].recipe
    assert all(a.recipe != b.recipe for a, b in zip(planned, planned_entries(GROUPS, settings(1), "c2"), strict=True))


def test_an_entry_is_trained_and_described(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(2, 300, 8)).astype(np.float16)
    n = np.arange(300, dtype=np.int32)
    shards = write_streams(tmp_path, [("a", Tokens(n, n, n + 1))], {0: x[0], 1: x[1]})
    profile = Profile(name="p", saes=Saes(tokens=2_000, batch_tokens=100, k=2, expansion=2))
    groups = pl.DataFrame({"group": ["blocks-00-01"] * 2, "block": [0, 1]})
    train, told = pl.DataFrame({"first_row": [0], "tokens": [300]}), []
    entry = planned_entries(groups, profile.saes, "corpus")[0]
    trained = [train_entry(entry, shards, train, profile, None, told.append) for _ in range(2)]
    (sae, curve), (again, _) = trained
    assert all((a == b).all() for a, b in zip(sae.state_dict().values(), again.state_dict().values(), strict=True))
    assert sae.config.blocks == (0, 1)
    assert (sae.config.d_model, sae.config.n_latents, sae.config.k) == (8, 16, 2)
    assert sum(told) == 2 * curve[-1].tokens >= 4_000
    row = sae_row(entry, sae.config, curve, "digest")
    assert schemas.SAES.validate(schemas.SAES.frame([row])).num_rows == 1
    assert schemas.SAE_CURVES.validate(schemas.SAE_CURVES.frame(curve_rows(entry, curve))).num_rows == len(curve)


def test_the_fvu_of_an_entry_is_the_mean_of_the_last_ten_points() -> None:
    points = [CurvePoint(tokens=i, fvu=float(i), dead_share=0.0) for i in range(1, 21)]
    entry = planned_entries(GROUPS, settings(0), "corpus")[0]
    assert sae_row(entry, SaeConfig(4, 8, 2), points, "digest")["fvu"] == np.mean(range(11, 21))
