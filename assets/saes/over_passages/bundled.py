"""The autoencoder over passages that comes with peerlens, and of which model and block it is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from assets.saes.files.native import SaeFileError, folder_digest, load_sae
from assets.saes.model.sae import Sae
from assets.saes.model.standard import Standard
from assets.saes.over_passages.vectors import PassageVectors

ABOUT = "about.json"
"""Beside the weights: of which model and block it is, what it was trained on, and how."""


class BundledSaeError(ValueError):
    """The bundled autoencoder does not fit the profile, or is not there."""


@dataclass(frozen=True)
class BundledSae:
    """A folder with cfg.json, sae.safetensors and about.json; the weights are those of standardised vectors."""

    folder: Path

    @property
    def digest(self) -> str:
        """Of its settings and its weights; raises BundledSaeError where a file is missing."""
        try:
            return folder_digest(self.folder)
        except SaeFileError as error:
            raise BundledSaeError(f"{error}: {_REMEDY}") from error

    def check(self, model: str, blocks: Sequence[int]) -> Self:
        """Return itself; raise BundledSaeError unless it is of this model (`<id>@<hash>`) and of these blocks alone."""
        about = self.about()
        if about["model"] != model:
            raise BundledSaeError(f"{self.folder} is of {about['model']}, the profile reads with {model}: {_REMEDY}")
        if list(blocks) != [about["block"]]:
            raise BundledSaeError(f"{self.folder} is of block {about['block']}, passages.blocks is {blocks}: {_REMEDY}")
        return self

    def about(self) -> dict[str, object]:
        """Return about.json."""
        try:
            found = json.loads((self.folder / ABOUT).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BundledSaeError(f"{self.folder / ABOUT}: cannot be read ({error}): {_REMEDY}") from error
        if not isinstance(found, dict) or {"model", "block", "seed"} - found.keys():
            raise BundledSaeError(f"{self.folder / ABOUT}: states no model, block and seed: {_REMEDY}")
        return found

    def load(self, passages: PassageVectors) -> Sae:
        """Read it, for vectors as they are, standardised as the profile's own passages are. Raises SaeFileError.

        With the mean and spread of the texts it was trained on, other texts would all wake the latents of their style:
        one of 10-K filings, on descriptions of another kind, found the top 1 % of pairs move together by .28, not .32.
        """
        return Standard.measured(passages.train).folded(load_sae(self.folder))


_REMEDY = "set passage_saes.source: train"
