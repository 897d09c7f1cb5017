"""How far two lakes of one profile are apart, where they cannot be the same to the last bit."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.activations.shards.shards import Shards, massive_tokens

MASSIVE = 10.0
"""Norms over the median norm: a token so large hides every other."""


@dataclass(frozen=True)
class Differences:
    """What differs between two lakes."""

    values: float
    """Share of stored activations that are not the same bits."""
    tokens: float
    """Largest |x - y| / |x| of a token's residual stream that is not massive."""
    fvu: float
    """Largest difference of an autoencoder's FVU."""
    peers: float
    """Share of the nearest peers by latents that both have."""
    lift: float
    """Largest difference of a method's pair-weighted correlation less that of all pairs."""

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.3g}" for name, value in asdict(self).items())


def table(lake: Path, asset: str, name: str | None = None) -> pl.DataFrame:
    """A table of all partitions of an asset, as the manifests point to it."""
    folders = [m.parent / json.loads(m.read_text())["folder"] for m in sorted((lake / asset).glob("*/manifest.json"))]
    return pl.concat(pl.read_parquet(folder / (name or asset) / "*.parquet") for folder in folders)


def streams(lake: Path) -> dict[str, NDArray[np.float64]]:
    """Every stored residual stream [tokens, d_model]: 'activations/2004 block 2' -> its rows."""
    found = {}
    for manifest in sorted([*lake.glob("activations/*/manifest.json"), *lake.glob("sae_corpus/*/manifest.json")]):
        shards = Shards(manifest.parent / json.loads(manifest.read_text())["folder"] / "shards")
        for block in shards.blocks:
            rows = np.asarray(shards.activations(block)).astype(np.float64)
            found[f"{manifest.parent.relative_to(lake)} block {block}"] = rows
    return found


def differences(one: Path, other: Path) -> Differences:
    """Compare two lakes that have the same tables with the same keys."""
    ours, theirs = streams(one), streams(other)
    assert {name: rows.shape for name, rows in ours.items()} == {name: rows.shape for name, rows in theirs.items()}
    unlike = sum(int((ours[name] != theirs[name]).sum()) for name in ours)
    fvu = _joined(table(one, "saes"), table(other, "saes"), ["entry"], "fvu")
    lift = [table(lake, "cluster_scores").with_columns(lift=LIFT) for lake in (one, other)]
    return Differences(
        values=unlike / sum(rows.size for rows in ours.values()),
        tokens=max(_of_a_token(rows, theirs[name]) for name, rows in ours.items()),
        fvu=fvu,
        peers=_peers_kept(*(table(lake, "peer_clusters", "neighbours") for lake in (one, other))),
        lift=_joined(*lift, ["method", "as_of"], "lift"),
    )


LIFT = pl.col("pair_weighted") - pl.col("all_pairs")


def _of_a_token(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    norms = np.linalg.norm(ours, axis=1)
    kept = ~massive_tokens(norms, MASSIVE)
    return float((np.linalg.norm(ours - theirs, axis=1)[kept] / norms[kept]).max())


def _joined(ours: pl.DataFrame, theirs: pl.DataFrame, keys: list[str], column: str) -> float:
    both = ours.join(theirs, on=keys, validate="1:1")
    assert both.height == ours.height == theirs.height
    apart = (both[column] - both[f"{column}_right"]).abs().max()
    return 0.0 if apart is None else float(str(apart))


def _peers_kept(ours: pl.DataFrame, theirs: pl.DataFrame) -> float:
    keys = ["as_of", "company_id", "peer_id"]
    ours, theirs = (rows.filter(pl.col("method") == "sae", pl.col("rank") <= 5) for rows in (ours, theirs))
    return ours.join(theirs, on=keys).height / ours.height
