"""Labels of latents: a planted theme is named by its words, chance is scored as chance."""

import numpy as np
import pytest

from assets import schemas
from assets.features.explaining import OF_THE_EXPLAINER
from assets.features.labels import label as label_module
from assets.features.labels.label import label_latents
from assets.features.labels.rules import balanced_accuracy, grown_rules, score
from assets.features.labels.windows import Drawn, Windows, draw
from resources.settings.features import Labels

WORDS = {
    "oil": ["crude oil is refined", "drilling rigs find crude", "pipelines carry crude"],
    "bank": ["loans are granted", "deposits and loans grow", "branches take deposits"],
    "food": ["snacks are baked", "frozen snacks are sold", "bakeries supply bread"],
    "other": [f"{word} is there" for word in ("steel", "paper", "glass", "cloth", "water", "light", "stone", "sand")],
}
COMPANIES = 300


def passages(rng: np.random.Generator) -> tuple[list[str], list[str], list[str]]:
    """Six passages of each company, one in twenty about each of three themes, between words that say nothing."""
    texts, owners, themes = [], [], []
    for company in range(COMPANIES):
        for _ in range(6):
            theme = str(rng.choice(list(WORDS), p=[0.05, 0.05, 0.05, 0.85]))
            texts.append(f"we think that {rng.choice(WORDS[theme])} every day near here")
            owners.append(f"company-{company}")
            themes.append(theme)
    return texts, owners, themes


@pytest.fixture(scope="module")
def windows() -> Windows:
    """Latents: oil, bank, chance, one of a single company, one that is never active, and bank once more."""
    rng = np.random.default_rng(0)
    texts, owners, themes = passages(rng)
    values = np.zeros((len(texts), 6), dtype=np.float32)
    for row, theme in enumerate(themes):
        values[row, 0] = (theme == "oil") * rng.uniform(1, 5)
        values[row, 1] = (theme == "bank") * rng.uniform(1, 5)
        values[row, 2] = (rng.random() < 0.2) * rng.uniform(1, 5)
        values[row, 3] = (owners[row] == "company-3") * 2.0
    values[:, 5] = values[:, 1]
    return Windows(texts, owners, owners, values, values + rng.normal(size=values.shape).astype(np.float32))


@pytest.fixture(scope="module")
def rows(windows: Windows) -> dict[int, dict[str, object]]:
    return {row["latent"]: row for row in label_latents(windows, Labels()).iter_rows(named=True)}


def test_a_theme_is_named_by_its_words_and_told_on_companies_not_seen(rows: dict[int, dict[str, object]]) -> None:
    assert "crude" in str(rows[0]["terms"])
    assert rows[0]["detection_score"] == pytest.approx(1.0)
    low, high = rows[0]["score_low"], rows[0]["score_high"]
    assert isinstance(low, float)
    assert isinstance(high, float)
    assert 0.8 < low < high <= 1.0


def test_chance_has_no_label_or_one_that_is_scored_as_chance(rows: dict[int, dict[str, object]]) -> None:
    found = rows[2]["detection_score"]
    assert found is None or 0.3 < float(str(found)) < 0.7


def test_a_latent_of_one_company_has_no_score(rows: dict[int, dict[str, object]]) -> None:
    assert rows[3]["label"] is None
    assert rows[3]["detection_score"] is None


def test_a_latent_that_is_never_active_has_no_row(rows: dict[int, dict[str, object]]) -> None:
    assert 4 not in rows


def test_no_two_latents_have_one_label(rows: dict[int, dict[str, object]]) -> None:
    labels = [row["label"] for row in rows.values() if row["label"] is not None]
    assert len(labels) == len(set(labels))
    assert rows[1]["label"] is not None


def test_rows_fit_the_table_but_for_the_key(rows: dict[int, dict[str, object]]) -> None:
    key = {"view", "entry", "block", *OF_THE_EXPLAINER}
    assert set(rows[0]) == {column.name for column in schemas.LATENT_LABELS.columns} - key


def test_examples_are_of_several_companies(rows: dict[int, dict[str, object]], windows: Windows) -> None:
    examples = rows[0]["examples"]
    assert isinstance(examples, list)
    assert len(examples) == Labels().examples
    assert all(example in windows.texts for example in examples)


def test_few_windows_give_no_label() -> None:
    values = np.ones((3, 1), dtype=np.float32)
    few = Windows(["a bank lends"] * 3, ["a", "b", "c"], ["a", "b", "c"], values, values)
    (row,) = label_latents(few, Labels()).iter_rows(named=True)
    assert (row["label"], row["detection_score"], row["windows"]) == (None, None, 0)


def test_no_windows_give_no_rows() -> None:
    empty = np.zeros((0, 4), dtype=np.float32)
    assert label_latents(Windows([], [], [], empty, empty), Labels()).is_empty()


def test_what_scores_is_not_seen_before(windows: Windows) -> None:
    """Texts of the scoring set may say anything: terms, level and label stay the same."""
    scored = set(windows.sets[2].tolist())
    texts = ["nothing at all" if row in scored else text for row, text in enumerate(windows.texts)]
    other = Windows(texts, windows.owners, windows.documents, windows.values, windows.nearness)
    told, untold = (label_latents(one, Labels()).drop("examples") for one in (windows, other))
    same = ["latent", "label", "terms", "level"]
    assert told.select(same).equals(untold.select(same))
    assert untold["detection_score"][0] == pytest.approx(0.5)


def test_a_company_is_in_one_set(windows: Windows) -> None:
    owners = [{windows.owners[row] for row in rows} for rows in windows.sets]
    assert not owners[0] & owners[1]
    assert not owners[1] & owners[2]
    assert not owners[0] & owners[2]
    assert sum(map(len, owners)) == COMPANIES


def test_windows_are_drawn_from_all_tenths_and_half_of_the_inactive_are_the_nearest() -> None:
    values = np.concatenate([np.arange(1, 1001), np.zeros(2000)]).astype(np.float32)
    nearness = np.concatenate([np.zeros(1000), np.arange(2000)]).astype(np.float32)
    drawn = draw(values, nearness, np.arange(3000), 0.0, seed=1)
    tenths = np.histogram(values[drawn.active], bins=np.linspace(1, 1000, 11))[0]
    assert tenths.tolist() == [10] * 10
    assert set(range(2950, 3000)) <= set(drawn.inactive.tolist())
    assert len(drawn.inactive) == len(set(drawn.inactive.tolist())) == 100
    assert (values[drawn.inactive] == 0).all()


def test_a_level_leaves_weak_activations_out_of_both_kinds() -> None:
    values = np.array([0, 0, 1, 2, 3], dtype=np.float32)
    drawn = draw(values, values, np.arange(5), 2.0, seed=0)
    assert sorted(drawn.active.tolist()) == [3, 4]
    assert sorted(drawn.inactive.tolist()) == [0, 1]


def test_balanced_accuracy_and_its_interval_by_hand() -> None:
    drawn = Drawn(np.arange(4), np.arange(4, 8))
    hits = np.array([1, 1, 1, 0, 1, 0, 0, 0], dtype=bool)
    assert balanced_accuracy(hits, drawn) == (3 / 4 + 3 / 4) / 2
    found = score(hits, drawn)
    assert (found.value, round(found.low, 4), round(found.high, 4)) == (0.75, 0.4093, 0.9285)


def test_a_rule_grows_by_the_term_that_helps_most() -> None:
    has = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0], [0, 1, 0]], dtype=bool)
    rules = dict(grown_rules(has, Drawn(np.arange(3), np.arange(3, 6))))
    assert rules[0,] == pytest.approx((2 / 3 + 1) / 2)
    assert rules[0, 2] == pytest.approx(1.0)
    assert max(rules.values()) == rules[0, 2]


def test_the_same_windows_give_the_same_labels(windows: Windows) -> None:
    assert label_latents(windows, Labels()).equals(label_latents(windows, Labels()))


def test_constants_are_those_of_the_method() -> None:
    assert (label_module.MIN_WINDOWS, label_module.MIN_DOCUMENTS) == (10, 5)
