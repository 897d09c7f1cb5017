"""The two views of reasons.py: autoencoders trained by the product's code, what they find, labels and vectors."""

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from assets.features.labels.label import label_latents
from assets.features.labels.windows import Windows
from numpy.typing import NDArray
from reasons_texts import BLOCK, Texts
from token_windows import Activations, pre_activations, strongest_in

from assets.activations.shards.part import Document
from assets.activations.shards.shards import massive_tokens
from assets.features.encoding import encode_filings, encode_rows
from assets.features.passages import encode_passages
from assets.passages.token_ranges import token_ranges
from assets.passages.vectors import PlacedPassage, places_of
from assets.saes.corpus.block_statistics import block_statistics
from assets.saes.corpus.draw import draw_corpus
from assets.saes.corpus.training_rows import VectorRows
from assets.saes.files.native import load_sae, save_sae
from assets.saes.model.sae import Sae
from assets.saes.over_passages.plan import PassageEntry
from assets.saes.over_passages.training import train_passage_sae
from assets.saes.training.entries import Entry
from assets.saes.training.run import Run, TrainingCorpus
from resources.settings.features import View

PASSAGE_ENTRY, TOKEN_ENTRY = f"passages-{BLOCK}", f"block-{BLOCK}"


@dataclass(frozen=True)
class Described:
    """What one autoencoder finds in texts: the product's tables of one view."""

    view: View
    features: pl.DataFrame
    """Rows of `company_features`, one filing a company."""
    labels: pl.DataFrame
    """Rows of `latent_labels`."""
    windows: Windows


@dataclass(frozen=True)
class PassageView:
    """Themes of texts, from one seed."""

    texts: Texts
    seed: int

    @cached_property
    def sae(self) -> Sae:
        """Trained on all passages of the texts."""
        entry = PassageEntry(PASSAGE_ENTRY, self.seed, is_second=False)
        with tempfile.TemporaryDirectory() as folder:
            settings = self.texts.profile.passage_saes
            return train_passage_sae(entry, self.texts.training, settings, Path(folder) / "checkpoint").sae

    @cached_property
    def windows(self) -> Windows:
        """Passages of the corpus, and how strongly every theme is active in each."""
        return windows_of(self.texts, *activations(self.sae, self.texts.x))

    @cached_property
    def described(self) -> Described:
        """The product's tables."""
        saes = {(PASSAGE_ENTRY, BLOCK): self.sae}
        found = encode_passages(self.texts.vectors, self.texts.passages, saes)
        labels = _labelled(self.texts, self.windows, "passages", PASSAGE_ENTRY)
        return Described("passages", found.features, labels, self.windows)


@dataclass(frozen=True)
class TokenView:
    """Words of texts whose residual streams are kept; one seed, for it takes minutes."""

    texts: Texts

    @cached_property
    def sae(self) -> Sae:
        """Trained with the defaults of `saes`, or taken from the folder of an earlier run."""
        folder = self.texts.folder / TOKEN_ENTRY
        if not (folder / "cfg.json").is_file():
            save_sae(self._trained(), folder)
        return load_sae(folder).eval()

    @cached_property
    def windows(self) -> Windows:
        """Passages of the corpus; a latent's activation in one is the largest over its tokens."""
        prose = self.texts.corpus.select("accession", "passage")
        places = places_of(self.texts.passages.join(prose, on=["accession", "passage"], how="semi"))
        shape = (prose.height, self.sae.config.n_latents)
        values, nearness = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        first = dict(prose.with_row_index("row").group_by("accession").agg(pl.col("row").min()).iter_rows())
        for document in self.texts.documents():
            rows = slice(first[document.accession], first[document.accession] + len(places[document.accession]))
            values[rows], nearness[rows] = self._strongest(document, places[document.accession])
        return windows_of(self.texts, values, nearness)

    @cached_property
    def described(self) -> Described:
        """The product's tables."""
        filings = self.texts.filings.select("accession", "company_id", "filed_at")
        saes, settings = {(TOKEN_ENTRY, BLOCK): self.sae}, self.texts.profile
        features = encode_filings(
            self.texts.documents(),
            saes,
            filings,
            massive_norm=settings.activations.massive_norm,
            pooling=settings.features.pooling,
        )
        labels = _labelled(self.texts, self.windows, "tokens", TOKEN_ENTRY)
        return Described("tokens", features, labels, self.windows)

    def _strongest(self, document: Document, places: list[list[int]]) -> Activations:
        massive = self.texts.profile.activations.massive_norm
        spans = [PlacedPassage(*place) for place in places]
        ranges = token_ranges(spans, document.tokens.char_start, document.tokens.char_end)
        return strongest_in(document.streams[BLOCK], ranges, self.sae, BLOCK, massive)

    def _trained(self) -> Sae:
        settings, kept = self.texts.profile.saes, self._kept_by_split()
        x, validation = (np.concatenate(kept[split]) for split in ("train", "validation"))
        statistics = block_statistics([(0, x)], len(x), np.inf, f"block {BLOCK}")
        corpus = TrainingCorpus(VectorRows({BLOCK: x}), {BLOCK: statistics}, {BLOCK: validation})
        run = Run([Entry(TOKEN_ENTRY, (BLOCK,), None, settings.tokens, {})], {}, corpus, settings)
        with tempfile.TemporaryDirectory() as folder:
            run.train(Path(folder) / "checkpoint", lambda n: None, print)
        return run.trainings[TOKEN_ENTRY].sae.eval()

    def _kept_by_split(self) -> dict[str, list[NDArray[np.float16]]]:
        """Return the streams of documents by split of `sae_corpus`, massive activations left out."""
        read = [(d.accession, d.streams[BLOCK], len(d.tokens)) for d in self.texts.documents()]
        counts = pl.DataFrame([(a, n) for a, _, n in read], schema=["accession", "tokens"], orient="row")
        filings = self.texts.filings.select("accession", "filed_at").join(counts, on="accession")
        split = dict(draw_corpus(filings, self.texts.profile.corpus).select("accession", "split").iter_rows())
        kept: dict[str, list[NDArray[np.float16]]] = {}
        for accession, stream, _ in read:
            keep = ~_massive(stream, self.texts.profile.activations.massive_norm)
            kept.setdefault(split.get(accession, ""), []).append(stream[keep])
        return kept


def activations(sae: Sae, x: NDArray[np.float32]) -> Activations:
    """Return activations and pre-activations [rows, latents] of vectors [rows, d_model]."""
    values, indices = encode_rows(x, sae, BLOCK)
    found = np.zeros((len(x), sae.config.n_latents), dtype=np.float32)
    np.put_along_axis(found, indices, values, axis=1)
    return found, pre_activations(sae, x, BLOCK)


def windows_of(texts: Texts, values: NDArray[np.float32], nearness: NDArray[np.float32]) -> Windows:
    """Return the passages of a corpus with activations in them."""
    text, owners, documents = (texts.corpus[name].to_list() for name in ("text", "company_id", "accession"))
    return Windows(text, owners, documents, values, nearness)


def _labelled(texts: Texts, windows: Windows, view: View, entry: str) -> pl.DataFrame:
    rows = label_latents(windows, texts.profile.labels)
    tags = {"view": pl.lit(view), "entry": pl.lit(entry), "block": pl.lit(BLOCK, pl.Int32)}
    return rows.with_columns(**tags)


def _massive(stream: NDArray[np.floating], massive_norm: float) -> NDArray[np.bool_]:
    return massive_tokens(np.linalg.norm(stream.astype(np.float32), axis=1), massive_norm)
