"""The atlas: one self-contained page per as-of date: scores, a map, peer groups, every company's nearest peers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import jinja2
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from assets.latent_names import LATENT
from assets.newest_tickers import newest_tickers
from assets.outputs import TEMPLATES
from assets.outputs.company_map import WIDTH, map_companies
from assets.outputs.theme_page import ThemeTables, theme_cards
from assets.sic import DIVISIONS, UNKNOWN_DIVISION, division_name
from assets.theme_titles import shown_words, told_apart
from assets.themes import shown_themes, told_themes

METHOD = "sae"
PEERS = 5
REASONS = 3
LABELLED_POINTS = 250


@dataclass(frozen=True)
class AtlasTables:
    """The tables of the lake that a page shows, as `assets.schemas` has them; rows of other dates are ignored."""

    filings: pl.DataFrame
    tickers: pl.DataFrame
    sic_groups: pl.DataFrame
    company_vectors: pl.DataFrame
    latent_labels: pl.DataFrame
    peer_clusters: pl.DataFrame
    cluster_labels: pl.DataFrame
    cluster_scores: pl.DataFrame
    neighbours: pl.DataFrame
    neighbour_scores: pl.DataFrame
    themes: pl.DataFrame
    theme_passages: pl.DataFrame
    descriptions: pl.DataFrame

    def at(self, as_of: date) -> "AtlasTables":
        """Return the same tables without what belongs to another date."""
        dated = {
            name: rows.filter(pl.col("as_of") == as_of) for name, rows in vars(self).items() if "as_of" in rows.columns
        }
        return AtlasTables(**{**vars(self), **dated})


@dataclass(frozen=True)
class LatentMatrix:
    """What similarity is computed on, and what of it may be shown.

    `weights`: [companies, latents] float64, unit rows; `rows`: each company's row; `said`: of every company and latent
    that may be shown and of which the text has a passage: its label, its terms, and those that the text says.
    """

    rows: dict[str, int]
    weights: sparse.csr_array
    said: dict[tuple[str, int], tuple[str, list[str], list[str]]]

    @property
    def cosines(self) -> NDArray[np.float64]:
        """[companies, companies]."""
        return np.asarray((self.weights @ self.weights.T).toarray(), dtype=np.float64)

    def reasons(self, company_id: str, peer_id: str) -> list[str]:
        """Return the themes that add most to the cosine of two companies, the largest first, as why_peers has them."""
        (own_latents, own), (peer_latents, peer) = (self._row(i) for i in (company_id, peer_id))
        shared, i, j = np.intersect1d(own_latents, peer_latents, assume_unique=True, return_indices=True)
        parts = zip((own[i] * peer[j]).tolist(), shared.tolist(), strict=True)
        ordered = sorted(parts, key=lambda row: (-row[0], row[1]))
        themes = [(part, words) for part, latent in ordered if (words := self._words(company_id, peer_id, latent))]
        added: dict[str, float] = {}
        for (part, _), title in zip(themes, told_apart([words for _, words in themes]), strict=True):
            added[title] = added.get(title, 0.0) + part
        return sorted(added, key=lambda title: (-added[title], title))[:REASONS]

    def _words(self, company_id: str, peer_id: str, latent: int) -> list[str]:
        """Return the words of a latent that both say."""
        own, peer = (self.said.get((one, latent)) for one in (company_id, peer_id))
        if own is None or peer is None:
            return []
        label, terms, said = own
        return shown_words(label, terms, [term for term in said if term in peer[2]])

    def _row(self, company_id: str) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        cells = slice(*self.weights.indptr[self.rows[company_id] :][:2])
        return self.weights.indices[cells], self.weights.data[cells]


def render_atlas(tables: AtlasTables, as_of: date, banner: str) -> str:
    """Return one HTML page that needs no network; texts of companies are escaped.

    Parameters
    ----------
    tables : AtlasTables
        Rows of any date.
    as_of : date
        The date shown; nothing filed later is.
    banner : str
        What a reader has to know before any number; '' for nothing.
    """
    known = tables.at(as_of)
    matrix = latent_matrix(known)
    directory = company_directory(known, matrix.rows)
    return _page_of("atlas.html.j2").render(
        as_of=as_of,
        page=f"{as_of:%Y-%m}",
        banner=banner,
        scores=_scores(known),
        groups=_groups(known, directory),
        companies=_companies(known, matrix, directory),
        **_map(matrix, directory),
    )


def render_themes(tables: AtlasTables, as_of: date, banner: str) -> str:
    """Return the page of the themes that may be shown at a date, which the atlas of that date links to.

    Parameters
    ----------
    tables, as_of, banner
        As `render_atlas` takes them.
    """
    known = tables.at(as_of)
    directory = company_directory(known, known.company_vectors["company_id"].unique())
    shown = ThemeTables(**{name: getattr(known, name) for name in ThemeTables.__dataclass_fields__})
    cards = theme_cards(shown, directory)
    return _page_of("themes.html.j2").render(as_of=as_of, page=f"{as_of:%Y-%m}", banner=banner, themes=cards)


def _page_of(template: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["rounded"] = _rounded
    return environment.get_template(template)


def latent_matrix(tables: AtlasTables) -> LatentMatrix:
    """Return what companies are compared by, and what of it may be shown, of tables of one as-of date."""
    vectors = tables.company_vectors
    company_ids = vectors["company_id"].unique().sort().to_list()
    latents = vectors.select(LATENT).unique().sort(LATENT).with_row_index("column")
    rows = pl.DataFrame({"company_id": company_ids}, schema={"company_id": pl.String}).with_row_index("row")
    # Sorted, since the order of floating-point sums would else follow the order of the rows in the table.
    placed = vectors.join(latents, on=LATENT).join(rows, on="company_id").sort("row", "column")
    cells = (placed["row"].to_numpy(), placed["column"].to_numpy())
    weights = sparse.csr_array((placed["weight"].to_numpy(), cells), shape=(len(rows), len(latents)))
    shown = shown_themes(tables.latent_labels, tables.themes)
    told = told_themes(placed, shown).join(tables.theme_passages, on=["accession", *LATENT], how="semi")
    named = told.select("company_id", "column", "label", "terms", "words").iter_rows()
    said = {(company, column): (label, terms, words) for company, column, label, terms, words in named}
    return LatentMatrix({company_id: row for row, company_id in enumerate(company_ids)}, weights, said)


def company_directory(tables: AtlasTables, company_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return name, newest ticker, SIC code and division of each company, of those grouped too.

    Name and code are those of the filing that describes the company at the date, so a later name changes no page.
    The ticker is the one that `company_directory.sql` gives; SQL cannot call this, a test holds the two together.
    """
    ids = sorted({*company_ids, *tables.peer_clusters["company_id"]})
    rows = (
        pl.DataFrame({"company_id": ids}, schema={"company_id": pl.String})
        .join(tables.sic_groups.select("company_id", "accession", "sic", "division"), on="company_id", how="left")
        .join(tables.filings.select("accession", "name"), on="accession", how="left")
        .join(newest_tickers(tables.tickers), on="company_id", how="left")
        .with_columns(pl.col("ticker", "name").fill_null(pl.col("company_id")))
    )
    return {row["company_id"]: {**row, "division": division_name(row["division"])} for row in rows.to_dicts()}


def _scores(tables: AtlasTables) -> list[dict[str, Any]]:
    """Return one row per method, the largest lift first."""
    nearest = tables.neighbour_scores.select(
        "method", "share", "low", "high", "p_value", "forward_corr", asked="companies"
    )
    rows = tables.cluster_scores.join(nearest, on="method", how="left")
    return rows.sort("lift", "method", descending=[True, False], nulls_last=True).to_dicts()


def _groups(tables: AtlasTables, directory: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the peer groups by size: members by ticker, and the shown themes that hold each together, none twice."""
    shown = shown_themes(tables.latent_labels, tables.themes)
    held = tables.cluster_labels.filter(pl.col("method") == METHOD).join(shown, on=LATENT, how="semi")
    chips = held.sort("cluster", "rank").unique(["cluster", "label"], keep="first", maintain_order=True)
    members = tables.peer_clusters.filter(pl.col("method") == METHOD).sort("cluster", "company_id")
    labels = {key[0]: part["label"].to_list() for key, part in chips.group_by("cluster", maintain_order=True)}
    return [
        {
            "cluster": key[0],
            "labels": labels.get(key[0], []),
            "members": sorted((directory[i] for i in part["company_id"]), key=lambda row: row["ticker"]),
        }
        for key, part in members.group_by("cluster", maintain_order=True)
    ]


def _companies(tables: AtlasTables, matrix: LatentMatrix, directory: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return every company by ticker, with its nearest peers and why."""
    near = tables.neighbours.filter((pl.col("method") == METHOD) & (pl.col("rank") <= PEERS)).sort("company_id", "rank")
    peers: dict[str, list[dict[str, Any]]] = {company_id: [] for company_id in directory}
    for row in near.iter_rows(named=True):
        own, peer = row["company_id"], row["peer_id"]
        peers[own].append({**directory[peer], "similarity": row["similarity"], "reasons": matrix.reasons(own, peer)})
    return sorted(({**row, "peers": peers[i]} for i, row in directory.items()), key=lambda row: row["ticker"])


def _map(matrix: LatentMatrix, directory: dict[str, dict[str, Any]]) -> dict[str, Any]:
    placed = map_companies(matrix.cosines)
    names = [division.name for division in DIVISIONS] + [UNKNOWN_DIVISION]
    points = [
        {**directory[i], "x": x, "y": y, "colour": names.index(directory[i]["division"])}
        for i, (x, y) in zip(matrix.rows, placed.xy.tolist(), strict=True)
    ]
    present = sorted({(point["colour"], point["division"]) for point in points})
    return {
        "points": points,
        "divisions": present,
        "map_width": WIDTH,
        "map_height": placed.height,
        "shown_share": placed.shown_share,
        "show_tickers": len(points) <= LABELLED_POINTS,
    }


def _rounded(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
