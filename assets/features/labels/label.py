"""Labels of all latents of an autoencoder at a block: made, chosen and scored on three sets of companies.

A label is a rule, any of at most three terms. Terms come from a contrast of the windows that wake the latent
with all others; rules are grown on the making set and chosen by their mean balanced accuracy on both that and the
choosing set; what is reported is measured on the third, which neither has seen (docs/method.md).
"""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets import schemas
from assets.features.explaining import OF_THE_EXPLAINER
from assets.features.labels.contrast import contrast, parts_of_phrases, used_by_several
from assets.features.labels.rules import balanced_accuracy, grown_rules, same_words, score
from assets.features.labels.terms import Terms, find_terms
from assets.features.labels.windows import Drawn, Windows, draw
from resources.settings.features import Labels

QUANTILES = (0.0, 0.25, 0.5, 0.65, 0.8, 0.9)
"""Of a latent's activations on the making set: levels from which its label may be said."""
SURE = 0.85
"""Balanced accuracy at which no higher level is tried."""
LEVEL_COST = 0.02
"""What a level must gain for the share of activations that it leaves without a label."""
MIN_CHOSEN = 0.78
"""Balanced accuracy where the label was made and chosen; under it a latent has none."""
MIN_ACTIVE = 4
"""Active windows that the making and the choosing set must have."""
MIN_WINDOWS, MIN_DOCUMENTS = 10, 5
"""Fewer windows, or filings with an active one, give no score."""
TERMS_COMPARED, WORDS_COMPARED = 40, 150
"""Of the surest terms: of what a label can be made, and among which other words of the theme are looked for."""

SCHEMA = {
    column.name: kind
    for column, kind in zip(schemas.LATENT_LABELS.columns, schemas.LATENT_LABELS.empty().dtypes, strict=True)
    if column.name not in ("view", "entry", "block", *OF_THE_EXPLAINER)
}
"""Columns that a latent has by itself."""


class Rule(NamedTuple):
    """A rule for one latent: its terms, surest first, the level from which it holds, and how well it does."""

    terms: tuple[int, ...]
    level: float
    value: float


def label_latents(windows: Windows, settings: Labels) -> pl.DataFrame:
    """Return a row of `latent_labels` for every latent that is active in a window, without view, entry and block.

    No two latents have one label: of two that want the same the one that is told better has it, the other its
    next best.
    """
    labeller = _Labeller(windows)
    active = np.flatnonzero((windows.values > 0).any(axis=0))
    wanted = {int(latent): labeller.rules(int(latent)) for latent in active}
    given = _unique(wanted, labeller.terms)
    rows = [labeller.row(latent, given.get(latent), settings) for latent in wanted]
    return pl.DataFrame(rows, schema=SCHEMA)


class _Labeller:
    """Windows and their terms, asked latent by latent."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._made, self._chosen, self._scored = windows.sets
        self.terms: Terms = find_terms(windows.texts, windows.companies.tolist(), self._made)
        self._by_window = self.terms.present.tocsr()
        rows = (self._by_window[self._made], self._by_window)
        self._totals, self._everywhere = (np.asarray(one.sum(axis=0), dtype=np.float64).ravel() for one in rows)

    def rules(self, latent: int) -> list[Rule]:
        """Return the rules of a latent that tell it, the best first; none where none does."""
        values = self._windows.values[:, latent]
        active = values[self._made][values[self._made] > 0]
        best: list[Rule] = []
        for quantile in QUANTILES:
            level = float(np.quantile(active, quantile)) if quantile and len(active) else 0.0
            found = self._rules_at(latent, level)
            if found is None:
                break
            cost = LEVEL_COST * quantile
            if found and (not best or found[0].value - cost > best[0].value):
                best = [rule._replace(value=rule.value - cost) for rule in found]
            if found and found[0].value >= SURE:
                break
        return [rule for rule in best if rule.value >= MIN_CHOSEN - LEVEL_COST]

    def _rules_at(self, latent: int, level: float) -> list[Rule] | None:
        """Return the rules for activations of at least `level`; None where too few windows reach it."""
        made, chosen = (self._drawn(latent, rows, level) for rows in (self._made, self._chosen))
        if min(len(made.active), len(chosen.active)) < MIN_ACTIVE:
            return None
        columns = self._contrast(latent, level)
        if not len(columns):
            return []
        has = self._has(columns, made, chosen)
        names = [self.terms.names[column] for column in columns]
        own, other = _numbered(made, 0), _numbered(chosen, made.size)
        rules = {
            rule: (value + balanced_accuracy(np.any(has[:, rule], axis=1), other)) / 2
            for rule, value in grown_rules(has, own)
            if not same_words([names[i] for i in rule])
        }
        ordered = sorted(rules.items(), key=lambda item: (-item[1], item[0]))
        return [Rule(tuple(int(columns[i]) for i in rule), level, value) for rule, value in ordered]

    def _has(self, columns: NDArray[np.int64], *drawn: Drawn) -> NDArray[np.bool_]:
        rows = np.concatenate([kind for one in drawn for kind in (one.active, one.inactive)])
        return np.asarray(self._by_window[rows][:, columns].toarray() > 0)

    def _contrast(self, latent: int, level: float) -> NDArray[np.int64]:
        """Return the terms that tell activations of at least `level` on the making set, the surest first."""
        values = self._windows.values[self._made, latent]
        awake = np.flatnonzero((values > 0) & (values >= level))
        surest = contrast(self._by_window, self._totals, self._made[awake], values[awake], TERMS_COMPARED)
        counts = np.asarray(self._by_window[self._made[awake]][:, surest].sum(axis=0)).ravel()
        names = [self.terms.names[term] for term in surest]
        return surest[~parts_of_phrases(names, counts)]

    def words(self, latent: int, most: int) -> list[str]:
        """Return the words and phrases that set all windows of a latent apart, the surest first, without a score."""
        values = self._windows.values[:, latent]
        awake = np.flatnonzero(values > 0)
        surest = contrast(self._by_window, self._everywhere, awake, values[awake], WORDS_COMPARED)
        present = self._by_window[:, surest]
        counts = np.asarray(present[awake].sum(axis=0)).ravel()
        names = [self.terms.names[term] for term in surest]
        common = used_by_several(present, values > 0, self._windows.companies) & ~parts_of_phrases(names, counts)
        return [name for name, kept in zip(names, common, strict=True) if kept and not name.endswith("*")][:most]

    def _drawn(self, latent: int, rows: NDArray[np.int64], level: float) -> Drawn:
        return draw(self._windows.values[:, latent], self._windows.nearness[:, latent], rows, level, latent)

    def row(self, latent: int, rule: Rule | None, settings: Labels) -> dict[str, Any]:
        """Return the row of a latent, scored on the third set."""
        row: dict[str, Any] = _facts(self._windows, latent, settings) | {
            "label": None,
            "terms": [],
            "level": None,
            "words": self.words(latent, settings.words),
            "windows": 0,
        }
        return row | (self._scored_rule(latent, rule) if rule else {})

    def _scored_rule(self, latent: int, rule: Rule) -> dict[str, Any]:
        drawn = self._drawn(latent, self._scored, rule.level)
        row: dict[str, Any] = {
            "label": _title(rule.terms, self.terms),
            "terms": [self.terms.names[term] for term in rule.terms],
            "level": rule.level,
            "windows": drawn.size,
        }
        filings = len(np.unique(self._windows.filings[drawn.active]))
        if drawn.size < MIN_WINDOWS or filings < MIN_DOCUMENTS:
            return row
        measured = score(self.terms.hits(rule.terms), drawn)
        return row | {"detection_score": measured.value, "score_low": measured.low, "score_high": measured.high}


def _facts(windows: Windows, latent: int, settings: Labels) -> dict[str, Any]:
    """Return what is known of a latent without a label."""
    values = windows.values[:, latent]
    awake = np.flatnonzero(values > 0)
    ordered = awake[np.argsort(-values[awake], kind="stable")]
    _, first = np.unique(windows.companies[ordered], return_index=True)
    strongest = ordered[np.sort(first)[: settings.examples]]
    return {
        "latent": latent,
        "examples": [" ".join(windows.texts[row].split()) for row in strongest],
        "density": len(awake) / len(values),
        "documents": len(np.unique(windows.filings[awake])),
    }


def _numbered(drawn: Drawn, first: int) -> Drawn:
    """Return the windows drawn, numbered from `first` on, active ones before inactive ones."""
    middle = first + len(drawn.active)
    return Drawn(np.arange(first, middle), np.arange(middle, first + drawn.size))


def _unique(wanted: dict[int, list[Rule]], terms: Terms) -> dict[int, Rule]:
    """Give every latent the best rule whose label no other has that is told better."""
    given: dict[int, Rule] = {}
    taken: set[frozenset[str]] = set()
    best_first = sorted(wanted, key=lambda latent: (-wanted[latent][0].value if wanted[latent] else 0.0, latent))
    for latent in best_first:
        for rule in wanted[latent]:
            title = frozenset(terms.titles[term] for term in rule.terms)
            if title not in taken:
                taken.add(title)
                given[latent] = rule
                break
    return given


def _title(rule: tuple[int, ...], terms: Terms) -> str:
    return ", ".join(dict.fromkeys(terms.titles[term] for term in rule))
