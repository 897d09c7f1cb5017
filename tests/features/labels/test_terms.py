"""What a label can be made of."""

import numpy as np
import pytest

from assets.features.labels.terms import FILLER, Terms, find_terms

TEXTS = [
    "The company refines crude oil and sells natural gas.",
    "It is refining crude oil in Texas, and natural gas is sold by Valero.",
    "Its restaurants serve Wendy burgers; customers in Texas like them.",
    "Family restaurants of Wendy are franchised.",
]
OWNERS = [0, 1, 2, 3]


@pytest.fixture
def terms() -> Terms:
    return find_terms(TEXTS, OWNERS, np.arange(4))


def test_words_phrases_and_prefixes_are_terms(terms: Terms) -> None:
    assert {"crude", "oil", "crude oil", "natural gas", "restaurants"} <= set(terms.names)
    assert "refin*" in terms.names
    assert dict(zip(terms.names, terms.titles, strict=True))["refin*"] in {"refines", "refining"}


def test_names_and_places_are_none(terms: Terms) -> None:
    assert not {"texas", "wendy", "valero"} & set(terms.names)


def test_filler_and_stop_words_are_none(terms: Terms) -> None:
    assert not (FILLER | {"the", "and", "its"}) & set(terms.names)


def test_a_term_of_one_company_is_none() -> None:
    found = find_terms(["sugar cane"] * 5 + ["beet farms", "beet roots"], [0] * 5 + [1, 2], np.arange(7))
    assert "sugar" not in found.names
    assert "beet" in found.names


def test_only_the_making_set_decides_what_is_a_term() -> None:
    texts = ["copper mines", "copper ore", "lithium wells", "lithium brine", "copper"]
    found = find_terms(texts, [0, 1, 2, 3, 4], np.array([0, 1]))
    assert found.names == ["copper"]
    assert found.hits([0]).tolist() == [True, True, False, False, True]


def test_a_phrase_does_not_reach_over_a_stop() -> None:
    found = find_terms(["we sell coal. trains run", "they burn coal; trains stop"], [0, 1], np.arange(2))
    assert "coal trains" not in found.names


def test_no_windows_have_no_terms() -> None:
    assert find_terms([], [], np.zeros(0, dtype=np.int64)).names == []


def test_other_scripts_do_not_fail() -> None:
    found = find_terms(["Die Bank vergibt Kredite", "银行提供贷款", "يقدم البنك القروض"], [0, 1, 2], np.arange(3))
    assert found.present.shape[0] == 3
