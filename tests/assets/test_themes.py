"""Which latents are shown as themes."""

import polars as pl
import pytest

from assets.themes import MAX_COMPANIES_SHARE, MIN_DETECTION, shown_themes


def latents(**changes: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One latent that may be shown, with changes: rows of latent_labels and of themes."""
    row = {
        "label": "gold, mines",
        "detection_score": MIN_DETECTION,
        "share": MAX_COMPANIES_SHARE,
        **changes,
    }
    key = {"view": ["passages"], "entry": ["passages-24"], "block": [24], "latent": [3]}
    types = {"label": pl.String, "detection_score": pl.Float64}
    labels = pl.DataFrame(key | {name: [row[name]] for name in types}, schema_overrides=types)
    return labels, pl.DataFrame(key | {"companies": [1], "share": [row["share"]]})


def test_a_theme_that_is_measured_and_not_everywhere_is_shown() -> None:
    assert shown_themes(*latents()).rows() == [("passages", "passages-24", 24, 3, "gold, mines")]


@pytest.mark.parametrize(
    "change",
    [
        {"label": None},
        {"label": ""},
        {"detection_score": None},
        {"detection_score": 0.69},
        {"share": 0.34},
    ],
)
def test_a_latent_without_a_measured_label_or_that_over_a_third_have_is_not_shown(change: dict[str, object]) -> None:
    assert shown_themes(*latents(**change)).is_empty()


def test_a_latent_of_tokens_is_not_shown_however_well_a_label_tells_it() -> None:
    labels, themes = (rows.with_columns(view=pl.lit("tokens")) for rows in latents(detection_score=1.0, share=0.1))
    assert shown_themes(labels, themes).is_empty()


def test_a_latent_that_no_company_has_at_the_date_is_not_shown() -> None:
    labels, themes = latents()
    assert shown_themes(labels, themes.clear()).is_empty()


def test_a_third_of_the_companies_is_not_too_many() -> None:
    assert all(shown_themes(*latents(share=n / (3 * n))).height == 1 for n in range(1, 400))
