"""The [CLS] vector of an encoder is its last state of the first token, of a text that is cut where it must be."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from resources.models.bert_cls import bert_cls_vectors, bert_identity
from resources.models.weight_files import ModelNotFoundError

WORDS = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "we", "sell", "chips"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=6,
    )
    BertModel(config).save_pretrained(place)
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [("[CLS]", 1), ("[SEP]", 2)]
    backend.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    names = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}
    PreTrainedTokenizerFast(tokenizer_object=backend, **names).save_pretrained(place)
    return place


def test_it_is_the_last_state_of_the_first_token_and_a_long_text_is_cut(folder: Path) -> None:
    found = bert_cls_vectors(folder, ["we sell", "we sell chips we", "we sell chips we sell sell sell"])
    with torch.inference_mode():
        states = BertModel.from_pretrained(folder).eval()(torch.tensor([[1, 4, 5, 2]])).last_hidden_state
    np.testing.assert_allclose(found[0], states[0, 0].numpy(), atol=1e-6)
    np.testing.assert_array_equal(found[1], found[2])
    assert found.shape == (3, 8) and found.dtype == np.float32
    assert len(bert_identity(folder)) == 64


def test_a_folder_without_an_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        bert_cls_vectors(tmp_path, ["we"])
