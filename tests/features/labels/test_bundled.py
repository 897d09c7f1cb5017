"""Labels that come with the bundled autoencoder."""

import json
from pathlib import Path

import polars as pl
import pytest

from assets.features.labels.bundled import OWN, BundledLabelsError, with_bundled_labels
from assets.features.labels.label import SCHEMA
from resources.places import BUNDLED, BUNDLED_LABELS

OWN_ROWS = pl.DataFrame(
    {name: [None, None] for name in SCHEMA}
    | {"latent": [0, 7], "examples": [["a"], ["b"]], "density": [0.1, 0.2], "documents": [3, 4], "label": ["x", "y"]}
    | {"terms": [["x"], ["y"]], "words": [["x"], ["y"]], "windows": [12, 14]},
    schema=SCHEMA,
)


def test_label_and_score_are_the_bundled_ones_and_examples_the_profiles_own(tmp_path: Path) -> None:
    bundled = {"latent": 7, "label": "gas, pipelines", "terms": ["gas"], "words": ["gas"], "windows": 80}
    line = bundled | {"level": 2.5, "detection_score": 0.8, "score_low": 0.7, "score_high": 0.9}
    (tmp_path / BUNDLED_LABELS).write_text(json.dumps(line) + "\n", encoding="utf-8")
    none, told = with_bundled_labels(OWN_ROWS, tmp_path).iter_rows(named=True)
    assert (none["label"], none["terms"], none["windows"], none["examples"]) == (None, [], 0, ["a"])
    assert (told["label"], told["level"], told["detection_score"]) == ("gas, pipelines", 2.5, 0.8)
    assert (told["examples"], told["density"], told["documents"]) == (["b"], 0.2, 4)


def test_missing_and_damaged_labels_are_named_with_the_way_out(tmp_path: Path) -> None:
    for content in (None, "{no json"):
        if content:
            (tmp_path / BUNDLED_LABELS).write_text(content, encoding="utf-8")
        with pytest.raises(BundledLabelsError, match=r"labels\.jsonl: cannot be read .*passage_saes\.source: train"):
            with_bundled_labels(OWN_ROWS, tmp_path)


def test_what_is_bundled_has_labels_of_its_latents_and_no_text() -> None:
    rows = pl.read_ndjson(BUNDLED / BUNDLED_LABELS)
    about = json.loads((BUNDLED / "about.json").read_text(encoding="utf-8"))
    assert not {*OWN} & {*rows.columns}
    assert rows["latent"].n_unique() == rows.height <= about["settings"]["latents"]
    assert rows["label"].drop_nulls().is_unique().all()
    assert rows["detection_score"].mean() == pytest.approx(about["measured"]["detection_score"])
    assert max(len(word.split()) for words in rows["words"] for word in words) <= 3


def test_it_is_small() -> None:
    assert sum(file.stat().st_size for file in BUNDLED.iterdir()) < 4_000_000
