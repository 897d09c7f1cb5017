"""Angular distances between blocks, streamed over documents, and how precise they are (Group-SAE, section 3)."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from scipy.special import stdtrit
from torch import Tensor

Matrix = NDArray[np.float64]
CHUNK = 256
"""Tokens whose cosines are in memory at once."""
MIN_DOCUMENTS = 10
"""With fewer, the spread between documents is too uncertain to end at."""
CONFIDENCE = 0.95


class DistanceError(ValueError):
    """Angular distances cannot be computed from what was added."""


class AngularDistances:
    """Mean over tokens of arccos(cosine) / pi between mean-centred residual streams of every two blocks.

    Two passes: `add_means` over all documents, then `add` over them, one document a call, or `add_until` over as many
    as a precision takes. Nothing but sums is kept, in float64; products are float32, so that a distance is good to
    about 1e-4 where it is 0 and to 1e-6 elsewhere. Massive tokens are left out by the caller.

    Tokens of one document are alike, so documents and not tokens are what is sampled: with s_i the sum over the n_i
    tokens of document i and d = sum s_i / sum n_i, the variance of d is k / (k - 1) * sum (s_i - d n_i)^2 / (sum n_i)^2
    over k documents, and the interval is Student's with k - 1 degrees of freedom. It is about texts like these, of
    which the corpus is a sample, with the means taken as known; no correction for having read most of the corpus.

    Parameters
    ----------
    blocks : sequence of int or None
        Numbers of the blocks, for errors; None: 0, 1, 2 and so on.

    Notes
    -----
    Sources: Group-SAE, section 3 (centring as in its code, docs/method.md); Cochran, Sampling Techniques, chapter 6
    (ratio estimators; the units sampled are documents).
    """

    def __init__(self, blocks: Sequence[int] | None = None) -> None:
        self.tokens = 0
        self.documents = 0
        self._blocks = blocks
        self._mean_tokens = 0
        self._sum = torch.zeros(())
        self._varies = torch.zeros((), dtype=torch.bool)
        self._angle_sum = self._angle_sum_squares = self._angle_sum_tokens = np.zeros((0, 0))
        self._tokens_squared = 0

    def add_means(self, x: Tensor | NDArray[np.generic]) -> None:
        """Add a document, `x: [blocks, tokens, d_model]` floating point, to the means: the first pass.

        Raises DistanceError where it is not finite.
        """
        self._sum = self._sum + torch.as_tensor(x).sum(dim=1, dtype=torch.float64)
        self._mean_tokens += x.shape[1]
        if not self._sum.isfinite().all():
            raise DistanceError("activations hold NaN or infinity: harvest them again, or leave their tokens out")

    def add(self, x: Tensor | NDArray[np.generic]) -> None:
        """Add a document, `x: [blocks, tokens, d_model]`, to the angles: the second pass. Without tokens: ignored.

        Raises DistanceError where the first pass has not been made.
        """
        if not self._mean_tokens:
            raise DistanceError("no means yet: run add_means over the corpus before add")
        if not x.shape[1]:
            return
        mean = (self._sum / self._mean_tokens).float().unsqueeze(1)
        angles = torch.zeros(())
        for chunk in torch.split(torch.as_tensor(x), CHUNK, dim=1):
            centred = chunk.float() - mean
            norms = torch.linalg.vector_norm(centred, dim=2, keepdim=True)
            self._varies = self._varies | (norms > 0).any(dim=1).squeeze(1)
            unit = (centred / norms.clamp_min(1e-12)).transpose(0, 1)
            cosines = torch.bmm(unit, unit.transpose(1, 2)).clamp_(-1, 1)
            angles = angles + cosines.arccos_().sum(dim=0, dtype=torch.float64)
        self._count((angles / math.pi).cpu().numpy(), x.shape[1])

    def _count(self, sums: Matrix, tokens: int) -> None:
        """Add one document's sum of distances over its tokens, `[blocks, blocks]` in [0, 1], to the running sums."""
        sums = (sums + sums.T) / 2
        np.fill_diagonal(sums, 0.0)
        if not self.documents:
            self._angle_sum, self._angle_sum_squares, self._angle_sum_tokens = (np.zeros_like(sums) for _ in range(3))
        self._angle_sum += sums
        self._angle_sum_squares += sums**2
        self._angle_sum_tokens += sums * tokens
        self._tokens_squared += tokens**2
        self.tokens += tokens
        self.documents += 1

    def add_until(self, documents: Iterable[Tensor | NDArray[np.generic]], precision: float | None) -> None:
        """Add documents in random order to the angles, up to the first at which `half_width()` is at most `precision`.

        `precision` is in [0, 1]; None: all of them. Stopping at the first short interval favours intervals that are
        too short by chance; the effect vanishes as documents grow (Chow and Robbins 1965), and no interval is computed
        below MIN_DOCUMENTS.
        """
        for document in documents:
            self.add(document)
            if precision is not None and self.half_width() <= precision:
                return

    def distances(self) -> Matrix:
        """Return `[blocks, blocks]` in [0, 1], symmetric, diagonal 0.

        Raises DistanceError without tokens, and where a block is the same at every token and so has no direction.
        """
        if not self.tokens:
            raise DistanceError("no tokens were added: the corpus is empty, or every token of it was left out")
        constant = np.flatnonzero(~self._varies.cpu().numpy())
        if constant.size:
            names = ", ".join(str(int(i) if self._blocks is None else self._blocks[int(i)]) for i in constant)
            raise DistanceError(
                f"block {names}: the residual stream is the same at every token, so it has no angle to other blocks: "
                "leave it out of activations.blocks, or harvest it again if it should vary"
            )
        return self._angle_sum / self.tokens

    def half_widths(self) -> Matrix:
        """Return half the width of each distance's 95 % interval, `[blocks, blocks]` in [0, 1], diagonal 0.

        Infinite, the diagonal too, below MIN_DOCUMENTS documents. Each holds for its own pair, not for all at once.
        """
        k = self.documents
        if k < MIN_DOCUMENTS:
            return np.full_like(self._angle_sum, np.inf)
        mean = self._angle_sum / self.tokens
        squares = self._angle_sum_squares - 2 * mean * self._angle_sum_tokens + mean**2 * self._tokens_squared
        deviation = np.sqrt(squares.clip(min=0) * k / (k - 1)) / self.tokens
        widths: Matrix = stdtrit(k - 1, (1 + CONFIDENCE) / 2) * deviation
        return widths

    def half_width(self) -> float:
        """Return the widest of `half_widths()` (in [0, 1]); infinite below MIN_DOCUMENTS documents."""
        return float(self.half_widths().max(initial=0.0)) if self.documents >= MIN_DOCUMENTS else math.inf


def distance_rows(distances: Matrix, half_widths: Matrix, blocks: Sequence[int], tokens: int) -> pl.DataFrame:
    """Return the rows of LAYER_DISTANCES: `distances: [n, n]` (in [0, 1]) between `blocks`, means over `tokens`.

    `half_widths: [n, n]` (in [0, 1]), of their 95 % intervals; infinite ones, of too few documents, become null.
    """
    i, j = np.divmod(np.arange(distances.size), len(blocks))
    names = np.asarray(blocks, dtype=np.int32)
    columns = {"block_i": names[i], "block_j": names[j], "distance": distances.ravel()}
    widths = pl.Series(half_widths.ravel(), dtype=pl.Float64).replace(math.inf, None)
    return pl.DataFrame(columns).with_columns(half_width=widths, tokens=pl.lit(tokens, pl.Int64))


def distance_matrix(rows: pl.DataFrame) -> tuple[list[int], Matrix]:
    """Return the blocks, ascending, and their `[n, n]` distances (in [0, 1]): the inverse of `distance_rows`."""
    rows = rows.sort("block_i", "block_j")
    blocks = rows["block_i"].unique().sort().to_list()
    return blocks, rows["distance"].to_numpy().reshape(len(blocks), len(blocks))
