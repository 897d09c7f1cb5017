"""Sparse autoencoders: the pinned corpus, which blocks share one, training, and scores on held-out documents."""

from typing import TYPE_CHECKING

import polars as pl

from assets import schemas
from assets.activation_source import READING, activation_source
from assets.declaration import asset
from assets.model_now import model_now
from assets.texts_read import texts_read
from resources.lake.build import Build
from resources.lake.code_version import code_version
from resources.lake.digests import digest_of
from resources.lake.recipe import Slices, whole
from resources.models.model_source import model_identity
from resources.places import BUNDLED
from resources.settings.profile import Profile, ProfileError
from resources.sources import Sources

if TYPE_CHECKING:
    from assets.activations.source import CorpusReader
    from assets.saes.over_passages.making import PassageSaeMaker
    from assets.saes.writing import SaeWriter

CHECKPOINTS = "checkpoints"
"""Subfolder from which an interrupted training resumes."""
PASSAGE_CHECKS = ("scores_are_finite", "explains_passages", "few_dead_latents", "a_second_one_agrees")
"""Of autoencoders over passages; only the first one stops a build."""
IN_RECIPES = ("saes.train", "saes.tokens", "saes.learning_rate", "saes.transfer", "saes.downloads")
"""Settings of which each entry's recipe holds what that entry depends on, so that a new download
retrains nothing."""


@asset(
    schemas.SAE_CORPUS,
    lineage=["activations", "descriptions", "passages"],
    fingerprint=model_now,
    config=["corpus", "model", "activations.blocks", "activations.keep"],
    runs_with=READING,
    also=["assets.activations.harvest.reader:Reader"],
    kinds=["parquet"],
    checkpoint_dir="shards",
)
def sae_corpus(build: Build) -> None:
    """Pinned: the sampled filings with their residual streams; drawn anew for a new version, not a new filing."""
    from assets.saes.corpus.draw import corpus_rows

    pinned = build.only_changed("activations.keep")
    rows = build.before("sae_corpus") if pinned else schemas.SAE_CORPUS.empty()
    if pinned and rows.is_empty():
        build.log("the table of the pinned corpus is lost: it is drawn anew, from the filings there are today")
    if rows.is_empty():
        texts = texts_read(build.read("descriptions"), build.read("passages"))
        rows = corpus_rows(build.read("activations"), texts, build.profile.corpus)
    if build.profile.activations.keep != "none":
        source, before = activation_source(build), build.before_folder
        source.keep(rows, build.folder, [*([before] if before else []), *build.folders("activations")])
        build.metadata |= source.metadata
    build.write(schemas.SAE_CORPUS, rows)
    build.metadata |= {
        "tokens": int(rows["tokens"].sum()),
        **{split: rows.filter(pl.col("split") == split).height for split in ("train", "validation", "held_out")},
    }


@asset(
    schemas.LAYER_DISTANCES,
    reads={"sae_corpus": whole},
    config=["activations.massive_norm", "corpus.seed", "groups.precision"],
    runs_with=READING,
    kinds=["torch"],
)
def layer_distances(build: Build) -> None:
    """Angular distances between blocks: means over all training documents, angles over as many as precision takes."""
    from assets.saes.grouping.corpus_distances import corpus_distances

    corpus = _corpus(build)
    with corpus.open("train") as (train, shards), build.progress(2 * train.height, "documents") as progress:
        rows, measured = corpus_distances(
            shards,
            train,
            massive_norm=build.profile.activations.massive_norm,
            seed=build.profile.corpus.seed,
            precision=build.profile.groups.precision,
            progress=progress,
        )
    build.write(schemas.LAYER_DISTANCES, rows)
    build.metadata |= corpus.metadata | measured


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
    """Return digests of the autoencoders that others trained, and of the settings they are read with."""
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
    runs_with=READING,
    units=["assets.saes.training.waves:train_in_waves", "assets.saes.writing:SaeWriter"],
    fingerprint=_downloads_now,
    kinds=["torch", "safetensors"],
    checkpoint_dir=CHECKPOINTS,
)
def saes(build: Build) -> None:
    """One autoencoder per group of blocks, and those that others trained; an unchanged one is carried over."""
    from assets.saes.carry_over import PreviousSaes
    from assets.saes.files.downloaded import load_download
    from assets.saes.training.entries import planned_entries
    from assets.saes.training.waves import train_in_waves
    from assets.saes.writing import SaeWriter
    from resources.models.limits import model_shape

    settings, model = build.profile.saes, build.profile.model
    entries = planned_entries(build.read("layer_groups"), settings, build.digest_of("sae_corpus"))
    downloads = _downloads_now(build.profile, None, build.lake.sources)
    reading = code_version("assets.saes.files.downloaded:load_download")  # of downloads alone: it retrains nothing
    recipes = {entry.name: entry.recipe for entry in entries}
    recipes |= {name: {"file": digest, "code": reading} for name, digest in downloads.items()}
    before = PreviousSaes(build.before("saes"), build.before("sae_curves"), build.before_folder)
    kept = before.intact(build.record_units(recipes, excluding=IN_RECIPES))
    written, corpus = SaeWriter(build.folder, *before.copy(kept, build.folder)), _corpus(build)
    for download in settings.downloads:
        if download.name not in kept:
            written.save(download.name, load_download(download, model_shape(model, build.models), model.id))
    trained = train_in_waves(
        entries,
        kept,
        corpus,
        written,
        settings=settings,
        massive_norm=build.profile.activations.massive_norm,
        checkpoints=build.folder / CHECKPOINTS,
        progress=build.progress,
        log=build.log,
    )
    _write_saes(build, written)
    build.metadata |= corpus.metadata | trained | {"downloaded": len(downloads), "carried_over": len(kept)}


def _write_saes(build: Build, written: "SaeWriter") -> None:
    from assets.saes.training.curves_figure import curves_figure

    curves = schemas.SAE_CURVES.frame(written.curves)
    build.write(schemas.SAES, schemas.SAES.frame(written.rows))
    build.write(schemas.SAE_CURVES, curves)
    if curves.height:
        build.picture("curves", curves_figure(curves), "How FVU fell, and the share of latents that were silent.")


@asset(
    schemas.SAE_SCORES,
    reads={"saes": whole, "sae_corpus": whole},
    config=["scores", "activations.massive_norm", "model"],
    runs_with=READING,
    also=["resources.models.bridge", "resources.models.window_losses"],
    kinds=["torch", "transformerlens"],
    checks=["agrees_with_transformer_lens"],
)
def sae_scores(build: Build) -> None:
    """FVU, L0, dead latents, CE score and MMCS per block, each with its own scale, on documents never trained on."""
    from assets.saes.agreement import agreement_with_transformer_lens
    from assets.saes.metrics import cross_entropy_scores, passes
    from assets.saes.scoring import decoder_mmcs, reconstruction
    from assets.saes.stored import StoredSaes
    from resources.compute.devices import devices
    from resources.models.language_model import open_language_model

    corpus, massive = _corpus(build), build.profile.activations.massive_norm
    saes = StoredSaes(build.folders("saes")[0], build.read("saes"), devices()[0].name)
    with build.progress(int(saes.rows["blocks"].list.len().sum()), "blocks") as progress:
        rebuilt, texts = reconstruction(corpus, saes, massive, progress)
    model = open_language_model(build.profile.model, build.models)
    documents = [model.tokenize(text).ids[: model.window_tokens(build.profile.model.context_length)] for text in texts]
    wanted = build.profile.scores.ce_tokens
    with build.progress(wanted * passes(rebuilt["block"].to_list()), "tokens") as progress:
        losses = model.next_token_losses
        entropy = cross_entropy_scores(losses, saes.by_block(), documents, wanted, massive, progress=progress)
    agrees = agreement_with_transformer_lens(model, int(rebuilt["block"][0]), documents)
    build.check("agrees_with_transformer_lens", *agrees)
    scores = rebuilt.join(entropy, on=["entry", "block"]).join(decoder_mmcs(saes), on="entry")
    build.write(schemas.SAE_SCORES, scores)
    build.metadata |= corpus.metadata | {
        "mean_fvu": scores["fvu"].mean(),
        "mean_ce_score": scores["ce_score"].mean(),
        "ce_tokens": int(scores["ce_tokens"][0]),
    }


def _corpus(build: Build) -> "CorpusReader":
    """Return the pinned corpus, to be opened split by split."""
    return activation_source(build).corpus(build.read("sae_corpus"), build.folders("sae_corpus")[0], build.folder)


def _bundled_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    """Return the digest of the bundled autoencoder over passages, where the profile wants that one."""
    if profile.passage_saes.source != "bundled":
        return {}
    from assets.saes.over_passages.bundled import BundledSae, BundledSaeError

    try:
        fitting = BundledSae(BUNDLED).check(model_identity(profile.model, sources.models), profile.passages.blocks)
        return {"bundled": fitting.digest}
    except BundledSaeError as error:
        raise ProfileError(f"passage_saes.source: bundled: {error}") from error


@asset(
    schemas.PASSAGE_SAES,
    schemas.PASSAGE_SAE_CURVES,
    schemas.PASSAGE_SAE_SCORES,
    reads={"passage_corpus": whole},
    config=["passage_saes"],
    fingerprint=_bundled_now,
    kinds=["torch", "scikitlearn", "safetensors"],
    checks=PASSAGE_CHECKS,
    advisory=PASSAGE_CHECKS[1:],
    checkpoint_dir=CHECKPOINTS,
)
def passage_saes(build: Build) -> None:
    """Autoencoders over passages, whose latents are themes: trained on the pinned ones, or the bundled one."""
    from assets.saes.over_passages.bundled import BundledSae
    from assets.saes.over_passages.making import PassageSaeMaker
    from assets.saes.over_passages.vectors import passages_by_block

    settings, blocks = build.profile.passage_saes, list(passages_by_block(build.read("passage_corpus")))
    maker = PassageSaeMaker(build.folder, settings, build.folder / CHECKPOINTS, build.log)
    if settings.source == "bundled":
        for passages in blocks:
            maker.bundle(BundledSae(BUNDLED), passages)
    else:
        with build.progress(maker.total(blocks), "passages") as progress:
            for passages in blocks:
                maker.train(passages, progress)
    maker.clean_up()
    _write_passage_saes(build, maker)


def _write_passage_saes(build: Build, maker: "PassageSaeMaker") -> None:
    from assets.saes.over_passages.checks import passage_checks
    from assets.saes.training.curves_figure import curves_figure

    curves = schemas.PASSAGE_SAE_CURVES.frame(maker.written.curves)
    scores = schemas.PASSAGE_SAE_SCORES.frame(maker.scores)
    for check in passage_checks(scores):
        build.check(*check)
    build.write(schemas.PASSAGE_SAES, schemas.PASSAGE_SAES.frame(maker.written.rows))
    build.write(schemas.PASSAGE_SAE_CURVES, curves)
    build.write(schemas.PASSAGE_SAE_SCORES, scores)
    if curves.height:
        figure = curves_figure(curves, "passages", "passages of validation companies")
        build.picture("curves", figure, "How FVU of standardised vectors fell, and the share of silent latents.")
    build.metadata |= {"mean_fvu": scores["fvu"].mean(), "training_seconds": round(sum(maker.seconds), 1)}
