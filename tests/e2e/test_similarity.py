"""The similarity that is printed is the cosine, and the reasons add up to it."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cosines_by_hand import cosines_by_hand
from peerlens_command import peerlens

from resources.places import ROOT
from resources.settings.profile import load_profile

KO, PEP = "0000021344", "0000077476"


def answer(home: Path, *arguments: str) -> list[dict[str, Any]]:
    done = peerlens(home, *arguments, "--json", "--profile", "tiny")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


@pytest.mark.parametrize("method", ["sae", "sae_passages", "sae_tokens"])
def test_reasons_add_up_to_the_cosine_that_peers_prints(tiny_home: Path, method: str) -> None:
    settings = load_profile(ROOT / "pipelines" / "profiles" / "tiny.yaml").features
    features, labels = (table(tiny_home, name) for name in ("company_features", "latent_labels"))
    companies, cosines = cosines_by_hand(features, labels, settings)
    cosine = cosines[method][companies.index(KO), companies.index(PEP)]
    total = sum(row["contribution"] for row in answer(tiny_home, "why", "KO", "PEP", "--method", method))
    (pep,) = [row for row in answer(tiny_home, "peers", "KO", "--method", method) if row["ticker"] == "PEP"]
    assert total == pytest.approx(cosine, abs=1e-9)
    assert pep["similarity"] == pytest.approx(total, abs=1e-12)
    assert 0 < cosine < 1


def table(home: Path, name: str) -> pl.DataFrame:
    """All rows of a table that bears its asset's name."""
    files = list((home / "tiny" / name).glob(f"*/*/{name}/*.parquet"))
    return pl.concat(pl.read_parquet(file) for file in files)


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
