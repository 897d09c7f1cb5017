"""What an entry of `saes` is called, and where an artefact holds its weights."""

from collections.abc import Sequence
from pathlib import Path


def group_name(blocks: Sequence[int]) -> str:
    """Return `blocks-08-11` for a run of blocks, `block-29` for one, `blocks-02+05` for a group with gaps."""
    if len(blocks) == 1:
        return f"block-{blocks[0]:02d}"
    if blocks[-1] - blocks[0] == len(blocks) - 1:
        return f"blocks-{blocks[0]:02d}-{blocks[-1]:02d}"
    return "blocks-" + "+".join(f"{block:02d}" for block in blocks)


def entry_folder(artefact: Path, entry: str) -> Path:
    """Return the folder of an entry in an artefact of `saes`, apart from its tables, so that no name is taken."""
    return artefact / "entries" / entry
