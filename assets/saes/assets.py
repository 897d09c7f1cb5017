"""Sparse autoencoders: the pinned corpus, which blocks share one, training, and scores on held-out documents."""

import shutil
from typing import TYPE_CHECKING, Any

import polars as pl

from assets import schemas
from assets.activations.model_now import model_now
from assets.declaration import asset
from resources.build import Build
from resources.lake import file_digest
from resources.recipe import whole

if TYPE_CHECKING:
    from assets.saes.sae import TopKSae


@asset(
    schemas.SAE_CORPUS,
    lineage=["activations", "descriptions"],
    fingerprint=model_now,
    config=["corpus", "model", "activations.blocks", "activations.keep"],
    kinds=["parquet"],
    resumes="shards",
)
def sae_corpus(build: Build) -> None:
    """Pinned: the sampled filings with their residual streams; drawn anew for a new version, not a new filing."""
    from assets.activations.source import keep_corpus
    from assets.saes.corpus import draw_corpus

    pinned = build.only_changed("activations.keep")
    rows = build.before("sae_corpus") if pinned else schemas.SAE_CORPUS.empty()
    if rows.is_empty():
        if pinned:
            build.say("the table of the pinned corpus is lost: it is drawn anew, from the filings there are today")
        cached, texts = build.read("activations"), build.read("descriptions").select("accession", "text")
        drawn = draw_corpus(cached, build.profile.corpus).join(cached, on="accession").join(texts, on="accession")
        rows = drawn.select(column.name for column in schemas.SAE_CORPUS.columns)
    keep_corpus(build, rows)
    build.write(schemas.SAE_CORPUS, rows)
    build.metadata |= {
        "tokens": int(rows["tokens"].sum()),
        "held_out": rows.filter(pl.col("split") == "held_out").height,
    }


@asset(schemas.LAYER_DISTANCES, reads={"sae_corpus": whole}, config=["activations.massive_norm"], kinds=["torch"])
def layer_distances(build: Build) -> None:
    """Angular distances between blocks, streamed in two passes over the training documents."""
    from assets.activations.source import open_corpus
    from assets.saes.amad import AngularDistances, distance_rows
    from assets.saes.corpus import kept_everywhere, stacked

    distances = AngularDistances()
    with open_corpus(build, "train") as (train, shards):
        keep = kept_everywhere(shards, train, build.profile.activations.massive_norm)
        with build.progress(2 * train.height, "documents") as progress:
            for add in (distances.add_means, distances.add):
                for first, tokens in train.select("first_row", "tokens").iter_rows():
                    add(stacked(shards, first, tokens, keep))
                    progress(1)
        rows = distance_rows(distances.distances(), shards.blocks, distances.tokens)
    build.write(schemas.LAYER_DISTANCES, rows)
    build.metadata["tokens"] = distances.tokens


@asset(
    schemas.LAYER_GROUPS,
    reads={"layer_distances": whole},
    config=["groups", "saes.expansion", "model"],
    kinds=["scikitlearn"],
)
def layer_groups(build: Build) -> None:
    """Which blocks share an autoencoder; the last block always has one of its own."""
    from assets.saes.amad import distance_matrix
    from assets.saes.amad import layer_groups as groups_of
    from resources.model_limits import model_shape

    blocks, matrix = distance_matrix(build.read("layer_distances"))
    d_model = model_shape(build.profile.model, build.models).d_model
    rows = groups_of(matrix, build.profile.groups, d_model, build.profile.saes.expansion, blocks)
    build.write(schemas.LAYER_GROUPS, rows)
    build.metadata |= {
        "amad": rows["amad"][0],
        "entries": rows["group"].n_unique(),
        "cost_ratio": rows["cost_ratio"][0],
    }


@asset(
    schemas.SAES,
    schemas.SAE_CURVES,
    reads={"layer_groups": whole, "sae_corpus": whole},
    config=["saes", "activations.massive_norm"],
    kinds=["torch", "safetensors"],
)
def saes(build: Build) -> None:
    """One TopK autoencoder per group of blocks; an entry whose recipe did not change is carried over, not trained."""
    from assets.activations.source import open_corpus
    from assets.saes.entries import curve_rows, planned_entries, sae_row, train_entry
    from assets.saes.formats import load_sae, save_sae

    entries = planned_entries(build.read("layer_groups"), build.profile.saes, build.digest_of("sae_corpus"))
    kept = build.unchanged({entry.name: entry.recipe for entry in entries})
    rows, curves = _carried_over(build, kept)
    fresh = [entry for entry in entries if entry.name not in kept]
    total = sum(entry.tokens for entry in fresh)
    with open_corpus(build, "train") as (train, shards), build.progress(total, "tokens") as progress:
        for entry in fresh:
            parent = load_sae(build.folder / entry.parent) if entry.parent else None
            sae, curve = train_entry(entry, shards, train, build.profile, parent, progress)
            save_sae(sae, build.folder / entry.name)
            weights = file_digest(build.folder / entry.name / "sae.safetensors")
            rows.append(sae_row(entry, sae.config, curve, weights))
            curves += curve_rows(entry, curve)
    build.write(schemas.SAES, schemas.SAES.frame(rows))
    build.write(schemas.SAE_CURVES, schemas.SAE_CURVES.frame(curves))
    build.metadata |= {"trained": len(entries) - len(kept), "carried_over": len(kept)}


@asset(
    schemas.SAE_SCORES,
    reads={"saes": whole, "sae_corpus": whole},
    config=["scores", "activations.massive_norm", "model"],
    kinds=["torch", "transformerlens"],
)
def sae_scores(build: Build) -> None:
    """FVU, L0, dead latents and CE score per block, each with its own scale, on documents never trained on."""
    from assets.activations.source import open_corpus
    from assets.saes.corpus import kept_tokens
    from assets.saes.formats import load_sae
    from assets.saes.scores import cross_entropy_scores, reconstruction_scores
    from resources.language_model import open_language_model

    massive = build.profile.activations.massive_norm
    folder = build.folders("saes")[0]
    by_block: dict[int, TopKSae] = {}
    reconstruction = []
    with open_corpus(build, "held_out") as (held_out, shards):
        for entry, blocks in build.read("saes").select("entry", "blocks").iter_rows():
            sae = load_sae(folder / entry)
            streams = {block: shards.activations(block) for block in blocks}
            keep = {block: kept_tokens(shards, held_out, block, massive) for block in blocks}
            reconstruction.append(reconstruction_scores(sae, streams, keep).with_columns(entry=pl.lit(entry)))
            by_block |= dict.fromkeys(blocks, sae)
    model = open_language_model(build.profile.model, build.models)
    documents = [
        model.tokenize(text).ids[: model.window_tokens(build.profile.model.context_length)] for text in held_out["text"]
    ]
    wanted = build.profile.scores.ce_tokens
    with build.progress(wanted * len(by_block), "tokens") as progress:
        entropy = cross_entropy_scores(model.next_token_losses, by_block, documents, wanted, massive, progress=progress)
    scores = pl.concat(reconstruction).join(entropy, on="block")
    build.write(schemas.SAE_SCORES, scores)
    build.metadata |= {
        "mean_fvu": scores["fvu"].mean(),
        "mean_ce_score": scores["ce_score"].mean(),
        "ce_tokens": int(scores["ce_tokens"][0]),
    }


def _carried_over(build: Build, kept: set[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Copy the weights of unchanged entries; returns their rows and curves."""
    for name in kept:
        shutil.copytree(build.before_folder / name, build.folder / name)
    unchanged = pl.col("entry").is_in(sorted(kept))
    return tuple(build.before(table).filter(unchanged).to_dicts() for table in ("saes", "sae_curves"))  # type: ignore[return-value]
