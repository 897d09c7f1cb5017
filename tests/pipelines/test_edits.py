"""What an edit of the code or the upgrade of a library makes again: all of it, and no more.

An asset's name stands for its body, which runs again where its version changes; `saes: unit` stands for the code that
makes one of its units: where only the body's version changes, the body carries its units over.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from code_edits import Tree, forget

READING = {"activations", "activations: unit", "sae_corpus"}
"""Who stores streams. Those who use them run again where `input_digest`, a column of these, has changed."""
STREAMS = {"layer_distances", "saes", "saes: unit", "sae_scores", "latent_labels", "company_features"}
FEATURES = {"company_features", "company_features: unit"}
EMBEDDINGS = {"company_embeddings", "company_embeddings: unit"}
ITEM_1 = {"descriptions", "descriptions: unit"}
UNIVERSE = {"companies", "tickers", "filings", "descriptions"}

EDITS: list[tuple[str, str, str, str, set[str]]] = [
    # what, file, old text, new text, what it changes
    ("a caption", "saes/assets.py", "How FVU fell, and", "How FVU fell and", {"saes"}),
    ("a caption of groups", "saes/assets.py", "to cost and to lose, and", "to cost and lose, and", {"layer_groups"}),
    ("a picture", "saes/training/curves_figure.py", "def curves_figure(", "X = 1\n\n\ndef curves_figure(", set()),
    ("what the UI shows", "saes/assets.py", 'kinds=["torch", "safetensors"]', "kinds=[]", set()),
    ("a docstring", "saes/training/step.py", '"""Train ', '"""Do train ', set()),
    ("a comment", "saes/training/step.py", "def train_together(", "# why\ndef train_together(", set()),
    ("how often a training is saved", "saes/training/run.py", "_SECONDS = 120.0", "_SECONDS = 60.0", set()),
    ("how a training is saved", "saes/training/checkpoint.py", 'draft = file.with_suffix(".new")', "draft = file", set()),
    ("how many train at once", "saes/training/waves.py", "8 << 30", "4 << 30", set()),
    ("how entries are carried over", "saes/carry_over.py", "sorted(names)", "names", set()),
    ("the training step", "saes/training/step.py", "_NORM = 1.0", "_NORM = 2.0", {"saes", "saes: unit"}),
    ("the reader of downloads", "saes/files/downloaded.py", "RUN = ", "RUN = 1 or ", {"saes"}),
    ("the draw of the corpus", "saes/corpus/draw.py", "before\") < settings", "before\") <= settings", {"sae_corpus"}),
    ("the knee of the groups", "saes/grouping/layer_groups.py", "import", "import", {"layer_groups"}),
    ("a stop word", "features/labels.py", '"system"}', '"systems"}', {"latent_labels"}),
    ("how latents are pooled", "features/pooling.py", "import", "import", FEATURES),
    ("how texts are embedded", "../resources/models/embedder.py", "_SPECIAL = 2", "_SPECIAL = 3", EMBEDDINGS),
    ("attribution", "features/attribution.py", "TINY_VARIANCE = 1e-12", "TINY_VARIANCE = 1e-9", {"company_vectors"}),
    ("a rule for Item 1", "descriptions/item1.py", "AGREEMENT = 0.9", "AGREEMENT = 0.8", ITEM_1),
]
