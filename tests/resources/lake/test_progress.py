"""A bar counts in readable units, and a line logged meanwhile is printed above it."""

import io
import sys
from contextlib import redirect_stderr

import pytest

from resources.lake.progress import beside_bars, progress_bar


class Terminal(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        """What stays on the screen: a carriage return begins the line anew."""
        return [_last_state(line) for line in self.getvalue().split("\n")]


def _last_state(line: str) -> str:
    screen = ""
    for part in line.split("\r"):
        screen = part + screen[len(part) :]
    return screen.rstrip()


@pytest.mark.parametrize(
    ("total", "unit", "n", "shown"),
    [
        (2_500_000, "tokens", 1_000_000, "1.00M/2.50M"),
        (476, "filings", 12, "12/476"),
        (None, "rows", 12, "12 rows"),
    ],
)
def test_a_large_total_is_counted_in_millions_and_a_small_one_exactly(
    total: int | None, unit: str, n: int, shown: str
) -> None:
    with redirect_stderr(Terminal()) as terminal, progress_bar("activations 2004", total, unit) as advance:
        advance(n)
        with beside_bars():
            pass
        (bar,) = terminal.lines
    assert bar.startswith("activations 2004: ")
    assert shown in bar
    assert f" {unit}/s]" in bar
    assert terminal.lines == [""]


def test_a_line_logged_during_a_bar_is_printed_whole_above_it() -> None:
    with redirect_stderr(Terminal()) as terminal, progress_bar("activations 2004", 476, "filings") as advance:
        advance(1)
        with beside_bars():
            print("a line", file=sys.stderr)
        said, bar = terminal.lines
        assert said == "a line"
        assert "1/476" in bar
    assert terminal.lines == ["a line", ""]


def test_no_bar_is_drawn_unless_standard_error_is_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("activations 2004", 10, "filings") as advance:
        advance(10)
        with beside_bars():
            print("a line", file=sys.stderr)
    assert capsys.readouterr().err == "a line\n"
