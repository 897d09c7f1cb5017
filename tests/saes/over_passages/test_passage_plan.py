"""How many autoencoders, and how large they are where passages are few."""

import pytest
from pydantic import ValidationError

from assets.saes.over_passages.plan import passage_entries, size_for
from resources.settings.passages import PassageSaes

SETTINGS = PassageSaes(latents=512, k=12, batch=512, passages=51_200)


def test_a_second_seed_has_an_entry_of_its_own() -> None:
    assert [(entry.name, entry.seed, entry.is_second) for entry in passage_entries(8, SETTINGS)] == [
        ("passages-08", 0, False),
        ("passages-08-seed-1", 1, True),
    ]
    assert len(passage_entries(8, PassageSaes(second_seed=None))) == 1


def test_a_large_corpus_gets_what_was_asked_for() -> None:
    size = size_for(6500, 7000, SETTINGS)
    assert (size.latents, size.k, size.batch, size.passages) == (512, 12, 512, 51_200)


@pytest.mark.parametrize(
    ("texts", "passages", "expected"),
    [(2000, 2000, (166, 12, 512)), (100, 300, (8, 4, 300)), (40, 40, (3, 1, 40)), (1, 8, (2, 1, 8))],
)
def test_a_small_corpus_gets_fewer_latents_and_smaller_batches(
    texts: int, passages: int, expected: tuple[int, int, int]
) -> None:
    size = size_for(texts, passages, SETTINGS)
    assert (size.latents, size.k, size.batch) == expected
    assert size.passages == 100 * size.batch


def test_seeds_that_are_the_same_are_refused() -> None:
    with pytest.raises(ValidationError, match="says nothing of stability"):
        PassageSaes(seed=1)


def test_k_is_at_most_half_of_the_latents() -> None:
    with pytest.raises(ValidationError, match="more than half"):
        PassageSaes(latents=16)
