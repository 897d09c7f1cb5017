"""Figures of an artefact for the UI: small files, because Dagster stores a copy with every event."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE_WIDTH = 900
"""Width in pixels, whatever the figure's size in inches."""


def draw(figure: "Figure", file: Path) -> None:
    """Write a figure as a PNG with 64 colours, with the same bytes every time; make its folder if it is missing."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=PICTURE_WIDTH / figure.get_figwidth())
    few_colours = Image.open(drawn).convert("RGB").quantize(64, method=Image.Quantize.FASTOCTREE)
    file.parent.mkdir(exist_ok=True)
    few_colours.save(file, optimize=True)
