"""Which autoencoder speaks for a block, which filing for a company, and what is seen in it."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from fakes.activation_parts import write_streams

from assets import schemas
from assets.activations.shards.shards import Shards
from assets.features import encoding
from assets.features.encoding import NoEntryError, chosen_entries, encode_document, encode_filings
from assets.features.labels.sources import token_windows
from assets.saes.model.sae import Sae, SaeConfig
from resources.models.tokens import Tokens

MASSIVE = 10.0

SAES = pl.DataFrame({"entry": ["z", "blocks-01", "a"], "sha256": ["1", "2", "3"], "blocks": [[0, 2], [1], [2]]})


def test_each_block_gets_one_entry_the_first_by_name() -> None:
    assert chosen_entries(SAES, [2, 0]).rows() == [("z", 0, "1"), ("a", 2, "3")]
    assert chosen_entries(SAES.reverse(), [2, 0]).rows() == [("z", 0, "1"), ("a", 2, "3")]


def test_a_block_that_no_entry_reads_is_named() -> None:
    with pytest.raises(
        NoEntryError, match=r"features.blocks: no autoencoder reads block 5; those trained read \[0, 1, 2, 2\]"
    ):
        chosen_entries(SAES, [1, 5])


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    """One document 'wood iron wood' of three words, whose streams are unit vectors; the first token is massive."""
    x = np.zeros((1, 4, 3), dtype=np.float16)
    x[0, 0, 2] = 500
    x[0, 1, 0] = x[0, 3, 0] = 1
    x[0, 2, 1] = 1
    starts = np.array([0, 1, 6, 11], dtype=np.int32)
    ends = np.array([1, 5, 10, 15], dtype=np.int32)
    tokens = Tokens(np.arange(4, dtype=np.int32), starts, ends)
    return write_streams(tmp_path, [("doc", tokens)], {5: x[0]})


def identity_sae(activation: str = "topk") -> Sae:
    """Latent i is dimension i; jump_relu with thresholds of 1."""
    sae = Sae(SaeConfig(3, 3, 1, (5,), {5: 2.0}, activation))  # type: ignore[arg-type]
    weights = {name: torch.eye(3) if value.ndim == 2 else torch.zeros(3) for name, value in sae.state_dict().items()}
    sae.load_state_dict(weights)
    return sae


def test_latents_are_pooled_over_the_tokens_that_are_not_massive(shards: Shards) -> None:
    rows = encode_document(next(shards.iter_documents()), identity_sae(), 5, massive_norm=MASSIVE, pooling="mean")
    company = {"company_id": pl.lit("1"), "filed_at": pl.lit(date(2004, 1, 1))}
    tagged = rows.with_columns(entry=pl.lit("e"), block=pl.lit(5, pl.Int32), **company)
    assert schemas.COMPANY_FEATURES.validate(tagged).num_rows == 2
    found = rows.sort("latent").select("latent", "value", "peak_position", "peak_start", "peak_end").rows()
    assert found == [(0, pytest.approx(4 / 3), 1, 1, 5), (1, pytest.approx(2 / 3), 2, 6, 10)]


def test_rows_of_a_filing_name_its_company_and_every_entry_and_block(shards: Shards) -> None:
    filings = pl.DataFrame({"accession": ["doc"], "company_id": ["1"], "filed_at": [date(2004, 1, 1)]})
    saes, counted = {("a", 5): identity_sae(), ("b", 5): identity_sae()}, list[int]()
    rows = encode_filings(
        shards.iter_documents(), saes, filings, massive_norm=MASSIVE, pooling="max", progress=counted.append
    )
    assert schemas.COMPANY_FEATURES.validate(rows).num_rows == 4
    assert rows.select("accession", "company_id", "entry", "block", "latent", "value").rows() == [
        ("doc", "1", "a", 5, 0, 2.0),
        ("doc", "1", "a", 5, 1, 2.0),
        ("doc", "1", "b", 5, 0, 2.0),
        ("doc", "1", "b", 5, 1, 2.0),
    ]
    assert counted == [1]


@pytest.fixture
def uneven(tmp_path: Path) -> Shards:
    """Two documents of words whose streams have 0, 1, 3, 2 and 1, 1 dimensions above the threshold of 1 / 2."""
    x = np.zeros((6, 3), dtype=np.float16)
    x[0, 0] = 0.25
    x[1, 1] = 1
    x[2] = [1, 2, 3]
    x[3, [0, 2]] = 2
    x[4, 0] = x[5, 1] = 1
    starts = np.array([0, 5, 10, 15], dtype=np.int32)
    documents = [Tokens(np.arange(n, dtype=np.int32), starts[:n], starts[:n] + 4) for n in (4, 2)]
    return write_streams(tmp_path, [("one", documents[0]), ("two", documents[1])], {5: x})


@pytest.mark.parametrize("chunk", [1, 2, 3, 4096])
def test_chunks_of_different_width_are_joined(uneven: Shards, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(encoding, "CHUNK", chunk)
    rows = encode_document(
        next(uneven.iter_documents()), identity_sae("jump_relu"), 5, massive_norm=MASSIVE, pooling="mean"
    )
    found = rows.sort("latent").select("latent", "value", "peak_position").rows()
    assert found == [(0, (2 + 4) / 4, 3), (1, (2 + 4) / 4, 2), (2, (6 + 4) / 4, 2)]


def test_a_block_is_encoded_with_its_own_biases(shards: Shards) -> None:
    both = Sae(SaeConfig(3, 3, 1, (4, 5), {4: 1.0, 5: 2.0}, block_biases=True))
    with torch.no_grad():
        both.encoder.weight.copy_(torch.eye(3))
        both.encoder.bias[1, 0] = -1
    rows = encode_document(next(shards.iter_documents()), both, 5, massive_norm=MASSIVE, pooling="mean")
    assert rows.sort("latent").select("latent", "value").rows() == [
        (0, pytest.approx((1 + 1) / 3)),
        (1, pytest.approx(2 / 3)),
    ]


def test_a_latents_value_in_a_passage_is_its_largest_over_kept_tokens(shards: Shards) -> None:
    index = pl.DataFrame({"accession": ["doc"], "first_row": [0], "tokens": [4], "text": [" wood iron wood"]})
    spans = [("doc", "c", 1, 5), ("doc", "c", 6, 15)]
    passages = pl.DataFrame(spans, schema=["accession", "company_id", "start", "end"], orient="row")
    windows = token_windows(index, shards, passages, identity_sae(), 5, MASSIVE)
    assert windows.texts == ["wood", "iron wood"]
    assert windows.owners == ["c", "c"]
    assert windows.values.tolist() == [[2, 0, 0], [2, 2, 0]]
    assert windows.nearness.tolist() == [[2, 0, 0], [2, 2, 0]]


def test_passages_of_massive_tokens_alone_and_filings_without_passages_give_no_windows(shards: Shards) -> None:
    index = pl.DataFrame({"accession": ["doc"], "first_row": [0], "tokens": [4], "text": [" wood iron wood"]})
    schema = {"accession": pl.String, "company_id": pl.String, "start": pl.Int32, "end": pl.Int32}
    massive = pl.DataFrame([("doc", "c", 0, 1)], schema=schema, orient="row")
    for passages in (massive, massive.clear()):
        windows = token_windows(index, shards, passages, identity_sae(), 5, MASSIVE)
        assert windows.values.shape == (0, 3)
