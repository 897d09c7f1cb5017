"""How far a description is read: to the end of its last passage."""

from datetime import date

import polars as pl

from assets import schemas
from assets.texts_read import texts_read


def read(texts: dict[str, str], ends: dict[str, list[int]]) -> dict[str, str]:
    filing = {"company_id": "c", "filed_at": date(2004, 1, 1), "start": 0, "tokens": 1, "kind": "list", "rule": None}
    passages = schemas.PASSAGES.frame(
        {**filing, "accession": name, "passage": i, "end": end}
        for name, all_ in ends.items()
        for i, end in enumerate(all_)
    )
    frame = pl.DataFrame({"accession": list(texts), "text": list(texts.values()), "quality": ["ok"] * len(texts)})
    found = texts_read(frame, passages)
    assert found.columns == frame.columns
    assert found["accession"].to_list() == frame["accession"].to_list()
    return dict(found.select("accession", "text").iter_rows())


def test_a_text_is_cut_behind_its_last_passage() -> None:
    assert read({"b": "Wé 😀 sell. And more.", "a": "We buy."}, {"b": [4, 10], "a": [7]}) == {
        "b": "Wé 😀 sell.",
        "a": "We buy.",
    }


def test_blanks_at_the_end_stay_so_that_a_whole_text_is_the_one_that_was_filed() -> None:
    assert read({"a": "We buy. \n\u00a0\n"}, {"a": [7]}) == {"a": "We buy. \n\u00a0\n"}


def test_a_text_without_passages_stays_whole() -> None:
    assert read({"a": " \n", "b": ""}, {}) == {"a": " \n", "b": ""}
