"""Groups and peers of many companies: seconds and memory for one method, on made-up vectors with planted groups.

    python benchmarks/clusters.py [--companies 6000] [--many 30000]

Vectors are like those of a lake: not negative, unit length, half of the latents used by a company, as words are, and
planted groups that share latents. 6,000 companies go the whole way: similarity, tree, 36 cuts scored on 60 months of
returns, the nearest 10 of each, groups at a stated share of pairs, and where those alone belong. Of 30,000 the nearest
50 are found block by block, and compared with the exact ones of 300 of them. Each size runs in a process of its own, so
that its peak of memory is its own. Prints a table, and one line of JSON.
"""

import argparse
import json
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from machine import machine, warn_if_busy
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from tables import show
from threadpoolctl import threadpool_limits

from assets.clusters.cuts import choose_theta, merges_within, most_pairs
from assets.clusters.linkage import labels_after, linkage_tree, z_scored_distances
from assets.clusters.neighbours import nearest_by_vectors
from assets.clusters.scores import nearest_neighbours, pair_count
from assets.clusters.stability import suggested_groups
from assets.features.attribution import cosines
from resources.settings.clusters import Clusters

Floats = NDArray[np.float64]
THREADS = 2
LATENTS, GROUP, MONTHS = 4000, 60, 60
USED = 0.5
"""Share of the latents that a company has."""
NEAREST, ASKED = 50, 300


@dataclass
class Timed:
    """Seconds of every step, and the most memory that the process held."""

    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    """Of all threads together, in which waiting for other programs does not count."""
    peak_gb: float = 0.0
    recall: float = 1.0
    """Of the exact nearest, found."""
    share: float = 0.0
    """Of pairs inside groups."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is done within."""
        started, used = time.perf_counter(), time.process_time()
        yield
        self.seconds[name] = time.perf_counter() - started
        self.cpu_seconds[name] = time.process_time() - used

    @property
    def total(self) -> float:
        """Seconds of all steps."""
        return sum(self.seconds.values())


def planted(companies: int, seed: int = 0) -> csr_matrix:
    """Return unit vectors [companies, LATENTS]; every 60 companies share 20 latents that are strong in them."""
    random = np.random.default_rng(seed)
    rows = np.zeros((companies, LATENTS), dtype=np.float32)
    for number in range(companies):
        used = random.random(LATENTS) < USED
        rows[number, used] = random.gamma(0.7, size=int(used.sum()))
        theme = np.random.default_rng(number // GROUP).choice(LATENTS, size=20, replace=False)
        rows[number, theme] += random.gamma(2.0, size=len(theme))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return csr_matrix(rows)


def planted_returns(companies: int) -> Floats:
    """Return monthly log returns [MONTHS, companies] of a market, planted groups and noise; one in five lacks some."""
    random = np.random.default_rng(1)
    values = random.normal(size=(MONTHS, 1)) + random.normal(size=(MONTHS, companies))
    values += random.normal(size=(MONTHS, companies // GROUP + 1))[:, np.arange(companies) // GROUP]
    values[:10, random.random(companies) < 0.2] = np.nan
    return values


def whole_way(companies: int) -> Timed:
    """Time one method from its vectors to its groups."""
    timed, settings = Timed(), Clusters()
    vectors, returns = planted(companies).astype(np.float64), planted_returns(companies)
    ids = [f"{number:010d}" for number in range(companies)]
    with threadpool_limits(THREADS):
        with timed.step("similarity"):
            similarity = cosines(vectors)
        with timed.step("peers"):
            nearest_neighbours(similarity, ids, settings.neighbours)
        with timed.step("tree"):
            tree = linkage_tree(z_scored_distances(similarity), "complete")
        with timed.step(f"{len(settings.thetas)} cuts, scored"):
            choose_theta(tree, returns, settings.thetas, settings.objective)
        with timed.step("groups"):
            labels = labels_after(tree, merges_within(tree, most_pairs(settings.pair_share, companies)))
            suggested_groups(similarity, labels)
    timed.share = pair_count(labels) / most_pairs(1.0, companies)
    return _with_peak(timed)


def many(companies: int) -> Timed:
    """Time the nearest of every company, and say how many of the exact ones they are."""
    timed, vectors = Timed(), planted(companies)
    with threadpool_limits(THREADS), timed.step(f"nearest {NEAREST}"):
        peers, _ = nearest_by_vectors(vectors, NEAREST)
    timed = _with_peak(timed)
    asked = np.sort(np.random.default_rng(2).choice(companies, size=min(ASKED, companies), replace=False))
    exact = (vectors[asked].astype(np.float64) @ vectors.T.astype(np.float64)).toarray()
    exact[np.arange(len(asked)), asked] = -np.inf
    best = np.argpartition(-exact, NEAREST - 1, axis=1)[:, :NEAREST]
    found = [len(set(own) & set(true)) for own, true in zip(peers[asked].tolist(), best.tolist(), strict=True)]
    timed.recall = float(np.mean(found)) / NEAREST
    return timed


def _with_peak(timed: Timed) -> Timed:
    timed.peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return timed


def alone(measure: Callable[[int], Timed], companies: int) -> Timed:
    """Measure in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, companies).result()


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--companies", type=int, default=6000, help="that go the whole way")
    parser.add_argument("--many", type=int, default=30_000, help="of which only the nearest are found")
    return parser.parse_args()


def main() -> None:
    """Print the table and the claims."""
    options = arguments()
    warn_if_busy()
    measured = {options.companies: alone(whole_way, options.companies), options.many: alone(many, options.many)}
    rows = [
        {"companies": companies, "step": step, "seconds": f"{seconds:.1f}", "of processors": f"{used:.1f}"}
        for companies, timed in measured.items()
        for (step, seconds), used in zip(
            (timed.seconds | {"all": timed.total}).items(),
            (*timed.cpu_seconds.values(), sum(timed.cpu_seconds.values())),
            strict=True,
        )
    ]
    show(machine(THREADS), pl.DataFrame(rows))
    some, all_nearest = measured[options.companies], measured[options.many]
    print(f"peak {some.peak_gb:.2f} and {all_nearest.peak_gb:.2f} GB; {100 * some.share:.2f} % of pairs inside groups")
    claims = {"seconds_6000": round(some.total, 1), "peak_gb_6000": round(some.peak_gb, 2)}
    claims |= {"seconds_30000": round(all_nearest.total, 1), "recall_30000": round(all_nearest.recall, 4)}
    print(json.dumps(claims))


if __name__ == "__main__":
    main()
