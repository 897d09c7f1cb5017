"""Another profile's lake has the paper's empty tables, and nothing makes them again."""

from pathlib import Path

from assets.clusters.paper.asked import paper_inputs_now, where_paper
from resources.settings.profile import Profile
from resources.sources import Sources


def profile(**changed: object) -> Profile:
    asked = {"features": {"pooling": "sum"}, "paper": {"enabled": True, "methods": ["c_cd"]}}
    return Profile.model_validate({"name": "mine", **asked, **changed})


def test_a_profile_that_does_not_ask_sees_no_day_and_depends_on_nothing(tmp_path: Path) -> None:
    plain = profile(paper={}, returns={"exclude": ["stale"]})
    window = where_paper(plain, None)
    assert window.bounded
    assert not any(window.shows(key) for key in ("2004-03-31 a", "2004-03", "1900-01", "2999-12-31 b"))
    assert not any(window.shows_year(year) for year in (1900, 2004, 2999))
    assert paper_inputs_now(plain, None, Sources(tmp_path)) == {}


def test_one_that_asks_sees_all_and_depends_on_which_returns_count(tmp_path: Path) -> None:
    assert not where_paper(profile(), None).bounded
    found = [
        paper_inputs_now(one, None, Sources(tmp_path)) for one in (profile(), profile(returns={"exclude": ["stale"]}))
    ]
    assert found[0] != found[1]
