"""What happens after an as-of date changes nothing that was formed at it."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
from lake_differences import table
from own_data import LAST_PRICE, SECOND_FILING, write_quotes, write_texts
from peerlens_command import artefacts

from assets.partitions import month_end
from resources.settings.profile import load_profile

FORMED = ("company_vectors", "peer_clusters", "peer_stack", "cointegrated_pairs", "hedge_baskets")


def formed(home: Path, as_of: str) -> list[str]:
    made = artefacts(home / "own")
    return [made[f"{asset}/{as_of}"] for asset in FORMED]


def test_prices_and_filings_after_a_date_change_nothing_formed_at_it(walk: Callable, own_copy: Path) -> None:
    earlier, later = formed(own_copy, "2007-10"), formed(own_copy, "2007-12")
    write_quotes(own_copy, LAST_PRICE, factor=1.3, after=date(2007, 10, 31))
    write_texts(own_copy, later_text="We sell insurance now, and mortgages, and nothing that comes out of the ground.")
    changed = walk(own_copy, load_profile(own_copy / "own.yaml"))
    assert formed(own_copy, "2007-10") == earlier
    assert not {f"{asset} 2007-10" for asset in FORMED} & set(changed.ran)
    assert all(new != old for new, old in zip(formed(own_copy, "2007-12"), later, strict=True))


def test_a_new_name_and_sector_belong_to_the_filing_that_tells_them(walk: Callable, own_copy: Path) -> None:
    profile, home = load_profile(own_copy / "own.yaml"), own_copy / "own"
    walk(own_copy, profile)
    dated = ("company_vectors", "peer_clusters", "cluster_labels", "cluster_scores", "cointegrated_pairs", "atlas")
    before = artefacts(home)
    texts = pl.read_parquet(own_copy / "texts.parquet")
    second = (pl.col("Symbol") == "XOM") & (pl.col("Published") == SECOND_FILING)
    called = {"Firm": "XOM Holdings", "Branch": "banks"}
    renamed = [pl.when(second).then(pl.lit(new)).otherwise(name).alias(name) for name, new in called.items()]
    texts.with_columns(renamed).write_parquet(own_copy / "texts.parquet")
    changed = walk(own_copy, profile)
    assert not {f"{asset} 2007-10" for asset in dated} & set(changed.named)
    assert {"peer_clusters 2007-11", "peer_clusters 2007-12"} <= set(changed.ran)
    assert {asset: artefacts(home)[f"{asset}/2007-10"] for asset in dated} == {
        asset: before[f"{asset}/2007-10"] for asset in dated
    }
    assert [_alike(home, as_of) for as_of in ("2007-10", "2007-12")] == [{"CVX", "XOM"}, {"JPM", "WFC", "XOM"}]
    assert ["XOM Holdings" in _page(home, as_of) for as_of in ("2007-10", "2007-12")] == [False, True]


def _alike(home: Path, as_of: str) -> set[str]:
    """Tickers of the companies in XOM's group by sector."""
    names = dict(table(home, "tickers").select("company_id", "ticker").rows())
    groups = table(home, "peer_clusters").filter(method="sector", as_of=month_end(as_of))
    named = groups.with_columns(ticker=pl.col("company_id").replace_strict(names))
    own = named.filter(ticker="XOM")["cluster"].item()
    return set(named.filter(cluster=own)["ticker"])


def _page(home: Path, as_of: str) -> str:
    place = home / "atlas" / as_of
    folder = json.loads((place / "manifest.json").read_text(encoding="utf-8"))["folder"]
    return (place / folder / f"atlas-{as_of}.html").read_text(encoding="utf-8")
