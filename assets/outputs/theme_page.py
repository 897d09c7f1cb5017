"""The themes of an as-of date: which there are, how sure each label is, and what companies write about it."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from assets.latent_names import LATENT
from assets.marked_words import Piece, pieces, word_pattern
from assets.themes import shown_themes, told_themes

PASSAGES, COMPANIES, NEAREST = 4, 8, 5
"""Of a theme: passages, each of another company, companies that have it most, and themes of the same companies."""


@dataclass(frozen=True)
class ThemeTables:
    """Rows of the lake of one as-of date that the page of themes shows."""

    company_vectors: pl.DataFrame
    latent_labels: pl.DataFrame
    themes: pl.DataFrame
    theme_passages: pl.DataFrame
    descriptions: pl.DataFrame


def theme_cards(tables: ThemeTables, directory: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the page shows of every theme that may be shown, by label.

    Parameters
    ----------
    tables : ThemeTables
        Of one as-of date.
    directory : dict
        Ticker and name of each company, by id.
    """
    shown = shown_themes(tables.latent_labels, tables.themes).sort("label", *LATENT).with_row_index("theme")
    known = tables.latent_labels.drop("view", "label", "terms", "level")
    facts = known.join(tables.themes.drop("view", "as_of"), on=LATENT)
    rows = shown.join(facts, on=LATENT, maintain_order="left").to_dicts()
    having = told_themes(tables.company_vectors, shown)
    placed = _passages(having, tables)
    nearest = _nearest(having, len(rows))
    bearers = having.sort("weight", "company_id", descending=[True, False]).group_by("theme", maintain_order=True)
    most = {theme: part["company_id"].head(COMPANIES).to_list() for (theme,), part in bearers}
    return [
        {
            **row,
            "most": [directory[i] for i in most.get(row["theme"], [])],
            "nearest": [(rows[other], cosine) for other, cosine in nearest[row["theme"]]],
            "passages": [
                {**directory[company], "pieces": _best(texts, word_pattern([*row["terms"], *row["words"]]))}
                for company, texts in placed.get(row["theme"], {}).items()
            ],
        }
        for row in rows
    ]


def _nearest(having: pl.DataFrame, count: int) -> list[list[tuple[int, float]]]:
    """Return of each theme those whose weights over the companies have the highest cosine, with it."""
    ids = having["company_id"].unique().sort()
    rows = ids.search_sorted(having["company_id"]).to_numpy()
    cells = (having["weight"].to_numpy(), (rows, having["theme"].to_numpy()))
    weights = sparse.csc_array(cells, shape=(len(ids), count))
    lengths = np.sqrt(np.asarray((weights * weights).sum(axis=0)).ravel())
    products: NDArray[np.float64] = np.asarray((weights.T @ weights).toarray(), dtype=np.float64)
    scale = np.outer(lengths, lengths)
    cosines = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
    np.fill_diagonal(cosines, 0.0)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]
    return [[(int(j), float(cosines[i, j])) for j in row if cosines[i, j] > 0] for i, row in enumerate(order)]


def _passages(having: pl.DataFrame, tables: ThemeTables) -> dict[int, dict[str, list[str]]]:
    """Return the texts of the passages of each theme, strongest first, by company, for those that have it most."""
    key = ["accession", *LATENT]
    strongest = tables.theme_passages.select(*key, "rank", "start", "end", "value")
    first = having.join(strongest.filter(pl.col("rank") == 1).select(*key, "value"), on=key)
    ranked = first.sort("value", "company_id", descending=[True, False])
    top = ranked.group_by("theme", maintain_order=True).head(PASSAGES).drop("value")
    placed = top.join(strongest.sort("rank"), on=key, maintain_order="left_right")
    texts = placed.join(tables.descriptions.select("accession", "text"), on="accession", maintain_order="left")
    found: dict[int, dict[str, list[str]]] = {}
    for row in texts.iter_rows(named=True):
        passage = row["text"][row["start"] : row["end"]]
        found.setdefault(row["theme"], {}).setdefault(row["company_id"], []).append(passage)
    return found


def _best(texts: list[str], pattern: re.Pattern[str] | None) -> list[Piece]:
    """Return the strongest passage that has a word of the theme, else the strongest, as why_peers shows it."""
    cut = [pieces(text, pattern) for text in texts]
    return next((passage for passage in cut if any(piece.is_marked for piece in passage)), cut[0])
