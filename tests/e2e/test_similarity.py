"""The similarity that is printed is the cosine, and the reasons add up to it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from peerlens_command import peerlens

from resources.places import ROOT
from resources.settings.profile import load_profile

KO, PEP = "0000021344", "0000077476"


def answer(home: Path, *arguments: str) -> list[dict[str, Any]]:
    done = peerlens(home, *arguments, "--json", "--profile", "tiny")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def dense_cosine(features: pl.DataFrame, a: str, b: str, weighting: str) -> float:
    """The cosine from company_features by NumPy alone: weigh the dense matrix, normalise its rows, multiply."""
    companies, latents = sorted(set(features["company_id"])), sorted(set(features["latent"]))
    values = np.zeros((len(companies), len(latents)))
    for company, latent, value in features.select("company_id", "latent", "value").iter_rows():
        values[companies.index(company), latents.index(latent)] = value
    n = len(companies)
    if weighting == "excess":
        sd = values.std(axis=0)
        weighted = np.where(sd > 1e-6 * values.mean(axis=0), np.maximum(values - values.mean(axis=0), 0), 0)
        weighted = weighted / np.where(sd > 0, sd, 1)
    else:
        weighted = values * (np.log((1 + n) / (1 + (values > 0).sum(axis=0))) + 1)
    unit = weighted / np.linalg.norm(weighted, axis=1, keepdims=True)
    return float(unit[companies.index(a)] @ unit[companies.index(b)])


def test_reasons_add_up_to_the_cosine_that_peers_prints(tiny_home: Path) -> None:
    files = list((tiny_home / "tiny" / "company_features").glob("*/*/company_features/*.parquet"))
    features = pl.concat(pl.read_parquet(file) for file in files)
    weighting = load_profile(ROOT / "pipelines" / "profiles" / "tiny.yaml").features.weighting
    cosine = dense_cosine(features, KO, PEP, weighting)
    total = sum(row["contribution"] for row in answer(tiny_home, "why", "KO", "PEP"))
    (pep,) = [row for row in answer(tiny_home, "peers", "KO") if row["ticker"] == "PEP"]
    assert total == pytest.approx(cosine, abs=1e-6)
    assert pep["similarity"] == pytest.approx(total, abs=1e-12)
    assert 0 < cosine < 1


def test_every_theme_listed_has_a_passage_of_each_company(tiny_home: Path) -> None:
    *themes, others = answer(tiny_home, "why", "KO", "PEP")
    assert others["theme"] == "all others"
    texts = {t: (ROOT / f"resources/sample/descriptions/{t}.txt").read_text(encoding="utf-8") for t in ("KO", "PEP")}
    for row in themes:
        assert row["theme"].strip() and row["score"] >= 0.7
        for passage, ticker in ((row["passage_a"], "KO"), (row["passage_b"], "PEP")):
            assert plain(passage.replace("[", "").replace("]", "").strip(" …")) in plain(texts[ticker])


def test_every_latent_has_a_phrase_of_each_company(tiny_home: Path) -> None:
    texts = {t: (ROOT / f"resources/sample/descriptions/{t}.txt").read_text(encoding="utf-8") for t in ("KO", "PEP")}
    rows = answer(tiny_home, "why", "KO", "PEP", "--latents")
    assert rows
    for row in rows:
        assert plain(row["phrase_a"]) in plain(texts["KO"])
        assert plain(row["phrase_b"]) in plain(texts["PEP"])


def plain(text: str) -> str:
    """Words only: a phrase marks its token and its ends with dots and brackets."""
    return " ".join("".join(letter if letter.isalnum() else " " for letter in text).split())
