"""What methods of grouping start from, and why a group is one."""

import polars as pl
import pytest

from assets import schemas
from assets.clusters.methods import explained_by, label_rows
from assets.themes import told_themes
from tests.clusters.five_companies import AS_OF, IDS, known, vectors, without_passages


def test_what_is_known_is_one_row_for_each_company_with_a_vector() -> None:
    assert known().ids == IDS
    assert known().companies["sic"].to_list() == ["2080", "2086", "2911", "2911", None]
    assert known().companies["text"][0] == "syrup cola"


GROUPED = pl.DataFrame({"company_id": IDS, "cluster": [0, 0, 1, 1, 2]}, schema_overrides={"cluster": pl.Int32})


def shown(*latents: tuple[str, int, str]) -> pl.DataFrame:
    """Latents that may be shown, of an entry, with a label."""
    view = {"e": "passages", "t": "tokens"}
    rows = [
        {"view": view[entry], "entry": entry, "block": 2, "latent": latent, "label": label, "terms": [label]}
        for entry, latent, label in latents
    ]
    return pl.DataFrame(rows, schema_overrides={"block": pl.Int32, "latent": pl.Int32})


def labels_of(
    method: str, *latents: tuple[str, int, str], top: int = 5, known: pl.DataFrame | None = None
) -> list[tuple[object, ...]]:
    says = pl.DataFrame(
        [(entry, latent, [label]) for entry, latent, label in latents],
        schema={"entry": pl.String, "latent": pl.Int32, "words": pl.List(pl.String)},
        orient="row",
    )
    rows = (vectors() if known is None else known).join(says, on=["entry", "latent"], how="left", maintain_order="left")
    found = label_rows(GROUPED, rows, told_themes(rows, shown(*latents)), explained_by(method), top)
    rows = schemas.CLUSTER_LABELS.frame({"method": method, "as_of": AS_OF, **row} for row in found)
    schemas.CLUSTER_LABELS.validate(rows)
    return rows.select("cluster", "size", "rank", "view", "label", "share").rows()


def test_a_cluster_is_explained_by_its_strongest_shown_themes_and_a_singleton_is_not() -> None:
    oil = (1, 2, 1, "passages", "oil", pytest.approx(0.8))
    assert labels_of("sae", ("e", 0, "drinks"), ("e", 1, "oil"), ("t", 1, "wells"), ("e", 2, "hats")) == [
        (0, 2, 1, "passages", "drinks", pytest.approx(0.8)),
        oil,
        (1, 2, 2, "tokens", "wells", pytest.approx(0.2)),
    ]
    assert labels_of("sae", ("e", 1, "oil"), ("t", 1, "wells"), top=1) == [oil]


def test_a_cluster_that_shares_no_shown_theme_has_no_rows() -> None:
    assert {row[0] for row in labels_of("sae", ("e", 1, "oil"))} == {1}


def test_no_label_names_a_cluster_twice() -> None:
    assert [row[3:5] for row in labels_of("sae", ("t", 1, "oil"), ("e", 1, "oil"))] == [("passages", "oil")]


def test_groups_of_one_view_are_explained_by_it_and_groups_without_latents_by_all() -> None:
    both = ("e", 1, "oil"), ("t", 1, "wells")
    assert [row[3:] for row in labels_of("sae_passages", *both)] == [("passages", "oil", pytest.approx(1.0))]
    assert [row[3:] for row in labels_of("sae_tokens", *both)] == [("tokens", "wells", pytest.approx(1.0))]
    assert labels_of("sic4", *both) == labels_of("tfidf", *both) == labels_of("sae", *both)


def test_a_theme_names_a_group_where_two_members_tell_it_and_counts_over_them() -> None:
    three = pl.DataFrame(
        {"company_id": ["1", "2", "3"], "latent": 0, "weight": [0.8, 0.6, 0.5], "words": [["gold"], ["gold"], []]}
    )
    other = pl.DataFrame({"company_id": ["1", "2", "3"], "latent": 1, "weight": [0.6, 0.8, 0.75**0.5]})
    key = {"accession": "a", "view": "passages", "entry": "e", "block": 2}
    rows = pl.concat([three, other.with_columns(words=pl.lit([], pl.List(pl.String)))]).with_columns(
        own_weight="weight", **{name: pl.lit(value) for name, value in key.items()}
    )
    together = pl.DataFrame({"company_id": ["1", "2", "3"], "cluster": 0}, schema_overrides={"cluster": pl.Int32})
    told = told_themes(rows, shown(("e", 0, "gold"), ("e", 1, "banks")))
    (found,) = label_rows(together, rows, told, "sae", 5)
    pairs = 0.48 + 0.4 + 0.3 + 0.48 + 1.4 * 0.75**0.5
    assert (found["label"], found["share"]) == ("gold", pytest.approx(0.48 / pairs))


def test_a_cluster_of_which_one_company_has_the_view_has_no_rows() -> None:
    assert labels_of("sae_passages", ("e", 0, "drinks")) != []
    assert labels_of("sae_passages", ("e", 0, "drinks"), known=without_passages("2").vectors) == []
