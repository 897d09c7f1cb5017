"""A company gains the themes that only its later filing says, and loses those that only the earlier one says."""

from datetime import date
from typing import Any

import polars as pl

from assets.clusters.drift.themes import said_themes, theme_changes

THEN, NOW, LATER = date(2010, 12, 31), date(2011, 12, 31), date(2012, 12, 31)
PLACE = {"entry": "p", "block": 24}


def said(*rows: tuple[str, str, float, bool]) -> pl.DataFrame:
    schema = {"company_id": pl.String, "label": pl.String, "weight": pl.Float64, "shown": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(title="label")


def filed(**accessions: dict[date, str]) -> pl.DataFrame:
    rows = [(as_of, company, text) for company, texts in accessions.items() for as_of, text in texts.items()]
    return pl.DataFrame(rows, schema={"as_of": pl.Date, "company_id": pl.String, "accession": pl.String}, orient="row")


def changed(
    filings: pl.DataFrame, then: pl.DataFrame, now: pl.DataFrame, company: str = "a", top: int = 5
) -> dict[str, Any]:
    return theme_changes(filings, {THEN: then, NOW: now}, top).filter(company_id=company).to_dicts()[0]


ANEW = filed(a={THEN: "a-2009", NOW: "a-2010"})


def test_gained_and_lost_are_named_strongest_first_with_both_filings() -> None:
    then = said(("a", "coal", 0.2, True), ("a", "ships", 0.3, True), ("a", "steel", 0.1, True))
    now = said(("a", "steel", 0.4, True), ("a", "wind", 0.1, True), ("a", "sun", 0.5, True))
    found = changed(ANEW, then, now)
    assert found == {
        "before": THEN,
        "as_of": NOW,
        "company_id": "a",
        "accession_before": "a-2009",
        "accession": "a-2010",
        "themes_gained": ["sun", "wind"],
        "themes_lost": ["ships", "coal"],
    }
    assert changed(ANEW, then, now, top=1)["themes_gained"] == ["sun"]


def test_the_same_filing_gains_nothing_when_others_make_a_theme_rarer() -> None:
    """Whether a theme may be shown depends on how many companies have it."""
    then, now = said(("a", "coal", 0.2, False)), said(("a", "coal", 0.2, True), ("a", "sun", 0.5, True))
    same = filed(a={THEN: "a-2009", NOW: "a-2009"})
    assert changed(same, then, now)["themes_gained"] == []
    assert changed(ANEW, then, now)["themes_gained"] == ["sun"]


def test_what_may_not_be_shown_is_not_named() -> None:
    found = changed(ANEW, said(("a", "coal", 0.2, False)), said(("a", "sun", 0.5, False)))
    assert (found["themes_gained"], found["themes_lost"]) == ([], [])


def test_who_is_new_or_gone_has_one_filing_and_no_change_of_themes() -> None:
    filings = filed(a={THEN: "a-2009"}, b={NOW: "b-2010"})
    then, now = said(("a", "coal", 0.2, True)), said(("b", "sun", 0.5, True))
    gone, new = changed(filings, then, now), changed(filings, then, now, "b")
    assert (gone["accession_before"], gone["accession"], gone["themes_lost"]) == ("a-2009", None, [])
    assert (new["accession_before"], new["accession"], new["themes_gained"]) == (None, "b-2010", [])


def test_every_two_dates_in_order_are_compared() -> None:
    filings = filed(a={LATER: "a-2", THEN: "a-1", NOW: "a-1"})
    texts = {THEN: said(("a", "coal", 0.2, True)), NOW: said(("a", "coal", 0.2, True)), LATER: said()}
    found = theme_changes(filings, texts, 5)
    assert found.select("before", "as_of", "themes_lost").rows() == [(THEN, NOW, []), (NOW, LATER, ["coal"])]


def test_one_date_or_none_has_no_changes() -> None:
    assert theme_changes(filed(a={THEN: "a-1"}), {THEN: said()}, 5).rows() == []
    assert theme_changes(filed(), {}, 5).rows() == []


def test_a_text_says_the_told_labels_of_its_latents_whether_or_not_they_may_be_shown() -> None:
    """Latents 0 and 1 share a label, 2 is too common to be shown, 3 has a poor label; of 4 no passage has a word."""
    latents = range(5)
    labels = pl.DataFrame(
        [
            {**PLACE, "view": "passages", "latent": i, "label": name, "terms": [name], "detection_score": score}
            for i, name, score in zip(
                latents, ["oil", "oil", "banks", "vague", "wind"], [0.9, 0.8, 0.8, 0.6, 0.9], strict=True
            )
        ]
    )
    themes = pl.DataFrame([{**PLACE, "latent": i, "share": 0.5 if i == 2 else 0.1} for i in latents])
    vectors = pl.DataFrame(
        [
            {**PLACE, "company_id": "a", "latent": i, "weight": 0.1 * (i + 1), "words": words}
            for i, words in zip(latents, [["oil"], ["wells"], ["banks", "loans"], ["vague"], []], strict=True)
        ]
    )
    found = said_themes(vectors.lazy(), labels, themes).sort("label")
    expected = [("banks", 0.1 * 3, False, "banks, loans"), ("oil", 0.1 * 2, True, "wells")]
    assert found.select("label", "weight", "shown", "title").rows() == expected
    assert said_themes(vectors.clear().lazy(), labels, themes).rows() == []
