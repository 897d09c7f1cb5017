"""The explainer gets windows of the companies that make labels, the scorer those of the companies that score them."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from fakes.chat_server import ChatServer, knows, windows_of

from assets import schemas
from assets.features.explainer_prompts import EXPLAIN
from assets.features.labels.entries import _labelled
from assets.features.labels.explained import Explaining, latent_windows
from assets.features.labels.label import label_latents
from assets.features.labels.windows import Windows
from resources.explainer.client import ChatClient
from resources.settings.explainer import Explainer
from resources.settings.features import Labels

COMPANIES = 300


@pytest.fixture(scope="module")
def windows() -> Windows:
    """Latent 0 is active on crude oil, latent 1 on deposits, twice as strongly, latent 2 nowhere."""
    rng, texts, owners = np.random.default_rng(0), [], []
    values = np.zeros((COMPANIES * 6, 3), dtype=np.float32)
    for row in range(COMPANIES * 6):
        theme = int(rng.choice(4, p=[0.03, 0.03, 0.47, 0.47]))
        what = ["drilling rigs find crude", "branches take deposits", "steel is sold", "paper is sold"][theme]
        owners.append(f"company-{row // 6}")
        texts.append(f"we of number{row // 6} think\nthat {what} every day near here")
        if theme < 2:
            values[row, theme] = (1 + theme) * rng.uniform(1, 2)
    return Windows(texts, owners, owners, values, values + rng.normal(size=values.shape).astype(np.float32))


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(knows("crude")) as running:
        yield running


def company_of(text: str) -> str:
    return f"company-{text.partition('number')[2].partition(' ')[0].strip('>')}"


def test_windows_come_from_the_two_sets_strongest_latent_first(windows: Windows) -> None:
    found = latent_windows(windows, label_latents(windows, Labels()))
    assert list(found) == [1, 0]
    made, _, scored = ({windows.owners[row] for row in rows} for rows in windows.sets)
    for latent in found.values():
        assert {company_of(text) for text in latent.active_made} <= made
        assert {company_of(text) for text in [*latent.active_scored, *latent.inactive_scored]} <= scored
        assert len(latent.active_scored) == len(latent.inactive_scored) >= 10


def test_words_of_the_label_are_marked_on_one_line(windows: Windows) -> None:
    found = latent_windows(windows, label_latents(windows, Labels()))[0]
    assert all("<<" in text and "crude" in text for text in found.active_made)
    assert not any("\n" in text or "crude" in text for text in found.inactive_scored)


def test_labels_carry_explanations_within_one_budget(windows: Windows, server: ChatServer, tmp_path: Path) -> None:
    settings = Explainer.model_validate(
        {"url": server.url, "model": "small", "key_variable": None, "requests_per_second": 10, "fuzzing": False}
    )
    lines = list[str]()
    asks = Explaining(
        ChatClient(settings, tmp_path), settings, lambda total, unit: nullcontext(lambda n: None), lines.append
    )
    rows = _labelled(windows, "passages", "passages-24", 24, Labels(), asks)
    assert schemas.LATENT_LABELS.validate(rows).num_rows == 2
    by_latent = {row["latent"]: row for row in rows.iter_rows(named=True)}
    assert (by_latent[0]["explanation"], by_latent[0]["explanation_score"]) == ("crude", 1.0)
    assert by_latent[1]["explanation"] == "crude"
    assert by_latent[1]["explanation_score"] <= 0.5  # right of none that is active
    assert by_latent[0]["explanation_windows"] == 20
    shown = [asked.body["messages"] for asked in server.asked if asked.body["messages"][0]["content"] == EXPLAIN]
    assert [len(windows_of(messages[1]["content"])) for messages in shown] == [10, 10]
    assert "all 2 latents are explained" in lines[0]


def test_without_an_explainer_the_columns_are_empty(windows: Windows) -> None:
    rows = _labelled(windows, "passages", "passages-24", 24, Labels(), None)
    assert schemas.LATENT_LABELS.validate(rows).num_rows == 2
    assert rows["explanation"].null_count() == rows["explanation_windows"].null_count() == 2
