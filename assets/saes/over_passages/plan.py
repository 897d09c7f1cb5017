"""The plan of `passage_saes`: one autoencoder per block, a second one to compare it with, and how large both are."""

from dataclasses import dataclass

from resources.settings.passages import PassageSaes
from resources.settings.saes import Saes

PASSAGES_PER_LATENT = 12
"""Training passages of different wording that a latent needs; with fewer there are fewer latents."""
DEAD_AFTER_BATCHES = 20
AUX_WEIGHT = 1 / 32


@dataclass(frozen=True)
class PassageEntry:
    """One autoencoder of the plan."""

    name: str
    """`passages-24`, and `passages-24-seed-1` of the second one."""
    seed: int
    is_second: bool
    """Whether it is there only to see if another seed and fewer companies find the same; it describes nobody."""


def passage_entries(block: int, settings: PassageSaes) -> list[PassageEntry]:
    """Return what is trained on a block, the one that describes companies first."""
    name, second = entry_name(block), settings.second_seed
    others = [] if second is None else [PassageEntry(f"{name}-seed-{second}", second, is_second=True)]
    return [PassageEntry(name, settings.seed, is_second=False), *others]


def entry_name(block: int) -> str:
    """Return the name of the autoencoder that describes companies by their passages at a block."""
    return f"passages-{block:02d}"


@dataclass(frozen=True)
class Size:
    """How large an autoencoder over so many passages can be, and how long it is trained."""

    latents: int
    k: int
    batch: int
    """Passages per step."""
    passages: int
    """Passages seen in training."""


def size_for(texts: int, passages: int, settings: PassageSaes) -> Size:
    """Return what is asked for, or the largest that a small corpus bears; the number of steps stays.

    Parameters
    ----------
    texts : training passages that differ in their text
    passages : training passages
    """
    latents = max(2, min(settings.latents, texts // PASSAGES_PER_LATENT))
    batch = min(settings.batch, passages)
    steps = -(-settings.passages // settings.batch)
    return Size(latents, min(settings.k, max(1, latents // 2)), batch, steps * batch)


def training_settings(size: Size, settings: PassageSaes, seed: int) -> Saes:
    """Return how training, which is that of tokens, is set for passages."""
    return Saes(
        activation=settings.activation,
        block_biases=False,
        k=size.k,
        tokens=size.passages,
        stop_gain=0.0,
        batch_tokens=size.batch,
        learning_rate=settings.learning_rate,
        aux_weight=AUX_WEIGHT,
        dead_after_tokens=DEAD_AFTER_BATCHES * size.batch,
        seed=seed,
    )
