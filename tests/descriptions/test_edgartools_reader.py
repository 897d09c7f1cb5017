"""The edgartools reader finds Item 1 and leaves no traces."""

import subprocess
import sys
from pathlib import Path

from fakes.own_filings import FOLDER

from assets.descriptions.edgartools_reader import edgartools_text
from assets.descriptions.markup import simplify_markup
from resources.edgar.submission import main_document


def test_the_links_of_the_table_of_contents_lead_to_item_1() -> None:
    html = main_document((FOLDER / "xapp_2010_10kt.txt").read_bytes())
    text = edgartools_text(simplify_markup(html), html) or ""
    assert "Example Apparel Inc designs warm clothing" in text
    assert "Winters may become warmer" not in text


def test_headings_lead_to_item_1_where_there_are_no_links() -> None:
    body = "<p>We grind wheat and rye at two mills and sell flour to bakers.</p>" * 20
    items = "".join(f"<p><b>Item {n}</b></p>{body}" for n in ("1. Business", "2. Properties", "3. Legal Proceedings"))
    text = edgartools_text(f"<html><body>{items}</body></html>", "") or ""
    assert text.count("We grind wheat") == 20


def test_a_page_without_items_has_none() -> None:
    assert edgartools_text("<html><body><p>Dear shareholders</p></body></html>", "") is None


def test_importing_edgartools_makes_no_folder_in_the_home_and_prints_nothing(tmp_path: Path) -> None:
    code = "import assets.descriptions.edgartools_reader as s; s.edgartools_text('<html><p>x</p></html>', '')"
    environment = {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(Path.cwd())}
    for folder in ("home", "tmp"):
        (tmp_path / folder).mkdir()
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert list((tmp_path / "home").iterdir()) == []
    assert (done.stdout, done.stderr) == ("", "")
