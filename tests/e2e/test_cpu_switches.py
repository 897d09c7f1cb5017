"""One profile under every set of instructions and number of threads: what is the same, and how far the rest is apart.

`ATEN_CPU_CAPABILITY` chooses the instructions of PyTorch's own loops; matrix products are MKL's. A capability that this
CPU lacks is skipped, for PyTorch would take it at its word and crash.
"""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
from lake_differences import differences, streams, table
from peerlens_command import artefacts, peerlens_anew

CAPABILITIES = ("default", "avx2", "avx512")
OF_NO_MODEL = ("companies/", "filings/", "tickers/", "descriptions/", "prices/", "monthly_returns/")
BASELINES = ("tfidf", "sic4", "major_group", "division")
KEYS = {
    "saes": ["entry"],
    "sae_scores": ["entry", "block"],
    "company_embeddings": ["accession"],
    "company_vectors": [],
    "peer_clusters": ["method", "as_of", "company_id"],
    "cluster_scores": ["method", "as_of"],
    "backtest_summary": ["strategy", "method", "selection"],
}
"""Keys that are the same however the model computes; which latents a company has is not."""
ROUNDING = 2.0**-7
"""Of a token's residual stream, stored with 11 bits and computed in float32."""
slow = pytest.mark.slow


@pytest.fixture
def lake(make_once: Callable) -> Callable[[str, int], Path]:
    """Lake of profile tiny, made under a capability with so many threads; not to be written to."""

    def run(capability: str, threads: int) -> Path:
        if CAPABILITIES.index(capability) > CAPABILITIES.index(torch.backends.cpu.get_cpu_capability().lower()):
            pytest.skip(f"this CPU has no {capability}")

        def fill(home: Path) -> None:
            switches = {"ATEN_CPU_CAPABILITY": capability, "OMP_NUM_THREADS": str(threads)}
            done = peerlens_anew(home, "refresh", "--profile", "tiny", **switches)
            assert done.returncode == 0, done.stderr

        return Path(make_once(f"{capability}-{threads}", fill)) / "tiny"

    return run


def of_no_model(lake: Path) -> dict[str, str]:
    return {name: digest for name, digest in artefacts(lake).items() if name.startswith(OF_NO_MODEL)}


def baselines(lake: Path, asset: str, name: str | None = None) -> pl.DataFrame:
    return table(lake, asset, name).filter(pl.col("method").is_in(BASELINES))


def check_what_no_model_touches(one: Path, other: Path) -> None:
    assert len(of_no_model(one)) == 8
    assert of_no_model(one) == of_no_model(other)
    for asset, name in (("peer_clusters", None), ("peer_clusters", "neighbours"), ("cluster_scores", None)):
        assert baselines(one, asset, name).height > 0
        assert baselines(one, asset, name).equals(baselines(other, asset, name))


def check_keys(one: Path, other: Path) -> None:
    for asset, keys in KEYS.items():
        ours, theirs = table(one, asset), table(other, asset)
        assert ours.columns == theirs.columns
        assert ours.select(keys).equals(theirs.select(keys))


@pytest.mark.parametrize("capability", ["default", *(pytest.param(c, marks=slow) for c in CAPABILITIES[1:])])
def test_one_thread_and_two_store_the_same_activations(
    lake: Callable[[str, int], Path], capability: str, record_property: Callable[[str, object], None]
) -> None:
    one, two = lake(capability, 1), lake(capability, 2)
    check_what_no_model_touches(one, two)
    check_keys(one, two)
    ours, theirs = streams(one), streams(two)
    assert all((rows == theirs[name]).all() for name, rows in ours.items())
    record_property(f"{capability}: one thread and two", str(differences(one, two)))


@pytest.mark.parametrize("capability", ["native", *(pytest.param(c, marks=slow) for c in CAPABILITIES[1:])])
def test_capabilities_store_activations_that_agree_to_rounding(
    lake: Callable[[str, int], Path],
    tiny_home: Path,
    capability: str,
    record_property: Callable[[str, object], None],
) -> None:
    plain = lake("default", 1)
    other = tiny_home / "tiny" if capability == "native" else lake(capability, 1)
    check_what_no_model_touches(plain, other)
    check_keys(plain, other)
    found = differences(plain, other)
    assert found.tokens < ROUNDING
    record_property(f"default and {capability}", str(found))
