"""What a run of a profile costs before it is begun: tokens, hours and gigabytes, each with where the number is from."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from assets.activations.harvest.windows import WindowSettings, windows
from pipelines.failures import RefusedError
from resources.lake.lake import Lake
from resources.models.model_size import ModelSize, model_size
from resources.settings.profile import Profile
from resources.universe.universe import Documents

if TYPE_CHECKING:
    from torch import Tensor

PUBLISHED_FILINGS = {"authors": 27_722}
"""Reports of a data set that need not be on this machine; Molinari et al. 2025, section 3."""
ITEM_1_TOKENS = 10_000
"""Assumed of an Item 1 where none can be counted: 484 of 1994-96 have 6,954 on average in SmolLM2's tokens, and later
ones are longer."""
PUBLISHED_LATENTS = {"sae-llama-3-8b-32x": 131_072}
"""Latents of an autoencoder that need not be on this machine, by the name of its entry."""
SAMPLED_TEXTS = 200
"""Texts whose tokens are counted; of more, the rest is in proportion to characters."""
FEATURE_ROW_BYTES = 19.2
"""Of a row of `company_features` on disk: 18,596,230 bytes for the sample's 969,021 rows."""
GPU_FLOP_PER_S = 4e14
"""Assumed of one GPU: 40 % of the 989 TFLOP/s that NVIDIA states for dense bfloat16 of an H100 and an H200."""
_BYTES = {"float32": 4, "bfloat16": 2}


@dataclass(frozen=True)
class Texts:
    """How much text there is to read."""

    tokens: Sequence[int]
    """Of each filing."""
    basis: str
    """How they are known."""


@dataclass(frozen=True)
class Work:
    """What the language model and the autoencoders of tokens have to compute."""

    readings: int
    """How often every text is read."""
    tokens_read: int
    """Tokens that pass through the model, each as often as it is read, overlaps of windows included."""
    read_flop: int
    """FLOP of the model."""
    encode_flop: int
    """FLOP of the autoencoders' encoders."""

    def hours(self, flop_per_s: float) -> float:
        """Return the hours at a speed; whatever else is done comes on top."""
        return (self.read_flop + self.encode_flop) / flop_per_s / 3600


def readings(profile: Profile) -> int:
    """Return how often the model reads every text: once where the streams are kept, else once for each who asks."""
    if profile.activations.keep == "all":
        return 1
    return 1 + (profile.features.views.tokens > 0)


def work(profile: Profile, texts: Texts, size: ModelSize, latents: int) -> Work:
    """Return what has to be computed for all texts.

    Parameters
    ----------
    texts : Texts
    size : ModelSize
        Of the language model.
    latents : int
        Of each autoencoder that describes companies by tokens, one for each of `features.blocks`.
    """
    cut = WindowSettings(profile.model.context_length, profile.model.overlap_tokens, 1, 1)
    lengths = [len(window) for tokens in texts.tokens for window in windows(tokens, cut)]
    last, times = max(_blocks(profile, size)), readings(profile)
    flop = sum(size.window_flop(length, last) for length in lengths)
    encoded = len(profile.features.blocks) if profile.features.views.tokens else 0
    encode = 2 * size.d_model * latents * sum(texts.tokens) * encoded
    return Work(times, times * sum(lengths), times * flop, encode)


def cost_rows(
    profile: Profile, texts: Texts, size: ModelSize, latents: int, speed: float, machine: str
) -> pl.DataFrame:
    """Return what a run costs: columns what, amount, unit and basis.

    Parameters
    ----------
    speed : float
        FLOP per second of this machine.
    machine : str
        Its name, and how the speed is known.
    """
    todo, tokens = work(profile, texts, size, latents), sum(texts.tokens)
    kept = tokens * len(_blocks(profile, size)) * (2 * size.d_model + 24) if profile.activations.keep == "all" else 0
    rows = sum(min(latents, profile.saes.k * count if profile.saes.train else latents) for count in texts.tokens)
    rows *= len(profile.features.blocks)
    context, overlap = profile.model.context_length, profile.model.overlap_tokens
    dtype = "bfloat16" if profile.model.dtype == "auto" else profile.model.dtype
    found = [
        ("filings", len(texts.tokens), "", texts.basis),
        ("tokens", tokens, "", texts.basis),
        ("tokens read", todo.tokens_read, "", f"windows of {context} sharing {overlap}; {_times(profile)}"),
        (
            "reading",
            todo.read_flop / 1e15,
            "PFLOP",
            f"{size.parameters / 1e9:.2f} billion weights, up to the last block",
        ),
        ("encoding", todo.encode_flop / 1e15, "PFLOP", f"{latents:,} latents a token"),
        ("on this machine", todo.hours(speed), "hours", f"at least: {machine}"),
        ("on one GPU", todo.hours(GPU_FLOP_PER_S), "hours", f"assumed: {GPU_FLOP_PER_S / 1e12:.0f} TFLOP/s kept up"),
        ("model", size.parameters * _BYTES[dtype] / 1e9, "GB", f"download and memory, in {dtype}{_on_a_cpu(profile)}"),
        ("autoencoder", 2 * latents * size.d_model * 4 / 1e9, "GB", "download and memory, in float32"),
        ("residual streams", kept / 1e9, "GB", f"disk; activations.keep {profile.activations.keep}"),
        ("company features", rows * FEATURE_ROW_BYTES / 1e9, "GB", "disk, at most: every latent in every filing"),
    ]
    if profile.paper.enabled:
        square = 8 * len(texts.tokens) ** 2 / 1e9
        # The Gram matrix and LAPACK's copy of it; the sums lie beside them, values and columns of 4 bytes.
        found.append(("principal components", 2 * square + 8 * rows / 1e9, "GB", "memory, at most"))
    return pl.DataFrame(
        [{"what": what, "amount": float(amount), "unit": unit, "basis": basis} for what, amount, unit, basis in found]
    )


def readable_amounts(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `cost_rows` with amounts as people read them: two digits below a hundred, whole numbers above."""
    written = [f"{amount:,.0f}" if amount >= 100 or amount == 0 else f"{amount:.2g}" for amount in rows["amount"]]
    return rows.with_columns(amount=pl.Series(written, dtype=pl.String))


def estimate(profile: Profile, lake: Lake) -> pl.DataFrame:
    """Return `cost_rows` of a profile, whose data and models need not be on this machine.

    Raises
    ------
    RefusedError
        Neither the texts nor their number, or not the size of the model, are known.
    """
    size = model_size(profile.model, lake.models)
    if size is None:
        raise RefusedError(f"model.id {profile.model.id}: what it costs is not known before its config.json is here")
    dtype, speed, name = machine_speed(size)
    machine = f"{speed / 1e9:,.0f} GFLOP/s measured with products in {dtype} on {name}"
    return cost_rows(profile, texts_to_read(profile, lake), size, _latents(profile, size), speed, machine)


def texts_to_read(profile: Profile, lake: Lake) -> Texts:
    """Return the tokens of every text, counted where they are on this machine.

    Raises
    ------
    RefusedError
        They are not, and nobody has published how many there are.
    """
    source = profile.descriptions
    if source.source == "edgar" or source.hub is not None:
        if (filings := PUBLISHED_FILINGS.get(source.source)) is None:
            raise RefusedError(
                f"descriptions.source {source.source}: its texts are not on this machine, so nobody knows how long "
                "they are; give a path"
            )
        return Texts([ITEM_1_TOKENS] * filings, f"not here; assumed {ITEM_1_TOKENS:,} tokens a filing")
    universe = lake.sources.universe(profile)
    texts = [text for year in profile.years for text in _given(universe.texts(year, _no_bar)) if text.strip()]
    return _counted(texts, profile, lake.models)


def _counted(texts: Sequence[str], profile: Profile, models: Path) -> Texts:
    from resources.models.tokenizer import open_tokenizer  # noqa: PLC0415  with torch, which a published size needs not

    tokenizer = open_tokenizer(profile.model, models)
    step = max(1, len(texts) // SAMPLED_TEXTS)
    counted = {i: len(tokenizer.tokenize(texts[i]).ids) for i in range(0, len(texts), step)}
    letters = sum(len(texts[i]) for i in counted)
    ratio = sum(counted.values()) / max(letters, 1)
    tokens = [counted.get(i, round(len(text) * ratio)) for i, text in enumerate(texts)]
    return Texts(tokens, "counted" if step == 1 else f"counted in one of {step}, the rest by characters")


def machine_speed(size: ModelSize) -> tuple[str, float, str]:
    """Return number type, FLOP per second and name of what reads here: the best of three products as long as an MLP's.

    Reading also does what is no product, and never reaches it.
    """
    import torch

    from resources.compute.devices import devices  # noqa: PLC0415

    found = devices()
    dtype, name = found[0].dtype, found[0].name
    # A GPU wants as many rows as it reads at once; a CPU is as fast with a few.
    rows, columns = max(found[0].batch_tokens, 128), max(size.block_weights // (3 * size.d_model), 1)
    left = torch.ones(rows, size.d_model, device=name, dtype=getattr(torch, dtype))
    right = torch.ones(size.d_model, columns, device=name, dtype=getattr(torch, dtype))
    seconds = min(_seconds(left, right) for _ in range(3))
    return dtype, len(found) * 2.0 * rows * size.d_model * columns / seconds, f"{len(found)} x {name}"


def _seconds(left: "Tensor", right: "Tensor") -> float:
    began = time.perf_counter()
    (left @ right)[0, 0].item()  # which waits for a GPU to be done
    return time.perf_counter() - began


def _latents(profile: Profile, size: ModelSize) -> int:
    """Return the latents of the autoencoder that describes companies by tokens."""
    blocks = set(profile.features.blocks)
    for download in profile.saes.downloads:
        if download.block in blocks and not profile.saes.train:
            file = download.path / "cfg.json"
            if file.is_file():
                config = json.loads(file.read_text(encoding="utf-8"))
                stated = config.get("num_latents") or config.get("d_sae")
                return int(stated or size.d_model * config["expansion_factor"])
            if download.name in PUBLISHED_LATENTS:
                return PUBLISHED_LATENTS[download.name]
            raise RefusedError(f"saes.downloads: {download.path}: nobody knows its size before it is here")
    return profile.saes.expansion * size.d_model


def _blocks(profile: Profile, size: ModelSize) -> Sequence[int]:
    return profile.activations.blocks or range(size.blocks)


def _on_a_cpu(profile: Profile) -> str:
    return "; a CPU reads in float32, with twice the memory" if profile.model.dtype == "auto" else ""


def _times(profile: Profile) -> str:
    times = readings(profile)
    return (
        "every text once" if times == 1 else f"every text {times} times (activations.keep {profile.activations.keep})"
    )


def _given(said: pl.DataFrame | Documents) -> list[str]:
    assert isinstance(said, pl.DataFrame)  # EDGAR alone gives documents
    return said["text"].to_list()


@contextmanager
def _no_bar(total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    yield lambda n: None
