"""Warm starts."""

import pytest
import torch

from assets.saes.sae import SaeConfig
from assets.saes.train import random_sae
from assets.saes.transfer import TransferMismatchError, warm_start

PARENT = random_sae(SaeConfig(8, 32, 4, (1,), {1: 0.5}), torch.ones(3, 8), seed=0)


def test_a_child_has_the_parents_weights_and_its_own_scales() -> None:
    child = warm_start(PARENT, SaeConfig(8, 32, 4, (2, 3), {2: 0.1, 3: 0.2}))
    assert all(torch.equal(a, b) for a, b in zip(child.parameters(), PARENT.parameters(), strict=True))
    assert child.config.blocks == (2, 3)
    x = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(child(child.scaled(5 * x, 2)).x_hat, PARENT(PARENT.scaled(x, 1)).x_hat)


def test_a_child_does_not_share_memory_with_its_parent() -> None:
    child = warm_start(PARENT, PARENT.config)
    with torch.no_grad():
        child.W_dec.zero_()
    assert float(PARENT.W_dec.abs().sum()) > 0


def test_other_dimensions_are_refused() -> None:
    with pytest.raises(TransferMismatchError, match=r"\[8, 64\] from \[8, 32\]"):
        warm_start(PARENT, SaeConfig(8, 64, 4))
