"""What replicate.py trains: every autoencoder is stored with its scores and its seconds, and never trained twice."""

import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import polars as pl

from assets.activations.cache import fill
from assets.activations.harvest.reader import Reader, Text, text_digest
from assets.activations.shards.shards import Shards
from assets.saes.corpus.draw import draw_corpus, kept_everywhere, kept_tokens, stacked
from assets.saes.files.native import load_sae, save_sae
from assets.saes.grouping.distances import AngularDistances
from assets.saes.metrics import reconstruction_scores
from assets.saes.model.sae import Sae
from assets.saes.names import group_name
from assets.saes.training.curve import gain_at_end
from assets.saes.training.entries import Entry
from assets.saes.training.run import Run, training_corpus, validation_samples
from resources.compute.devices import devices
from resources.lake.digests import digest_of
from resources.models.model_source import model_identity
from resources.settings.profile import Profile

TOGETHER = 5
"""Autoencoders trained in one pass over the cache; the unit that an interruption costs."""
Bar = Callable[[int | None, str], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True)
class Variant:
    """A way to have an autoencoder for every block of a partition."""

    name: str
    """Its folder."""
    groups: tuple[tuple[int, ...], ...]
    """Blocks of each autoencoder."""
    share: float = 1.0
    """Of the tokens of a per-layer autoencoder: what each of these is trained on."""
    starts: Mapping[tuple[int, ...], tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    """What each starts from: a variant's name, and the blocks of one of its autoencoders; none: from scratch."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Of `saes`, where they are not the profile's."""


@dataclass(frozen=True)
class Result:
    """Return a trained autoencoder."""

    blocks: tuple[int, ...]
    tokens: int
    seconds: float
    """Its share of the wall clock of the pass in which it was trained, reading the cache and validating included."""
    cpu_seconds: float
    """The same of the processor time of all threads: other programs on the machine do not count."""
    gain: float
    """Share by which its validation FVU fell over the last fifth of its tokens."""
    fvu: dict[int, float]
    """Per block, on held-out documents."""
    l0: dict[int, float]
    dead: dict[int, float]


class Laboratory:
    """A folder that holds the cache, the distances and everything trained on it.

    Parameters
    ----------
    home : in a folder of it, named by texts and settings, all is kept; a second start goes on where the first ended
    texts : descriptions
    profile : the settings `model`, `activations`, `corpus` and `saes`
    models : folder of converted models
    bar : opens a progress bar
    """

    def __init__(self, home: Path, texts: Sequence[str], profile: Profile, models: Path, bar: Bar) -> None:
        self.profile, self.models, self.bar = profile, models, bar
        self._reader = Reader(profile, models, lambda total, unit: bar(total, f"reading {unit}"), print)
        identity = model_identity(profile.model, models)
        self.texts = [
            Text(f"{i:05d}", text, text_digest(profile.model, identity, text)) for i, text in enumerate(texts)
        ]
        self.device = devices()[0].name
        settings = profile.model_dump(mode="json", include={"activations", "corpus", "saes"})
        made_of = digest_of([[text.input_digest for text in self.texts], settings])
        self.folder = home / f"{profile.name}-{made_of[:8]}"

    @cached_property
    def harvest_seconds(self) -> dict[str, float]:
        """Wall clock and processor time of reading everything; what an interruption left is read again."""
        file, shards = self.folder / "harvest.json", self.folder / "shards"
        if not file.is_file():
            shutil.rmtree(shards, ignore_errors=True)
            with _Clock() as clock:
                fill(shards, self.texts, self._reader.blocks, [], self._reader)
            _write(file, {"wall": clock.wall, "cpu": clock.cpu})
        return json.loads(file.read_text())

    @cached_property
    def splits(self) -> dict[str, list[str]]:
        """Accessions of train, validation and held_out."""
        lengths = {name: place.tokens for name, place in Shards(self.folder / "shards").places.items()}
        rows = pl.DataFrame({"accession": list(lengths), "tokens": list(lengths.values())})
        settings = self.profile.corpus.model_copy(update={"max_tokens": 1 << 60})
        drawn = draw_corpus(rows.with_columns(filed_at=pl.lit(settings.cutoff)), settings)
        return {
            split: drawn.filter(split=split)["accession"].to_list() for split in ("train", "validation", "held_out")
        }

    def open(self, split: str) -> tuple[Shards, pl.DataFrame]:
        """Shards of a split and its documents (first_row, tokens)."""
        shards = Shards(self.folder / "shards", order=self.splits[split])
        places = [(place.first_row, place.tokens) for place in shards.places.values()]
        return shards, pl.DataFrame(places, schema=["first_row", "tokens"], orient="row")

    @cached_property
    def distances(self) -> np.ndarray:
        """Angular distances of all blocks over the training documents: [blocks, blocks], in [0, 1]."""
        file = self.folder / "distances.npy"
        if not file.is_file():
            shards, index = self.open("train")
            angles = AngularDistances(shards.blocks)
            with _Clock() as clock, self.bar(2 * index.height, "distances: documents") as progress:
                keep = kept_everywhere(shards, index, self.profile.activations.massive_norm)
                for add in (angles.add_means, angles.add):
                    for first, tokens in index.rows():
                        add(stacked(shards, first, tokens, keep))
                        progress(1)
            np.save(file, angles.distances(), allow_pickle=False)
            _write(self.folder / "distances.json", {"wall": clock.wall, "cpu": clock.cpu})
        return np.load(file, allow_pickle=False)

    @cached_property
    def distance_seconds(self) -> dict[str, float]:
        """What they took."""
        assert self.distances.size
        return json.loads((self.folder / "distances.json").read_text())

    def results(self, variant: Variant, seed: int) -> list[Result]:
        """Train what is missing of a variant; what is there is read."""
        todo = [group for group in variant.groups if not self.file(variant.name, seed, group).is_file()]
        a_chain = any(name == variant.name for name, _ in variant.starts.values())
        together = 1 if a_chain else TOGETHER
        for first in range(0, len(todo), together):
            self._train(variant, seed, todo[first : first + together])
        return [self._read(self.file(variant.name, seed, group)) for group in variant.groups]

    def sae(self, variant: str, seed: int, blocks: Sequence[int]) -> Sae:
        """Return a trained autoencoder."""
        return load_sae(self.file(variant, seed, blocks).parent)

    def _train(self, variant: Variant, seed: int, groups: Sequence[tuple[int, ...]]) -> None:
        profile, parents = changed(self.profile, seed=seed, **variant.settings), {}
        tokens = round(variant.share * profile.saes.tokens)
        entries = []
        for group in groups:
            start = variant.starts.get(group)
            name = group_name(start[1]) if start else None
            if start:
                parents[name] = self.sae(start[0], seed, start[1])
            entries.append(Entry(group_name(group), group, name, tokens, {}))
        place = self.folder / variant.name / f"seed-{seed}"
        checkpoint = place / f"{group_name(groups[0])}.checkpoint"
        checkpoint.unlink(missing_ok=True)  # else the seconds before an interruption would not be counted
        with _Clock() as clock, self.bar(tokens * len(groups), f"{place.relative_to(self.folder)}: tokens") as advance:
            run = Run(entries, parents, self._corpus(groups), profile.saes, self.device)
            run.train(checkpoint, advance, print)
        for entry in entries:
            training = run.trainings[entry.name]
            save_sae(training.sae, place / entry.name)
            scores = self.scores(training.sae, entry.blocks)
            result = {
                "blocks": entry.blocks,
                "tokens": training.tokens,
                "seconds": clock.wall / len(entries),
                "cpu_seconds": clock.cpu / len(entries),
                "gain": gain_at_end(training.curve),
                "curve": training.curve,
            }
            _write(self.file(variant.name, seed, entry.blocks), result | scores)
        checkpoint.unlink()

    def _corpus(self, groups: Iterable[Sequence[int]]) -> Any:
        blocks, massive = sorted({block for group in groups for block in group}), self.profile.activations.massive_norm
        samples = validation_samples(*self.open("validation"), blocks, massive)
        return training_corpus(*self.open("train"), blocks, samples, massive)

    def validation(self, trained: Iterable[tuple[str, Result]]) -> float:
        """Mean FVU over blocks on all validation documents, of results of seed 0, each with its variant's name.

        What is chosen, is chosen by it. Of two results that have a block, the later counts.
        """
        by_result = [self._validated(variant, result) for variant, result in trained]
        return mean({block: fvu for one in by_result for block, fvu in one.items()})

    def _validated(self, variant: str, result: Result) -> dict[int, float]:
        file = self.file(variant, 0, result.blocks).with_name("validation.json")
        if not file.is_file():
            sae = self.sae(variant, 0, result.blocks)
            _write(file, self.scores(sae, result.blocks, "validation")["fvu"])
        return {int(block): value for block, value in json.loads(file.read_text()).items()}

    def scores(self, sae: Sae, blocks: Sequence[int], split: str = "held_out") -> dict[str, dict[int, float]]:
        """FVU, L0 and share of dead latents per block on all documents of a split."""
        shards, index = self.open(split)
        keep = {block: kept_tokens(shards, index, block, self.profile.activations.massive_norm) for block in blocks}
        rows = reconstruction_scores(sae.eval(), {block: shards.activations(block) for block in blocks}, keep)
        names = {"fvu": "fvu", "l0": "l0", "dead": "dead_share"}
        return {name: dict(rows.select("block", column).rows()) for name, column in names.items()}

    def file(self, variant: str, seed: int, blocks: Sequence[int]) -> Path:
        """Return the result of an autoencoder; its weights lie beside it."""
        return self.folder / variant / f"seed-{seed}" / group_name(blocks) / "result.json"

    def _read(self, file: Path) -> Result:
        stored = json.loads(file.read_text())
        numbers = {name: {int(block): value for block, value in stored[name].items()} for name in ("fvu", "l0", "dead")}
        names = ("tokens", "seconds", "cpu_seconds", "gain")
        return Result(tuple(stored["blocks"]), **{name: stored[name] for name in names}, **numbers)


def per_block(results: Iterable[Result], what: str = "fvu") -> dict[int, float]:
    """Return a score of every block."""
    return {block: value for result in results for block, value in getattr(result, what).items()}


def mean(values: Mapping[int, float]) -> float:
    """Over blocks, each equally."""
    return fmean(values.values())


def changed(profile: Profile, **changes: object) -> Profile:
    """Return the profile with other settings of `saes`."""
    return profile.model_copy(update={"saes": profile.saes.model_copy(update=changes)})


class _Clock:
    """Wall clock and processor time of a `with` block."""

    wall = cpu = 0.0

    def __enter__(self) -> "_Clock":
        self._started = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self._started[0], time.process_time() - self._started[1]


def _write(file: Path, content: dict[str, Any]) -> None:
    draft = file.with_suffix(".new")
    file.parent.mkdir(parents=True, exist_ok=True)
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(file)
