"""Stand-ins for what the paper's run needs: its data set, its model and its autoencoder, each of the same form."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
import yaml
from tiny_llama import save_tiny_llama

from assets.saes.files.sparsify import save_sparsify
from assets.saes.model.sae import Sae, SaeConfig
from resources.places import PROFILES
from resources.settings.profile import Profile

YEARS = (2003, 2004, 2005, 2006)
BLOCK, D_MODEL, LATENTS = 1, 16, 64
BUSINESSES = {
    "2086": ("we make soft drinks and sell chips .", "our bottlers sell soft drinks and chips in many countries ."),
    "6021": ("we take deposits and make loans .", "a bank and its branches lend to people who sell and make ."),
    "1311": ("we sell oil and gas .", "we make wells and a pipeline and sell crude oil and natural gas ."),
}
"""SIC code -> sentences of its companies."""
COMPANIES = [(10_000 + i, list(BUSINESSES)[i % 3]) for i in range(12)]
WITHOUT_RETURNS = 10_011


def authors_table() -> pl.DataFrame:
    """Twelve companies of three codes over four years, whose returns share a factor with those of their code."""
    random, rows = np.random.default_rng(0), []
    for year in YEARS:
        factors = {code: random.normal(0, 0.05, 12) for code in BUSINESSES}
        for cik, code in COMPANIES:
            said = random.choice(np.array(BUSINESSES[code]), size=8 + cik % 5)
            returns = factors[code] + random.normal(0, 0.03, 12)
            rows.append(
                {
                    "cik": str(cik),
                    "year": str(year),
                    "section_1": " ".join(f"In {year} {sentence}" for sentence in said),
                    "company_name": f"Company {cik}",
                    "sic_code": code,
                    "ticker": [f"T{cik}"],
                    "logged_monthly_returns_matrix": None if cik == WITHOUT_RETURNS else returns.tolist(),
                    "__index_level_0__": len(rows),
                }
            )
    return pl.DataFrame(rows)


def closes() -> pl.DataFrame:
    """Daily closes of the companies, for what is not the paper's."""
    days = pl.date_range(pl.date(2002, 1, 1), pl.date(2008, 12, 31), "1d", eager=True)
    days = days.filter(days.dt.weekday() <= 5)
    random = np.random.default_rng(1)
    return pl.concat(
        pl.DataFrame(
            {"ticker": f"T{cik}", "date": days, "adj_close": 20 * np.exp(random.normal(0, 0.01, len(days)).cumsum())}
        )
        for cik, _ in COMPANIES
    )


def random_sae() -> Sae:
    """An autoencoder for the model's last block, its weights drawn."""
    sae = Sae(SaeConfig(D_MODEL, LATENTS, 8, (BLOCK,), {BLOCK: 1.0}, "topk", False))
    generator = torch.Generator().manual_seed(0)
    for weight in sae.state_dict().values():
        weight.copy_(torch.randn(weight.shape, generator=generator))
    return sae.eval()


def standin_profile(folder: Path) -> Profile:
    """Write the stand-ins; return profile `paper` with only what they need changed."""
    authors_table().write_parquet(folder / "authors.parquet")
    closes().write_parquet(folder / "closes.parquet")
    save_tiny_llama(folder / "llama", context=64)
    save_sparsify(random_sae(), folder / f"layers.{BLOCK}", BLOCK)
    settings: dict[str, Any] = yaml.safe_load((PROFILES / "paper.yaml").read_text(encoding="utf-8"))
    changed: dict[str, dict[str, Any]] = {
        "descriptions": {"hub": None, "path": folder / "authors.parquet"},
        "prices": {"source": "parquet", "path": folder / "closes.parquet"},
        "model": {"source": "folder", "path": folder / "llama", "context_length": 64, "overlap_tokens": 8},
        "embedder": {"chunk_tokens": 32, "max_tokens": 32},
        "activations": {"blocks": [BLOCK]},
        "passages": {"blocks": [BLOCK]},
        "corpus": {"cutoff": "2005-12-31"},
        "saes": {"downloads": [{"name": "theirs", "path": folder / f"layers.{BLOCK}", "block": BLOCK}]},
        "passage_saes": {"latents": 8, "k": 2, "passages": 64, "batch": 16},
        "features": {"blocks": [BLOCK]},
        "paper": {"components": 20, "theta": -0.5, "thetas": [-1.5, -1.0, -0.5, 0.0], "past_years": 2},
    }
    for name, section in changed.items():
        settings[name] = settings.get(name, {}) | section
    settings["filing_years"] = [year + 1 for year in YEARS]
    settings["as_of"] = {"first": "2006-12", "last": "2006-12"}
    return Profile.model_validate({"name": "paper", **settings})
