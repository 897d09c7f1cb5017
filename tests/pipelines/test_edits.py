"""What an edit of the code or the upgrade of a library makes again: all of it, and no more.

An asset's name stands for its body, which runs again where its version changes; `saes: unit` stands for the code that
makes one of its units: where only the body's version changes, the body carries its units over.
"""

from collections.abc import Iterator

import pytest
from code_edits import Tree, forget

READ = {"activations", "activations: unit", "sae_corpus"}
"""Who stores streams. Who uses them runs again where `input_digest`, a column of these, has changed."""
USE = {"layer_distances", "sae_scores", "latent_labels", "company_features", "saes", "saes: unit", "passage_saes"}
TRAINING = {"saes", "saes: unit", "passage_saes"}
"""Of tokens and of passages: both are trained by one code, which measures FVU on rows of shards, too."""
FEATURES = {"company_features", "company_features: unit"}
EMBEDDINGS = {"company_embeddings", "company_embeddings: unit"}
BERT = {"bert_vectors", "bert_vectors: unit"}
ITEM_1 = {"descriptions", "descriptions: unit"}
PASSAGES = {"passages", "passages: unit"}
AVERAGES = {"passage_vectors", "passage_vectors: unit"}
NAMED = {"peer_clusters", "peer_scores", "peer_network", "peer_stack", "rival_scores"}
"""Who asks every method whom it names as peers."""
UNIVERSE = {"companies", "tickers", "filings", "descriptions"}

EDITS: dict[str, tuple[str, str, str, set[str]]] = {
    # what: file, old text, new text, what it changes
    "a caption of saes": ("assets/saes/assets.py", "How FVU fell, and", "How FVU fell and", {"saes"}),
    "a caption of layer_groups": ("assets/saes/assets.py", "to cost and to lose", "to cost and lose", {"layer_groups"}),
    "a picture": ("assets/saes/training/curves_figure.py", "def curves_figure(", "X = 1\ndef curves_figure(", set()),
    "kinds": ("assets/saes/assets.py", 'kinds=["torch", "safetensors"]', "kinds=[]", set()),
    "an asset's sentence": ("assets/saes/assets.py", "One autoencoder per group", "An autoencoder per group", set()),
    "a docstring": ("assets/saes/training/step.py", "Make one step of Adam.", "Make a step of Adam.", set()),
    "a comment": ("assets/saes/training/step.py", "def train_together(", "# why\ndef train_together(", set()),
    "how often it is saved": ("assets/saes/training/run.py",
        "CHECKPOINT_SECONDS = 120.0", "CHECKPOINT_SECONDS = 9.0", set()),
    "how a training is saved": ("assets/saes/training/checkpoint.py",
        "draft.replace(file)", "draft.rename(file)", set()),
    "how many train at once": ("assets/saes/training/waves.py", "8 << 30", "4 << 30", set()),
    "how entries are copied": ("assets/saes/carry_over.py", "for name in names:", "for name in sorted(names):", set()),
    "how parts are linked": ("assets/activations/cache.py",
        "self._number = number + 1", "self._number = number + 2", {"activations"}),
    "the setting of a default": ("resources/settings/saes.py",
        "k: Annotated[Whole, Field(gt=0, le=10**6)] = 32", "k: Annotated[Whole, Field(gt=0, le=10**6)] = 16", set()),
    "a table's sentence":
        ("assets/schemas/saes.py", "Hash of its two files", "The hash of its two files", {"warehouse"}),
    "the training step": ("assets/saes/training/step.py",
        "MAX_GRADIENT_NORM = 1.0", "MAX_GRADIENT_NORM = 2.0", TRAINING),
    "the learning rate": ("assets/saes/training/schedule.py", "MIN_RATE = 0.02", "MIN_RATE = 0.01", TRAINING),
    "how activations are shuffled": ("assets/saes/training/run.py",
        "POOL_BYTES = 2 << 30", "POOL_BYTES = 1 << 30", TRAINING),
    "the reader of downloads": ("assets/saes/files/downloaded.py", "RUN = ", "RUN = 1 or ", {"saes"}),
    "the draw of the corpus": ("assets/saes/corpus/draw.py",
        'pl.col("before") <', 'pl.col("before") <=', {"sae_corpus"}),
    "windows": ("assets/activations/harvest/windows.py", "return min(_ceil(", "return max(_ceil(", READ),
    "the number type of shards": ("assets/activations/harvest/float16.py", ".isfinite()", ".isnan()", READ),
    "how shards are read": ("assets/activations/shards/shards.py", "_INDICES = 64", "_INDICES = 32",
                            USE | AVERAGES | {"sae_corpus", "activations", "company_features: unit"}),
    "what is boilerplate": ("assets/passages/kinds.py", "PROSE_SHARE = 0.35", "PROSE_SHARE = 0.36", PASSAGES),
    "where passages are cut": ("assets/passages/splitting.py", "LONG_TOKENS = 80", "LONG_TOKENS = 81", PASSAGES),
    "what is repeated": ("assets/passages/repeated.py", "OWN_SHARE = 0.5", "OWN_SHARE = 0.6", {"passages"}),
    "how passages are averaged": ("assets/passages/vectors.py",
        "mean(axis=0", "sum(axis=0", AVERAGES),
    "the draw of passages": ("assets/passages/corpus.py", "<= most", "< most", {"passage_corpus"}),
    "a filler word": ("assets/features/labels/terms.py", "primarily principal ", "principal ", {"latent_labels"}),
    "how latents are pooled": ("assets/features/pooling.py",
        "(values > 0)", "(values >= 0)", FEATURES | {"named_rivals"}),
    "how texts are embedded": ("resources/models/embedder.py", "_SPECIAL = 2", "_SPECIAL = 3", EMBEDDINGS),
    "attribution": ("assets/features/weighting.py",
        "TINY_VARIANCE = 1e-12", "TINY_VARIANCE = 1e-9", {"company_vectors", "named_rivals"}),
    "a method of naming peers": ("assets/clusters/peer_methods/tnic.py",
        "MOST_COMPANIES = 0.25", "MOST_COMPANIES = 0.2", NAMED - {"peer_stack"}),
    "the fit of stack": ("assets/clusters/stacking/fit.py",
        "FEWEST_COMPANIES = 20", "FEWEST_COMPANIES = 30", NAMED),
    "an industry of Fama and French": ("resources/fama_french.py",
        "2100-2199", "2100-2198", NAMED - {"peer_stack"}),
    "where a tree is cut": ("assets/clusters/cuts.py", "TIED = 1e-9", "TIED = 1e-8", {"peer_clusters"}),
    "the paper's scaler": ("assets/clusters/paper/distances.py",
        "SCALER_SHARE = 0.75", "SCALER_SHARE = 0.5", {"paper_clusters"}),
    "the returns in the authors' files": ("resources/universe/authors_returns.py",
        "MONTHS = 12", "MONTHS = 11", {"paper_clusters"}),
    "the picture of the curve": ("assets/clusters/scoreboard/curve_figure.py",
        "LEAST_PERCENT = 0.01", "LEAST_PERCENT = 0.02", {"peer_intervals"}),
    "the error of a mean over months": ("assets/clusters/scoreboard/cross_section.py",
        "CONFIDENCE = 0.95", "CONFIDENCE = 0.9", {"peer_intervals"}),
    "how groups are matched": ("assets/clusters/drift/matching.py",
        "maximize=True", "maximize=1 > 0", {"cluster_drift"}),
    "a rule for Item 1": ("assets/descriptions/readings.py", "AGREEMENT = 0.9", "AGREEMENT = 0.8", ITEM_1),
    "a reason for no text": ("assets/descriptions/extraction.py",
        "so it replaces no text", "it replaces no text", {"descriptions"}),
    "the retries of the hub": ("resources/network/hub.py",
        "def __init__(self, ", "def __init__(self, x: int = 1, ", set()),
    "a row of filings": ("resources/universe/edgar_filings.py",
        '"tickers": symbols', '"tickers": []', UNIVERSE | {"filings: unit"}),
    "a source of prices": ("resources/market/price_rows.py",
        "comma = table.settings.decimal_comma\n    ", "comma = True\n    ", {"prices"}),
}  # fmt: skip

UPGRADES: dict[str, set[str]] = {
    "huggingface_hub": set(),
    "polars": set(),
    "pyarrow": set(),
    "matplotlib": set(),
    "safetensors": set(),
    # Passages are averaged over their content words, and its list of stop words says which are not.
    "scikit-learn": {"layer_groups", "latent_labels", "passage_saes", "paper_clusters", "hedge_baskets", *NAMED}
    | {"backtest_summary", *AVERAGES},
    "statsmodels": {"cointegrated_pairs", "cluster_scores", "lift_intervals", "latent_labels"}
    | {"backtest_summary", "paper_book", "rival_scores"},
    "edgartools": ITEM_1,
    "transformer-lens": {"sae_scores"},
    "sentencex": PASSAGES,
    "transformers": READ | PASSAGES | EMBEDDINGS | BERT | {"sae_scores", "paper_clusters"},
    "torch": READ
    | USE
    | FEATURES
    | PASSAGES
    | EMBEDDINGS
    | BERT
    | {"named_rivals", "paper_clusters"},  # of passages, as it converts the model
    "duckdb": {"warehouse"},
}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tree, dict[str, str]]]:
    with pytest.MonkeyPatch.context() as patch:
        tree = Tree.copied(tmp_path_factory.mktemp("code"), patch)
        yield tree, tree.versions()
    forget()


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_changes_what_it_can_change_and_nothing_else(copied: tuple[Tree, dict[str, str]], what: str) -> None:
    (tree, before), (file, old, new, expected) = copied, EDITS[what]
    with tree.edited(file, old, new):
        assert changed(before, tree.versions()) == expected


@pytest.mark.parametrize("library", UPGRADES)
def test_an_upgrade_changes_what_takes_numbers_of_the_library(
    copied: tuple[Tree, dict[str, str]], library: str
) -> None:
    tree, before = copied
    with tree.upgraded(library):
        assert changed(before, tree.versions()) == UPGRADES[library]


def test_code_that_only_moves_changes_nothing(copied: tuple[Tree, dict[str, str]]) -> None:
    tree, before = copied
    moved = "from assets.features.labels.least import MIN_Z\n_OLD = "
    with tree.edited("assets/features/labels/contrast.py", "MIN_Z = ", moved):
        (tree.root / "assets/features/labels/least.py").write_text("MIN_Z = 1.5\n", encoding="utf-8")
        assert changed(before, tree.versions()) == set()


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Return what has another version."""
    return {name for name in before if after[name] != before[name]}
