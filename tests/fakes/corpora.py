"""Rows as EDGAR-CORPUS and the authors' data set have them, and files of them."""

import gzip
import json
from pathlib import Path

import polars as pl

Row = dict[str, object]
OTHER_SECTIONS = {"section_1A": "Risks.", "section_7": "Discussion.", "section_15": "Exhibits."}


def filing(cik: object = "718413", year: object = "1993", text: str | None = "A bank.", **changed: object) -> Row:
    row = {"filename": f"{cik}_{year}.txt", "cik": cik, "year": year, "section_1": text}
    return {**row, **OTHER_SECTIONS, **changed}


def authors_row(cik: object = 320193, year: object = 2004, **changed: object) -> Row:
    told = {"company_name": "Apple Inc.", "sic_code": "3571", "ticker": ["AAPL"], "section_1": "Computers."}
    returns = {"logged_monthly_returns_matrix": [0.01] * 12, "__index_level_0__": 4711}
    return {"cik": cik, "year": year, **told, **returns, **changed}


def lines(*rows: Row) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def put(file: Path, *rows: Row) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".parquet":
        pl.DataFrame(list(rows), infer_schema_length=None).write_parquet(file)
    else:
        file.write_bytes(gzip.compress(lines(*rows)) if file.suffix == ".gz" else lines(*rows))
    return file
