"""Trains the autoencoder over passages that comes with peerlens, and writes it to resources/sample/passage_sae.

`python benchmarks/bundle_passage_sae.py --work FOLDER` reads $PEERLENS_TESTDATA/tenk90s/item1.parquet (484 Item 1 texts
of 10-K filings of the 1990s) and $PEERLENS_TESTDATA/sp500/companies.parquet (descriptions of 476 companies of 2022), at
most `--most` passages each, with SmolLM2-135M-Instruct, as the pipeline does. The pass goes on where it was
interrupted. `--texts` names other files or folders of texts; `--saved FOLDER` takes vectors that were read elsewhere
(see passage_texts.py). Then two seeds are trained, and the first is written: weights rounded
to 16 bits, cfg.json, about.json with the model, the block, the corpus, the seeds and what was measured, and
labels.jsonl, the labels of its latents with their scores on companies that did not make them. No text and no vector of
the corpus is in it.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from passage_texts import PassagePass, corpus_of, read_texts, take_saved
from reasons_texts import source

# isort: split
import torch

from assets.activations.harvest.reader import Reader
from assets.features.labels.bundled import OWN
from assets.features.labels.label import label_latents
from assets.features.labels.sources import passage_windows
from assets.saes.files.native import save_sae
from assets.saes.over_passages.bundled import ABOUT, BundledSae
from assets.saes.over_passages.plan import passage_entries
from assets.saes.over_passages.scores import passage_scores, stability
from assets.saes.over_passages.training import train_passage_sae
from assets.saes.over_passages.vectors import PassageVectors, passages_by_block
from resources.lake.progress import progress_bar
from resources.models.model_source import model_identity
from resources.places import BUNDLED, BUNDLED_LABELS
from resources.settings.activations import Activations
from resources.settings.corpus import Corpus
from resources.settings.features import Labels
from resources.settings.passages import Passages, PassageSaes
from resources.settings.profile import Profile

CORPORA = ("tenk90s", "sp500")
DESCRIBED = (
    "Item 1 texts of 10-K filings of 1994 to 1996 (public filings), of each the first passages, "
    "and descriptions of the S&P 500 companies of 2022"
)
LATENTS = 320
"""Of 256, 320 and 384, by how many labels were told and how well; no returns were looked at."""


def profile_for(block: int, most: int) -> Profile:
    """Return the settings with which texts are read and autoencoders trained: the defaults, at one block."""
    return Profile(
        name="bundle",
        activations=Activations(blocks=[block]),
        passages=Passages(blocks=[block], max_per_filing=most),
        corpus=Corpus(cutoff=date(2100, 1, 1)),
    )


def bundle(corpus: pl.DataFrame, settings: PassageSaes, model: str, described: str, folder: Path) -> dict:
    """Train on rows of `passage_corpus`, write the first seed's autoencoder to a folder, and return its about.json."""
    (passages,) = passages_by_block(corpus)
    with tempfile.TemporaryDirectory() as checkpoints:
        first, *others = [
            train_passage_sae(entry, passages, settings, Path(checkpoints) / entry.name, log=print)
            for entry in passage_entries(passages.block, settings)
        ]
    folder.mkdir(parents=True, exist_ok=True)
    save_sae(first.standardised, folder, torch.float16)
    stored = BundledSae(folder).load(passages)
    measured = passage_scores(stored, passages) | (stability(stored, others[0].sae, passages) if others else {})
    about = {
        "model": model,
        "block": passages.block,
        "seed": settings.seed,
        "corpus": _described(corpus, passages, described),
        "settings": settings.model_dump(exclude={"source"}),
        "measured": {name: value for name, value in measured.items() if name not in {"block", "passages"}},
    }
    labels = label_latents(passage_windows(corpus, stored, passages.block), Labels()).drop(OWN)
    labels.write_ndjson(folder / BUNDLED_LABELS)
    scored = labels["detection_score"].drop_nulls()
    about["measured"] |= {"labels": labels["label"].count(), "scored": len(scored), "detection_score": scored.mean()}
    (folder / ABOUT).write_text(json.dumps(about, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return about


def _described(corpus: pl.DataFrame, passages: PassageVectors, described: str) -> dict[str, Any]:
    return {
        "texts": described,
        "filings": corpus["accession"].n_unique(),
        "companies": corpus["company_id"].n_unique(),
        "passages": corpus.height,
        "validation_passages": len(passages.validation),
    }


def _bar(total: int, unit: str) -> AbstractContextManager[Callable[[int], None]]:
    return progress_bar("texts", total, unit)


def main() -> None:
    """Read the texts, train, and print about.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--texts", type=Path, nargs="+", help="Parquet files or folders of *.txt; default: tenk90s and sp500"
    )
    parser.add_argument("--described", default=DESCRIBED, help="what the texts are, for about.json")
    parser.add_argument("--saved", type=Path, help="folder of vectors that were read elsewhere")
    parser.add_argument("--work", type=Path, required=True, help="folder in which the pass is kept")
    parser.add_argument("--models", type=Path, help="folder of converted models; default: WORK/models")
    parser.add_argument("--block", type=int, default=24)
    parser.add_argument("--latents", type=int, default=LATENTS)
    parser.add_argument("--most", type=int, default=32, help="passages of a text")
    parser.add_argument("--out", type=Path, default=BUNDLED)
    options = parser.parse_args()
    profile, models = profile_for(options.block, options.most), options.models or options.work / "models"
    own = [read_texts(file) for file in options.texts or ()]
    texts = pl.concat(own or [source(name) for name in CORPORA])
    if options.saved:
        vectors = take_saved(options.saved, texts, profile, options.work)
    else:
        vectors = PassagePass(Reader(profile, models, _bar, print), profile, options.work).run(texts)
    model, corpus = model_identity(profile.model, models), corpus_of(options.work, vectors, profile.corpus)
    settings = profile.passage_saes.model_copy(update={"latents": options.latents})
    about = bundle(corpus, settings, model, options.described, options.out)
    print(json.dumps(about, indent=2))


if __name__ == "__main__":
    main()
