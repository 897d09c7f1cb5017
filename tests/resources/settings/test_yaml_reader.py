"""YAML is read within limits, and what is wrong in it is one line that names the line of the file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from resources.settings.yaml_reader import MOST_BYTES, YamlError, read_yaml


def yaml_file(folder: Path, content: str | bytes) -> Path:
    file = folder / "mine.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(YamlError) as caught:
        read_yaml(yaml_file(folder, content))
    line = str(caught.value)
    assert "\n" not in line and len(line) < 320
    return line


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: 'a' is given twice, first on line 1; keep one of them"),
        ("saes: {k: 3,\n\n k: 4}", "line 3: 'k' is given twice, first on line 1"),
        ("1: a\n'1': b", "line 2: '1' is given twice, first on line 1"),
        ("? [a]\n: b", "line 1: a key is a list or a mapping; keys are names"),
        ("a: {b}: 1", "not valid YAML: line 1"),
        ("a: {{b}: 1}", "line 1: a key is a list or a mapping"),
        ("a: !!python/object:os.system ls", "tag 'tag:yaml.org,2002:python/object:os.system' is not read here"),
        ("a: !!binary aGk=", "is not read here; leave it out"),
        ("a: !mine 3", "tag '!mine' is not read here"),
        ("a: !!float 0x", "'0x' is not what its tag says"),
        ("a: 1\n---\nb: 2", "line 2: a second document begins; a profile is one"),
        ("a:\n\tb: 3", "line 2, column 1: found character '\\t' that cannot start any token; indent with blanks"),
        ("a: &b [*b]", "alias 'b' stands inside what it names"),
        ("a: *b", "alias 'b' names nothing above it"),
        ("{<<: 5}", "<< takes the alias of a mapping"),
        ("a: 0700", "YAML reads 0700 as 448; if it is text, quote it, as '0700'"),
        ("a: 12:30", "YAML reads 12:30 as 750; if it is text, quote it"),
        ("a: 1:30.5", "YAML reads 1:30.5 as 90.5; if it is text, quote it"),
        ("a: 0x1F", "YAML reads 0x1F as 31; if it is text, quote it"),
        ("a: " + "9" * 41, "line 1: a number of 41 characters; if it is text, quote it"),
        ("a: " + "9" * 5_000, "a number of 5,000 characters"),
        ("a: 1." + "9" * 5_000, "a number of 5,002 characters"),
        ("a: " + "x" * 10_001, "line 1: a text of 10,001 characters; 10,000 are the most"),
        ('a: "\\ud800"', "the character '\\ud800' is in a text"),
        ('a: "\\0"', "the character '\\x00' is in a text"),
        ('"\\e": 1', "the character '\\x1b' is in a text"),
        ('a: "\\UFFFFFFFF"', "not valid YAML: "),
        ("%YAML 3.0\n--- {}", "not valid YAML: line 1"),
        (b"a: 1\nb: \xe9", "line 2: byte 0xe9 is no text; save the file as UTF-8"),
        ("a: 1".encode("utf-16-be"), "line 1: YAML has no character '\\x00'"),
        ("a: 1".encode("utf-32"), "YAML has no character '\\x00'"),
        (b"\xff\xfe\x00", "save the file as UTF-8"),
    ],
)
def test_what_is_not_read_is_one_line(tmp_path: Path, content: str | bytes, says: str) -> None:
    assert says in refusal(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("", None),
        ("# nothing\n", None),
        ("\ufeffa: 1", {"a": 1}),
        ("a: é".encode("utf-16"), {"a": "é"}),
        ("a: 1\r\nb: [x, 'y']\r\n", {"a": 1, "b": ["x", "y"]}),
        ("on: 1\n2004: 2\n~: 3", {"on": 1, "2004": 2, "~": 3}),
        ("a: 2004-02-30\nb: 2004-12", {"a": "2004-02-30", "b": "2004-12"}),
        ("a: [1_000, -5, 0.5, .inf]", {"a": [1000, -5, 0.5, float("inf")]}),
        ("a: [on, NO, ~, null, '']", {"a": [True, False, None, None, ""]}),
        ("a: '0700'\nb: \"12:30\"\nc: ! 0700", {"a": "0700", "b": "12:30", "c": "0700"}),
        ("a: !!str 5\nb: !!int '5'", {"a": "5", "b": 5}),
        ("a: &x {k: 1}\nb: *x\nc: [*x, *x]", {"a": {"k": 1}, "b": {"k": 1}, "c": [{"k": 1}, {"k": 1}]}),
        ("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}", {"a": {"k": 1, "l": 2}, "b": {"k": 3, "l": 2}}),
        ("- &x {k: 1}\n- &y {k: 2, m: 3}\n- {<<: [*x, *y]}", [{"k": 1}, {"k": 2, "m": 3}, {"k": 1, "m": 3}]),
        ("a: >\n  one\n  line\n", {"a": "one line\n"}),
    ],
)  # fmt: skip
def test_what_is_read_means_what_it_says(tmp_path: Path, content: str | bytes, value: object) -> None:
    assert read_yaml(yaml_file(tmp_path, content)).value == value


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (BOMB, "more than 50,000 values, each alias written out"),
        ("a: [" + "x," * 60_000 + "]", "more than 50,000 values"),
        ("[" * 200_000, "more than 16 levels, one in the other"),
        ("- " * 100_000, "more than 16 levels"),
        ("{a: " * 60_000, "more than 16 levels"),
        ("\n".join(" " * i + "a:" for i in range(700)), "more than 16 levels"),
        ("a" * (MOST_BYTES + 1), "larger than 262,144 bytes"),
        ("a: " + "x " * 120_000, "a text of 239,999 characters"),
        ("&a " * 80_000, "not valid YAML"),
        ("*" * 200_000, "not valid YAML"),
    ],
)
def test_what_grows_without_end_is_refused(tmp_path: Path, content: str, says: str) -> None:
    assert says in refusal(tmp_path, content)


def test_an_alias_bomb_is_refused_within_a_gigabyte(tmp_path: Path) -> None:
    """It is refused in a process that may neither compute for a minute nor have more memory than that."""
    code = (
        "import resource, sys; from pathlib import Path; from resources.settings.yaml_reader import *\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (60, 60))\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "try: read_yaml(Path(sys.argv[1]))\n"
        "except YamlError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(yaml_file(tmp_path, BOMB))],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        check=True,
    )
    assert "more than 50,000 values" in done.stdout


def test_every_value_is_found_again_where_it_is_written(tmp_path: Path) -> None:
    written = read_yaml(yaml_file(tmp_path, "a: 1\nb:\n  - ON\n  - 'ON'\n")).written
    assert (written[("b", 0)].line, written[("b", 0)].text) == (3, "ON")
    assert (written[("b", 1)].line, written[("b", 1)].text) == (4, None)
    assert written[("b",)].text is None
