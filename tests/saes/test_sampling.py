"""Group batches."""

import numpy as np
import pytest
import torch

from assets.saes.sampling import CorpusTooSmallError, GroupSampler, InvalidActivationsError, layer_scales

TOKENS = 1000


def numbered(blocks: tuple[int, ...] = (2, 3)) -> dict[int, np.ndarray]:
    """Activations that say where they come from: [token, block]."""
    tokens = np.arange(TOKENS, dtype=np.float32)
    return {block: np.stack([tokens, np.full(TOKENS, block, np.float32)], axis=1) for block in blocks}


def kept(blocks: tuple[int, ...] = (2, 3)) -> dict[int, np.ndarray]:
    return {block: np.ones(TOKENS, bool) for block in blocks}


UNSCALED = {2: 1.0, 3: 1.0, 4: 1.0}


def test_an_epoch_has_every_token_once_and_both_blocks_about_equally() -> None:
    batch = GroupSampler(numbered(), kept(), UNSCALED, seed=0)(TOKENS)
    assert sorted(batch[:, 0].int().tolist()) == list(range(TOKENS))
    assert 430 < int((batch[:, 1] == 2).sum()) < 570


def test_epochs_differ_and_batches_run_across_them() -> None:
    sampler = GroupSampler(numbered(), kept(), UNSCALED, seed=0)
    tokens = torch.cat([sampler(300)[:, 0] for _ in range(10)]).int()
    assert np.bincount(tokens.numpy()).tolist() == [3] * TOKENS
    assert not torch.equal(tokens[:TOKENS], tokens[TOKENS : 2 * TOKENS])


def test_equal_seeds_give_equal_batches() -> None:
    first, second, other = (GroupSampler(numbered(), kept(), UNSCALED, seed)(500) for seed in (7, 7, 8))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_massive_activations_are_never_drawn() -> None:
    keep = kept((2, 3, 4))
    keep[2][:500] = False
    for mask in keep.values():
        mask[:10] = False
    sampler = GroupSampler(numbered((2, 3, 4)), keep, UNSCALED, seed=1)
    batch = torch.cat([sampler(990) for _ in range(20)])
    token, block = batch[:, 0].int(), batch[:, 1].int()
    assert int(token.min()) == 10
    assert not bool(((token < 500) & (block == 2)).any())
    shares = [float((block[token < 500] == b).float().mean()) for b in (3, 4)]
    assert shares == pytest.approx([0.5, 0.5], abs=0.03)
    assert float((block[token >= 500] == 2).float().mean()) == pytest.approx(1 / 3, abs=0.03)


def test_scaled_activations_have_a_mean_norm_of_one() -> None:
    random = np.random.default_rng(0)
    activations = {b: (random.normal(size=(TOKENS, 6)) * 10**b).astype(np.float16) for b in (0, 2)}
    activations[0][3] = 60_000
    keep = kept((0, 2))
    keep[0][3] = False
    scales = layer_scales(activations, keep)
    norms = np.linalg.norm(activations[0][keep[0]].astype(np.float64), axis=1)
    assert scales[0] == pytest.approx(1 / norms.mean(), rel=1e-6)
    for block in (0, 2):
        batch = GroupSampler({block: activations[block]}, {block: keep[block]}, scales, 0)(900)
        assert float(batch.norm(dim=1).mean()) == pytest.approx(1, abs=0.02)


def test_a_corpus_smaller_than_a_batch_is_refused() -> None:
    with pytest.raises(CorpusTooSmallError, match="1000 tokens, less than one batch of 1001"):
        GroupSampler(numbered(), kept(), UNSCALED, seed=0)(1001)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scales_of_broken_activations_are_refused(value: float) -> None:
    activations = numbered()
    activations[3][5, 0] = value
    with pytest.raises(InvalidActivationsError, match="block 3"):
        layer_scales(activations, kept())


def test_scales_need_a_kept_token_and_a_mask_that_fits() -> None:
    with pytest.raises(InvalidActivationsError, match="0 of them kept"):
        layer_scales(numbered((2,)), {2: np.zeros(TOKENS, bool)})
    with pytest.raises(InvalidActivationsError, match="a mask of 9"):
        layer_scales(numbered((2,)), {2: np.ones(9, bool)})
