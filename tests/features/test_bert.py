"""The BERT baseline: nothing without an encoder, else a vector for every filing."""

from datetime import date
from pathlib import Path

import polars as pl

from assets import schemas
from assets.features.bert import bert_rows
from tests.tiny_bert import save_tiny_bert

FILINGS = pl.DataFrame(
    {"accession": ["a", "b"], "company_id": ["1", "2"], "filed_at": [date(2004, 1, 2)] * 2, "text": ["we sell", "we"]}
)


def test_without_an_encoder_or_filings_there_is_no_row(tmp_path: Path) -> None:
    folder = save_tiny_bert(tmp_path)
    assert bert_rows(FILINGS, None, lambda n: None).is_empty()
    assert bert_rows(FILINGS.clear(), folder, lambda n: None).is_empty()


def test_every_filing_has_a_vector_and_progress_counts_them(tmp_path: Path) -> None:
    seen: list[int] = []
    rows = bert_rows(FILINGS, save_tiny_bert(tmp_path), seen.append)
    assert schemas.BERT_VECTORS.validate(rows).num_rows == 2 == sum(seen)
    assert rows["vector"].list.len().to_list() == [8, 8] and rows["vector"][0].to_list() != rows["vector"][1].to_list()
