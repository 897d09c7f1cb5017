"""The two views of reasons.py: autoencoders trained by the product's code, and its tables of what they find."""

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl
from reasons_texts import BLOCK, Texts

from assets.activations.shards.shards import Shards
from assets.features.encoding import encode_filings
from assets.features.labels.bundled import with_bundled_labels
from assets.features.labels.label import label_latents
from assets.features.labels.sources import passage_windows, token_windows
from assets.features.labels.windows import Windows
from assets.features.passages import encode_passages
from assets.saes.corpus.draw import draw_corpus
from assets.saes.files.native import load_sae, save_sae
from assets.saes.model.sae import Sae
from assets.saes.names import group_name
from assets.saes.over_passages.bundled import BundledSae
from assets.saes.over_passages.plan import PassageEntry, entry_name
from assets.saes.over_passages.training import train_passage_sae
from assets.saes.training.entries import Entry
from assets.saes.training.run import Run, training_corpus, validation_samples
from assets.themes import with_said
from resources.places import BUNDLED
from resources.settings.features import View


@dataclass(frozen=True)
class Described:
    """What autoencoders find in texts."""

    view: View
    features: pl.DataFrame
    """Rows of `company_features`, one filing a company."""
    labels: pl.DataFrame
    """Rows of `latent_labels`."""


@dataclass(frozen=True)
class PassageView:
    """Themes of texts, from one seed."""

    texts: Texts
    seed: int
    bundled: bool = False
    """Whether it is the autoencoder that comes with peerlens; it has one seed."""
    is_second: bool = False
    """Whether a tenth of the companies is left out of training."""

    @cached_property
    def sae(self) -> Sae:
        """Trained on all passages of the texts, or elsewhere."""
        if self.bundled:
            return BundledSae(BUNDLED).load(self.texts.training)
        entry = PassageEntry(entry_name(BLOCK), self.seed, is_second=self.is_second)
        with tempfile.TemporaryDirectory() as folder:
            settings = self.texts.profile.passage_saes
            return train_passage_sae(entry, self.texts.training, settings, Path(folder) / "checkpoint").sae

    @cached_property
    def windows(self) -> Windows:
        """Passages of the corpus, and how strongly every theme is active in each."""
        return passage_windows(self.texts.corpus, self.sae, BLOCK)

    @property
    def described(self) -> Described:
        """The product's tables."""
        entry = entry_name(BLOCK)
        found = encode_passages(self.texts.vectors, self.texts.passages, {(entry, BLOCK): self.sae})
        labels = label_latents(self.windows, self.texts.profile.labels)
        if self.bundled:
            labels = with_bundled_labels(labels, BUNDLED)
        labels = _tagged(labels, "passages", entry, BLOCK)
        texts = dict(self.texts.filings.select("accession", "text").iter_rows())
        return Described("passages", with_said(found.features, found.theme_passages, labels, texts), labels)


@dataclass(frozen=True)
class TokenView:
    """Words of texts whose shards are kept; one seed, for its training takes minutes."""

    texts: Texts
    shards: Path

    @property
    def described(self) -> Described:
        """The product's tables."""
        profile, filings = self.texts.profile, self.texts.filings
        saes = {(group_name((block,)), block): self.sae(block) for block in profile.features.blocks}
        documents = Shards(self.shards).iter_documents(profile.features.blocks, filings["accession"].to_list())
        features = encode_filings(
            documents,
            saes,
            filings.select("accession", "company_id", "filed_at"),
            massive_norm=profile.activations.massive_norm,
            pooling=profile.features.pooling,
        )
        labels = [
            _tagged(label_latents(self._windows(block), profile.labels), "tokens", entry, block)
            for entry, block in sorted(saes)
        ]
        told = pl.concat(labels)
        unsaid = features.with_columns(words=pl.lit([], pl.List(pl.String)))  # only themes are
        return Described("tokens", unsaid, told)

    def sae(self, block: int) -> Sae:
        """Return one that is trained with the defaults of `saes`, or taken from the folder of an earlier run."""
        folder = self.texts.folder / group_name((block,))
        if not (folder / "cfg.json").is_file():
            save_sae(self._trained(block), folder)
        return load_sae(folder).eval()

    def _windows(self, block: int) -> Windows:
        prose = self.texts.passages.filter(kind="text")
        massive = self.texts.profile.activations.massive_norm
        return token_windows(*self._opened(None), prose, self.sae(block), block, massive)

    def _trained(self, block: int) -> Sae:
        profile, splits = self.texts.profile, self._splits
        massive, entry = profile.activations.massive_norm, group_name((block,))
        (validated, held_out), (trained, shards) = (self._opened(splits[name]) for name in ("validation", "train"))
        samples = validation_samples(held_out, validated, [block], massive)
        corpus = training_corpus(shards, trained, [block], samples, massive)
        run = Run([Entry(entry, (block,), None, profile.saes.tokens, {})], {}, corpus, profile.saes)
        with tempfile.TemporaryDirectory() as folder:
            run.train(Path(folder) / "checkpoint", lambda n: None, print)
        return run.trainings[entry].sae.eval()

    @cached_property
    def _splits(self) -> dict[str, list[str]]:
        lengths = [(name, place.tokens) for name, place in Shards(self.shards).places.items()]
        counts = pl.DataFrame(lengths, schema=["accession", "tokens"], orient="row")
        filings = self.texts.filings.select("accession", "filed_at").join(counts, on="accession")
        drawn = draw_corpus(filings, self.texts.profile.corpus)
        return {name: drawn.filter(split=name)["accession"].to_list() for name in ("train", "validation")}

    def _opened(self, order: list[str] | None) -> tuple[pl.DataFrame, Shards]:
        """Return accession, text, first_row and tokens of documents, and their shards."""
        shards = Shards(self.shards, order=order)
        places = [(name, place.first_row, place.tokens) for name, place in shards.places.items()]
        index = pl.DataFrame(places, schema=["accession", "first_row", "tokens"], orient="row")
        texts = self.texts.filings.select("accession", "text")
        return index.join(texts, on="accession", maintain_order="left"), shards


def _tagged(labels: pl.DataFrame, view: View, entry: str, block: int) -> pl.DataFrame:
    return labels.with_columns(view=pl.lit(view), entry=pl.lit(entry), block=pl.lit(block, pl.Int32))
