"""The [CLS] vector of an encoder is its last state of the first token, of a text that is cut where it must be."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertModel

from resources.models.bert_cls import bert_cls_vectors, bert_identity
from resources.models.weight_files import ModelNotFoundError
from tests.tiny_bert import save_tiny_bert


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_bert(tmp_path_factory.mktemp("bert"))


def test_it_is_the_last_state_of_the_first_token_and_a_long_text_is_cut(folder: Path) -> None:
    found = bert_cls_vectors(folder, ["we sell", "we sell chips we", "we sell chips we sell sell sell"])
    with torch.inference_mode():
        states = BertModel.from_pretrained(folder).eval()(torch.tensor([[1, 4, 5, 2]])).last_hidden_state
    np.testing.assert_allclose(found[0], states[0, 0].numpy(), atol=1e-6)
    np.testing.assert_array_equal(found[1], found[2])
    assert found.shape == (3, 8) and found.dtype == np.float32
    assert len(bert_identity(folder, "clusters.bert")) == 64


def test_a_folder_without_an_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        bert_cls_vectors(tmp_path, ["we"])
