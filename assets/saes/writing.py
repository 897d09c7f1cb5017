"""A new artefact of `saes` as it grows: a folder of weights for each entry, rows and curves for its tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.saes.files.native import folder_digest, load_sae, save_sae
from assets.saes.grouping.flop import sae_flop
from assets.saes.model.sae import Sae, SaeConfig
from assets.saes.names import entry_folder
from assets.saes.training.curve import CurvePoint

LAST_POINTS = 10
"""Of a curve, whose mean FVU stands in the table: one batch alone is noisy."""


@dataclass(frozen=True)
class SaeWriter:
    """Saves autoencoders one by one, so that a training need not hold those that are finished."""

    artefact: Path
    """Folder of the artefact."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Of `saes`, those carried over included."""
    curves: list[dict[str, Any]] = field(default_factory=list)
    """Of `sae_curves`."""

    def save(self, name: str, sae: Sae, parent: str | None = None, curve: Sequence[CurvePoint] = ()) -> None:
        """Write an entry's weights and note its rows; a downloaded one has neither parent nor curve."""
        folder = entry_folder(self.artefact, name)
        save_sae(sae, folder)
        self.rows.append(sae_row(name, sae.config, parent, curve, folder_digest(folder)))
        self.curves.extend(curve_rows(name, curve))

    def load(self, name: str) -> Sae:
        """Read an entry that was saved or carried over."""
        return load_sae(entry_folder(self.artefact, name))


def sae_row(
    name: str, config: SaeConfig, parent: str | None, curve: Sequence[CurvePoint], sha256: str
) -> dict[str, Any]:
    """Row of `saes`; its FVU is the mean over the last points of the curve. A downloaded one has no curve."""
    last = curve[-LAST_POINTS:]
    held_out = [point.held_out_fvu for point in curve if point.held_out_fvu is not None]
    tokens = curve[-1].tokens if curve else 0
    return {
        "entry": name,
        "blocks": list(config.blocks),
        "d_model": config.d_model,
        "n_latents": config.n_latents,
        "activation": config.activation,
        "k": config.k,
        "parent": parent,
        "tokens": tokens,
        "flop": sae_flop(tokens, config.d_model, config.n_latents / config.d_model),
        "fvu": sum(point.fvu for point in last) / len(last) if last else None,
        "validation_fvu": held_out[-1] if held_out else None,
        "sha256": sha256,
    }


def curve_rows(name: str, curve: Sequence[CurvePoint]) -> list[dict[str, Any]]:
    """Rows of `sae_curves`."""
    return [{"entry": name, **point._asdict()} for point in curve]
