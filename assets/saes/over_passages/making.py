"""All autoencoders of an artefact of `passage_saes`, trained or bundled, with their rows of the three tables."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.saes.model.sae import Sae
from assets.saes.over_passages.bundled import BundledSae
from assets.saes.over_passages.plan import PassageEntry, entry_name, passage_entries
from assets.saes.over_passages.scores import passage_scores, stability
from assets.saes.over_passages.training import train_passage_sae
from assets.saes.over_passages.vectors import PassageVectors
from assets.saes.training.curve import CurvePoint
from assets.saes.writing import SaeWriter
from resources.settings.passages import PassageSaes

Log = Callable[[str], None]


@dataclass(frozen=True)
class PassageSaeMaker:
    """Makes and saves the autoencoders of one block after the other."""

    folder: Path
    """Of the artefact."""
    settings: PassageSaes
    checkpoints: Path
    """From which an interrupted training goes on."""
    log: Log
    seconds: list[float] = field(default_factory=list)
    """That each training took."""
    written: SaeWriter = field(init=False)
    scores: list[dict[str, Any]] = field(default_factory=list)
    """Rows of `passage_sae_scores`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "written", SaeWriter(self.folder))

    def total(self, blocks: Sequence[PassageVectors]) -> int:
        """Return how many passages are seen in all trainings."""
        return sum(one.size(self.settings).passages * len(passage_entries(one.block, self.settings)) for one in blocks)

    def train(self, passages: PassageVectors, progress: Callable[[int], None]) -> None:
        """Train those of a block, and score each; `progress` advances by passages."""
        made: dict[PassageEntry, Sae] = {}
        for entry in passage_entries(passages.block, self.settings):
            file = self.checkpoints / f"{entry.name}.safetensors"
            trained = train_passage_sae(entry, passages, self.settings, file, progress=progress, log=self.log)
            made[entry] = trained.sae
            self.seconds.append(trained.seconds)
            self._save(entry.name, trained.sae, entry.seed, trained.curve)
        for entry, sae in made.items():
            others = [other for other in made.values() if other is not sae]
            self._score(entry.name, sae, passages, others)

    def bundle(self, bundled: BundledSae, passages: PassageVectors) -> None:
        """Take the bundled one for a block, and score it on these passages."""
        sae, name = bundled.load(passages), entry_name(passages.block)
        self._save(name, sae, int(str(bundled.about()["seed"])), None)
        self._score(name, sae, passages, [])

    def clean_up(self) -> None:
        """Remove checkpoints; everything is saved."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def _save(self, name: str, sae: Sae, seed: int, curve: list[CurvePoint] | None) -> None:
        self.written.save(name, sae, None, curve or ())
        self.written.rows[-1] |= {"seed": seed, "bundled": curve is None}

    def _score(self, name: str, sae: Sae, passages: PassageVectors, others: list[Sae]) -> None:
        agreement: dict[str, float | None] = {"overlap10": None, "mmcs": None}
        if others:
            agreement = stability(sae, others[0], passages)
        self.scores.append({"entry": name, **passage_scores(sae, passages), **agreement})
