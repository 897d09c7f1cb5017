"""Rivals are found by the names that people use, and rather missed than taken for somebody else."""

import polars as pl
import pytest

from assets.features.rivals import masked_texts, rivals_named, spoken_name, without_passages

NAMES = {
    "ko": "The Coca-Cola Company",
    "pep": "PepsiCo, Inc.",
    "pg": "PROCTER & GAMBLE CO",
    "hd": "The Home Depot, Inc.",
    "gap": "The Gap, Inc.",
    "t": "AT&T Inc.",
    "gm": "General Motors Corp /DE/",
    "intc": "Intel Corporation",
    "dell": "Dell Inc.",
}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("The Coca-Cola Company", ("coca", "cola")),
        ("PROCTER & GAMBLE CO", ("procter", "gamble")),
        ("General Motors Corp /DE/", ("general", "motors")),
        ("Yum! Brands, Inc.", ("yum", "brands")),
        ("McDonald's Corporation", ("mcdonalds",)),
        ("The Company", ("company",)),
        ("U S TRUST CORP", ("u", "s", "trust")),
        ("AT&T Corp.", ("at", "t")),
        ("", ()),
    ],
)
def test_a_name_is_said_without_its_legal_form(name: str, said: tuple[str, ...]) -> None:
    assert spoken_name(name) == said


def named(text: str, by: str = "x") -> dict[str, str]:
    texts = {by: text, "other": "We fill the gap in the market."}
    spans = pl.DataFrame(
        {"company_id": [by], "passage": [0], "start": [0], "end": [len(text)]},
        schema_overrides={"passage": pl.Int32, "start": pl.Int32, "end": pl.Int32},
    )
    found = rivals_named(NAMES, texts, spans)
    return dict(found.select("rival_id", "name").iter_rows())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "Competitors include Coca-Cola, PepsiCo and Procter & Gamble.",
            {"ko": "Coca-Cola", "pep": "PepsiCo", "pg": "Procter & Gamble"},
        ),
        ("Intel's rivals are many.", {"intc": "Intel"}),
        ("We compete with General Motors Corporation and AT&T.", {"gm": "General Motors", "t": "AT&T"}),
        ("Dell, Home Depot compete.", {"dell": "Dell", "hd": "Home Depot"}),
        ("We sell to Coca-Cola.", {}),  # no word of competition
        ("Coca-Cola Enterprises and Intel Capital compete.", {}),  # other companies, whose names go on
        ("Gap competes with us.", {}),  # an ordinary word
        ("In general motors compete with engines.", {}),  # no name
        ("New Dell is a rival.", {"dell": "Dell"}),  # the first word of a sentence has a capital anyway
        ("They say Sandy Dell is a competitor.", {}),  # a person
        ("Dell competes in all markets. Intel Corp. also faces competition.", {}),  # speaks of parts of the company
        ("Competitors such as Dell face a shortage.", {"dell": "Dell"}),
    ],
)
def test_names_are_found_where_competition_is_spoken_of(text: str, found: dict[str, str]) -> None:
    assert named(text) == found


@pytest.mark.parametrize(
    ("made", "called", "found"),
    [
        ('Procter & Gamble Company ("P&G")', "P&G", {"pg": "P&G"}),
        ("General Motors Corporation (the “GM Group”)", "GM Group", {"gm": "GM Group"}),
        ('PepsiCo, Inc. (together, "PEP")', "PEP", {"pep": "PEP"}),
        ('PepsiCo, Inc. (formerly Pepsi) ("PEP")', "PEP", {}),  # whose it is takes more than a look
        ('PepsiCo and its bottlers ("PBG")', "PBG", {}),  # not PepsiCo alone
        ('PepsiCo ("Market")', "Market", {}),  # an ordinary word
        ('PepsiCo ("Intel")', "Intel", {"pep": "Intel"}),  # of this text
        ('Our bank ("Intel")', "Intel", {}),
        ("PepsiCo, Inc. (PEP)", "PEP", {"pep": "PEP"}),
        ("Dell Bank (INTEL)", "Intel", {}),
        ('PepsiCo ("ABC") and Dell ("ABC")', "ABC", {}),
    ],
)
def test_short_forms_are_names_where_the_text_makes_them(made: str, called: str, found: dict[str, str]) -> None:
    first, second = f"We supply {made}.", f"We compete with {called}."
    texts = {"x": f"{first} {second}", "other": "We fill the gap in the market."}
    spans = pl.DataFrame(
        {"company_id": ["x"] * 2, "passage": [0, 1], "start": [0, len(first) + 1], "end": [len(first), len(texts["x"])]}
    )
    assert dict(rivals_named(NAMES, texts, spans).select("rival_id", "name").iter_rows()) == found


def test_companies_of_one_family_are_no_rivals() -> None:
    family = {"a": "Trinity Industries Inc", "b": "Trinity Industries Leasing Co", "c": "Universal Health Services Inc"}
    family |= {
        "w": "U S West Inc",
        "v": "US West Communications Inc",
        "d": "Universal Health Realty Trust",
        "e": "Universal Foods Corp",
        "x": "Universal Studios Inc",
    }
    text = "Trinity Industries, Universal Foods, U S West and Universal Studios compete."
    everybody = {"a", "e", "w", "x"}
    for by, kin in (("b", {"a"}), ("d", set[str]()), ("e", {"e"}), ("v", {"w"})):
        spans = pl.DataFrame({"company_id": [by], "passage": [0], "start": [0], "end": [len(text)]})
        assert set(rivals_named(family, {by: text, "y": "a universal wish"}, spans)["rival_id"]) == everybody - kin


def test_nobody_is_its_own_rival_and_a_name_of_two_companies_is_nobody_s() -> None:
    assert named("Intel and Dell compete.", by="intc") == {"dell": "Dell"}
    twins = {"a": "Acme Corp", "b": "Acme Inc"}
    spans = pl.DataFrame({"company_id": ["x"], "passage": [0], "start": [0], "end": [16]})
    assert rivals_named(twins, {"x": "Acme competes us"}, spans).is_empty()


def test_masked_texts_lack_the_passages_and_keep_the_places_of_all_others() -> None:
    text = "We sell. Dell competes. We ship."
    assert without_passages(text, [(9, 23)]) == "We sell." + " " * 15 + " We ship."
    rivals = pl.DataFrame({"company_id": ["x"], "start": [9], "end": [23]})
    both = pl.DataFrame({"company_id": ["x", "y"], "text": [text, text]})
    assert masked_texts(both, rivals)["text"].to_list() == [without_passages(text, [(9, 23)]), text]
