"""Which latents are shown as themes."""

from collections.abc import Sequence

import polars as pl
import pytest

from assets.themes import MAX_COMPANIES_SHARE, MIN_DETECTION, shown_themes, vocabulary, with_said


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
    labels = labels.with_columns(terms=pl.lit(["gold", "mine*"]))
    return labels, pl.DataFrame(key | {"companies": [1], "share": [row["share"]]})


def test_a_theme_that_is_measured_and_not_everywhere_is_shown() -> None:
    assert shown_themes(*latents()).rows() == [("passages", "passages-24", 24, 3, "gold, mines", ["gold", "mine*"])]


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


def said(
    spans: pl.DataFrame, terms: list[str], *, words: Sequence[str] = (), peak: float = 1.0, score: float | None = 0.8
) -> list[str]:
    """What TEXT says of latent 3, whose label is made of `terms`; it holds from level 2 on."""
    labels = pl.DataFrame(
        {
            "view": "passages",
            **KEY,
            "latent": 3,
            "label": ", ".join(terms) or None,
            "detection_score": score,
            "level": 2.0,
        },
        schema_overrides={"label": pl.String, "detection_score": pl.Float64},
    ).with_columns(terms=pl.lit(terms, pl.List(pl.String)), words=pl.lit(list(words), pl.List(pl.String)))
    features = pl.DataFrame({"accession": "a", **KEY, "latent": [2, 3, 4], "peak": [9.0, peak, 9.0]})
    found = with_said(features, spans, labels, {"a": TEXT})
    assert found.drop("words").equals(features)
    of_others = found.filter(pl.col("latent") != 3)["words"].to_list()
    assert of_others == [[], []]
    return found.filter(latent=3)["words"].to_list()[0]


@pytest.mark.parametrize(
    ("stretch", "terms", "expected"),
    [
        ("gold", ["gold"], ["gold"]),
        ("gold", ["silver", "GOLD"], ["GOLD"]),
        ("crude", ["crude oil"], ["crude oil"]),
        ("crude", ["refin*"], ["refin*"]),
        ("crude", ["refine"], []),
        ("crude", ["gold"], []),  # it is in the text, and in no passage of the theme
        ("crude", ["gold", "refin*"], ["gold", "refin*"]),  # a passage has one of them, the text both
        ("flowers", ["gold"], []),
        ("end", ["gold"], ["gold"]),
        ("gold", [], []),
    ],
)
def test_a_text_says_a_theme_where_a_passage_of_it_has_a_word_of_it(
    stretch: str, terms: list[str], expected: list[str]
) -> None:
    assert said(passages((3, stretch)), terms) == expected


def test_a_text_says_a_theme_by_words_that_are_not_in_the_label_too_and_these_come_last() -> None:
    own = passages((3, "gold"))
    assert said(own, ["crude oil"], words=["mine", "gold", "crude oil"]) == ["crude oil", "mine", "gold"]
    assert said(own, ["silver"], words=["gol*"]) == []  # nothing tells how a prefix of no label is shown


def test_at_its_level_a_theme_is_said_without_a_word_in_its_passages() -> None:
    assert said(passages((3, "crude")), ["gold"], peak=2.0) == ["gold"]
    assert said(passages((3, "crude")), ["silver"], peak=2.0) == []  # no word of it is in the text


@pytest.mark.parametrize("score", [None, MIN_DETECTION - 0.01])
def test_a_latent_that_no_label_tells_is_never_said(score: float | None) -> None:
    assert said(passages((3, "gold")), ["gold"], peak=9.0, score=score) == []


def test_a_passage_that_is_cut_inside_a_word_begins_with_what_it_shows() -> None:
    """As in SQL and on the page, which see no character before it."""
    rows = passages((3, "flowers")).with_columns(start=pl.col("start") + len("Mari"))
    assert said(rows, ["golds"]) == ["golds"]


def test_nothing_is_said_of_no_filings() -> None:
    own = passages((3, "gold")).clear()
    labels = pl.DataFrame(
        {"view": "passages", **KEY, "latent": 3, "label": "gold", "detection_score": 0.8, "level": 2.0}
    ).with_columns(terms=pl.lit(["gold"]), words=pl.lit(["gold"]))
    features = pl.DataFrame({"accession": "a", **KEY, "latent": [3], "peak": [1.0]}).clear()
    assert with_said(features, own, labels, {}).is_empty()


def test_the_vocabulary_of_a_theme_has_no_term_twice_and_those_of_its_label_first() -> None:
    assert vocabulary(["gas", "pipel*"], ["oil", "gas", "natur*", "pipeline"]) == ["gas", "pipel*", "oil", "pipeline"]
