"""Simplified mark-up: what is removed, what stays, and that nothing is added to the document."""

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.descriptions.markup import DEEPEST, preformatted, references_decoded, simplify_markup

TAGS = ["<p>", "</p>", "<div style='color:red'>", "</div>", "<span>", "</span>", '<font size="2">', "</font>", "<b>"]
SOUP = st.lists(st.sampled_from([*TAGS, "word ", "&amp;", "&#8217;", "<br/>", "<!-- x -->", "< 5", "<td></td>"]))


@pytest.mark.parametrize(
    ("html", "light"),
    [
        ("<p><span style='color:red'>Red</span></p>", "<p>Red</p>"),
        (
            '<p><span style="color:red;font-weight:700">Bold</span></p>',
            '<p><span style="font-weight:700">Bold</span></p>',
        ),
        ("a<ix:nonNumeric name='x' id='f1'>b</ix:nonNumeric>c", "abc"),
        ("<ix:header><b>facts</b></ix:header><p>text", "<p>text"),
        ("a<script>alert('<p>')</script>b<style>p {}</style>", "ab"),
        ("<head><title>10-K</title><meta name='x'></head><body>text", "<body>text"),
        ("<tr><td colspan='3'></td><td>1</td><td/></tr><tr> </tr>", "<tr><td>1</td></tr>"),
        ('<td id="item1"></td>', '<td id="item1"></td>'),
        ("<a href='#x' onclick='steal()'>y</a>", '<a href="#x">y</a>'),
        ("<img src='data:image/png;base64,AAAA'>z", "z"),
        ("<SPAN><FONT FACE=Arial>a</FONT></SPAN>", "a"),
        ("it&#146;s 1&nbsp;&lt;&nbsp;2 &amp;c &#147Yes", "it’s 1\xa0&lt;\xa02 &amp;c “Yes"),
        ("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><p>&a;</p>", "<p>&a;</p>"),
        ("a <!-- never ends", "a  never ends"),
        (f"a<!--{'x' * 500}-->b<!-- page 3 -->", "ab<!-- page 3 -->"),
        ("5 < 6 and 7 > 2", "5 < 6 and 7 > 2"),
    ],
)
def test_only_markup_that_readers_need_stays(html: str, light: str) -> None:
    assert simplify_markup(html) == light


@given(SOUP)
def test_words_stay_in_their_order(parts: list[str]) -> None:
    html = "".join(parts)
    before, after = (
        lxml.html.fromstring(f"<html><body>{text}</body></html>") for text in (html, simplify_markup(html))
    )
    assert after.text_content().split() == before.text_content().split()


@given(SOUP)
def test_simplified_markup_does_not_change_again(parts: list[str]) -> None:
    light = simplify_markup("".join(parts))
    assert simplify_markup(light) == light


@pytest.mark.parametrize(("name", "attributes"), [("div", ""), ("font", " size='1'"), ("b", "")])
def test_no_nesting_is_deeper_than_a_reader_can_go(name: str, attributes: str) -> None:
    light = simplify_markup(f"<{name}{attributes}>" * 1000 + "<p>Item 1</p>" + f"</{name}>" * 1000 + "<p>Item 2</p>")
    assert light.count(f"<{name}") == light.count(f"</{name}>") == DEEPEST
    assert lxml.html.fromstring(f"<html>{light}</html>").text_content() == "Item 1Item 2"


def test_entities_are_not_expanded() -> None:
    bomb = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><p>&b;</p>"
    assert simplify_markup(bomb) == "<p>&b;</p>"


def test_only_pages_of_fixed_columns_are_preformatted() -> None:
    lines = "We grind wheat.\n" * 20
    assert preformatted(f"<html><pre>Item 1.\n<b>Business</b>\n<PAGE>\nA &amp; B\n{lines}</pre></html>") == (
        f"Item 1.\nBusiness\n<PAGE>\nA & B\n{lines}"
    )
    assert preformatted("<p>Item 1. Business</p><pre>a table</pre><p>and much more</p>") is None


def test_references_become_characters() -> None:
    assert references_decoded("&#8220;Caf&eacute;&#8221; &#x2014; \x93a\x94") == "“Café” — “a”"


def test_an_element_that_closes_itself_hides_nothing_after_it() -> None:
    assert "Business" in simplify_markup('<html><style type="text/css"/><p>Item 1. Business</p></html>')
    assert "color" not in simplify_markup("<html><style>p {color: red}</style><p>Item 1. Business</p></html>")
