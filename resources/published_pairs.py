"""The pairs that Hoberg and Phillips publish: their text file, and the user's link from gvkey to CIK.

Their file (hobergphillips.tuck.dartmouth.edu, `tnic3_data.txt`) is tab-separated: year, gvkey1, gvkey2, score. A
score is already less the firm's median, and below their cut there is no row (Hoberg and Phillips 2016, section III).
`year` is that in which the fiscal year ends. gvkey is Compustat's, so which company it is has to be given.
"""

from pathlib import Path

import polars as pl

from resources.values.excerpt import abbreviated, excerpt, one_line

PAIRS = ("year", "gvkey1", "gvkey2", "score")
LINK = ("gvkey", "cik")
EMPTY = pl.DataFrame(schema={"company_id": pl.String, "peer_id": pl.String, "score": pl.Float64})
FIRST_LINE = 2
"""Of data, in a file whose first line names the columns."""
CIK_DIGITS = 10


class PublishedPairsError(ValueError):
    """The file of pairs, or that of the link, cannot be used as it is."""


def published_pairs(pairs: Path, link: Path, year: int) -> pl.DataFrame:
    """Return company_id, peer_id and score of one year, both directions as they stand; whoever has no CIK is left out.

    Where two gvkeys are one company its best score counts; a company is not its own peer.

    Raises
    ------
    PublishedPairsError
        A file cannot be read, lacks a column, or holds what is no number; or a gvkey has two CIKs.
    """
    ciks = _link(link)
    rows = _numbers(pairs, PAIRS, pl.col("year") == year)
    for own, key in (("company_id", "gvkey1"), ("peer_id", "gvkey2")):
        rows = rows.join(ciks.rename({"gvkey": key, "company_id": own}), on=key)
    found = rows.filter(pl.col("company_id") != pl.col("peer_id")).group_by("company_id", "peer_id")
    return pl.concat([EMPTY, found.agg(pl.col("score").max())]).sort("company_id", "peer_id")


def _link(file: Path) -> pl.DataFrame:
    """Return gvkey and company_id."""
    rows = _numbers(file, LINK, pl.lit(value=True)).select("gvkey", "cik").unique()
    twice = rows.filter(pl.col("gvkey").is_duplicated())["gvkey"].unique().sort().to_list()
    if twice:
        raise PublishedPairsError(
            f"{file}: gvkey {abbreviated([str(gvkey) for gvkey in twice])} with more than one CIK; keep one for each"
        )
    return rows.select("gvkey", company_id=pl.col("cik").cast(pl.String).str.zfill(CIK_DIGITS))


def _numbers(file: Path, columns: tuple[str, ...], wanted: pl.Expr) -> pl.DataFrame:
    """Return the wanted rows of a text file with these columns as numbers, whatever the case of their names.

    Raises
    ------
    PublishedPairsError
        As `published_pairs`.
    """
    try:
        with file.open(encoding="utf-8-sig") as lines:
            header = lines.readline().rstrip("\r\n")
        separator = "\t" if "\t" in header else ","
        names = [name.strip().strip('"').lower() for name in header.split(separator)]
        if missing := [name for name in columns if name not in names]:
            raise PublishedPairsError(
                f"{file}: line 1 has no column {abbreviated(missing)}, only {excerpt(', '.join(names))}; "
                f"it must name {', '.join(columns)}, separated by tabs or commas"
            )
        text = pl.scan_csv(
            file,
            separator=separator,
            with_column_names=lambda _: names,
            infer_schema=False,
            row_index_name="line",
            row_index_offset=FIRST_LINE,
            glob=False,
        )
        kinds = {name: pl.Float64 if name == "score" else pl.Int64 for name in columns}
        cast = [pl.col(name).str.strip_chars().cast(kind, strict=False) for name, kind in kinds.items()]
        read = text.select("line", *(pl.col(name).alias(f"{name} as it stands") for name in columns), *cast)
        no_number = pl.any_horizontal(pl.col(name).is_null() | ~pl.col(name).is_finite() for name in columns)
        bad = read.filter(no_number).head(1).collect(engine="streaming")
        if bad.height:
            raise PublishedPairsError(_said(file, bad, columns))
        return read.filter(wanted).select(columns).collect(engine="streaming")
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise PublishedPairsError(
            f"{file}: cannot be read ({one_line(error)}); give the unpacked text file in UTF-8"
        ) from error


def _said(file: Path, bad: pl.DataFrame, columns: tuple[str, ...]) -> str:
    (row,) = bad.to_dicts()
    name = next(
        name for name in columns if row[name] is None or row[name] != row[name] or abs(row[name]) == float("inf")
    )
    value = excerpt(row[f"{name} as it stands"])
    return f"{file}: line {row['line']}: {name} {value} is no {'number' if name == 'score' else 'whole number'}"
