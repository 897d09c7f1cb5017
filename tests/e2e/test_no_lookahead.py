"""What happens after an as-of date changes nothing that was formed at it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from own_data import LAST_PRICE, write_quotes, write_texts
from peerlens_command import artefacts

from resources.settings.profile import load_profile

FORMED = ("company_vectors", "peer_clusters", "cointegrated_pairs")


def formed(home: Path, as_of: str) -> list[str]:
    made = artefacts(home / "own")
    return [made[f"{asset}/{as_of}"] for asset in FORMED]


def test_prices_and_filings_after_a_date_change_nothing_formed_at_it(walk: Callable, own_copy: Path) -> None:
    earlier, later = formed(own_copy, "2007-10"), formed(own_copy, "2007-12")
    write_quotes(own_copy, LAST_PRICE, factor=1.3, after=date(2007, 10, 31))
    write_texts(own_copy, later_text="We sell insurance now, and mortgages, and nothing that comes out of the ground.")
    changed = walk(own_copy, load_profile(own_copy / "own.yaml"))
    assert formed(own_copy, "2007-10") == earlier
    assert not {f"{asset} 2007-10" for asset in FORMED} & set(changed.ran)
    assert all(new != old for new, old in zip(formed(own_copy, "2007-12"), later, strict=True))
