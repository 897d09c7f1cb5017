"""Our losses against those of TransformerLens."""

from pathlib import Path

import numpy as np
import pytest
from tiny_llama import WORDS, save_tiny_llama

from assets.saes.agreement import agreement_with_transformer_lens
from resources.models.language_model import LanguageModel, open_language_model
from resources.settings.model import Model

DOCUMENTS = [np.random.default_rng(0).integers(3, len(WORDS), n).astype(np.int32) for n in (3, 12)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    folder: Path = save_tiny_llama(tmp_path_factory.mktemp("agreement"))
    settings = Model(source="folder", path=folder, id="my/tiny", context_length=32, overlap_tokens=8)
    return open_language_model(settings, folder.parent)


@pytest.mark.parametrize("block", [0, 1])
def test_losses_agree(model: LanguageModel, block: int) -> None:
    agrees, sentence = agreement_with_transformer_lens(model, block, DOCUMENTS)
    assert agrees
    assert sentence.startswith(f"mean loss with block {block} halved differs by")


def test_losses_that_are_off_do_not_agree(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = model.bridge_losses
    monkeypatch.setattr(model, "bridge_losses", lambda *arguments: theirs(*arguments) + 2e-4)
    assert not agreement_with_transformer_lens(model, 0, DOCUMENTS)[0]
