import gzip
import os
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from assets.activations.harvest.windows import Reading, Window, batches, padded_length, padding_share, parts, windows
from resources import places
from resources.models.model_source import model_folder
from resources.settings.model import Model

SAMPLE = places.SAMPLE / "descriptions"
TESTDATA = os.environ.get("PEERLENS_TESTDATA")
GPU = Reading(window_tokens=1024, overlap_tokens=128, batch_tokens=16384, length_multiple=8)


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    window = draw(st.integers(1, 200))
    overlap = draw(st.integers(0, window - 1))
    return Reading(window, overlap, draw(st.integers(1, 500)), draw(st.integers(1, 16)))


@pytest.fixture(scope="module")
def tokenizer(models_home: Path) -> Tokenizer:
    return Tokenizer.from_file(str(model_folder(Model(), models_home) / "tokenizer.json"))


def test_ten_tokens_by_six_with_two_shared() -> None:
    assert windows(10, Reading(6, 2, 6, 1)) == [Window(0, 6, 0), Window(4, 10, 6)]


def test_a_text_that_fits_is_one_window_of_its_own_length() -> None:
    assert windows(5, Reading(6, 2, 6, 4)) == [Window(0, 5, 0)]
    assert windows(6, Reading(6, 2, 6, 4)) == [Window(0, 6, 0)]
    assert windows(0, Reading(6, 2, 6, 4)) == []


def test_windows_of_a_long_text_grow_to_a_multiple_and_share_more() -> None:
    # three windows of at most 12 sharing 2 reach 32; of 8 and 10 they would reach 20 and 26, of 9 only 23
    assert windows(23, Reading(12, 2, 12, 1)) == [Window(0, 9, 0), Window(7, 16, 9), Window(14, 23, 16)]
    assert windows(23, Reading(12, 2, 12, 5)) == [Window(0, 10, 0), Window(6, 16, 10), Window(13, 23, 16)]


@given(st.integers(0, 2000), readings())
def test_every_token_is_stored_once(n: int, reading: Reading) -> None:
    found = windows(n, reading)
    assert [position for window in found for position in range(window.stored, window.end)] == list(range(n))
    assert all(0 <= window.first <= window.stored < window.end <= n for window in found)


@given(st.integers(1, 2000), readings())
def test_windows_of_a_text_have_one_length_and_share_enough(n: int, reading: Reading) -> None:
    found = windows(n, reading)
    assert len({len(window) for window in found}) == 1
    assert len(found[0]) <= reading.window_tokens
    assert all(before.end - after.first >= reading.overlap_tokens for before, after in pairwise(found))
    firsts = [after.first - before.first for before, after in pairwise(found)]
    assert max(firsts, default=0) - min(firsts, default=0) <= 1


@given(st.integers(1, 2000), readings())
def test_no_fewer_windows_would_do(n: int, reading: Reading) -> None:
    fewer = len(windows(n, reading)) - 1
    assert fewer * reading.window_tokens - max(fewer - 1, 0) * reading.overlap_tokens < n


@given(st.integers(1, 2000), readings())
def test_long_texts_are_never_padded(n: int, reading: Reading) -> None:
    assume(n > reading.window_tokens)
    assert all(padded_length(len(window), reading) == len(window) for window in windows(n, reading))


@given(st.integers(1, 200), readings())
def test_padding_is_less_than_the_multiple(n: int, reading: Reading) -> None:
    assume(n <= reading.window_tokens)
    padded = padded_length(n, reading)
    assert n <= padded <= reading.window_tokens
    assert padded - n < reading.length_multiple


def test_only_windows_of_one_padded_length_share_a_batch() -> None:
    assert batches([5, 16, 8, 9, 7, 15], Reading(20, 0, 32, 8)) == [[1, 3], [5], [0, 2, 4]]


@given(st.data(), readings())
def test_every_window_is_in_one_batch_within_the_budget(data: st.DataObject, reading: Reading) -> None:
    lengths = data.draw(st.lists(st.integers(1, reading.window_tokens)))
    found = batches(lengths, reading)
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    padded = [[padded_length(lengths[i], reading) for i in batch] for batch in found]
    assert all(len(set(batch)) == 1 for batch in padded)
    assert all(len(batch) == 1 or sum(batch) <= reading.batch_tokens for batch in padded)
    assert [batch[0] for batch in padded] == sorted((batch[0] for batch in padded), reverse=True)


def test_the_share_of_padding_counts_what_is_read() -> None:
    assert padding_share([5, 16], Reading(20, 0, 32, 8)) == pytest.approx(3 / 24)
    assert padding_share([5, 16], Reading(20, 0, 32, 1)) == 0
    assert padding_share([], GPU) == 0


def test_parts_take_the_longest_filings_first() -> None:
    assert parts([3, 9, 4, 5, 0, 4], 8) == [[1], [3], [2, 5], [0, 4]]
    assert parts([], 8) == []


@given(st.lists(st.integers(0, 50)), st.integers(1, 100))
def test_every_filing_is_in_one_part_within_the_limit(tokens: list[int], shard_tokens: int) -> None:
    found = parts(tokens, shard_tokens)
    assert sorted(i for part in found for i in part) == list(range(len(tokens)))
    for part in found:
        filled = [tokens[i] for i in part if tokens[i]]
        assert sum(filled) <= shard_tokens or len(filled) == 1


def padding(texts: list[str], tokenizer: Tokenizer, reading: Reading = GPU) -> float:
    tokens = [len(encoding) for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
    assert sum(tokens) > 10_000
    return padding_share([len(window) for n in tokens for window in windows(n, reading)], reading)


def test_padding_of_the_sample_is_under_5_percent(tokenizer: Tokenizer) -> None:
    texts = [file.read_text(encoding="utf-8") for file in sorted(SAMPLE.glob("*.txt"))]
    assert 0 < padding(texts, tokenizer) < 0.05


@pytest.mark.skipif(TESTDATA is None, reason="PEERLENS_TESTDATA is not set")
def test_padding_of_real_descriptions_is_under_5_percent(tokenizer: Tokenizer) -> None:
    companies = pl.read_parquet(Path(str(TESTDATA)) / "sp500/companies.parquet")
    assert 0 < padding(companies["description"].drop_nulls().to_list(), tokenizer) < 0.05


@pytest.mark.skipif(TESTDATA is None, reason="PEERLENS_TESTDATA is not set")
def test_whole_items_of_real_annual_reports_are_hardly_padded(tokenizer: Tokenizer) -> None:
    files = sorted((Path(str(TESTDATA)) / "tenk/item1").glob("*.txt.gz"))[:8]
    texts = [gzip.decompress(file.read_bytes()).decode("utf-8") for file in files]
    assert padding(texts, tokenizer) < 0.002
