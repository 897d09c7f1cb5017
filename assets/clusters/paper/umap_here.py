"""Whether UMAP is installed, which is an extra: with numba it takes 210 MB, and only [paper] uses it."""

from importlib.util import find_spec


class UmapMissingError(ModuleNotFoundError):
    """UMAP is not installed."""


def check_umap() -> None:
    """Raise UmapMissingError where umap-learn is not installed; importing it takes seconds, so it is looked for."""
    if find_spec("umap") is None:
        raise UmapMissingError(
            "paper.methods: sbert and bert reduce embeddings with UMAP, which is not installed; "
            "pip install 'peerlens[paper]', or leave these methods out"
        )
