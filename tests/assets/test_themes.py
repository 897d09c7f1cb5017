"""Which latents are shown as themes."""

import polars as pl
import pytest

from assets.themes import MAX_COMPANIES_SHARE, MIN_DETECTION, in_words, shown_themes, with_said


def latents(**changes: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One latent that may be shown, with changes: rows of latent_labels and of themes."""
    row = {
        "label": "gold, mines",
        "detection_score": MIN_DETECTION,
        "share": MAX_COMPANIES_SHARE,
        **changes,
    }
    key = {"view": ["passages"], "entry": ["passages-24"], "block": [24], "latent": [3]}
    types = {"label": pl.String, "detection_score": pl.Float64}
    labels = pl.DataFrame(key | {name: [row[name]] for name in types}, schema_overrides=types)
    return labels, pl.DataFrame(key | {"companies": [1], "share": [row["share"]]})


def test_a_theme_that_is_measured_and_not_everywhere_is_shown() -> None:
    assert shown_themes(*latents()).rows() == [("passages", "passages-24", 24, 3, "gold, mines")]


@pytest.mark.parametrize(
    "change",
    [
        {"label": None},
        {"label": ""},
        {"detection_score": None},
        {"detection_score": 0.69},
        {"share": 0.34},
    ],
)
def test_a_latent_without_a_measured_label_or_that_over_a_third_have_is_not_shown(change: dict[str, object]) -> None:
    assert shown_themes(*latents(**change)).is_empty()


def test_a_latent_of_tokens_is_not_shown_however_well_a_label_tells_it() -> None:
    labels, themes = (rows.with_columns(view=pl.lit("tokens")) for rows in latents(detection_score=1.0, share=0.1))
    assert shown_themes(labels, themes).is_empty()


def test_a_latent_that_no_company_has_at_the_date_is_not_shown() -> None:
    labels, themes = latents()
    assert shown_themes(labels, themes.clear()).is_empty()


def test_a_third_of_the_companies_is_not_too_many() -> None:
    assert all(shown_themes(*latents(share=n / (3 * n))).height == 1 for n in range(1, 400))


KEY = {"entry": "passages-24", "block": 24}
TEXT = "We mine gold.\nWe refined Crude  oil. Marigolds grow. Fool's gold"
SPANS = {"gold": (0, 13), "crude": (14, 36), "flowers": (37, 52), "end": (53, len(TEXT))}


def passages(*latents: tuple[int, str]) -> pl.DataFrame:
    """Rows of theme_passages: on which stretch of TEXT each latent is active."""
    rows = [
        {"accession": "a", **KEY, "latent": n, "start": SPANS[name][0], "end": SPANS[name][1]} for n, name in latents
    ]
    return pl.DataFrame(rows)


def terms(*latents: tuple[int, list[str], float | None]) -> pl.DataFrame:
    """Rows of latent_labels: the terms and the level of each latent; no label without terms."""
    rows = [
        {**KEY, "latent": n, "label": words[0] if words else None, "terms": words, "level": level}
        for n, words, level in latents
    ]
    return pl.DataFrame(rows, schema_overrides={"label": pl.String, "terms": pl.List(pl.String), "level": pl.Float64})


@pytest.mark.parametrize(
    ("stretch", "words", "expected"),
    [
        ("gold", ["gold"], True),
        ("gold", ["silver", "GOLD"], True),
        ("crude", ["crude oil"], True),
        ("crude", ["refin*"], True),
        ("crude", ["refine"], False),
        ("crude", ["gold"], False),  # it is in the text, and in no passage of the theme
        ("flowers", ["gold"], False),
        ("end", ["gold"], True),
        ("gold", [], False),
    ],
)
def test_a_text_says_a_label_where_a_passage_of_the_theme_has_a_word_of_it(
    stretch: str, words: list[str], expected: bool
) -> None:
    found = in_words(passages((3, stretch)), terms((3, words, 2.0)), {"a": TEXT})
    assert found.rows() == ([("a", "passages-24", 24, 3)] if expected else [])


def test_a_passage_that_is_cut_inside_a_word_begins_with_what_it_shows() -> None:
    """As in SQL and on the page, which see no character before it."""
    rows = passages((3, "flowers")).with_columns(start=pl.col("start") + len("Mari"))
    assert in_words(rows, terms((3, ["golds"], 2.0)), {"a": TEXT}).height == 1


def test_a_latent_is_said_by_its_words_or_by_its_level_and_never_without_a_label() -> None:
    labels = terms((0, ["gold"], 2.0), (1, ["gold"], 2.0), (2, ["gold"], 2.0), (3, [], 0.0), (4, ["gold"], None))
    rows = pl.DataFrame({"accession": "a", **KEY, "latent": range(6), "peak": [2.0, 1.0, 1.0, 9.0, 9.0, 9.0]})
    worded = in_words(passages((1, "gold"), (2, "crude"), (3, "gold")), labels, {"a": TEXT})
    marked = with_said(rows, labels, worded)
    assert marked["said"].to_list() == [True, True, False, False, False, False]
    assert marked.drop("said").equals(rows)


def test_nothing_is_said_of_no_passages() -> None:
    assert in_words(passages((3, "gold")).clear(), terms((3, ["gold"], 2.0)), {}).is_empty()
