"""Every setting has bounds, and whatever a file holds it is a profile or one line under 500 characters."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from resources.places import PROFILES
from resources.settings.profile import Profile, ProfileError, load_profile
from resources.settings.section import Section

TESTDATA = os.environ.get("PEERLENS_TESTDATA")


def refusal(folder: Path, text: str, name: str = "mine.yaml") -> str:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        load_profile(file)
    line = str(caught.value)
    assert "\n" not in line and len(line) < 500
    return line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("backtest: {cost_bps: -500}", "line 1: backtest.cost_bps: Input should be greater than or equal to 0 (got"),
        ("backtest: {borrow_bps: -1}", "backtest.borrow_bps: Input should be greater than or equal to 0"),
        ("backtest: {leg_usd: 0}", "backtest.leg_usd: Input should be greater than or equal to 1"),
        ("backtest: {entry_z: 2.0}", "backtest: exit_z 0, entry_z 2, stop_z 2: each has to be above the one before"),
        ("backtest: {exit_z: 1.5}", "exit_z 1.5, entry_z 1, stop_z 2"),
        ("backtest: {stop_z: 0.5}", "exit_z 0, entry_z 1, stop_z 0.5"),
        ("backtest: {adf_lags: 101}", "less than or equal to 100 (got 101)"),
        ("backtest: {formation_months: 1201}", "less than or equal to 1200"),
        ("backtest: {false_discovery_rate: 1.0}", "less than 1 (got 1.0)"),
        ("corpus: {held_out_share: 1.0}", "corpus.held_out_share: Input should be less than 1 (got 1.0)"),
        ("corpus: {held_out_share: 0.6, validation_share: 0.4}", "add up to 1, which leaves nothing to train on"),
        ("corpus: {cutoff: 2005-02-29}", "no day of the calendar, day is out of range for month (got '2005-02-29')"),
        ("corpus: {cutoff: 2004-02-30}", "no day of the calendar"),
        ("corpus: {cutoff: 20041231}", "corpus.cutoff: a day is expected, as 2004-12-31 (got 20041231)"),
        ("corpus: {cutoff: '86400'}", "a day is expected"),
        ("corpus: {cutoff: 2004-12-31 10:00:00}", "a day is expected"),
        ("corpus: {cutoff: 0001-01-01}", "corpus.cutoff"),
        ("clusters: {methods: [sae, sae]}", "clusters.methods: 'sae' is there twice; keep one of them"),
        ("clusters: {methods: []}", "clusters.methods: List should have at least 1 item"),
        ("clusters: {pair_share: 0}", "clusters.pair_share: Input should be greater than 0"),
        ("clusters: {alert_moved_share: 1.5}", "clusters.alert_moved_share: Input should be less than or equal to 1"),
        ("clusters: {watched: [KO, KO]}", "clusters.watched: 'KO' is there twice; keep one of them"),
        ("clusters: {watched: [' ']}", "a text is expected, not blanks"),
        ("clusters: {thetas: []}", "clusters.thetas: List should have at least 1 item"),
        ("clusters: {thetas: [-1, -1.0]}", "-1.0 is there twice"),
        ("clusters: {thetas: [.nan]}", "clusters.thetas.0: Input should be a finite number (got nan)"),
        ("activations: {blocks: []}", "activations.blocks: List should have at least 1 item"),
        ("activations: {blocks: [2, 2]}", "activations.blocks: 2 is there twice"),
        ("activations: {blocks: [-1]}", "activations.blocks.0: Input should be greater than or equal to 0"),
        ("activations: {blocks: [true]}", "activations.blocks.0: a number is expected, not a switch (got True)"),
        ("activations: {massive_norm: .inf}", "activations.massive_norm: Input should be a finite number (got inf)"),
        ("features: {blocks: [2, 2]}", "features.blocks: 2 is there twice"),
        ("features: {blocks: []}", "features.blocks: List should have at least 1 item"),
        ("explainer: {url: 'http://a/v1'}", "explainer: url is set and model is not; name a model"),
        ("explainer: {url: 'http://sk-1@a/v1', model: m}", "explainer: url holds a user or a key; put the key into"),
        ("explainer: {url: 'a/v1', model: m}", "explainer.url: "),
        ("explainer: {url: 'http://[a/v1', model: m}", "explainer: url is no address"),
        ("explainer: {key_variable: sk-not-a-variable}", "explainer.key_variable: "),
        ("explainer: {key: sk-1}", "explainer.key: unknown key"),
        ("explainer: {max_tokens: 0}", "explainer.max_tokens: Input should be greater than 0"),
        ("explainer: {timeout: 0}", "explainer.timeout: Input should be greater than 0"),
        ("filing_years: [2003, 2003]", "filing_years: 2003 is there twice"),
        ("filing_years: [203]", "filing_years.0: Input should be greater than or equal to 1900 (got 203)"),
        ("tickers: []", "tickers: List should have at least 1 item"),
        ("tickers: [KO, KO]", "tickers: 'KO' is there twice"),
        ("tickers: ['  ']", "tickers.0: a text is expected, not blanks"),
        ("tickers: [KO, ON]", "(got True); YAML does not read ON as text: quote it, as 'ON'"),
        ("tickers: [NO]", "quote it, as 'NO'"),
        ("tickers: [TRUE, NULL]", "quote it, as 'NULL'"),
        ("descriptions: {edgar: {sic: [0700]}}", "quote it, as '0700'"),
        ("descriptions: {edgar: {sic: [2834]}}", "quote it, as '2834'"),
        ("descriptions: {edgar: {sic: ['2999-2000']}}", "sic: 2999-2000 ends before it begins"),
        ("descriptions: {edgar: {forms: []}}", "descriptions.edgar.forms"),
        ("descriptions: {edgar: {requests_per_second: 1.0e-300}}", "greater than or equal to 0.01"),
        ("notice: 1_000", "quote it, as '1_000'"),
        ("prices: {path: off}", "quote it, as 'off'"),
        ("prices: {source: csv, path: ''}", "prices.path: a path is expected, not blanks"),
        ("prices: {separator: ''}", "prices.separator"),
        ("saes: {seed: on}", "saes.seed: a number is expected, not a switch (got True)"),
        ("saes: {seed: -1}", "saes.seed: Input should be greater than or equal to 0"),
        ("saes: {learning_rate: nan}", "saes.learning_rate: Input should be a finite number"),
        ("saes: {aux_weight: -0.1}", "saes.aux_weight"),
        ("saes: {expansion: 100000}", "saes.expansion: Input should be less than or equal to 1024 (got 100000)"),
        ("saes: {k: 10000000000000000000000}", "saes.k: Input should be less than or equal to 1000000"),
        ("groups: {precision: .inf}", "groups.precision"),
        ("embedder: {source: folder}", "embedder: source folder needs a path"),
        ("model: {source: folder}", "model: source folder needs a path"),
        ("as_of: {first: 2004-12, last: 2004-01}", "as_of: first 2004-12 is after last, 2004-01"),
        ("as_of: {first: 0000-01}", "as_of.first: a month is expected, as 2004-12 (got '0000-01')"),
        ("as_of: {every_months: 0}", "as_of.every_months"),
        ("name: My Name", "name: a name has up to 100 of a-z, 0-9, _ and -; rename the file"),
        ("? [a]\n: 1", "line 1: a key is a list or a mapping"),
        ("a: 1\na: 2", "line 2: 'a' is given twice, first on line 1"),
        ("on: 1", "on: unknown key"),
    ],
)  # fmt: skip
def test_a_setting_that_can_only_fail_later_is_refused(tmp_path: Path, text: str, says: str) -> None:
    assert says in refusal(tmp_path, text)


@pytest.mark.skipif(TESTDATA is None, reason="PEERLENS_TESTDATA is not set")
@pytest.mark.parametrize("name", ["blocksdup", "feb29", "heldout1", "methodsdup", "negcost", "thetas0", "years0"])
def test_a_case_of_the_test_data_is_refused(tmp_path: Path, name: str) -> None:
    line = refusal(tmp_path, Path(TESTDATA or "", "cases", "settings", f"{name}.yaml").read_text(encoding="utf-8"))
    assert f"{tmp_path / 'mine.yaml'}: line " in line


def test_values_at_their_bounds_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "corpus: {held_out_share: 0.9, validation_share: 0, cutoff: 2004-02-29}\n"
        "backtest: {cost_bps: 0, exit_z: -0.5, entry_z: 0.1, stop_z: 100}\nsaes: {learning_rate: 1e-4, seed: 0}\n"
        "prices: {min_coverage: 1, separator: '|'}\nnotice: 2004-12-31\ntickers: [KO, '0700', \"ON\"]\n",
        encoding="utf-8",
    )
    found = load_profile(file)
    assert (found.saes.learning_rate, found.notice, found.tickers) == (1e-4, "2004-12-31", ["KO", "0700", "ON"])


def test_a_line_stays_short_whatever_is_in_it(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["folder-with-a-long-name"] * 20)
    deep.mkdir(parents=True)
    wrong = "".join(f"{'k' * 100}{i}: {'v' * 9_000}\n" for i in range(20))
    assert refusal(deep, wrong).count("unknown key") >= 1
    assert "more" in refusal(deep, f"features: {{blocks: [{','.join(map(str, range(1000, 9000)))}]}}")
    assert len(refusal(deep, f"tickers: {{{'x' * 900}: {'y' * 900}}}")) < 500


def sections(model: type[Section]) -> set[type[Section]]:
    """A section and all that are inside it."""
    found, waiting = set(), [model]
    while waiting:
        one = waiting.pop()
        found.add(one)
        for setting in one.model_fields.values():
            kinds, seen = [setting.annotation], []
            while kinds:
                kind = kinds.pop()
                seen.append(kind)
                kinds += getattr(kind, "__args__", ())
            waiting += [k for k in seen if isinstance(k, type) and issubclass(k, Section) and k not in found]
    return found


NUMBERS = [
    (section, name)
    for section in sorted(sections(Profile), key=lambda one: one.__name__)
    for name, field in section.model_fields.items()
    if field.annotation in {int, float, int | None, float | None}
]


@pytest.mark.parametrize(("section", "name"), NUMBERS, ids=[f"{s.__name__}.{n}" for s, n in NUMBERS])
def test_every_number_is_finite_and_has_bounds(section: type[Section], name: str) -> None:
    field = TypeAdapter(section).validator
    for value in (float("nan"), float("inf"), float("-inf"), 1e300, 10**30, -(10**30), True, False):
        with pytest.raises(ValidationError) as caught:
            field.validate_python({name: value})
        assert (name,) in [error["loc"] for error in caught.value.errors()]


def load(folder: Path, content: bytes) -> None:
    """Load a file of these bytes; it is a profile or one short line."""
    file = folder / "any.yaml"
    file.write_bytes(content)
    try:
        assert isinstance(load_profile(file), Profile)
    except ProfileError as error:
        line = str(error)
        assert "\n" not in line and len(line) < 500, line
        line.encode()


MARKS = [
    ": ",
    "\n",
    "\n  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "'",
    '"',
    "&a ",
    "*a",
    "<<: *a",
    "? ",
    "| ",
    ">\n",
    "#",
    "\t",
]
TAGS = [
    "!!int ",
    "!!python/tuple ",
    "! ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "\r",
    "\x00",
    "\ufeff",
    "\\ud800",
    "=",
    "`",
    "@",
]
VALUES = ["~", "ON", "0700", "12:30", ".nan", "1e999", "9" * 50, "2004-02-30", "first", "k", "é"]
KEYS = ["saes", "backtest", "clusters", "thetas", "filing_years", "path", "descriptions", "name", "corpus", "tickers"]
PIECES = st.sampled_from([*MARKS, *TAGS, *VALUES, *KEYS])
SAMPLE = (PROFILES / "sample.yaml").read_bytes()
PLACES = st.integers(0, len(SAMPLE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


@given(content=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_profile_or_one_line(folder: Path, content: bytes) -> None:
    load(folder, content)


@settings(max_examples=400)
@given(pieces=st.lists(PIECES, max_size=25))
def test_any_pieces_of_yaml_are_a_profile_or_one_line(folder: Path, pieces: list[str]) -> None:
    load(folder, "".join(pieces).encode("utf-8"))


@settings(max_examples=25)
@given(begin=PLACES, end=PLACES, piece=PIECES)
def test_the_sample_with_a_piece_in_it_is_a_profile_or_one_line(folder: Path, begin: int, end: int, piece: str) -> None:
    load(folder, SAMPLE[:begin] + piece.encode("utf-8") + SAMPLE[end:])
