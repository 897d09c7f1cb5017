"""Whose basket is fitted on whom: the nearest companies of a similarity, as many of a group, or anybody."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from resources.settings.backtest import Backtest

PLACEBO = "random"
COARSER = ("sic", "major_group", "division")
"""Columns of `sic_groups` that fill a group which is too small, finest first."""

Peers = dict[str, list[str]]


def peers_by_method(
    neighbours: pl.DataFrame, clusters: pl.DataFrame, sic_groups: pl.DataFrame, settings: Backtest
) -> Iterator[tuple[str, Peers]]:
    """Yield each method with every company's peers, at most `basket_peers`; the placebo last.

    Of a similarity these are the nearest. Of a classification they are drawn from the group without regard to order,
    and where it is too small filled up from the next coarser SIC group and at last from all: so baskets of all methods
    are of one size. Draws are the same whatever the order of rows.

    Parameters
    ----------
    neighbours, clusters, sic_groups : DataFrame
        Rows of `neighbours`, `peer_clusters` and `sic_groups` of one as-of date.
    """
    near = neighbours.filter(pl.col("rank") <= settings.basket_peers).sort("company_id", "rank")
    ranked = set(neighbours["method"].unique())
    everyone = sorted(set(clusters["company_id"]))
    codes = {name: _groups(sic_groups, name) for name in COARSER}
    for method in sorted({*ranked, *clusters["method"].unique()}):
        if method in ranked:
            rows = near.filter(pl.col("method") == method).group_by("company_id", maintain_order=True)
            yield method, {str(company): peers["peer_id"].to_list() for (company,), peers in rows}
        else:
            own = _groups(clusters.filter(pl.col("method") == method), "cluster")
            yield method, _drawn([own, *codes.values()], everyone, settings)
    yield PLACEBO, _drawn([], everyone, settings)


def _groups(rows: pl.DataFrame, column: str) -> dict[str, object]:
    return dict(rows.drop_nulls(column).select("company_id", column).iter_rows())


def _drawn(levels: Sequence[Mapping[str, object]], everyone: list[str], settings: Backtest) -> Peers:
    """Return each company's peers, those that share the finest level with it first, each level in a drawn order."""
    order = np.random.default_rng(settings.seed).permutation(len(everyone))
    shuffled = [everyone[i] for i in order]
    codes = [_codes([level.get(company) for company in shuffled]) for level in levels]
    found: Peers = {}
    for number, company in enumerate(shuffled):
        far = np.full(len(shuffled), len(levels))
        for level, code in reversed(list(enumerate(codes))):
            far[(code == code[number]) & (code >= 0)] = level
        # Everyone begins at another place of the one order, so that no company is in all baskets.
        nearest = np.argsort(np.roll(far, -number - 1)[:-1], kind="stable")[: settings.basket_peers]
        found[company] = [shuffled[i] for i in (nearest + number + 1) % len(shuffled)]
    return found


def _codes(labels: Sequence[object]) -> NDArray[np.int64]:
    """Return a number for each label, -1 for none."""
    number = {label: i for i, label in enumerate(dict.fromkeys(label for label in labels if label is not None))}
    return np.array([number.get(label, -1) for label in labels], dtype=np.int64)
