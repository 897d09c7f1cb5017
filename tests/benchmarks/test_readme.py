"""The README's block of results: every question is one that the warehouse answers, and the block holds the answers."""

from pathlib import Path

import duckdb

from assets.outputs.warehouse import build_warehouse
from benchmarks.readme import ASKED, BEGIN, END, block, spread
from resources.places import SQL
from tests.outputs.small_lake import lake, write


def test_every_question_has_one_answer_and_shares_come_with_interval_and_test(tmp_path: Path) -> None:
    build_warehouse(tmp_path / "peerlens.duckdb", tmp_path, write(lake(), tmp_path), SQL, "")
    with duckdb.connect(str(tmp_path / "peerlens.duckdb"), read_only=True) as warehouse:
        answers = {name: warehouse.sql(query).fetchall() for name, query in ASKED.items()}
    assert all(len(rows) == len(rows[0]) == 1 for rows in answers.values())
    said = {name: rows[0][0] for name, rows in answers.items()}
    assert said["nearest peer in the SIC major group"] == "0.600 of 5 (0.230 to 0.880)"
    assert said["companies that SAE gets right and TF-IDF does not, and the reverse"] == "1 and 1, p 1.000"
    assert said["lift of SAE groups"] == "0.250 (-0.100 to 0.600)"


def test_the_block_stands_between_its_marks_and_has_a_column_a_seed() -> None:
    found = [dict.fromkeys(ASKED, 0.5), dict.fromkeys(ASKED)]
    made = block("Scoreboard\n\nLook further:  make ui", spread(found))
    assert made.startswith(BEGIN) and made.endswith(END)
    assert "|  | seed 0 | seed 1 |" in made and "Look further" not in made
