"""Whether reasons can be signed: every number behind the claims about passages, themes, labels and evidence.

    python benchmarks/reasons.py --scratch FOLDER                     the model reads the texts first: an hour
    python benchmarks/reasons.py --scratch FOLDER --saved FOLDER      vectors that were read elsewhere

On `data/sp500`, the sample and `data/tenk90s` of the test data (of each filing there the first `--passages`
passages). Autoencoders over passages are trained from three seeds by the product's code, and all else is the product's
code, too: labels, vectors, themes, what may be shown. Figures are means over seeds, with the distance of the largest
from the smallest behind. The last line is JSON, of `data/sp500`.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import NamedTuple, get_args

from resources.environment import models as models_home  # before torch, whose threads it keeps from spinning

# isort: split
import numpy as np
import polars as pl
import torch
from machine import machine, warn_if_busy
from numpy.typing import NDArray
from reasons_costs import cost_rows
from reasons_labels import baselines, figures_here, label_figures, random_figures
from reasons_pairs import reason_figures
from reasons_returns import CoMovement, dense_similarity, monthly_returns
from reasons_texts import Texts, read, source, take
from reasons_views import Described, PassageView, TokenView
from tables import show

from assets.clusters.baselines import tfidf_similarity
from assets.features.attribution import company_vectors, cosines, dense, theme_shares, view_shares
from assets.features.labels.windows import Windows
from assets.saes.over_passages.scores import overlap
from resources.settings.clusters import SaeMethod

CORPORA = ("sp500", "sample", "tenk90s")
SEEDS, THREADS = 3, 2
MOST = {"sp500": 400, "sample": 400}
"""Passages of a text that are read; of `tenk90s` as `--passages` says."""
ALIKE = 1.0
"""Weight of a told latent where all count alike."""
Figures = Mapping[str, float]


@dataclass(frozen=True)
class Seed:
    """The product's tables of one corpus, from one seed of the autoencoder over passages."""

    texts: Texts
    themes: Described
    windows: Windows
    """Passages, and how strongly each theme is active in them."""
    words: Described | None
    """Of tokens, where residual streams are kept; of the same seed for all."""

    @property
    def views(self) -> list[Described]:
        """Passages and, where there are some, tokens."""
        return [self.themes, *([self.words] if self.words else [])]

    @cached_property
    def labels(self) -> pl.DataFrame:
        """Rows of `latent_labels` of all views."""
        return pl.concat([view.labels for view in self.views])

    @cached_property
    def features(self) -> pl.DataFrame:
        """Rows of `company_features` of all views."""
        return pl.concat([view.features for view in self.views])

    @cached_property
    def vectors(self) -> Mapping[float, pl.DataFrame]:
        """Rows of `company_vectors` by how much more a told latent counts: as by default, and 1."""
        settings = self.texts.profile.features
        shares = {view.view: view_shares(settings.views)[view.view] for view in self.views}
        given = (self.features, settings.weighting, shares, self.labels)
        return {told: company_vectors(*given, told) for told in (settings.told_weight, ALIKE)}

    def similarity(self, way: "Way") -> NDArray[np.float64]:
        """Return cosines of the corpus' companies, in their order; one that the method lacks is near nobody."""
        companies, matrix = dense(self.vectors[way.told_weight], way.method)
        places, order = {company: i for i, company in enumerate(companies)}, self.texts.filings["company_id"]
        found = np.zeros((len(order), len(order)))
        known = np.array([company in places for company in order])
        rows = [places[company] for company in order if company in places]
        found[np.ix_(known, known)] = cosines(matrix)[np.ix_(rows, rows)]
        return found

    def reasons(self, way: "Way") -> Figures:
        """Return the figures of nearest pairs."""
        vectors = self.vectors[way.told_weight]
        themes = theme_shares(self.features, vectors, self.labels)
        texts = dict(self.texts.filings.select("company_id", "text").iter_rows())
        return reason_figures(vectors, way.method, self.labels, themes, texts)

    @property
    def ways(self) -> dict[str, "Way"]:
        """What can be compared by, the first as by default where tokens have a view."""
        methods: list[SaeMethod] = [m for m in get_args(SaeMethod) if self.words or m == "sae_passages"]
        own = {method: Way(method, self.texts.profile.features.told_weight) for method in methods}
        return own | {f"{m}, told latents count once": Way(m, ALIKE) for m in methods if m != "sae_tokens"}


class Way(NamedTuple):
    """A method, and how much more a told latent counts."""

    method: SaeMethod
    told_weight: float


@dataclass(frozen=True)
class Measured:
    """One corpus, from all seeds."""

    texts: Texts
    seeds: list[Seed]
    bundled: bool

    @classmethod
    def of(cls, texts: Texts, seeds: int, bundled: bool) -> "Measured":
        """Train (unless bundled), encode and label."""
        words = TokenView(texts, texts.shards).described if texts.shards else None
        views = [PassageView(texts, seed, bundled) for seed in range(1 if bundled else seeds)]
        return cls(texts, [Seed(texts, view.described, view.windows, words) for view in views], bundled)

    @cached_property
    def reasons(self) -> dict[str, list[Figures]]:
        """Figures of nearest pairs by method, of every seed."""
        return {name: [seed.reasons(way) for seed in self.seeds] for name, way in self.seeds[0].ways.items()}

    @cached_property
    def labels(self) -> list[Figures]:
        """Figures of the labels of themes, of every seed."""
        return [label_figures(seed.themes.labels) for seed in self.seeds]

    @cached_property
    def similarities(self) -> dict[str, list[NDArray[np.float64]]]:
        """Cosines by method: a matrix of every seed, or one where there is no seed."""
        own = {name: [seed.similarity(way) for seed in self.seeds] for name, way in self.seeds[0].ways.items()}
        if "sae_tokens" in own:
            own["sae_tokens"] = own["sae_tokens"][:1]
        tfidf = tfidf_similarity(self.texts.filings["text"].to_list())
        return {**own, "tfidf": [tfidf], "dense mean of prose": [dense_similarity(self.texts)]}

    @cached_property
    def movement(self) -> dict[str, list[Figures]]:
        """Figures of co-movement by method; none where there are no returns."""
        protocol = self._protocol
        if protocol is None:
            return {}
        return {name: [protocol.figures(one) for one in many] for name, many in self.similarities.items()}

    @property
    def overlaps(self) -> dict[str, list[float]]:
        """Share of the nearest 10 that each pair of seeds has in common; tokens have one seed, so `sae` flatters.

        Beside it the same for one that was trained on nine tenths of the companies, as the start has no seed.
        """
        ways = {name: way for name, way in self.seeds[0].ways.items() if name != "sae_tokens"}
        matrices = {
            name: [dense(seed.vectors[way.told_weight], way.method)[1].toarray() for seed in self.seeds]
            for name, way in ways.items()
        }
        found = {name: [overlap(a, b) for a, b in combinations(many, 2)] for name, many in matrices.items()}
        if self.bundled:
            return found
        view = PassageView(self.texts, len(self.seeds), is_second=True)
        fewer = Seed(self.texts, view.described, view.windows, None)
        own, told = matrices["sae_passages"][0], self.texts.profile.features.told_weight
        other = dense(fewer.vectors[told], "sae_passages")[1].toarray()
        return found | {"sae_passages, nine tenths of the companies": [overlap(own, other)]}

    def report(self) -> None:
        """Print the tables of the corpus."""
        name, filings = self.texts.name, self.texts.filings.height
        prose, seeds = self.texts.corpus.height, ", ".join(map(str, range(len(self.seeds))))
        print(f"\n## {name}: {filings} companies, {prose:,} passages of prose, seeds {seeds}\n")
        show(f"{name}: reasons of nearest pairs", _rows("method", self.reasons))
        show(f"{name}: labels", _rows("of", self._label_rows()))
        rows = {name: [{"nearest 10 of two seeds": value} for value in found] for name, found in self.overlaps.items()}
        if len(self.seeds) > 1:
            show(f"{name}: stability", _rows("method", rows))
        if self._protocol and self.movement:
            show(f"{name}: co-movement of {len(self._protocol.kept)} companies", _rows("method", self.movement))
            first = {name: many[0] for name, many in self.similarities.items()}
            show(f"{name}: 95 % intervals over companies, seed 0", pl.DataFrame(self._protocol.intervals(first)))

    def _label_rows(self) -> dict[str, list[Figures]]:
        first, words = self.seeds[0], self.seeds[0].words
        rows = {"themes": self.labels}
        rows["themes, labels dealt at random"] = [random_figures(s.windows, s.themes.labels) for s in self.seeds]
        if self.bundled:
            rows["themes, bundled labels on these texts"] = [figures_here(first.windows, first.themes.labels)]
        if words:
            rows["latents of tokens"] = [label_figures(words.labels)]
        others = baselines(self.texts, first.texts.profile.labels)
        return rows | {name: [figures] for name, figures in others.items()}

    @cached_property
    def _protocol(self) -> CoMovement | None:
        returns = monthly_returns(self.texts.name)
        return CoMovement(returns, self.texts.filings["company_id"].to_list()) if returns else None

    def claims(self) -> dict[str, float]:
        """Return what a script can hold; `sae` where tokens have a view."""
        method = next(iter(self.seeds[0].ways))
        claimed = {name: mean_of(self.reasons[method], name) for name in ("top3_share", "shown_share")}
        claimed |= {f"detection_{name}": mean_of(self.labels, name) for name in ("mean", "share_07")}
        claimed["seed_overlap10"] = fmean(self.overlaps["sae_passages"]) if len(self.seeds) > 1 else float("nan")
        for name, figure in (("nearest5", "nearest 5"), ("pairs1", "pairs 1 %")):
            claimed |= {f"{name}_sae": mean_of(self.movement[method], figure)}
            claimed |= {f"{name}_tfidf": mean_of(self.movement["tfidf"], figure)}
        return {name: round(value, 3) for name, value in claimed.items()}


def mean_of(figures: Sequence[Figures], name: str) -> float:
    """Return the mean over seeds."""
    return fmean(one[name] for one in figures)


def _rows(title: str, figures: Mapping[str, Sequence[Figures]]) -> pl.DataFrame:
    return pl.DataFrame(
        [{title: name} | {key: _mean_and_spread(found, key) for key in found[0]} for name, found in figures.items()]
    )


def _mean_and_spread(figures: Sequence[Figures], name: str) -> str:
    values = [one[name] for one in figures]
    digits = 0 if max(map(abs, values)) >= 10 else 3
    spread = f" ({max(values) - min(values):.{digits}f})" if len(values) > 1 else ""
    return f"{fmean(values):.{digits}f}{spread}"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, required=True, help="folder in which what the model reads is kept")
    parser.add_argument("--saved", type=Path, help="folder of vectors that were read elsewhere: sp500, sample, tenk")
    parser.add_argument("--models", type=Path, default=models_home(), help="folder of converted models")
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, default=CORPORA)
    parser.add_argument("--passages", type=int, default=60, help="of each filing of tenk90s")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--bundled", action="store_true", help="the autoencoder that comes with peerlens; one seed")
    parser.add_argument("--no-costs", action="store_true", help="leave the seconds out, as on a busy machine")
    return parser.parse_args()


def main() -> None:
    """Print the tables and the claims."""
    options = arguments()
    torch.set_num_threads(THREADS)
    warn_if_busy()
    print(machine(THREADS))
    claims: dict[str, float] = {}
    for name in options.corpora:
        place = (options.scratch, options.models, MOST.get(name, options.passages))
        saved, texts = options.saved, source(name)
        described = take(name, texts, saved, *place) if saved else read(name, texts, *place)
        measured = Measured.of(described, options.seeds, options.bundled)
        measured.report()
        if name == CORPORA[0]:
            claims = measured.claims()
        if name == options.corpora[-1] and not options.no_costs:
            show("Costs", pl.DataFrame(cost_rows(measured.seeds[0].windows, options.models)))
    print(json.dumps(claims))


if __name__ == "__main__":
    main()
