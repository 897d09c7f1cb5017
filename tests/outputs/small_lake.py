"""A hand-made lake: six companies, two as-of dates, written as Parquet through the schemas."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from dateutil.relativedelta import relativedelta

from assets.schemas import TABLES
from assets.sic import sic_groups

EARLIER, LATER, UNFINISHED = date(2010, 12, 31), date(2011, 12, 31), date(2012, 6, 30)
COMPANIES = {
    "KO": ("0000021344", "Coca-Cola <b>Co</b>", "2086"),
    "PEP": ("0000077476", "PepsiCo", "2080"),
    "XOM": ("0000034088", "Exxon Mobil", "2911"),
    "CVX": ("0000093410", "Chevron", "2911"),
    "JPM": ("0000019617", "JPMorgan Chase", "6021"),
    "HOME": ("ticker:HOME", "Homegrown [red]Bank[/red]", None),
}
IDS = {ticker: company_id for ticker, (company_id, _, _) in COMPANIES.items()}
LATENTS = 20
THEMES = 12
"""The first latents are over passages, the others over tokens: these have labels as sure, and are no reason."""
VIEWS = (("passages", "passages-24"), ("tokens", "blocks-24-27"))
LOW_SCORE, NO_SCORE, COMMON, IN_ONE_TEXT, WORDLESS, FAINT = 2, 3, 4, 5, 6, 9
"""Three themes that are no reason, one that PepsiCo's text has no passage of, one whose words stand in no text, and one
that PepsiCo's text does not say."""
LEVEL = 2.5
"""Of every label."""
SHOWN = [i for i in range(1, THEMES) if i not in (LOW_SCORE, NO_SCORE, COMMON)]
SAID = [i for i in SHOWN if i != WORDLESS]
"""Those that a text says."""
NEAREST_BY_WORDS = {EARLIER: ["CVX", "XOM", "PEP"], LATER: ["PEP", "JPM", "XOM"]}
"""Of KO, with these similarities."""
SIMILARITIES = [0.6, 0.3, -0.1]
WORTH = {"any_pair": -0.02, "passages": 0.3, "tokens": 0.1, "words": 0.2, "sic4": 0.1, "sic3": 0.0, "major_group": 0.05}
"""Of the terms of stack at both dates, for pairs without past returns; with them half as much, and .4 of these."""
PAIRED = {"KO": ["PEP", "XOM"], "PEP": ["KO", "HOME"]}
"""Whose parts of stack are kept; HOME has no past returns, and neither code nor words in common with anybody."""
GROUPS = {
    EARLIER: {"KO": 0, "PEP": 0, "XOM": 0, "JPM": 1, "HOME": 1, "CVX": 2},
    LATER: {"KO": 0, "PEP": 0, "XOM": 1, "CVX": 1, "JPM": 2, "HOME": 2},
}
STABILITY = {"KO": 0.75, "PEP": 1.0}
"""Of the groups of `sae`; of the others it is not known."""
SUGGESTED = {(EARLIER, "CVX"): 0}
TEXT = "We naïvely  make and sell\nsoft drinks, syrups <script>alert('KO')</script> & snacks — in 200 countries."
LINKS = {"sae": [("KO", "PEP", 0.9), ("PEP", "KO", 0.9)], "tnic": [("KO", "PEP", 0.3), ("XOM", "CVX", 0.4)]}
"""Of networks, at the later date."""
MOVES = {
    "KO": ("stayed", 0, 0, 2 / 3),
    "PEP": ("stayed", 0, 0, 2 / 3),
    "XOM": ("moved", 0, 1, 1 / 4),
    "JPM": ("stayed", 1, 2, 1.0),
    "HOME": ("stayed", 1, 2, 1.0),
    "CVX": ("stayed", 2, 1, 1 / 2),
}
"""From one grouping to the other: XOM's new group is the one that CVX was alone in."""
OIL = "At {ticker} we refine crude oil [and more]."
CLOSE = "Our year ends in December."
SYRUPS = (TEXT.index(" syrups"), TEXT.index(" syrups") + len(" syrups"))


def text_of(ticker: str) -> str:
    """The description of a company: three passages, of which the first is everybody's."""
    return " ".join((TEXT, OIL.format(ticker=ticker), CLOSE))


def own_weights(rows: np.ndarray) -> np.ndarray:
    """[companies, latents], rows of unit length within each view."""
    parts = (rows[:, :THEMES], rows[:, THEMES:])
    return np.hstack([part / np.linalg.norm(part, axis=1, keepdims=True) for part in parts])


def weights() -> np.ndarray:
    """[companies, latents], unit rows; the first three latents of the last company are absent."""
    rows = np.random.default_rng(7).gamma(0.7, size=(len(COMPANIES), LATENTS)) + 0.01
    rows[1] = 0.8 * rows[0] + 0.2 * rows[1]
    rows[-1, :3] = 0
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def lake(last_month: date = date(2012, 9, 30)) -> dict[str, pl.DataFrame]:
    """Every table, empty where the page and the window need no rows."""
    rows = {name: table.empty() for name, table in TABLES.items()}
    books = _books() | _hedges()
    return rows | _texts() | _features() | _groups() | _stack() | _scores() | _returns(last_month) | books


def write(rows: dict[str, pl.DataFrame], folder: Path) -> dict[str, list[str]]:
    """Write each table that has rows, in two parts where it can be; return the files of every table, in `folder`."""
    files: dict[str, list[str]] = {}
    for name, frame in rows.items():
        table = TABLES[name].validate(frame)
        half = table.num_rows // 2
        files[name] = []
        for i, part in enumerate((table.slice(0, half), table.slice(half))):
            if part.num_rows:
                file = folder / name / f"as_of=[{i}]" / "part's-0.parquet"
                file.parent.mkdir(parents=True)
                pq.write_table(part, file)
                files[name].append(file.relative_to(folder).as_posix())
    return files


def _texts() -> dict[str, pl.DataFrame]:
    ids, filed = list(IDS.values()), date(2010, 3, 1)
    accessions = [f"sample-{ticker}-2010" for ticker in COMPANIES]
    companies = {
        "company_id": ids,
        "cik": [i if i[0] == "0" else None for i in ids],
        "name": [c[1] for c in COMPANIES.values()],
    }
    return {
        "companies": _frame("companies", companies),
        "tickers": _frame(
            "tickers",
            {"ticker": [*COMPANIES, "OLDKO"], "company_id": [*ids, IDS["KO"]], "valid_to": [None] * 6 + [EARLIER]},
        ),
        "filings": _frame(
            "filings",
            {
                "accession": accessions,
                "company_id": ids,
                "form": "10-K",
                "filed_at": filed,
                "name": companies["name"],
                "sic": [c[2] for c in COMPANIES.values()],
                "sha256": "",
            },
        ),
        "descriptions": _frame(
            "descriptions",
            {
                "accession": accessions,
                "company_id": ids,
                "filed_at": filed,
                "fiscal_year": 2009,
                "text": [text_of(ticker) for ticker in COMPANIES],
                "n_chars": [len(text_of(ticker)) for ticker in COMPANIES],
            },
        ),
    }


def _features() -> dict[str, pl.DataFrame]:
    cells = [
        (
            as_of,
            IDS[ticker],
            f"sample-{ticker}-2010",
            *_key(latent),
            *map(float, pair),
            *SYRUPS,
            LEVEL,
            ["soft drinks"] if _says(ticker, latent) else [],
        )
        for as_of, rows in ((EARLIER, weights()[:, ::-1]), (LATER, weights()))
        for ticker, *pairs in zip(COMPANIES, rows, own_weights(rows), strict=True)
        for latent, pair in enumerate(zip(*pairs, strict=True))
        if pair[0] > 0
    ]
    return {
        "company_vectors": _rows("company_vectors", cells),
        "theme_passages": _rows("theme_passages", _passages()),
        **_themes(),
    }


def _says(ticker: str, latent: int) -> bool:
    return latent not in (NO_SCORE, LOW_SCORE, WORDLESS) and latent < THEMES and (ticker, latent) != ("PEP", FAINT)


def _key(latent: int) -> tuple[str, str, int, int]:
    view, entry = VIEWS[latent >= THEMES]
    return view, entry, 24, latent


def _passages() -> list[tuple[object, ...]]:
    """On every theme the last passage is strongest, then the first, where `syrups` is, then the middle one."""
    cells: list[tuple[object, ...]] = []
    for ticker, company_id in IDS.items():
        text, filing = text_of(ticker), (f"sample-{ticker}-2010", company_id, date(2010, 3, 1))
        starts = (text.index(CLOSE), 0, len(TEXT) + 1)
        ends = (len(text), len(TEXT), text.index(CLOSE) - 1)
        cells += [
            (*filing, *_key(latent)[1:], rank, passage, start, end, 4.0 - rank)
            for latent in range(THEMES)
            if (ticker, latent) != ("PEP", IN_ONE_TEXT)
            for rank, (passage, start, end) in enumerate(zip((2, 0, 1), starts, ends, strict=True), 1)
        ]
    return cells


def _themes() -> dict[str, pl.DataFrame]:
    named = range(1, LATENTS)
    views, entries = ([_key(i)[place] for i in named] for place in (0, 1))
    keys = {"view": views, "entry": entries, "block": 24, "latent": list(named)}
    labels = keys | {
        "label": [f"topic <{i}>" for i in named],
        "terms": [["rum"] if i == WORDLESS else ["soft drinks", "refin*"] for i in named],
        "words": [[] if i == WORDLESS else ["syrups", "Crude Oil", "oil", "rum"] for i in named],
        "level": LEVEL,
        "density": 0.1,
        "documents": 3,
        "detection_score": [{LOW_SCORE: 0.69, NO_SCORE: None}.get(i, 0.7) for i in named],
        "score_low": 0.6,
        "score_high": 0.8,
        "windows": 40,
    }
    shares = [0.34 if i == COMMON else 1 / 3 for i in named]
    dated = [keys | {"as_of": as_of, "companies": 2, "share": shares} for as_of in (EARLIER, LATER)]
    return {
        "latent_labels": _frame("latent_labels", labels),
        "themes": pl.concat(_frame("themes", rows) for rows in dated),
    }


def _groups() -> dict[str, pl.DataFrame]:
    clusters = [
        ("sae", as_of, IDS[t], c, STABILITY.get(t), SUGGESTED.get((as_of, t)))
        for as_of, groups in GROUPS.items()
        for t, c in groups.items()
    ]
    clusters += [
        ("sic4", LATER, IDS[t], 0 if t in ("XOM", "CVX") else 1 + i, None, None) for i, t in enumerate(COMPANIES)
    ]
    held = enumerate((1, WORDLESS, THEMES - 1, THEMES - 2), 1)
    labels = [("sae", LATER, 0, 2, rank, *_key(i), f"topic <{i}>", 0.6 - rank / 10) for rank, i in held]
    filings = {"accession": [f"sample-{t}-2010" for t in COMPANIES], "company_id": list(IDS.values())}
    codes = sic_groups(pl.DataFrame(filings | {"sic": [sic for _, _, sic in COMPANIES.values()]}))
    dated = [codes.with_columns(as_of=pl.lit(as_of, pl.Date)) for as_of in (EARLIER, LATER)]
    near = [("sae", LATER, IDS[own], IDS[peer], rank, s) for own, peer, rank, s in _nearest()]
    near += [
        ("tfidf", as_of, IDS["KO"], IDS[peer], rank, similarity)
        for as_of, peers in NEAREST_BY_WORDS.items()
        for rank, (peer, similarity) in enumerate(zip(peers, SIMILARITIES, strict=True), 1)
    ]
    return {
        "peer_clusters": _rows("peer_clusters", clusters),
        "sic_groups": pl.concat(dated).select(TABLES["sic_groups"].empty().columns),
        "cluster_labels": _rows("cluster_labels", labels),
        "neighbours": _rows("neighbours", near),
        **_drift(),
    }


def _drift() -> dict[str, pl.DataFrame]:
    """XOM has another filing, which says a theme more; an older network has a link that no newer one has."""
    moves = [
        ("sae", LATER, IDS[ticker], EARLIER, *how, f"sample-{ticker}-2009", f"sample-{ticker}-2010", *themes)
        for ticker, how in MOVES.items()
        for themes in [(["topic <1>"], ["topic <6>"]) if ticker == "XOM" else ([], [])]
    ]
    groups = [
        ("sae", LATER, EARLIER, "same", numbers[1], *numbers)
        for numbers in ((0, 0, 2, 2 / 3, 3, 2), (1, 2, 2, 1.0, 2, 2), (2, 1, 1, 1 / 2, 1, 2))
    ]
    alert = (LATER, "watched_peers", IDS["KO"], "sae", 0.5, 0.0, "sae: peers of KO: left XOM, since 2010-12")
    links = [(method, LATER, IDS[a], IDS[b], score) for method, found in LINKS.items() for a, b, score in found]
    links.append(("tnic", EARLIER, IDS["KO"], IDS["JPM"], 0.2))
    return {
        "cluster_drift": _rows("cluster_drift", moves),
        "group_drift": _rows("group_drift", groups),
        "alerts": _rows("alerts", [alert]),
        "peer_network": _rows("peer_network", links),
    }


def stack_values(as_of: date, first: str, second: str) -> dict[str, float]:
    """What every part adds to the similarity of two companies."""
    rows = own_weights(weights()[:, ::-1] if as_of == EARLIER else weights())
    one, other = (rows[list(COMPANIES).index(ticker)] for ticker in (first, second))
    known, cosines = "HOME" not in (first, second), one * other
    terms = {
        "any_pair": 1.0,
        "passages": cosines[:THEMES].sum(),
        "tokens": cosines[THEMES:].sum(),
        "past": 0.25 * known,
    }
    terms |= {"words": 0.5, "sic4": 0.0, "sic3": 0.0, "major_group": float({first, second} == {"KO", "PEP"})}
    coefficients = stack_worth(known)
    return {part: float(term) * coefficients.get(part, 0.0) for part, term in terms.items()}


def stack_worth(with_history: bool) -> dict[str, float]:
    """The coefficients of stack."""
    return {term: value / 2 for term, value in WORTH.items()} | {"past": 0.4} if with_history else WORTH


def _stack() -> dict[str, pl.DataFrame]:
    worth = [
        (as_of, known, term, value, value - 0.1, value + 0.1, True, 10, 5)
        for as_of in (EARLIER, LATER)
        for known in (True, False)
        for term, value in stack_worth(known).items()
    ]
    parts = [
        (as_of, IDS[own], IDS[peer], rank, sum(values.values()), "HOME" not in (own, peer), part, value)
        for as_of in (EARLIER, LATER)
        for own, peers in PAIRED.items()
        for rank, peer in enumerate(peers, 1)
        for values in [stack_values(as_of, own, peer)]
        for part, value in values.items()
    ]
    return {"stack_coefficients": _rows("stack_coefficients", worth), "stack_parts": _rows("stack_parts", parts)}


def _nearest() -> list[tuple[str, str, int, float]]:
    cosines, names = weights() @ weights().T, list(COMPANIES)
    order = np.argsort(-cosines, axis=1)
    return [
        (own, names[j], rank, float(cosines[i, j]))
        for i, own in enumerate(names)
        for rank, j in enumerate(order[i])
        if j != i and rank
    ]


def _scores() -> dict[str, pl.DataFrame]:
    """Two finished dates, and one after 3 of 12 months, whose coverage would show in a mean that counted it."""
    shared = {
        "first_month": EARLIER,
        "last_month": LATER,
        "horizon_months": 12,
        "companies": 6,
        "clusters": 2,
        "left_out": 0,
        "largest_share": 0.3,
        "pairs": 9,
        "placebo_draws": 200,
    }
    scores = {
        "method": ["sae"] * 3 + ["sic4"] * 3,
        "as_of": [EARLIER, LATER, UNFINISHED] * 2,
        "months": [12, 12, 3] * 2,
        "finished": [True, True, False] * 2,
        "companies_lost": [1, 0, None] * 2,
        "pairs_lost": [2, 0, None] * 2,
        "coverage": [0.5, 0.5, 0.9] * 2,
        "all_pairs": [0.1, 0.1, None] * 2,
        "lift": [0.20, 0.30, None, 0.40, 0.38, None],
        "pair_weighted": [0.30, 0.40, None, 0.50, 0.50, None],
        "placebo_mean": [0.10, 0.10, None, 0.10, 0.12, None],
        "placebo_p": [0.005, 0.2, None, 0.005, 0.005, None],
        "mean_corr": [0.3, 0.3, None] * 2,
        "placebo_z": [2.0, 2.0, None] * 2,
    }
    return {
        "cluster_scores": _frame("cluster_scores", shared | scores),
        "lift_intervals": _frame("lift_intervals", _sure()),
        **_nearest_scores(),
        "r2_differences": _rows("r2_differences", [("sae", "tfidf", 12, 5, -0.01, 12, 0.01, -0.03, 0.01)]),
        "score_differences": _rows(
            "score_differences", [("sae", "tfidf", 12, "hedge_median", 0.02, 2, 2, -0.1, 0.14, 0.01, 0.03)]
        ),
    }


def _sure() -> dict[str, object]:
    return {
        "method": ["sae", "sic4"],
        "lift": [0.25, 0.39],
        "dates": 2,
        "blocks": 2,
        "low": [-0.1, 0.26],
        "high": [0.6, 0.52],
    }


def _nearest_scores() -> dict[str, pl.DataFrame]:
    methods = ["sae", "embedding", "tfidf", "random"]
    share = {
        "companies": 5,
        "alone": 1,
        "low": [0.23, 0.12, 0.23, None],
        "high": [0.88, 0.77, 0.88, None],
        "sae_better": [None, 1, 1, None],
        "sae_worse": [None, 0, 1, None],
        "p_value": [None, 1.0, 1.0, None],
    }
    dated = {name: value * 2 if isinstance(value, list) else value for name, value in share.items()}
    dated |= {"as_of": [EARLIER] * 4 + [LATER] * 4, "share": [0.5, 0.4, 0.6, 0.1, 0.7, 0.4, 0.6, 0.1]}
    return {
        "neighbour_scores": _frame(
            "neighbour_scores", {"method": methods * 2, **dated, "forward_corr": 0.2, "forward_companies": 5}
        ),
        "nearest_shares": _frame("nearest_shares", {"method": methods, "share": [0.6, 0.4, 0.6, 0.1], **share}),
    }


def months(first: date, last: date) -> list[date]:
    """Month-ends from `first` to `last`."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [first + relativedelta(months=i, day=31) for i in range(count)]


def _returns(last_month: date) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(3)
    cells = [
        (i, month, float(rng.normal(0, 0.05)), ["stale"] * (month == last_month), True)
        for month in months(date(2010, 1, 31), last_month)
        for i in IDS.values()
    ]
    return {"monthly_returns": _rows("monthly_returns", cells)}


def _books() -> dict[str, pl.DataFrame]:
    days = [date(2011, 1, 3), date(2011, 1, 4), date(2011, 2, 1)]
    daily = [
        ("pairs", m, s, day, 30.0, 10.0, 1000.0, 0.01, 2000.0 + 20 * i, 0.0, 2000.0 + 20 * i)
        for m in ("sae", "random")
        for s in ("bh", "uncorrected")
        for i, day in enumerate(days, 1)
    ]
    daily += [("hedged", "sae", "all", days[0], 7.0, 0.0, 1000.0, 0.07, 100.0, 7.0, 107.0)]
    books = {
        "strategy": ["pairs"] * 4 + ["reversion", "hedged"],
        "method": ["sae", "sae", "random", "random", "sae", "random"],
        "selection": ["bh", "uncorrected"] * 2 + ["all"] * 2,
        "windows": 2,
        "first_day": days[0],
        "last_day": days[-1],
        "pairs_tested": [1234, 1234, 800, 800, 0, 0],
        "pairs_passed": [0, 0, 1, 1, 0, 0],
        "pairs_traded": [0, 20, 1, 20, 6, 6],
        "trades": [0, 55, 3, 44, 12, 6],
        "sharpe": [None, 0.25, 0.1, -0.2, 0.3, 0.2],
        "sharpe_se": [None, 0.4, 0.4, 0.4, 0.4, 0.4],
        "deflated_sharpe": [None, 0.6, None, None, 0.5, None],
    }
    return {"backtest_returns": _rows("backtest_returns", daily), "backtest_summary": _frame("backtest_summary", books)}


def _hedges() -> dict[str, pl.DataFrame]:
    """Of KO: a basket that lowered the variance in 2011, one that raised it, and one of which nobody knows yet."""
    legs = {"PEP": 0.5, "JPM": 0.1, "XOM": 0.25}
    baskets = [
        (method, as_of, IDS["KO"], IDS[peer], weight, 4)
        for method, as_of in (("sae", EARLIER), ("sae", LATER), ("tfidf", EARLIER))
        for peer, weight in legs.items()
    ]
    others = ["tfidf", "sic4", "sector", "random"]
    scores = {
        "method": ["sae", "sae", *others],
        "as_of": [EARLIER, LATER, *(EARLIER for _ in others)],
        "company_id": IDS["KO"],
        "legs": 3,
        "variance_before": 0.0004,
        "hedged_before": 0.0001,
        "correlation_before": 0.9,
        "days_before": 1260,
        "variance_after": [0.0004, None, *(0.0004 for _ in others)],
        "hedged_after": [0.0003, None, *(0.0005 for _ in others)],
        "correlation_after": [0.5, None, *(0.1 for _ in others)],
        "days_after": [252, None, *(252 for _ in others)],
        "last_day": [date(2011, 12, 30), None, *(date(2011, 12, 30) for _ in others)],
        "raised": [False, None, *(True for _ in others)],
        "jump": False,
    }
    return {"hedge_baskets": _rows("hedge_baskets", baskets), "hedge_scores": _frame("hedge_scores", scores)}


def _frame(name: str, columns: dict[str, object]) -> pl.DataFrame:
    """A table from some of its columns; scalars repeat, the rest is null or, where it may not be, empty."""
    table = TABLES[name]
    height = max(len(v) for v in columns.values() if isinstance(v, list))
    filled = {}
    for column in table.columns:
        dtype = table.empty().schema[column.name]
        blank = None if column.nullable else [] if isinstance(dtype, pl.List) else "" if dtype == pl.String else 0
        value = columns.get(column.name, blank)
        filled[column.name] = pl.Series(value if isinstance(value, list) and value else [value] * height, dtype=dtype)
    return pl.DataFrame(filled)


def _rows(name: str, cells: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(cells, schema=TABLES[name].empty().schema, orient="row")
