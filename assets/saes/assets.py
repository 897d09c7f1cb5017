"""Sparse autoencoders: the pinned corpus, which blocks share one, training, and scores on held-out documents."""

import shutil
from typing import TYPE_CHECKING

import polars as pl

from assets import schemas
from assets.activations.model_now import model_now
from assets.declaration import asset
from resources.lake.build import Build
from resources.lake.lake import digest_of
from resources.lake.recipe import Slices, whole
from resources.settings.profile import Profile, ProfileError
from resources.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from assets.saes.model.sae import Sae
    from assets.saes.training.step import CurvePoint

CHECKPOINTS = "checkpoints"
"""Folder of what an interrupted training goes on from."""
IN_RECIPES = ("saes.tokens", "saes.learning_rate", "saes.transfer", "saes.downloads")
"""Settings that the recipe of an entry holds as far as it depends on them."""


@asset(
    schemas.SAE_CORPUS,
    lineage=["activations", "descriptions"],
    fingerprint=model_now,
    config=["corpus", "model", "activations.blocks", "activations.keep"],
    kinds=["parquet"],
    checkpoint_dir="shards",
)
def sae_corpus(build: Build) -> None:
    """Pinned: the sampled filings with their residual streams; drawn anew for a new version, not a new filing."""
    from assets.activations.source import keep_corpus
    from assets.saes.corpus.draw import draw_corpus

    pinned = build.only_changed("activations.keep")
    rows = build.before("sae_corpus") if pinned else schemas.SAE_CORPUS.empty()
    if rows.is_empty():
        if pinned:
            build.log("the table of the pinned corpus is lost: it is drawn anew, from the filings there are today")
        cached, texts = build.read("activations"), build.read("descriptions").select("accession", "text")
        drawn = draw_corpus(cached, build.profile.corpus).join(cached, on="accession").join(texts, on="accession")
        rows = drawn.select(column.name for column in schemas.SAE_CORPUS.columns)
    keep_corpus(build, rows)
    build.write(schemas.SAE_CORPUS, rows)
    build.metadata |= {
        "tokens": int(rows["tokens"].sum()),
        **{split: rows.filter(pl.col("split") == split).height for split in ("train", "validation", "held_out")},
    }


@asset(
    schemas.LAYER_DISTANCES,
    reads={"sae_corpus": whole},
    config=["activations.massive_norm", "corpus.seed", "groups.precision"],
    kinds=["torch"],
)
def layer_distances(build: Build) -> None:
    """Angular distances between blocks: means over all training documents, angles over as many as precision takes."""
    import numpy as np

    from assets.activations.source import open_corpus
    from assets.saes.corpus.draw import kept_everywhere, stacked
    from assets.saes.grouping.layer_groups import AngularDistances, distance_rows

    with open_corpus(build, "train") as (train, shards), build.progress(2 * train.height, "documents") as progress:
        keep = kept_everywhere(shards, train, build.profile.activations.massive_norm)

        def streams(documents: pl.DataFrame) -> "Iterator[NDArray[np.float32]]":
            for first, tokens in documents.select("first_row", "tokens").iter_rows():
                yield stacked(shards, first, tokens, keep)
                progress(1)

        angles = AngularDistances(shards.blocks)
        for stream in streams(train):
            angles.add_means(stream)
        order = np.random.default_rng(build.profile.corpus.seed).permutation(train.height)
        angles.add_until(streams(train[order]), build.profile.groups.precision)
        rows = distance_rows(angles.distances(), angles.half_widths(), shards.blocks, angles.tokens)
    build.write(schemas.LAYER_DISTANCES, rows)
    build.metadata |= {
        "tokens": angles.tokens,
        "documents": angles.documents,
        "documents_in_corpus": train.height,
        "massive_tokens": int((~keep).sum()),
        "half_width": rows["half_width"].max(),
    }


@asset(
    schemas.LAYER_GROUPS,
    reads={"layer_distances": whole, "sae_corpus": whole},
    config=["groups.strategy", "groups.count", "groups.max_amad", "saes.expansion", "saes.tokens", "model"],
    kinds=["scikitlearn"],
)
def layer_groups(build: Build) -> None:
    """Which blocks share an autoencoder; the last block always has one of its own."""
    from assets.saes.grouping.flop import CostModel
    from assets.saes.grouping.groups_figure import groups_figure
    from assets.saes.grouping.layer_groups import distance_matrix, group_frontier
    from assets.saes.grouping.layer_groups import layer_groups as groups_of
    from resources.models.limits import model_shape

    blocks, matrix = distance_matrix(build.read("layer_distances"))
    profile, d_model = build.profile, model_shape(build.profile.model, build.models).d_model
    passes = profile.saes.tokens / int(build.read("sae_corpus")["tokens"].sum())
    costs = CostModel(d_model, profile.saes.expansion, profile.model.context_length, passes)
    rows = groups_of(matrix, profile.groups, costs, blocks)
    build.write(schemas.LAYER_GROUPS, rows)
    build.metadata |= {
        "entries": rows["group"].n_unique(),
        **{name: rows[name][0] for name in ("amad", "predicted_loss", "cost_ratio")},
    }
    points = group_frontier(matrix, profile.groups.strategy, costs, blocks)
    build.picture(
        "groups",
        groups_figure(matrix, rows, points),
        "What each number of groups is predicted to cost and to lose, and which blocks the chosen groups hold.",
    )


def _downloads_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    """Digests of the autoencoders that others trained, and of how they are to be read."""
    if not profile.saes.downloads:
        return {}
    from assets.saes.files.downloaded import download_digest
    from assets.saes.files.native import SaeFileError

    try:
        return {
            one.name: digest_of([download_digest(one.path), one.block, one.scale]) for one in profile.saes.downloads
        }
    except SaeFileError as error:
        raise ProfileError(f"saes.downloads: {error}") from error


@asset(
    schemas.SAES,
    schemas.SAE_CURVES,
    reads={"layer_groups": whole, "sae_corpus": whole},
    config=["saes", "activations.massive_norm", "model"],
    fingerprint=_downloads_now,
    kinds=["torch", "safetensors"],
    checkpoint_dir=CHECKPOINTS,
)
def saes(build: Build) -> None:
    """One autoencoder per group of blocks, and those that others trained; an unchanged one is carried over."""
    from assets.saes.building import carried_over, downloaded, trained, whole_entries
    from assets.saes.files.native import entry_folder, folder_digest, save_sae
    from assets.saes.training.curves_figure import curves_figure
    from assets.saes.training.entries import curve_rows, planned_entries, sae_row

    entries = planned_entries(build.read("layer_groups"), build.profile.saes, build.digest_of("sae_corpus"))
    downloads = _downloads_now(build.profile, None, build.lake.sources)
    recipes = {entry.name: entry.recipe for entry in entries} | downloads
    kept = whole_entries(build, build.record_units(recipes, excluding=IN_RECIPES))
    rows, curves = carried_over(build, kept)
    fresh = [entry for entry in entries if entry.name not in kept]

    def save(name: str, sae: "Sae", parent: str | None, curve: "Sequence[CurvePoint]") -> None:
        folder = entry_folder(build.folder, name)
        save_sae(sae, folder)
        rows.append(sae_row(name, sae.config, parent, curve, folder_digest(folder)))
        curves.extend(curve_rows(name, curve))

    for name in sorted(set(downloads) - kept):
        save(name, downloaded(build, name), None, [])
    for entry, training in trained(build, entries, fresh, build.folder / CHECKPOINTS):
        save(entry.name, training.sae, entry.parent, training.curve)
    shutil.rmtree(build.folder / CHECKPOINTS, ignore_errors=True)
    build.write(schemas.SAES, schemas.SAES.frame(rows))
    build.write(schemas.SAE_CURVES, schemas.SAE_CURVES.frame(curves))
    build.metadata |= {"trained": len(fresh), "downloaded": len(downloads), "carried_over": len(kept)}
    build.metadata["training_flop"] = sum(row["flop"] for row in rows if row["entry"] not in kept)
    if curves:
        picture = curves_figure(schemas.SAE_CURVES.frame(curves))
        build.picture("curves", picture, "How FVU fell, and how many latents stayed silent.")


@asset(
    schemas.SAE_SCORES,
    reads={"saes": whole, "sae_corpus": whole},
    config=["scores", "activations.massive_norm", "model"],
    kinds=["torch"],
)
def sae_scores(build: Build) -> None:
    """FVU, L0, dead latents, CE score and MMCS per block, each with its own scale, on documents never trained on."""
    from assets.saes.building import decoder_mmcs, opened_saes, reconstruction
    from assets.saes.metrics import cross_entropy_scores, passes
    from resources.models.language_model import open_language_model

    entries = build.read("saes")
    rebuilt, texts = reconstruction(build, entries)
    model = open_language_model(build.profile.model, build.models)
    documents = [model.tokenize(text).ids[: model.window_tokens(build.profile.model.context_length)] for text in texts]
    wanted, massive = build.profile.scores.ce_tokens, build.profile.activations.massive_norm
    with build.progress(wanted * passes(rebuilt["block"].to_list()), "tokens") as progress:
        saes, losses = opened_saes(build, entries), model.next_token_losses
        entropy = cross_entropy_scores(losses, saes, documents, wanted, massive, progress=progress)
    scores = rebuilt.join(entropy, on=["entry", "block"]).join(decoder_mmcs(build, entries), on="entry")
    build.write(schemas.SAE_SCORES, scores)
    build.metadata |= {
        "mean_fvu": scores["fvu"].mean(),
        "mean_ce_score": scores["ce_score"].mean(),
        "ce_tokens": int(scores["ce_tokens"][0]),
    }
