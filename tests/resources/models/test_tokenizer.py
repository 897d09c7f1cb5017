import hashlib
from pathlib import Path

import numpy as np
import pytest
from tiny_llama import BOS, save_tiny_llama

from resources.models.tokenizer import Tokenizer, open_tokenizer
from resources.settings.model import Model


@pytest.fixture(scope="module")
def tokenizer(models_home: Path) -> Tokenizer:
    return open_tokenizer(Model(), models_home)


def test_tokens_stand_for_the_characters_of_their_offsets(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.tokenize("Coca-Cola  2004")
    words = ["Coca-Cola  2004"[a:b] for a, b in zip(tokens.char_start, tokens.char_end, strict=True)]
    assert "".join(words) == "Coca-Cola  2004"
    assert words[-5:] == ["  ", "2", "0", "0", "4"]
    assert tokens.ids.dtype == tokens.char_start.dtype == tokens.char_end.dtype == np.int32


def test_smollm2_has_no_bos(tokenizer: Tokenizer) -> None:
    hello = tokenizer.tokenize("Hello")
    assert tokenizer.bos is None
    assert len(hello) == 1
    assert hello.ids[0] == tokenizer.tokenize("Hello world").ids[0]


def test_long_texts_are_not_cut(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.tokenize("word " * 10_000)) >= 10_000
    assert len(tokenizer.tokenize("")) == 0


def test_the_hash_is_that_of_the_tokenizer_as_json(tokenizer: Tokenizer, models_home: Path, tmp_path: Path) -> None:
    whole = tokenizer.fast.backend_tokenizer.to_str()
    assert tokenizer.hash == hashlib.sha256(whole.encode()).hexdigest()
    assert open_tokenizer(Model(), models_home).hash == tokenizer.hash
    tiny = Model(source="folder", path=save_tiny_llama(tmp_path), id="my/tiny")
    assert open_tokenizer(tiny, tmp_path).hash != tokenizer.hash


@pytest.mark.parametrize(("bos", "expected"), [(True, BOS), (False, None)])
def test_only_a_bos_that_the_tokenizer_itself_adds_counts(tmp_path: Path, bos: bool, expected: int | None) -> None:
    folder = save_tiny_llama(tmp_path, bos=bos)
    (folder / "model.safetensors").write_bytes(b"no weights: a tokenizer needs none")
    tokenizer = open_tokenizer(Model(source="folder", path=folder, id="my/tiny"), tmp_path)
    assert tokenizer.fast.bos_token_id == BOS
    assert tokenizer.bos == expected
    assert tokenizer.tokenize("a").ids.tolist() == [10]
