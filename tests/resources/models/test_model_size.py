"""What a configuration says that reading costs is what torch counts."""

import json
from pathlib import Path

import pytest
import torch
from tiny_llama import save_tiny_llama
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM

from resources.models.model_size import model_size, size_of
from resources.settings.model import Model


def test_flop_and_weights_are_those_that_torch_counts() -> None:
    config = LlamaConfig(
        vocab_size=11,
        hidden_size=16,
        intermediate_size=40,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        attn_implementation="eager",
    )
    model, size = LlamaForCausalLM(config), size_of(config.to_dict())
    assert size.parameters == sum(weight.numel() for weight in model.parameters() if weight.dim() > 1)
    ids = torch.zeros(1, 9, dtype=torch.long)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(input_ids=ids)
    counted = counter.get_flop_counts()["LlamaForCausalLM.model.layers.1"]
    assert size.window_flop(9, 1) == 2 * sum(counted.values())
    assert size.window_flop(9, 2) == 3 * sum(counted.values())


def test_a_model_at_hand_is_measured_and_a_published_one_known(tmp_path: Path) -> None:
    folder = save_tiny_llama(tmp_path / "llama")
    there = model_size(Model(id="mine", source="folder", path=folder), tmp_path)
    assert there == size_of(json.loads((folder / "config.json").read_text()))
    llama = model_size(Model(id="meta-llama/Meta-Llama-3-8B", source="hub"), tmp_path)
    assert llama is not None
    # Meta states 8.03 billion; what is left out are 65 norms of 4,096.
    assert llama.parameters == pytest.approx(8_030_261_248 - 65 * 4096, abs=0)
    assert model_size(Model(id="nobody/knows", source="hub"), tmp_path) is None
