"""The page of themes: only what may be shown, passages with marks, text that stays text, and no network."""

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.marked_words import pieces, word_pattern
from assets.outputs.atlas import render_themes
from resources.places import SQL
from tests.outputs.small_lake import COMPANIES, LATER, SHOWN, THEMES, WORDLESS, lake, weights
from tests.outputs.test_atlas import Page, tables


@pytest.fixture(scope="module")
def html() -> str:
    return render_themes(tables(), LATER, "A sample, <not> evidence.")


def card(html: str, label: str) -> str:
    return html.split(f"<h2>{label}</h2>")[1].split("</article>", maxsplit=1)[0]


def test_it_has_the_themes_that_may_be_shown_and_needs_no_network(html: str) -> None:
    page = Page(html)
    assert page.tags.count("article") == len(SHOWN) and "topic &lt;2&gt;" not in html
    assert f"topic &lt;{THEMES}&gt;" not in html
    others = {address.partition("#")[0] for address in page.addresses if address[0] != "#"}
    assert others == {"data:,", "atlas-2011-12.html"} and "url(" not in html
    assert {address[1:] for address in page.addresses if address[0] == "#"} <= set(page.identifiers)
    assert "&lt;not&gt; evidence" in html


def test_a_theme_has_its_score_passages_with_marks_and_companies(html: str) -> None:
    theme = card(html, "topic &lt;8&gt;")
    assert "Score 0.70 (0.60 to 0.80, 40 windows)" in theme and "2 companies, 33 %" in theme
    assert "<mark>syrups</mark>" in theme and theme.count("<blockquote>") == 4
    order = np.argsort(-weights()[:, 8])
    chips = [part.split('">')[1].split("<")[0] for part in theme.split('<a class="chip" href="atlas')[1:]]
    assert chips == [list(COMPANIES)[i] for i in order]


def test_a_passage_with_a_word_of_the_theme_comes_before_a_stronger_one_without(html: str) -> None:
    assert "<mark>syrups</mark>" in card(html, "topic &lt;7&gt;")
    assert "We " not in card(html, f"topic &lt;{WORDLESS}&gt;")  # no text says it


def test_text_of_companies_is_inert_and_order_of_rows_does_not_matter(html: str) -> None:
    assert Page(html).tags.count("script") == 1 and "&lt;script&gt;alert" in html
    shuffled = {name: rows.sample(fraction=1.0, shuffle=True, seed=5) for name, rows in lake().items()}
    assert render_themes(tables(**shuffled), LATER, "A sample, <not> evidence.") == html


def test_a_date_without_themes_says_so() -> None:
    assert "No theme may be shown" in render_themes(tables(themes=lake()["themes"].clear()), LATER, "")


@pytest.fixture(scope="module")
def window() -> duckdb.DuckDBPyConnection:
    window = duckdb.connect()
    for name in ("fenced", "plural_too", "word_pattern", "marked"):
        window.execute((SQL / "macros" / f"{name}.sql").read_text(encoding="utf-8"))
    return window


PLURALS = "Vehicles of glass, a vehicle; Glasses, crude oil, crude oils, vehicleses, oils, gases of glas"


@pytest.mark.parametrize(
    "text", ["Crude  oil, OIL\nrefineries in cafés: café, on line", "u.s. oil", "", "oil-oil oil", PLURALS]
)
@settings(max_examples=20, deadline=None)
@given(
    words=st.lists(
        st.sampled_from(
            ["oil", "crude oil", "refin*", "café", "on-line", "U.S.", "(", "*", "vehicle", "glasses", "crude oils"]
        )
    )
)
def test_page_and_sql_mark_the_same(window: duckdb.DuckDBPyConnection, text: str, words: list[str]) -> None:
    ours = "".join(f"[{p.text}]" if p.is_marked else p.text for p in pieces(text, word_pattern(words)))
    theirs = window.execute("select marked(?, word_pattern(?::varchar[]))", [text, words]).fetchall()
    assert theirs == [(ours,)]
