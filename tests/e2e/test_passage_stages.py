"""Passages in the graph: what is kept changes no vector, only new filings are read, all texts have a place."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from assets.activations.harvest.harvester import Harvester
from pipelines.graph import open_graph
from resources.lake.build import build
from resources.lake.lake import Lake
from resources.lake.manifest import Manifest
from resources.lake.recipe import Graph
from resources.settings.profile import Profile

TODAY = date(2012, 1, 15)
OIL = "We refine crude oil into gasoline and diesel. Our stations sell these fuels to drivers in many states."
BANK = "We take deposits and lend to households. Our investment bank underwrites bonds and shares for its clients."
LONG = " ".join(f"Our plant number {i} makes paper and board for printers." for i in range(60))
BOILERPLATE = (
    "The company was founded in 1898 under the laws of Ohio. Its principal offices are located in Dallas, Texas. "
    "The company employs approximately 300 people in its plants."
)
TEXTS = {
    "OIL": OIL,
    "TWIN": OIL,
    "BANK": BANK,
    "ONE": "We sell pencils to schools.",
    "LONG": LONG,
    "PLATE": BOILERPLATE,
    "SUBS": "\n".join(f"Acme Holdings {i} LLC" for i in range(300)),
    "ZH": "公司主要从事石油和天然气的勘探、开采与销售，并在中国各地经营加油站和炼油厂，为客户提供各种燃料。" * 3,
    "WORD": f"We sell {'x' * 2000} to the schools of the country.",
    "CRLF": "We sell\x00crude oil to refiners all over the world\u200b.\r\n\r\nWe ship it far away.\r\n",
}


class Texts:
    """A lake of some texts, up to the passages."""

    def __init__(self, folder: Path, models: Path, texts: dict[str, str], **sections: dict[str, Any]) -> None:
        folder.mkdir(exist_ok=True)
        file = folder / "texts.parquet"
        names = list(texts)
        columns = {"ticker": names, "name": names, "text": list(texts.values())}
        pl.DataFrame(columns).write_parquet(file)
        about = {"source": "parquet", "path": file, "filed_at": date(2004, 3, 1), "columns": {"text": "text"}}
        plain = {"activations": {"blocks": [1, 2]}, "passages": {"blocks": [2]}, "features": {"blocks": [2]}}
        settings = {name: plain.get(name, {}) | sections.get(name, {}) for name in plain | sections}
        given = {"name": "texts", "filing_years": [2004], "descriptions": about, **settings}
        self.graph: Graph = open_graph(Profile.model_validate(given), TODAY)
        if not (folder / "models").exists():
            (folder / "models").symlink_to(models, target_is_directory=True)
        self.lake = Lake(folder, "texts")

    def make(self, *assets: str) -> dict[str, Manifest]:
        """Make some assets and all that they read; those whose body ran."""
        wanted = {name for asset in assets for name in self._upstream(asset)}
        ran = {}
        for name in self.graph.declarations:
            for key in self.graph.partitions(name) if name in wanted else ():
                if (made := build(self.graph, self.lake, name, key)).reasons:
                    ran[name] = made.manifest
        return ran

    def table(self, name: str) -> pl.DataFrame:
        owner = self.graph.owner(name)
        manifests = [self.lake.manifest(owner, key) for key in self.graph.partitions(owner)]
        files = [file for known in manifests if known for file in self.lake.table_files(known, name)]
        return pl.concat([pl.read_parquet(file) for file in files])

    def _upstream(self, asset: str) -> list[str]:
        return [asset, *(name for one in self.graph.declarations[asset].upstream for name in self._upstream(one))]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The filings that the model reads, batch by batch; the model reads them all the same."""
    seen: list[list[str]] = []
    parts = Harvester.parts

    def counted(harvester: Harvester, filings: Sequence[Any]) -> Any:
        seen.append([filing.accession for filing in filings])
        return parts(harvester, filings)

    monkeypatch.setattr(Harvester, "parts", counted)
    return seen


def short(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(ticker=pl.col("company_id").str.strip_prefix("ticker:"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, models_home: Path) -> Texts:
    """All texts, with shards; not to be changed."""
    texts = Texts(tmp_path_factory.mktemp("kept"), models_home, TEXTS, passages={"max_per_filing": 40})
    texts.make("passage_corpus")
    return texts


@pytest.mark.parametrize("keep", ["corpus", "none"])
def test_what_is_kept_changes_no_bit(kept: Texts, tmp_path: Path, models_home: Path, keep: str) -> None:
    cut = {"max_per_filing": 40}
    other = Texts(tmp_path, models_home, TEXTS, activations={"keep": keep}, passages=cut)
    other.make("passage_corpus")
    assert not list(tmp_path.glob("texts/activations/*/*/shards"))
    for name in ("passages", "activations", "passage_vectors", "passage_corpus"):
        assert other.table(name).equals(kept.table(name))


def test_with_shards_the_model_reads_once(tmp_path: Path, models_home: Path, read: list[list[str]]) -> None:
    Texts(tmp_path, models_home, {"OIL": OIL, "BANK": BANK}).make("passage_corpus")
    assert [len(batch) for batch in read] == [2]


@pytest.mark.parametrize("keep", ["all", "none"])
def test_new_filings_are_all_that_is_read(tmp_path: Path, models_home: Path, read: list[list[str]], keep: str) -> None:
    activations = {"keep": keep}
    first = Texts(tmp_path, models_home, {"OIL": OIL, "BANK": BANK, "ONE": TEXTS["ONE"]}, activations=activations)
    first.make("passage_vectors")
    before = first.table("passage_vectors")
    read.clear()
    more = Texts(
        tmp_path,
        models_home,
        {"OIL": OIL, "BANK": BANK, "ONE": TEXTS["ONE"], "ZH": TEXTS["ZH"]},
        activations=activations,
    )
    ran = more.make("passage_vectors")
    assert ran["passages"].metadata["filings_carried_over"] == 3
    assert ran["passage_vectors"].metadata["filings_carried_over"] == 3
    assert ran["passage_vectors"].metadata["filings_averaged"] == 1
    assert [len(batch) for batch in read] == [1]
    after = more.table("passage_vectors")
    assert after.join(before, on=["accession", "passage", "block", "vector"], how="semi").height == before.height


def test_the_model_reads_to_the_end_of_the_last_passage(kept: Texts, tmp_path: Path, models_home: Path) -> None:
    passages = short(kept.table("passages")).filter(pl.col("ticker") == "LONG")
    assert passages.height == 40
    end = int(passages["end"].max())  # type: ignore[arg-type]
    assert LONG[:end].endswith("printers.") and end < len(LONG)
    alone = Texts(tmp_path, models_home, {"LONG": LONG[:end], "BANK": BANK})
    alone.make("passage_vectors")
    for name in ("activations", "passage_vectors"):
        cut, whole = short(kept.table(name)), short(alone.table(name))
        assert cut.filter(ticker="LONG").equals(whole.filter(ticker="LONG"))
    assert kept.make("passage_vectors") == {}


def test_two_identical_texts_have_identical_vectors(kept: Texts) -> None:
    rows = short(kept.table("passage_vectors"))
    one, other = (rows.filter(ticker=name).select("passage", "block", "vector") for name in ("OIL", "TWIN"))
    assert one.equals(other) and one.height == 2


def test_texts_of_all_kinds_have_a_place(kept: Texts) -> None:
    passages, vectors = short(kept.table("passages")), short(kept.table("passage_vectors"))
    kinds = {ticker: set(kinds) for ticker, kinds in passages.group_by("ticker").agg("kind").iter_rows()}
    assert kinds == {
        **{name: {"text"} for name in TEXTS},
        "PLATE": {"boilerplate"},
        "SUBS": {"list"},
    }
    text = passages.filter(kind="text").select("accession", "passage")
    assert vectors.select("accession", "passage").sort("accession", "passage").equals(text.sort("accession", "passage"))
    for vector in vectors["vector"]:
        assert len(vector) == 2 * 576
        assert np.isfinite(np.frombuffer(vector, "<f2")).all()
    known = kept.lake.manifest("passage_vectors", "2004")
    assert known is not None and known.metadata["filings_without_text"] == 2


def test_tokens_of_passages_are_those_of_the_shards(kept: Texts) -> None:
    read = short(kept.table("activations"))
    own = short(kept.table("passages")).group_by("ticker").agg(pl.col("tokens").sum().alias("own"))
    both = read.join(own, on="ticker")
    assert both.height == len(TEXTS)
    # What belongs to no passage is blanks between them.
    assert (both["own"] <= both["tokens"]).all()
    assert both.filter(
        pl.col("ticker").is_in(["OIL", "BANK", "LONG", "ZH", "WORD"]), pl.col("own") != pl.col("tokens")
    ).is_empty()


def test_counts_are_told(kept: Texts) -> None:
    known = kept.lake.manifest("passages", "2004")
    assert known is not None
    told = known.metadata
    assert told["passages"] == sum(told[kind] for kind in ("text", "list", "boilerplate"))
    assert [told[f"rule: {rule}"] for rule in ("incorporated in", "headquartered in", "employees")] == [1, 1, 1]
    assert told["filings_at_max_per_filing"] >= 1


def test_the_corpus_is_pinned(tmp_path: Path, models_home: Path) -> None:
    few = {"OIL": OIL, "BANK": BANK, "ONE": TEXTS["ONE"]}
    first = Texts(tmp_path, models_home, few, activations={"keep": "none"})
    first.make("passage_corpus")
    before = first.table("passage_corpus")
    assert set(before["split"]) == {"train", "validation"}
    again = Texts(tmp_path, models_home, few | {"ZH": TEXTS["ZH"]}, activations={"keep": "none"})
    assert "passage_corpus" not in again.make("passage_corpus")
    assert again.table("passage_corpus").equals(before)
    drawn = Texts(tmp_path, models_home, few | {"ZH": TEXTS["ZH"]}, activations={"keep": "none"}, corpus={"version": 2})
    assert set(drawn.make("passage_corpus")) == {"passage_corpus"}
    assert short(drawn.table("passage_corpus"))["ticker"].n_unique() == 4
