"""The corpus of passages: whole filings by the seed, a split for each company, nothing after the cut-off."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import schemas
from assets.passages.corpus import PassageCorpusError, corpus_rows, draw_filings, text_counts
from resources.settings.corpus import Corpus

FIRST = date(2004, 1, 1)
COUNTS = {"accession": pl.String, "company_id": pl.String, "filed_at": pl.Date, "passages": pl.UInt32}


def counts(passages: list[int], companies: int) -> pl.DataFrame:
    rows = [(f"a{i:03d}", f"c{i % companies}", FIRST + timedelta(i), n) for i, n in enumerate(passages)]
    return pl.DataFrame(rows, schema=COUNTS, orient="row")


@given(
    st.lists(st.integers(0, 400), min_size=3, max_size=50), st.integers(1, 20), st.integers(1, 4000), st.integers(0, 3)
)
def test_whole_filings_are_drawn_up_to_the_cap_and_no_company_is_in_both_splits(
    passages: list[int], companies: int, most: int, seed: int
) -> None:
    given_ = counts(passages, companies)
    settings = Corpus(seed=seed, validation_share=0.2, cutoff=FIRST + timedelta(30))
    try:
        drawn = draw_filings(given_, settings, most).join(given_, on="accession")
    except PassageCorpusError:
        return
    assert drawn["accession"].is_sorted() and drawn["accession"].is_unique().all()
    assert drawn["passages"].sum() <= most
    assert drawn["filed_at"].max() <= settings.cutoff  # type: ignore[operator]
    splits = drawn.group_by("company_id").agg(pl.col("split").unique())
    assert splits["split"].list.len().max() == 1
    held = splits.filter(pl.col("split").list.first() == "validation").height
    assert held == max(1, round(0.2 * splits.height))
    assert set(drawn["split"]) == {"train", "validation"}


def test_another_version_or_seed_draws_others() -> None:
    given_ = counts([10] * 200, 200)
    settings = [Corpus(), Corpus(version=2), Corpus(seed=1), Corpus()]
    drawn = [set(draw_filings(given_.sample(200, shuffle=True), one, 500)["accession"]) for one in settings]
    assert drawn[0] == drawn[3]
    assert len({frozenset(one) for one in drawn}) == 3
    assert {len(one) for one in drawn} == {50}


@pytest.mark.parametrize("companies", [0, 1])
def test_with_fewer_than_two_companies_the_message_says_what_to_raise(companies: int) -> None:
    with pytest.raises(PassageCorpusError, match=r"raise corpus\.cutoff or passages\.corpus_passages"):
        draw_filings(counts([5] * 3 if companies else [], 1), Corpus(), 100)
    with pytest.raises(PassageCorpusError, match=r"of 4 companies; 1 of these within 9 passages"):
        draw_filings(counts([5] * 4, 4), Corpus(), 9)


def test_rows_have_the_text_of_each_passage(tmp_path: Path) -> None:
    filing = {"accession": "a", "company_id": "c", "filed_at": FIRST}
    place = {"tokens": 2, "kind": "text", "rule": None}
    files = [tmp_path / f"{name}.parquet" for name in ("vectors", "passages", "descriptions")]
    vectors = schemas.PASSAGE_VECTORS.frame(
        {**filing, "passage": i, "block": block, "vector": bytes([i, block])} for i in (0, 1) for block in (2, 3)
    )
    vectors.write_parquet(files[0])
    schemas.PASSAGES.frame(
        {**filing, "passage": i, "start": start, "end": end, **place}
        for i, start, end in [(0, 0, 5), (1, 6, 11), (2, 12, 13)]
    ).write_parquet(files[1])
    pl.DataFrame({"accession": ["a", "b"], "text": ["Wé 😀 x we sell ö.", "Other."]}).write_parquet(files[2])
    assert text_counts(files[:1]).rows() == [("a", "c", FIRST, 2)]
    drawn = pl.DataFrame({"accession": ["a"], "split": ["train"]})
    rows = corpus_rows(drawn, *([file] for file in files))
    assert schemas.PASSAGE_CORPUS.validate(rows).num_rows == 4
    assert rows.select("passage", "text").unique().sort("passage").rows() == [(0, "Wé 😀 "), (1, " we s")]
    assert rows.filter(passage=1, block=3)["vector"].to_list() == [bytes([1, 3])]
