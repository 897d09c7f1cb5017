"""A wrong setting is refused in one sentence that says which, where, and what to do."""

import re
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from resources.environment import PROFILES
from resources.settings.profile import Profile, ProfileError, load_profile
from resources.settings.section import Section


def profile(folder: Path, text: str, name: str = "mine") -> Path:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder / f"{name}.yaml"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zzz: 1", ["zzz: unknown key; known keys: ", " and 14 more"]),
        ("cluster: {}", ["cluster: unknown key", "did you mean 'clusters'?"]),
        ("clusters: {linkages: single}", ["clusters.linkages: unknown key", "did you mean 'linkage'?"]),
        ("descriptions: {columns: {tikcer: x}}", ["descriptions.columns.tikcer", "did you mean 'ticker'?"]),
        (
            "saes: {transfer: {zzz: 1}}",
            ["saes.transfer.zzz: unknown key; known keys: direction, entries, tokens, learning_rate"],
        ),
        (
            "clusters: {linkage: median}",
            ["clusters.linkage", "'complete', 'average', 'single' or 'leiden'", "'median'"],
        ),
        ("clusters: {cut: theta, linkage: leiden}", ["clusters: cut: theta needs a tree, and leiden has none"]),
        ("clusters: {pair_share: 0}", ["clusters.pair_share", "greater than 0"]),
        ("clusters: {methods: [random]}", ["clusters.methods.0", "'tnic'", "'random'"]),
        ("saes: {k: many}", ["saes.k", "integer", "'many'"]),
        ("saes: {k: 0}", ["saes.k", "greater than 0", "0"]),
        ("as_of: {first: 2004-13}", ["as_of.first", "'2004-13'"]),
        ("filing_years: [2003, later]", ["filing_years.1: ", "'later'"]),
        ("filing_years: []", ["filing_years: ", "at least 1 item"]),
        ("filing_years: 2004", ["filing_years: ", "a valid list", "2004"]),
        ("filing_years: {last: 2004}", ["filing_years.first: Field required"]),
        ("filing_years: {first: soon}", ["filing_years.first: ", "'soon'"]),
        ("filing_years: {first: 2004, lst: 2005}", ["filing_years.lst: unknown key", "did you mean 'last'?"]),
        ("filing_years: {first: 2004, last: 2001}", ["filing_years: last 2001 is before first 2004"]),
        ("corpus: {cutoff: tomorrow}", ["corpus.cutoff", "'tomorrow'"]),
        ("saes: 5", ["saes", "5"]),
        ("descriptions: {source: parquet}", ["descriptions: source parquet needs a path"]),
        ("descriptions: {source: parquet, path: x}", ["descriptions", "needs filed_at"]),
        ("descriptions: {source: edgar_corpus}", ["needs a path or a hub"]),
        ("descriptions: {source: authors, hub: me/set}", ["hub has to start with hf://datasets/"]),
        ("descriptions: {edgar: {sic: [37]}}", ["descriptions.edgar.sic.0", "37"]),
        ("descriptions: {edgar: {forms: [10-Q]}}", ["descriptions.edgar.forms.0", "'10-Q'"]),
        ("descriptions: {edgar: {requests_per_second: 20}}", ["requests_per_second", "less than or equal to 9"]),
        ("descriptions: {edgar: {archive_url: sec.gov}}", ["descriptions.edgar.archive_url", "'sec.gov'"]),
        ("descriptions: {edgar: {first: 2004-12, last: 2004-01}}", ["last 2004-01 is before first 2004-12"]),
        ("descriptions: {edgar: {identty: x}}", ["descriptions.edgar.identty", "did you mean 'identity'?"]),
        ("paper: {enabled: true}", ["paper.enabled: the paper sums latents", "set features.pooling to sum"]),
        ("prices: {source: parquet}", ["prices: source parquet needs a path"]),
        ("a: [", ["not valid YAML", "line 1"]),
        ("- a", ["expected settings, found list"]),
        ("saes: {k: 0}\nzzz: 1", ["saes.k", "zzz"]),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile(profile(tmp_path, text))
    message = str(caught.value)
    assert message.startswith(f"profile {tmp_path / 'mine.yaml'}: ")
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_a_missing_and_an_unreadable_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"gone.yaml: no such file; `peerlens profiles`"):
        load_profile(tmp_path / "gone.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"notice: \xe9t\xe9")
    with pytest.raises(ProfileError, match="not valid YAML"):
        load_profile(tmp_path / "latin.yaml")


def test_a_name_that_is_no_folder_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"name: .*'../up'"):
        load_profile(profile(tmp_path, "name: ../up"))


def test_an_empty_profile_is_all_defaults_under_the_name_of_its_file(tmp_path: Path) -> None:
    assert load_profile(profile(tmp_path, "")) == Profile(name="mine")


def test_paths_start_at_the_profile_and_variables_are_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_DATA", "/my/data")
    text = "prices: {source: parquet, path: p.parquet}\nmodel: {path: $MY_DATA/model}\nembedder: {path: ~/e}\n"
    text += "descriptions: {edgar: {universe: mine.txt}}"
    found = load_profile(profile(tmp_path, text))
    assert found.prices.path == tmp_path / "p.parquet"
    assert found.model.path == Path("/my/data/model")
    assert found.embedder.path == Path("~/e").expanduser()
    assert found.descriptions.path is None
    assert found.descriptions.edgar.universe == tmp_path / "mine.txt"


def sections(model: Any, where: str = "") -> list[tuple[str, str]]:
    """Dotted names of all settings, with their sentence."""
    found = []
    for name, setting in model.model_fields.items():
        kinds = (setting.annotation, *get_args(setting.annotation))
        inner = next((k for k in kinds if isinstance(k, type) and issubclass(k, Section)), None)
        found += [(f"{where}{name}", setting.description or "")]
        found += sections(inner, f"{where}{name}.") if inner else []
    return found


def test_every_setting_has_a_sentence() -> None:
    assert [name for name, sentence in sections(Profile) if not sentence.endswith(".")] == []


def test_the_sample_profile_shows_every_setting() -> None:
    text = (PROFILES / "sample.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    examples = dict(re.findall(r"^ *(\w+): \[\] #.*: \[(\{.*\})\]$", text, re.MULTILINE))
    other_forms = dict(re.findall(r"^(\w+): .* # .*; or (\{.*\}),", text, re.MULTILINE))

    def shown(settings: dict[str, Any], where: str = "") -> set[str]:
        inner = {k: v for k, v in settings.items() if isinstance(v, dict)}
        inner |= {k: yaml.safe_load(examples[k]) for k, v in settings.items() if v == [] and k in examples}
        inner |= {k: yaml.safe_load(other_forms[k]) for k in settings if not where and k in other_forms}
        return {f"{where}{k}" for k in settings}.union(*(shown(v, f"{where}{k}.") for k, v in inner.items()))

    assert {name for name, _ in sections(Profile)} - {"name"} == shown(content)


def test_the_bundled_profiles_load() -> None:
    files = sorted(PROFILES.glob("*.yaml"))
    assert {"sample", "tiny"} <= {file.stem for file in files}
    for file in files:
        assert load_profile(file).name == file.stem


def test_paths_of_downloads_are_relative_to_the_profile(tmp_path: Path) -> None:
    found = load_profile(profile(tmp_path, "saes: {downloads: [{name: theirs, path: layers.8, block: 8}]}"))
    assert found.saes.downloads[0].path == tmp_path / "layers.8"


@pytest.mark.parametrize(
    ("downloads", "complaint"),
    [
        (
            "[{name: blocks-08-11, path: a, block: 8}]",
            r"saes\.downloads\.0\.name: .*choose another name.*'blocks-08-11'",
        ),
        ("[{name: block-08, path: a, block: 8}]", r"saes\.downloads\.0\.name: .*choose another name.*'block-08'"),
        (
            "[{name: a, path: a, block: 1}, {name: a, path: b, block: 2}]",
            r"saes\.downloads: more than one is called a;",
        ),
        ("[{name: a, path: a, bloc: 1}]", r"saes\.downloads\.0\.bloc: unknown key; did you mean 'block'\?"),
    ],
)
def test_downloads_that_cannot_be_told_apart_or_read_are_refused(
    tmp_path: Path, downloads: str, complaint: str
) -> None:
    with pytest.raises(ProfileError, match=complaint):
        load_profile(profile(tmp_path, f"saes: {{downloads: {downloads}}}"))


def test_the_banner_says_look_ahead_before_the_notice(tmp_path: Path) -> None:
    text = "notice: A sample.\ndescriptions: {look_ahead: true}"
    assert load_profile(profile(tmp_path, text)).banner.startswith("LOOK-AHEAD")
    assert load_profile(profile(tmp_path, text)).banner.endswith("A sample.")
    assert Profile(name="plain").banner == ""


def test_unquoted_months_and_dates_are_read_as_such(tmp_path: Path) -> None:
    found = load_profile(profile(tmp_path, "as_of: {first: 2004-12}\ncorpus: {cutoff: 2004-12-31}"))
    assert found.as_of.first == "2004-12"
    assert found.corpus.cutoff == date(2004, 12, 31)
