"""The passages of the pinned corpus at one block: which company each is of, and its vector."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.saes.corpus.batches import CorpusTooSmallError, InvalidActivationsError
from assets.saes.over_passages.plan import Size, size_for
from resources.settings.passages import PassageSaes

LEAST_PASSAGES = 8
"""Of training; fewer have no themes."""
LEAST_VALIDATION = 2
"""Passages; fewer have no variance to explain."""


@dataclass(frozen=True)
class PassageVectors:
    """Passages at one block, sorted by accession and number: batches are drawn by the place of a row."""

    block: int
    company: NDArray[np.str_]
    """[passages]: its company_id."""
    is_train: NDArray[np.bool_]
    """[passages]: whether it is trained on; else it tells when to stop, and how faithful the autoencoder is."""
    x: NDArray[np.float16]
    """[passages, d_model]"""
    texts: int
    """Training passages that differ in their text."""

    def size(self, settings: PassageSaes) -> Size:
        """Return how large an autoencoder over them can be."""
        return size_for(self.texts, int(self.is_train.sum()), settings)

    def without_a_tenth(self, seed: int) -> "PassageVectors":
        """Return the same passages, of which those of a tenth of the companies, drawn, are not trained on."""
        companies = np.unique(self.company[self.is_train])
        left_out = np.random.default_rng(seed).choice(companies, len(companies) // 10, replace=False)
        kept = self.is_train & ~np.isin(self.company, left_out)
        return replace(self, is_train=kept, texts=round(self.texts * kept.sum() / self.is_train.sum()))

    @property
    def train(self) -> NDArray[np.float16]:
        """Vectors that are trained on."""
        return self.x[self.is_train]

    @property
    def validation(self) -> NDArray[np.float16]:
        """Vectors of companies that are never trained on."""
        return self.x[~self.is_train]


def passages_by_block(corpus: pl.DataFrame) -> Iterator[PassageVectors]:
    """Yield the passages of each block, of rows of `passage_corpus`, in order of blocks.

    Raises
    ------
    CorpusTooSmallError
        There are too few passages to train on, or to validate on.
    InvalidActivationsError
        A vector holds NaN or infinity.
    """
    if corpus.is_empty():
        raise CorpusTooSmallError(f"the corpus of passages is empty, and {LEAST_PASSAGES} are needed: {_REMEDY}")
    placed = corpus.sort("block", "accession", "passage")
    for (block,), rows in placed.partition_by("block", as_dict=True, maintain_order=True).items():
        yield _of_block(int(block), rows)


_REMEDY = "add companies or years to the profile, or set passage_saes.source: bundled"


def _of_block(block: int, rows: pl.DataFrame) -> PassageVectors:
    is_train = (rows["split"] == "train").to_numpy()
    if is_train.sum() < LEAST_PASSAGES or (~is_train).sum() < LEAST_VALIDATION:
        raise CorpusTooSmallError(
            f"block {block}: {is_train.sum()} passages to train on and {(~is_train).sum()} of other companies to "
            f"validate on; {LEAST_PASSAGES} and {LEAST_VALIDATION} are needed: {_REMEDY}"
        )
    x = np.frombuffer(b"".join(rows["vector"]), dtype="<f2").reshape(rows.height, -1)
    if not np.isfinite(x).all():
        raise InvalidActivationsError(f"block {block}: a passage's vector holds NaN or infinity; read it again")
    if _alike(x[is_train]) or _alike(x[~is_train]):
        raise CorpusTooSmallError(f"block {block}: passages to train on, or to validate on, are all alike: {_REMEDY}")
    texts = rows.filter(pl.col("split") == "train")["text"].n_unique()
    return PassageVectors(block, rows["company_id"].to_numpy(), is_train, x, texts)


def _alike(x: NDArray[np.float16]) -> bool:
    return bool((x == x[0]).all())
