"""How faithful an autoencoder over passages is, and whether a second one finds the same companies alike."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from assets.saes.metrics import CHUNK, fvu, mmcs
from assets.saes.model.sae import Sae
from assets.saes.model.standard import Standard
from assets.saes.over_passages.vectors import PassageVectors

NEAREST = 10
LEAST_COMPANIES = 2 * NEAREST + 1
"""Of fewer, the ten nearest are most of all there are, and shared by chance."""
Matrix = NDArray[np.float64]


@torch.inference_mode()
def passage_scores(sae: Sae, passages: PassageVectors) -> dict[str, Any]:
    """Return block, fvu, passages, l0 and dead_share.

    FVU is that of standardised vectors, which is what training lowers; dead is what is active on no passage of all.
    """
    standard, one = Standard.measured(passages.train), sae.at(passages.block)
    x = torch.from_numpy(passages.validation.astype(np.float32))
    values, indices = one.encode(one.scaled(x, passages.block))
    x_hat = one.decode(values, indices) / one.scale(passages.block)
    spread = torch.from_numpy(standard.spread)
    return {
        "block": passages.block,
        "fvu": fvu(x / spread, x_hat / spread),
        "passages": len(x),
        "l0": float((values > 0).sum() / len(x)),
        "dead_share": 1 - float((company_means(sae, passages) > 0).any(axis=0).mean()),
    }


def stability(sae: Sae, second: Sae, passages: PassageVectors) -> dict[str, float | None]:
    """Return overlap10 and mmcs of two autoencoders; no overlap under 21 companies."""
    spread = torch.from_numpy(Standard.measured(passages.train).spread)
    similar = mmcs(sae.W_dec / spread, second.W_dec / spread)
    ours, theirs = (unit_vectors(company_means(one, passages)) for one in (sae, second))
    enough = len(ours) >= LEAST_COMPANIES
    return {"overlap10": overlap(ours, theirs) if enough else None, "mmcs": similar}


@torch.inference_mode()
def company_means(sae: Sae, passages: PassageVectors) -> Matrix:
    """Return `[companies, n_latents]`: mean activations over a company's passages."""
    companies, company = np.unique(passages.company, return_inverse=True)
    sums = torch.zeros(len(companies), sae.config.n_latents, dtype=torch.float64)
    one, block = sae.at(passages.block), passages.block
    for first in range(0, len(passages.x), CHUNK):
        rows = passages.x[first : first + CHUNK]
        values, indices = one.encode(one.scaled(rows, block))
        of = torch.from_numpy(company[first : first + CHUNK]).unsqueeze(1).expand_as(indices)
        sums.index_put_((of, indices), values.double(), accumulate=True)
    return np.asarray(sums.numpy() / np.bincount(company)[:, None])


def unit_vectors(means: Matrix) -> Matrix:
    """Return unit vectors of mean x idf, as companies are described (docs/method.md)."""
    companies, active = len(means), (means > 0).sum(axis=0)
    weighted = means * (np.log((1 + companies) / (1 + active)) + 1)
    return np.asarray(weighted / np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-12))


def overlap(a: Matrix, b: Matrix, n: int = NEAREST) -> float:
    """Return the mean share of a company's `n` nearest that two sets of unit vectors have in common."""
    pairs = zip(_nearest(a, n), _nearest(b, n), strict=True)
    return float(np.mean([len(set(ours) & set(theirs)) / n for ours, theirs in pairs]))


def _nearest(vectors: Matrix, n: int) -> list[list[int]]:
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    found: list[list[int]] = np.argsort(-cosines, axis=1, kind="stable")[:, :n].tolist()
    return found
