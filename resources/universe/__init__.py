"""Who exists, what they are called and what they filed: one protocol, one file per source.

A new source is a class that does what `Universe` says, a name in `Descriptions.source`, and a line in SOURCES.
"""

from collections.abc import Mapping

from resources.universe.corpus_source import CorpusUniverse
from resources.universe.edgar_source import EdgarUniverse
from resources.universe.table_source import TableUniverse
from resources.universe.universe import COMPANIES, FILED, Documents, Filed, Universe

__all__ = ["COMPANIES", "FILED", "SOURCES", "Documents", "Filed", "Universe"]

SOURCES: Mapping[str, type[Universe]] = {
    "sample": TableUniverse,
    "parquet": TableUniverse,
    "edgar_corpus": CorpusUniverse,
    "authors": CorpusUniverse,
    "edgar": EdgarUniverse,
}
"""`descriptions.source` -> what reads it."""
