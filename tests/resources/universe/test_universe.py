"""A new source of companies is one class: stages and planner ask it what they ask the bundled ones."""

from datetime import date
from pathlib import Path
from typing import ClassVar, get_args

import polars as pl
import pytest

from pipelines.graph import open_graph
from pipelines.refresh import plan
from resources.lake.build import build
from resources.lake.lake import Lake
from resources.lake.progress import OpenBar
from resources.settings.descriptions import Descriptions
from resources.settings.profile import Profile
from resources.universe import COMPANIES, FILED, SOURCES, Filed, Universe

TEXT = "We bake bread and sell it to shops in three states. " * 20
DAY = date(2003, 3, 31)


class Bakeries:
    """One company that files once; whoever asks is noted in `asked`."""

    cover_pages: ClassVar[bool] = False
    at_hand: ClassVar[bool] = True
    asked: ClassVar[list[Path]] = []

    @classmethod
    def years_since(cls, first: int, profile: Profile, today: date) -> list[int]:
        return [DAY.year]

    def __init__(self, profile: Profile, home: Path) -> None:
        self.asked.append(home)

    @property
    def filers(self) -> pl.DataFrame:
        return pl.DataFrame({"company_id": ["ticker:LOAF"]})

    @property
    def listed(self) -> pl.DataFrame:
        return self.filers.with_columns(ticker=pl.lit("LOAF"))

    def companies(self, bar: OpenBar) -> pl.DataFrame:
        return pl.DataFrame(
            [{"company_id": "ticker:LOAF", "name": "Loaf Inc", "first_report": DAY}], schema=dict(COMPANIES)
        )

    def filings(self, year: int, bar: OpenBar) -> Filed:
        row = {"accession": "loaf-1", "company_id": "ticker:LOAF", "name": "Loaf Inc", "form": "10-K", "filed_at": DAY}
        return Filed(
            {"loaf-1": TEXT}, lambda known: pl.DataFrame([] if known else [row | {"tickers": []}], schema=dict(FILED))
        )

    def texts(self, year: int, bar: OpenBar) -> pl.DataFrame:
        return pl.DataFrame({"accession": ["loaf-1"], "text": [TEXT]})

    def companies_now(self) -> dict[str, str]:
        return {"": "1"}

    tickers_now = companies_now

    def filings_now(self, year: int) -> dict[str, str]:
        return {f"{DAY} loaf-1": "1"}

    def preflight(self, today: date) -> date:
        return DAY

    def forget(self) -> None: ...


def test_every_source_of_a_profile_is_read_by_a_class() -> None:
    assert set(SOURCES) == set(get_args(Descriptions.model_fields["source"].annotation))


def test_a_new_source_is_one_class_and_is_told_where_the_lake_keeps_downloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new: type[Universe] = Bakeries
    monkeypatch.setattr(Bakeries, "asked", [])
    monkeypatch.setitem(SOURCES, "sample", new)  # type: ignore[arg-type]
    monkeypatch.setenv("PEERLENS_HOME", str(tmp_path / "another home"))
    lake, graph = Lake(tmp_path, "mine"), open_graph(Profile(name="mine", filing_years=[2003]), date(2012, 1, 1))
    assets = {"companies": None, "filings": "2003", "tickers": None, "descriptions": "2003"}
    made = {name: build(graph, lake, name, partition).manifest for name, partition in assets.items()}
    (text,) = pl.read_parquet(lake.table_files(made["descriptions"], "descriptions")).rows(named=True)
    (ticker,) = pl.read_parquet(lake.table_files(made["tickers"], "tickers")).rows(named=True)
    assert (text["text"], text["source"], ticker["ticker"], ticker["source"]) == (TEXT, "sample", "LOAF", "sample")
    assert not set(assets) & {body.asset for body in plan(graph, lake)}
    assert set(Bakeries.asked) == {tmp_path}
