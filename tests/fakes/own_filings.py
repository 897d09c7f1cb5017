"""Small annual reports of companies that exist only here, and the truth about each."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from fakes.edgar_formats import ServedCompany, ServedFiling

FOLDER = Path(__file__).parent / "filings"
HOSTILE = "'; drop table companies; --"
"""Ticker of the company that means harm, and the end of its name."""


@dataclass(frozen=True)
class Expected:
    """What is true of one filing."""

    file: str
    sic: str
    """As filed; of the first filer."""
    period: date
    first: str | None = None
    """First words of Item 1, from its heading on; compare letters, for blanks and cases vary."""
    last: str | None = None
    """Last words of Item 1."""
    reason: str | None = None
    """Why there is no Item 1 to cut out."""
    symbols: tuple[str, ...] = ()
    """Trading symbols on the cover."""
    never: tuple[str, ...] = ()
    """Words that are near Item 1 or in its mark-up, but not in its text."""


EXPECTED = {
    "0009000001-96-000002": Expected(
        "xbev_1996_10k405.txt",
        "2086",
        date(1995, 12, 31),
        "ITEM 1. BUSINESS General Example Beverages Inc makes, bottles and sells carbonated soft drinks",
        "The Company has not had a strike since 1974 and believes that it stands well with its people.",
        never=("1995 Annual Report on Form 10-K405", "<PAGE>", "nine warehouses"),
    ),
    "0009000002-99-000003": Expected(
        "xsft_1999_10k.txt",
        "7372",
        date(1998, 12, 31),
        "ITEM 1. BUSINESS Overview Example Software Corp writes and sells programs",
        "would hurt the Company’s work – and it insures neither of their lives.",
        never=("48,000 square feet", "INDEX"),
    ),
    "0009000003-05-000004": Expected(
        "xmin_2005_10k.txt",
        "1040",
        date(2004, 12, 31),
        "Items 1 and 2. Business and Properties Overview of Our Company Example Mining Co is a producer of gold",
        "for truck tires, of which there were too few to go around.",
        never=("Table of Contents", "A rancher claims", "1,870,000"),
    ),
    "0009000003-05-000011": Expected(
        "xmin_2005_10ka.txt",
        "1040",
        date(2004, 12, 31),
        "Items 1 and 2. Business and Properties Overview of Our Company Example Mining Co is a producer of gold",
        "for truck tires, of which there were too few to go around.",
        never=("Table of Contents", "A rancher claims", "2,140,000"),
    ),
    "0009000004-03-000002": Expected(
        "xbak_2003_10ksb.txt",
        "2050",
        date(2002, 12, 31),
        "ITEM 1. DESCRIPTION OF BUSINESS. Business Development Example Bakery Co",
        "The Company has 58 full-time employees and 12 who work before the holidays. None of them belongs to a union.",
        never=("subject to a mortgage", "Stillwater"),
    ),
    "0009000004-04-000002": Expected(
        "xbak_2004_10ksb.txt",
        "2050",
        date(2003, 12, 31),
        "ITEM 1. DESCRIPTION OF BUSINESS. Business Development Example Bakery Co",
        "The Company has 51 full-time employees and 15 who work before the holidays. None of them belongs to a union.",
        never=("subject to a mortgage", "poppy seed"),
    ),
    "0009000005-03-000006": Expected(
        "xpwr_2003_10k.txt",
        "4931",
        date(2002, 12, 31),
        "Item 1. Business The Companies Example Power & Water Co (“Power & Water”) is a holding company",
        "and about half of them are represented by a union of electrical workers.",
        never=("the mains excepted", "Table of Contents", "underground store"),
    ),
    "0009000005-04-000005": Expected(
        "xpwr_2004_10k.txt",
        "4931",
        date(2003, 12, 31),
        "Item 1. Business The Companies Example Power & Water Co (“Power & Water”) is a holding company",
        "and about half of them are represented by a union of electrical workers.",
        never=("the mains excepted", "Table of Contents", "no storage of its own"),
    ),
    "0009000007-10-000009": Expected(
        "xapp_2010_10kt.txt",
        "2300",
        date(2010, 6, 30),
        "ITEM 1. BUSINESS Who We Are Example Apparel Inc designs warm clothing for people who work outdoors",
        "many have been with us for longer than our present roof.",
        never=("Winters may become warmer", "Table of Contents"),
    ),
    "0009000008-20-000003": Expected(
        "xold_2020_10k.txt",
        "3711",
        date(2019, 12, 31),
        "Item 1. Business Overview Example Motors Inc designs and builds small electric delivery vans for cities.",
        "On December 31, 2019 we had 1,035 employees, of whom 690 worked in the plant.",
        symbols=("XOLD",),
        never=("Table of Contents", "Cells may become dear"),
    ),
    "0009000008-22-000004": Expected(
        "xnew_2022_10k.txt",
        "7373",
        date(2021, 12, 31),
        "Item 1. Business Overview Example Mobility Inc, which was called Example Motors Inc until June 2021",
        "took over 520 of our people at their old pay, which was a condition of the sale.",
        symbols=("XNEW",),
        never=("Table of Contents", "We lease eleven yards"),
    ),
    "0009000009-21-000005": Expected(
        "xchp_2021_10k.txt",
        "3674",
        date(2020, 12, 31),
        "Item 1. Business Overview Example Circuits Corp designs analog chips that measure",
        "81% of them said that they would recommend us to a friend, and 6% left during the year.",
        symbols=("XCHP", "XCHPW"),
        never=("Table of Contents", "Foundries may ration capacity for long", "0009000009"),
    ),
    "0009000009-21-000012": Expected(
        "xchp_2021_10ka.txt",
        "3674",
        date(2020, 12, 31),
        reason="an amendment with Part III only",
        symbols=("XCHP", "XCHPW"),
    ),
    "0009000010-98-000002": Expected(
        "xbnk_1998_10k.txt",
        "6022",
        date(1997, 12, 31),
        reason="Item 1 only refers to Exhibit 13",
        never=("Wheat, cattle and the price of both",),
    ),
    "0009000011-01-500003": Expected(
        "xlab_2001_10k.txt",
        "2834",
        date(2000, 12, 31),
        "Item 1. Business Introduction Example Laboratories Inc develops and sells medicines for diseases of the skin.",
        "of whom 97 work in research, and has never had a dispute with them that stopped its work.",
        never=("has been rewritten since last year", "- 3 -", "owns its plant in Vermont"),
    ),
    "0009000012-15-000001": Expected(
        "xevl_2015_10k.txt",
        "7359",
        date(2014, 12, 31),
        "Item 1. Business Overview Example Hostile Holdings Inc was made up",
        "two of them are married to each other, in a tent that the Company lent for nothing.",
        never=("document.cookie", "onclick", "lollol", "root:", "\x00", "\u202e", "\u200b"),
    ),
}
"""By accession."""


def own_filings() -> list[ServedFiling]:
    """All of them, by date; a filing of two registrants is there once for each."""
    filings = [filing for expected in EXPECTED.values() for filing in _filed((FOLDER / expected.file).read_bytes())]
    return sorted(filings, key=lambda f: (f.filed_at, f.accession, f.cik))


def _filed(content: bytes) -> list[ServedFiling]:
    header = content.split(b"</SEC-HEADER>")[0].decode()
    form, accession = _told("CONFORMED SUBMISSION TYPE", header)[0], _told("ACCESSION NUMBER", header)[0]
    filed_at = datetime.strptime(_told("FILED AS OF DATE", header)[0], "%Y%m%d").date()
    filers = zip(_told("CENTRAL INDEX KEY", header), _told("COMPANY CONFORMED NAME", header), strict=True)
    return [ServedFiling(int(cik), name, form, filed_at, accession, content) for cik, name in filers]


def _told(field: str, header: str) -> list[str]:
    return re.findall(rf"{field}:\s*(.+)", header)


def own_companies() -> list[ServedCompany]:
    """The companies as they are today; those that are gone have no ticker."""
    return [
        ServedCompany(9000001, "Example Beverages Inc", ("XBEV",), "NYSE", "2086", "1231"),
        ServedCompany(9000002, "Example Software Corp", (), "", "7372", "1231"),
        ServedCompany(9000003, "Example Mining Co", ("XMIN",), "NYSE", "1040", "1231"),
        ServedCompany(9000004, "Example Bakery Co", ("XBAK",), "OTC", "2050", "1231"),
        ServedCompany(9000005, "Example Power & Water Co", ("XPWR",), "NYSE", "4931", "1231"),
        ServedCompany(9000006, "Example Gas Light Co", (), "", "4924", "1231"),
        ServedCompany(9000007, "Example Apparel Inc", ("XAPP",), "Nasdaq", "2300", "0630"),
        ServedCompany(
            9000008,
            "Example Mobility Inc",
            ("XNEW",),
            "Nasdaq",
            "7373",
            "1231",
            (("EXAMPLE MOTORS INC", date(2014, 9, 2), date(2021, 6, 14)),),
        ),
        ServedCompany(9000009, "Example Circuits Corp", ("XCHP", "XCHPW"), "Nasdaq", "3674", "1231"),
        ServedCompany(9000010, "Example Bancshares Inc", (), "", "6022", "1231"),
        ServedCompany(9000011, "Example Laboratories Inc", (), "", "2834", "1231"),
        ServedCompany(9000012, f"Example Hostile Holdings Inc {HOSTILE}", (HOSTILE,), "OTC", "7359", "1231"),
    ]
