"""What kind a passage is: sentences of real filings, and of the descriptions that people see."""

import pytest

from assets.passages.kinds import kind_of


@pytest.mark.parametrize(
    ("rule", "passage"),
    [
        ("incorporated in", "The company was founded in 1898 and is headquartered in Purchase, New York."),
        ("incorporated in", "Unicom was organized in the state of Illinois on January 28, 1994."),
        ("incorporated in", "The company was formerly known as ChevronTexaco Corporation until May 2005."),
        ("headquartered in", "United Airlines Holdings, Inc. is headquartered in Chicago, Illinois."),
        ("headquartered in", "Unicom's principal executive offices are located at 10 South Dearborn Street, Chicago."),
        ("headquartered in", "The telephone number for the Company is (708) 952-4000."),
        ("employees", "As of December 31, 1995, the Company had approximately 3,850 employees."),
        ("employees", "The Company employs approximately 300 people."),
        ("employees", "Employees are not covered by collective bargaining agreements."),
        ("available information", "Our annual report on Form 10-K is available free of charge on our website."),
        ("available information", "Such information is incorporated herein by reference."),
        ("forward-looking", "This report contains a number of forward-looking statements."),
        ("reference", "See Note 2 to Notes to Consolidated Financial Statements."),
        ("reference", "The following table sets forth the relative sources of the Company's revenues for three years."),
    ],
)
def test_what_every_filing_says_is_boilerplate_by_its_rule(rule: str, passage: str) -> None:
    assert kind_of(passage) == ("boilerplate", rule)


@pytest.mark.parametrize(
    "passage",
    [
        "We refine crude oil into gasoline and sell it at service stations.",
        "Kellogg Company, incorporated in 1906 and headquartered at Battle Creek, Michigan, manufactures ready-to-eat "
        "cereal and convenience foods for household buyers around the world.",
        "Valero Energy Corporation, with its head office in San Antonio, Texas, is one of the largest refiners of oil.",
        "Patents cover many diaper features. Factories run in dozens of countries, and the head office is near Dallas.",
        "The Bank also provides consumer loans, home equity credit lines and checking accounts. See Item 6 below.",
        "The company sells paper through office superstores, which are estimated to control a fourth of the market.",
        "The collective bargaining agreement allowed the league's players to become free agents after six seasons.",
        "It operates through three segments: Corporate Bank, Consumer Bank, and Wealth Management.",
        "公司主要从事石油和天然气的勘探、开采与销售。",
        "تبيع الشركة النفط والغاز في جميع أنحاء المنطقة.",
    ],
)
def test_what_tells_a_business_is_text(passage: str) -> None:
    assert kind_of(passage) == ("text", None)


@pytest.mark.parametrize(
    "passage",
    [
        "Commercial 70,967 73,376 74,361\nIndustrial Firm 27,438 33,772 31,252",
        "Acme Holdings 1 LLC\nAcme Holdings 2 LLC",
        "ITEMS 1 AND 2.",
        "Rivals include Bentley, SolidWorks, Parametric Technology and Avid.",
        "👩👧 👩👧",
    ],
)
def test_names_and_figures_are_a_list(passage: str) -> None:
    assert kind_of(passage) == ("list", None)


def test_a_heading_is_one_whatever_it_says() -> None:
    assert kind_of("Employees", is_heading=True) == ("heading", None)
