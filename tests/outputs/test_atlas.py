"""The atlas page: what it shows, that it needs nothing else, and that company text stays text."""

from datetime import date
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.outputs.atlas import AtlasTables, render_atlas
from assets.outputs.company_map import classical_scaling, map_companies
from tests.outputs.small_lake import (
    COMPANIES,
    EARLIER,
    FAINT,
    IDS,
    IN_ONE_TEXT,
    LATER,
    SHOWN,
    UNFINISHED,
    lake,
    weights,
)


def tables(**changes: pl.DataFrame) -> AtlasTables:
    rows = lake() | changes
    return AtlasTables(**{name: rows[name] for name in AtlasTables.__dataclass_fields__})


class Page(HTMLParser):
    """Tags, addresses and texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.identifiers: list[str] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        self.identifiers += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


@pytest.fixture(scope="module")
def html() -> str:
    return render_atlas(tables(), LATER, "A sample, <not> evidence.")


def test_the_page_needs_no_network(html: str) -> None:
    page = Page(html)
    assert {address for address in page.addresses if address[0] != "#"} == {
        "data:,",
        "themes-2011-12.html",
        "../../../tear-sheets.html",
    }
    assert "url(" not in html and "@import" not in html and "default-src 'none'" in html


def test_every_link_leads_somewhere_on_the_page(html: str) -> None:
    page = Page(html)
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.identifiers)
    assert len(page.identifiers) == len(set(page.identifiers))


def test_text_of_companies_and_banner_is_inert(html: str) -> None:
    hostile = lake()["filings"].with_columns(name=pl.lit("<script>steal()</script>\"' onload=x"))
    labels = lake()["latent_labels"].with_columns(label=pl.lit("</span><img src=x>"))
    page = Page(render_atlas(tables(filings=hostile, latent_labels=labels), LATER, "<iframe>"))
    assert page.tags.count("script") == 1 and "img" not in page.tags and "iframe" not in page.tags
    assert "&lt;not&gt; evidence" in html and "Coca-Cola &lt;b&gt;Co&lt;/b&gt;" in html


def test_the_same_tables_in_any_order_give_the_same_page(html: str) -> None:
    shuffled = {name: rows.sample(fraction=1.0, shuffle=True, seed=5) for name, rows in lake().items()}
    assert render_atlas(tables(**shuffled), LATER, "A sample, <not> evidence.") == html


def test_groups_name_their_members_and_why(html: str) -> None:
    groups = html.split('id="groups"')[1].split("<h2>Companies", maxsplit=1)[0]
    assert groups.count("2 companies") == 3 and "topic &lt;6&gt;" in groups and "topic &lt;2&gt;" not in groups
    assert "none." in groups
    earlier = render_atlas(tables(), EARLIER, "").split('id="groups"')[1].split("<h2>Companies")[0]
    assert earlier.count("3 companies") == 1 and earlier.split("On their own")[1].count("CVX") == 1


def test_nearest_peers_carry_the_latents_that_add_most(html: str) -> None:
    article = html.split(f'<article class="card" id="c-{IDS["KO"]}"')[1].split("</article>", maxsplit=1)[0]
    nearest = article.split("<li>")[1]
    shared = [i for i in np.argsort(-weights()[0] * weights()[1]) if i in SHOWN and i not in (IN_ONE_TEXT, FAINT)]
    chips = [part.split("</span>")[0] for part in nearest.split('<span class="chip">')[1:]]
    assert chips == [f"topic &lt;{i}&gt;" for i in shared[:3]]
    assert f"{weights()[0] @ weights()[1]:.3f}" in nearest


def test_the_best_method_comes_first_and_the_banner_before_any_number(html: str) -> None:
    board = html.split("<table>")[1]
    assert board.index("<td>sic4</td>") < board.index("<td>sae</td>")
    assert "0.300" in board.split("<td>sae</td>")[1][:40]
    assert html.index("A sample") < html.index("<table>")


def test_a_code_of_later_years_is_not_used() -> None:
    later = lake()["sic_groups"].with_columns(as_of=pl.lit(date(2012, 12, 31)), sic=pl.lit("7372"))
    both = pl.concat([lake()["sic_groups"], later])
    assert render_atlas(tables(sic_groups=both), LATER, "") == render_atlas(tables(), LATER, "")


def test_a_date_without_groups_says_that_nothing_is_scored() -> None:
    html = render_atlas(tables(cluster_scores=lake()["cluster_scores"].clear()), LATER, "")
    assert "nothing is scored" in html and "<table>" not in html and 'role="note"' not in html


def test_an_unfinished_date_says_after_how_many_months_and_shows_no_score() -> None:
    html = render_atlas(tables(), UNFINISHED, "")
    assert "After 3 of 12 months, so not scored yet" in html and "Returns from" not in html
    own = html.split('<tr class="own">')[1].split("</tr>")[0]
    assert own.startswith("<td>sae</td><td>–</td><td>–</td><td>–</td>") and "<td>0.90</td>" in own


def test_shares_of_nearest_peers_carry_n_an_interval_and_a_test(html: str) -> None:
    rows = html.split('<h2 id="scores">')[1].split("</table>", maxsplit=1)[0]
    assert "<td>0.70 (0.23 to 0.88, n 5)</td>" in rows


def test_a_later_name_changes_no_page_of_an_older_date() -> None:
    filings = lake()["filings"]
    renamed = filings.head(1).with_columns(
        accession=pl.lit("sample-KO-2012"), filed_at=pl.lit(date(2012, 3, 1)), name=pl.lit("Cola Holdings")
    )
    page = render_atlas(tables(filings=pl.concat([filings, renamed])), LATER, "")
    assert page == render_atlas(tables(), LATER, "") and "Cola Holdings" not in page


def test_a_date_without_companies_is_an_empty_page() -> None:
    assert "0 companies" in render_atlas(tables(), date(1999, 12, 31), "")


def test_the_map_is_valid_svg_with_one_titled_point_per_company(html: str) -> None:
    svg = ElementTree.fromstring("<svg" + html.split("<svg")[1].split("</svg>", maxsplit=1)[0] + "</svg>")
    titles = [title.text for title in svg.iter("title")]
    assert len(titles) == len(COMPANIES) and "PEP: PepsiCo, Manufacturing" in titles and "Not known" in html
    width, height = (float(part) for part in svg.attrib["viewBox"].split()[2:])
    assert all(0 < float(c.attrib["cx"]) < width and 0 < float(c.attrib["cy"]) < height for c in svg.iter("circle"))


def test_scaling_gives_back_points_of_the_plane() -> None:
    angles = np.array([0.1, 0.7, 2.0, 4.0])
    plane = np.column_stack([np.cos(angles), np.sin(angles)])
    points, share = classical_scaling(plane @ plane.T)
    for shape in (points, plane):
        assert np.linalg.norm(shape[0] - shape[2]) == pytest.approx(np.linalg.norm(plane[0] - plane[2]))
    assert share == pytest.approx(1)


@given(st.integers(0, 8), st.integers(0, 1000))
def test_maps_stay_on_the_page(companies: int, seed: int) -> None:
    rows = np.random.default_rng(seed).random((companies, 5)) + 0.01
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    placed = map_companies(rows @ rows.T)
    assert placed.height <= 640 and placed.xy.shape == (companies, 2) and 0 <= placed.shown_share <= 1 + 1e-9
    assert ((placed.xy >= 36) & (placed.xy <= [960 - 35.9, placed.height - 35.9])).all()
