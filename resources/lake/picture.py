"""Pictures of an artefact for the UI: small, because Dagster keeps a copy per event."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE_WIDTH = 900
"""Pixels, whatever the figure's inches."""


def draw(figure: "Figure", file: Path) -> None:
    """Write a figure as a PNG of 64 colours, the same bytes every time; makes the folder."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=PICTURE_WIDTH / figure.get_figwidth())
    few_colours = Image.open(drawn).convert("RGB").quantize(64, method=Image.Quantize.FASTOCTREE)
    file.parent.mkdir(exist_ok=True)
    few_colours.save(file, optimize=True)
