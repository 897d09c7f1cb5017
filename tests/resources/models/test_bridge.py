"""The model in TransformerLens: losses with a replaced stream are the same, and the model itself stays as it is."""

import numpy as np
import pytest
import torch
from tiny_llama import WORDS, save_tiny_llama

from resources.models.language_model import LanguageModel, WindowError, open_language_model
from resources.settings.model import Model

WINDOW = np.random.default_rng(0).integers(3, len(WORDS), 12).astype(np.int32)
BLOCKS = 2


@pytest.fixture(scope="module", params=[True, False], ids=["bos", "no bos"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    folder = save_tiny_llama(tmp_path_factory.mktemp("bridge"), bos=request.param, blocks=BLOCKS)
    settings = Model(source="folder", path=folder, id="my/tiny", context_length=32, overlap_tokens=8)
    return open_language_model(settings, folder.parent)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_transformer_lens_gives_the_same_losses(model: LanguageModel, block: int) -> None:
    def halve(stream: torch.Tensor) -> torch.Tensor:
        return stream / 2

    (ours,) = model.next_token_losses([WINDOW]).replaced(block, halve)
    theirs = model.bridge_losses(WINDOW, block, halve)
    torch.testing.assert_close(ours.clone(), theirs.clone(), rtol=1e-5, atol=1e-5)
    (after,) = model.next_token_losses([WINDOW]).replaced(block, halve)
    assert torch.equal(after, ours)


def test_a_block_that_is_not_there_is_refused(model: LanguageModel) -> None:
    with pytest.raises(WindowError, match=r"blocks \[2\]: the model has blocks 0 to 1"):
        model.bridge_losses(WINDOW, BLOCKS, torch.zeros_like)
