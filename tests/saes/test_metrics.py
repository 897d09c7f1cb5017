"""Scores of autoencoders."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor

from assets.saes import metrics as scores
from assets.saes.metrics import (
    NoTokensError,
    cross_entropy_scores,
    fvu,
    fvu_of,
    mmcs,
    passes,
    reconstruction_scores,
    transfer_score,
)
from assets.saes.model.sae import Sae, SaeConfig, UnknownBlockError
from assets.saes.training.random_start import random_sae
from assets.schemas import SAE_SCORES

D, VOCABULARY = 8, 11


def identity_sae(scale: float = 0.5, width: int = D) -> Sae:
    """Rebuilds its input exactly: one latent per signed dimension."""
    sae = Sae(SaeConfig(D, 2 * D, width, (0, 1), {0: scale, 1: scale}))
    with torch.no_grad():
        for weight in (sae.encoder.weight, sae.W_dec):
            weight.copy_(torch.cat([torch.eye(D), -torch.eye(D)]))
    return sae


class TinyModel:
    """Embedding, two residual blocks, unembedding: real losses with the stream after a block replaced."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.embedding = torch.randn(VOCABULARY, D, generator=generator)
        self.blocks = [torch.randn(D, D, generator=generator) / 3 for _ in range(2)]
        self.unembedding = torch.randn(D, VOCABULARY, generator=generator)

    def __call__(
        self, ids: np.ndarray, block: int | None = None, replace: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        tokens = torch.from_numpy(ids.astype(np.int64))
        x = self.embedding[tokens]
        for i, weight in enumerate(self.blocks):
            x = x + torch.tanh(x @ weight)
            if i == block and replace is not None:
                x = replace(x)
        return torch.nn.functional.cross_entropy((x @ self.unembedding)[:-1], tokens[1:], reduction="none")


class OneByOne:
    """Losses of windows, each of them a call of `losses(ids, block, replace)`."""

    def __init__(self, losses: Callable[..., Tensor], windows: Sequence[np.ndarray]) -> None:
        self._losses, self._windows = losses, windows

    def plain(self) -> Iterator[Tensor]:
        yield from (self._losses(ids) for ids in self._windows)

    def replaced(self, block: int, replace: Callable[[Tensor], Tensor]) -> Iterator[Tensor]:
        yield from (self._losses(ids, block, replace) for ids in self._windows)

    def ablated(self, block: int) -> Iterator[Tensor]:
        yield from self.replaced(block, torch.zeros_like)


def one_by_one(losses: Callable[..., Tensor]) -> Callable[[Sequence[np.ndarray]], OneByOne]:
    return partial(OneByOne, losses)


DOCUMENTS = [np.random.default_rng(i).integers(0, VOCABULARY, n).astype(np.int32) for i, n in enumerate((30, 1, 25))]


def test_fvu_by_hand() -> None:
    x = torch.tensor([[0.0, 0.0], [2.0, 2.0]])
    assert fvu(x, x) == 0.0
    assert fvu(x, x.mean(dim=0).expand(2, 2)) == 1.0
    assert fvu(x, torch.tensor([[0.0, 1.0], [2.0, 2.0]])) == pytest.approx(1 / 4)


def test_reconstruction_scores_equal_the_formula_on_kept_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "CHUNK", 7)
    random = np.random.default_rng(1)
    activations = {b: (random.normal(2, 1, (50, D)) * (1 + 9 * b)).astype(np.float16) for b in (0, 1)}
    keep = {0: np.ones(50, bool), 1: random.random(50) < 0.7}
    activations[1][~keep[1]] = 1000
    sae = random_sae(SaeConfig(D, 40, 3, (0, 1), {0: 0.3, 1: 0.03}), torch.zeros(2, D), seed=0)
    rows = reconstruction_scores(sae, activations, keep)
    assert rows["block"].to_list() == [0, 1]
    for row in rows.iter_rows(named=True):
        x = sae.scaled(activations[row["block"]][keep[row["block"]]], row["block"])
        x_hat, values, indices, _ = sae(x)
        assert row["fvu"] == pytest.approx(fvu(x, x_hat), rel=1e-5)
        assert row["fvu_tokens"] == len(x)
        assert row["l0"] == pytest.approx(float((values > 0).sum() / len(x)))
        assert row["dead_share"] == pytest.approx(1 - len(indices[values > 0].unique()) / 40)


def test_a_perfect_autoencoder_explains_everything() -> None:
    x = {0: np.random.default_rng(0).normal(size=(40, D)).astype(np.float32)}
    row = reconstruction_scores(identity_sae(), x, {0: np.ones(40, bool)}).row(0, named=True)
    assert row["fvu"] == pytest.approx(0, abs=1e-12)
    assert row["l0"] == D


def test_scores_need_a_kept_token_and_a_known_block() -> None:
    x = np.ones((4, D), np.float32)
    with pytest.raises(NoTokensError, match="block 0"):
        reconstruction_scores(identity_sae(), {0: x}, {0: np.zeros(4, bool)})
    with pytest.raises(UnknownBlockError):
        reconstruction_scores(identity_sae(), {5: x}, {5: np.ones(4, bool)})


@pytest.mark.parametrize("tokens", [1, 4])
def test_tokens_that_are_all_alike_explain_nothing(tokens: int) -> None:
    with pytest.raises(NoTokensError, match=rf"block 0: its {tokens} tokens are all alike"):
        fvu_of(identity_sae(), 0, np.ones((tokens, D), np.float32))


def test_a_perfect_autoencoder_costs_no_cross_entropy() -> None:
    rows = cross_entropy_scores(
        one_by_one(TinyModel()), [("e", 0, identity_sae()), ("e", 1, identity_sae())], DOCUMENTS, 1000, 10.0
    )
    assert rows["ce_score"].to_list() == pytest.approx([1.0, 1.0], abs=1e-5)
    assert rows["dce_percent"].to_list() == pytest.approx([0.0, 0.0], abs=1e-3)
    assert rows["ce_tokens"].to_list() == [29 + 24] * 2


def test_an_autoencoder_that_rebuilds_nothing_scores_like_ablation() -> None:
    blank = Sae(SaeConfig(D, 4, 1, (0,), {0: 1.0}))
    row = cross_entropy_scores(one_by_one(TinyModel()), [("blank", 0, blank)], DOCUMENTS, 1000, 1e9).row(0, named=True)
    assert row["ce_score"] == pytest.approx(0.0, abs=1e-9)
    assert row["ce_sae"] == row["ce_ablated"]


def test_cross_entropies_are_means_over_the_first_tokens() -> None:
    model = TinyModel()
    seen: list[int] = []
    saes = [("e", 1, identity_sae(width=2))]
    rows = cross_entropy_scores(one_by_one(model), saes, DOCUMENTS, 40, 10.0, progress=seen.append)
    row = rows.row(0, named=True)
    expected = torch.cat([model(DOCUMENTS[0]), model(DOCUMENTS[2])[:11]]).double().mean()
    assert row["ce"] == pytest.approx(float(expected))
    assert row["ce_tokens"] == 40
    assert sum(seen) == 40 * passes([1]) == 40 * 3
    assert row["ce_score"] == pytest.approx((row["ce_ablated"] - row["ce_sae"]) / (row["ce_ablated"] - row["ce"]))
    assert row["dce_percent"] == pytest.approx(100 * (row["ce_sae"] / row["ce"] - 1))
    assert row["ce_ablated"] == pytest.approx(np.log(VOCABULARY), rel=1e-5)


@pytest.mark.parametrize(
    ("max_tokens", "taken"), [(300, [128, 128, 44]), (384, [128, 128, 128]), (500, [256, 244]), (5000, [299, 499, 999])]
)
def test_no_document_has_more_tokens_of_a_cross_entropy_than_it_takes(max_tokens: int, taken: list[int]) -> None:
    seen: list[int] = []

    def losses(ids: np.ndarray, block: int | None = None, replace: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        seen.append(len(ids) - 1)
        return torch.ones(len(ids) - 1) * (2 if replace else 1)

    documents = [np.arange(300), np.arange(1), np.arange(500), np.arange(1000)]
    rows = cross_entropy_scores(one_by_one(losses), [("e", 0, identity_sae())], documents, max_tokens, 10.0)
    assert seen == taken * 3
    assert rows["ce_tokens"].to_list() == [sum(taken)]


def test_massive_tokens_keep_their_own_activation() -> None:
    blank = Sae(SaeConfig(D, 4, 1, (0,), {0: 1.0}))
    passed: list[Tensor] = []

    def losses(ids: np.ndarray, block: int | None = None, replace: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        x = torch.ones(len(ids), D)
        x[0] *= 50
        if replace is not None:
            passed.append(replace(x))
        return torch.ones(len(ids) - 1)

    cross_entropy_scores(one_by_one(losses), [("blank", 0, blank)], [np.arange(6)], 100, 10.0)
    ablated, replaced = passed
    assert replaced.norm(dim=1).tolist() == pytest.approx([50 * D**0.5] + [0.0] * 5)
    assert float(ablated.abs().sum()) == 0.0


def test_no_held_out_document_is_refused() -> None:
    with pytest.raises(NoTokensError, match="two tokens"):
        cross_entropy_scores(one_by_one(TinyModel()), [("e", 0, identity_sae())], [np.array([3])], 100, 10.0)


def test_several_entries_at_a_block_are_scored_each_by_itself() -> None:
    seen: list[int] = []
    full, thin, blank = identity_sae(), identity_sae(width=2), Sae(SaeConfig(D, 4, 1, (0, 1), {0: 1.0, 1: 1.0}))
    saes = [("thin", 1, thin), ("full", 1, full), ("blank", 0, blank), ("thin", 0, thin)]
    together = cross_entropy_scores(one_by_one(TinyModel()), iter(saes), DOCUMENTS, 1000, 10.0, progress=seen.append)
    assert together.select("entry", "block").rows() == [("blank", 0), ("thin", 0), ("full", 1), ("thin", 1)]
    assert sum(seen) == (29 + 24) * passes([1, 1, 0, 0]) == (29 + 24) * (1 + 2 + 4)
    assert together.filter(pl.col("block") == 1)["ce_ablated"].n_unique() == together["ce"].n_unique() == 1
    for entry, block, sae in saes:
        alone = cross_entropy_scores(one_by_one(TinyModel()), [(entry, block, sae)], DOCUMENTS, 1000, 10.0)
        assert together.filter(pl.col("entry") == entry, pl.col("block") == block).equals(alone)


def test_a_block_that_is_not_read_has_no_score() -> None:
    with pytest.raises(UnknownBlockError, match="block 7"):
        cross_entropy_scores(one_by_one(TinyModel()), [("e", 7, identity_sae())], DOCUMENTS, 100, 10.0)


def test_all_tables_together_are_rows_of_sae_scores() -> None:
    x = np.random.default_rng(0).normal(size=(40, D)).astype(np.float32)
    fidelity = reconstruction_scores(identity_sae(), {0: x}, {0: np.ones(40, bool)})
    entries = ["blocks-00-01", "theirs"]
    entropy = cross_entropy_scores(
        one_by_one(TinyModel()), [(entry, 0, identity_sae()) for entry in entries], DOCUMENTS, 50, 10.0
    )
    likeness = pl.DataFrame({"entry": entries, "mmcs": [0.9, None]})
    assert SAE_SCORES.validate(fidelity.join(entropy, on="block").join(likeness, on="entry")).num_rows == 2


def own_biases(activation: str) -> Sae:
    """Blocks 0 and 1 with biases of their own, in training."""
    config = SaeConfig(D, 40, 3, (0, 1), {0: 0.3, 1: 0.03}, activation, block_biases=True)  # type: ignore[arg-type]
    sae = random_sae(config, torch.tensor([[0.6], [0.2]]).expand(2, D), seed=0)
    if activation == "batch_topk":
        sae.threshold.fill_(0.2)
    return sae


@pytest.mark.parametrize("activation", ["topk", "batch_topk", "jump_relu"])
def test_each_block_is_scored_with_its_own_biases_as_outside_of_training(activation: str) -> None:
    random, sae = np.random.default_rng(1), own_biases(activation)
    activations = {b: (random.normal(2, 1, (50, D)) * (1 + 9 * b)).astype(np.float32) for b in (0, 1)}
    rows = reconstruction_scores(sae, activations, dict.fromkeys((0, 1), np.ones(50, bool)))
    x = {block: sae.scaled(stream, block) for block, stream in activations.items()}
    x_hat, values, _, _ = sae.eval()(torch.cat([x[0], x[1]]), [50, 50])
    for block, part in ((0, slice(0, 50)), (1, slice(50, 100))):
        assert rows["fvu"][block] == pytest.approx(fvu(x[block], x_hat[part]), rel=1e-5)
        assert rows["l0"][block] == pytest.approx(float((values[part] > 0).sum()) / 50)
        assert fvu_of(sae, block, activations[block]) == rows["fvu"][block]
        assert fvu_of(sae, block, torch.from_numpy(activations[block])) == rows["fvu"][block]


def test_cross_entropy_of_a_block_is_that_with_its_own_biases() -> None:
    sae = own_biases("batch_topk")
    found = cross_entropy_scores(one_by_one(TinyModel()), [("e", 0, sae), ("e", 1, sae)], DOCUMENTS, 100, 10.0)
    for block in (0, 1):
        alone = cross_entropy_scores(one_by_one(TinyModel()), [("e", block, sae.at(block))], DOCUMENTS, 100, 10.0)
        assert found.filter(pl.col("block") == block).equals(alone)


def test_the_fvu_of_a_block_by_hand() -> None:
    """Only the first dimension is rebuilt: variances 4 and 1 about the mean, times the scale either way."""
    sae = Sae(SaeConfig(2, 2, 2, (3,), {3: 0.1}))
    with torch.no_grad():
        for weight in (sae.encoder.weight, sae.W_dec):
            weight.copy_(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    x = np.array([[2.0, 1.0], [-2.0, 1.0], [2.0, -1.0], [-2.0, -1.0]])
    assert fvu_of(sae, 3, x) == pytest.approx(1 / 5)


def test_transfer_score_by_hand() -> None:
    assert transfer_score(transfer=0.9, zero_shot=0.5, scratch=0.95) == pytest.approx(0.4 / 0.45)
    assert transfer_score(0.95, 0.5, 0.95) == 1.0
    assert transfer_score(0.5, 0.5, 0.95) == 0.0
    assert transfer_score(0.99, 0.5, 0.95) > 1
    assert np.isnan(transfer_score(0.9, 0.95, 0.95))


def test_mmcs_by_hand() -> None:
    a = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    b = torch.tensor([[3.0, 4.0], [5.0, 0.0]])
    assert mmcs(a, b) == pytest.approx((1.0 + 0.8) / 2)
    assert mmcs(a, a) == pytest.approx(1.0)


def test_mmcs_does_not_depend_on_chunks_or_order(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = torch.randn(2, 30, D, generator=torch.Generator().manual_seed(0))
    whole = mmcs(a, b)
    monkeypatch.setattr(scores, "CHUNK", 7)
    assert mmcs(a, b.flip(0)) == pytest.approx(whole)
    assert mmcs(a, 3 * a.flip(0)) == pytest.approx(1.0)
