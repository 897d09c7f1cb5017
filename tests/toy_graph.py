"""A graph of seven small assets over an outside world that a test can change."""

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa

from assets.known_at import filings_known
from assets.partitions import as_of_window, months_around
from resources.lake.build import Build, build
from resources.lake.errors import DamagedFileError
from resources.lake.lake import Lake, set_aside
from resources.lake.recipe import Declaration, Graph, Slices, whole
from resources.lake.table import Column, Table
from resources.settings.profile import Profile
from resources.sources import Sources

TEXTS = Table(
    "texts",
    "What was filed.",
    ("accession",),
    (
        Column("accession", pa.string(), "Name."),
        Column("filed_at", pa.date32(), "Day."),
        Column("text", pa.string(), "Words."),
    ),
    slice_by=("filed_at", "accession"),
)
TEXTS_REJECTED = Table("texts_rejected", "What was empty.", ("accession",), TEXTS.columns[:1])
QUOTES = Table(
    "quotes",
    "One price a month.",
    ("month",),
    (Column("month", pa.date32(), "Month-end."), Column("price", pa.float64(), "Price.", "USD")),
    slice_by=("month",),
)
LENGTHS = Table(
    "lengths",
    "How long texts are.",
    ("accession",),
    (*TEXTS.columns[:2], Column("length", pa.int64(), "Length.", "characters")),
    slice_by=("filed_at", "accession"),
)
GROUPS = Table(
    "groups", "Sums.", ("name",), (Column("name", pa.string(), "Of what."), Column("sum", pa.float64(), "Sum."))
)
SCORES = Table("scores", "Sums.", ("name",), GROUPS.columns)
BOOK = Table("book", "Sums.", ("name",), GROUPS.columns)
CATALOGUE = Table("catalogue", "Where things lie.", ("name",), (Column("name", pa.string(), "File."),))
AS_OFS = ("2003-12", "2004-12", "2005-06")


@dataclass
class World:
    """What the sources would say now, and which bodies ran."""

    filings: dict[str, tuple[date, str]] = field(
        default_factory=lambda: {
            "a": (date(2003, 3, 31), "first"),
            "b": (date(2004, 2, 28), "second"),
            "c": (date(2004, 11, 30), "third"),
            "d": (date(2005, 3, 31), ""),
        }
    )
    quotes: dict[date, float] = field(
        default_factory=lambda: {date(y, m, 28): 10.0 * y + m for y in (2002, 2003, 2004, 2005) for m in range(1, 13)}
    )
    code: dict[str, str] = field(default_factory=dict)
    ran: Counter[tuple[str, str | None]] = field(default_factory=Counter)

    def of_year(self, year: str | None) -> dict[str, tuple[date, str]]:
        return {name: row for name, row in self.filings.items() if str(row[0].year) == year}

    def texts_now(self, profile: Profile, partition: str | None, sources: Sources) -> Slices:
        return {f"{day} {name}": text for name, (day, text) in self.of_year(partition).items()}

    def quotes_now(self, profile: Profile, partition: str | None, sources: Sources) -> Slices:
        return {f"{day:%Y-%m}": str(price) for day, price in self.quotes.items()}

    def texts(self, build: Build) -> None:
        rows = [
            {"accession": a, "filed_at": day, "text": text} for a, (day, text) in self.of_year(build.partition).items()
        ]
        build.write(TEXTS, TEXTS.frame(row for row in rows if row["text"]))
        empty = ({"accession": row["accession"]} for row in rows if not row["text"])
        build.write(TEXTS_REJECTED, TEXTS_REJECTED.frame(empty))

    def prices(self, build: Build) -> None:
        build.write(QUOTES, QUOTES.frame({"month": day, "price": price} for day, price in self.quotes.items()))

    def lengths(self, build: Build) -> None:
        texts = build.read("texts")
        build.write(LENGTHS, texts.select("accession", "filed_at", length=pl.col("text").str.len_chars()))

    def groups(self, build: Build) -> None:
        build.write(
            GROUPS, sums(length=build.read("lengths")["length"].sum(), price=build.read("quotes")["price"].sum())
        )

    def scores(self, build: Build) -> None:
        build.write(SCORES, sums(sums=build.read("groups")["sum"].sum(), price=build.read("quotes")["price"].sum()))

    def book(self, build: Build) -> None:
        build.write(BOOK, sums(sums=build.read("groups")["sum"].sum(), price=build.read("quotes")["price"].sum()))

    def catalogue(self, build: Build) -> None:
        files = [str(file) for table in ("texts", "book") for file in build.files(table)]
        build.write(CATALOGUE, CATALOGUE.frame({"name": file} for file in files))

    def graph(self, profile: Profile | None = None, as_ofs: tuple[str, ...] = AS_OFS) -> Graph:
        """The graph in the present world; `code` has versions of assets whose code changed."""
        declared = [
            self._declare("texts", (TEXTS, TEXTS_REJECTED), partitioning="filing_year", fingerprint=self.texts_now),
            self._declare("lengths", (LENGTHS,), partitioning="filing_year", reads={"texts": whole}),
            self._declare("prices", (QUOTES,), fingerprint=self.quotes_now, config=("prices",)),
            self._declare(
                "groups",
                (GROUPS,),
                partitioning="as_of",
                reads={
                    "lengths": filings_known,
                    "texts": filings_known,
                    "prices": months_around("clusters.train_months"),
                },
                config=("clusters.linkage",),
            ),
            self._declare(
                "scores",
                (SCORES,),
                partitioning="as_of",
                reads={"groups": whole, "prices": months_around(None, "clusters.horizon_months")},
            ),
            self._declare("book", (BOOK,), reads={"groups": whole, "prices": as_of_window("backtest.trading_months")}),
            self._declare("catalogue", (CATALOGUE,), reads={"texts": whole, "book": whole}, depends_on_paths=True),
        ]
        keys = {"filing_year": ("2003", "2004", "2005"), "as_of": as_ofs}
        return Graph({d.name: d for d in declared}, profile or toy_profile(), keys)

    def _declare(self, name: str, tables: tuple[Table, ...], **how: object) -> Declaration:
        def make(work: Build) -> None:
            self.ran[name, work.partition] += 1
            getattr(self, name)(work)

        return Declaration(name, "toy", name, tables, make, self.code.get(name, "1"), **how)  # type: ignore[arg-type]


@dataclass
class ShardedWorld(World):
    """The same, where `lengths` has a shard for every filing and resumes, and `groups` checks the shards it sees."""

    shards_made: list[str] = field(default_factory=list)

    def lengths(self, build: Build) -> None:
        (build.folder / "shards").mkdir(exist_ok=True)
        for accession, text in build.read("texts").select("accession", "text").iter_rows():
            self._shard(build, accession, text)
        super().lengths(build)

    def _shard(self, build: Build, accession: str, text: str) -> None:
        """Keep what an interrupted attempt left, link what the artefact before has, make what is in neither."""
        shard = build.folder / "shards" / f"{accession}.txt"
        before = build.before_folder / "shards" / shard.name if build.before_folder else None
        if _holds(shard, text):
            return
        shard.unlink(missing_ok=True)
        if before and _holds(before, text):
            os.link(before, shard)
        else:
            self.shards_made.append(accession)
            shard.write_text(text)

    def groups(self, build: Build) -> None:
        seen = dict(build.read("texts").select("accession", "text").iter_rows())
        for shard in (file for folder in build.folders("lengths") for file in sorted(folder.glob("shards/*.txt"))):
            if shard.stem in seen and not _holds(shard, seen[shard.stem]):
                set_aside(shard)
                raise DamagedFileError(shard)
        super().groups(build)

    def graph(self, profile: Profile | None = None, as_ofs: tuple[str, ...] = AS_OFS) -> Graph:
        plain = super().graph(profile, as_ofs)
        lengths = replace(plain.declarations["lengths"], checkpoint_dir="shards", config=("activations",))
        return replace(plain, declarations={**plain.declarations, "lengths": lengths})


def _holds(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text() == text


def toy_profile(**changed: object) -> Profile:
    return Profile.model_validate({
        "name": "toy",
        "filing_years": [2003, 2004, 2005],
        "as_of": {"first": AS_OFS[0], "last": AS_OFS[-1], "every_months": 6},
        "clusters": {"train_months": 12, "horizon_months": 3},
        "backtest": {"trading_months": 3},
        **changed,
    })  # fmt: skip


def sums(**values: float) -> pl.DataFrame:
    return GROUPS.frame({"name": name, "sum": float(value)} for name, value in values.items())


def make_all(graph: Graph, lake: Lake) -> set[tuple[str, str | None]]:
    """Build every artefact in order; returns those whose function ran."""
    every = [(name, partition) for name in graph.declarations for partition in graph.partitions(name)]
    return {(name, partition) for name, partition in every if build(graph, lake, name, partition).reasons}
