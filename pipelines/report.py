"""What people read in the terminal: tables, and the report at the end of `make demo`."""

from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

TICKERS = ("KO", "XOM", "JPM", "INTC")
PEERS = 3
LINKS = 20
"""Links of a network that are printed for people: it has thousands."""
READERS = {
    "sae": "SAE latents",
    "sae_passages": "of passages",
    "sae_tokens": "of tokens",
    "tfidf": "TF-IDF words",
    "embedding": "MiniLM embedding",
    "placebo": "chance",
}


def _written(form: str, *columns: str) -> pl.Expr:
    return pl.col(columns).map_elements(form.format, return_dtype=pl.String)


def _interval(name: str, form: str) -> pl.Expr:
    return pl.concat_str(_written(form, f"{name}_low", f"{name}_high"), separator="–")


# No lambdas in these expressions: polars would hold this module past exit, and duckdb would print a list of leaks.
SCOREBOARD = {
    "method": pl.col("method"),
    "lift": pl.col("lift"),
    "95 %": _interval("lift", "{:.2f}"),
    "z": _written("{:.1f}", "placebo_z"),
    "p<.05": _written("{:.0%}", "placebo_beaten"),
    "pairs": pl.col("pair_weighted"),
    "MeanCorr": pl.col("mean_corr"),
    "placed": pl.col("coverage"),
    "largest": pl.col("largest_share"),
}
FIRMS = {
    "method": pl.col("method"),
    "R2": pl.col("r2"),
    "95 %": _interval("r2", "{:.2f}"),
    "hedge": pl.col("hedge_median"),
    "worse": _written("{:.0%}", "hedge_worse"),
    "over SIC-4": pl.col("same_number_less_sic4"),
    "1 % pairs": pl.col("pairs_1_percent"),
    "placed": _written("{:.0%}", "peers_coverage"),
}
NEAREST = {
    "nearest by": pl.col("method").replace(READERS),
    "share": _written("{:.1%}", "same_major_group"),
    "95 %": _interval("same_major_group", "{:.1%}"),
    "SAE better": pl.col("nearest_sae_better"),
    "worse": pl.col("nearest_sae_worse"),
    "p": pl.when(pl.col("nearest_p") < 0.001).then(pl.lit("<.001")).otherwise(_written("{:.3f}", "nearest_p")),
}
SAES = {
    "blocks": pl.len(),
    "FVU": pl.col("fvu").mean(),
    "worst FVU": pl.col("fvu").max(),
    "CE score": pl.col("ce_score").mean(),
    "worst CE score": pl.col("ce_score").min(),
    "dead": pl.col("dead_share").mean(),
}
RIVALS = {
    "method": pl.col("method"),
    "found": _written("{:.1f}", "found"),
    "share": _written("{:.1%}", "share"),
    "95 %": pl.concat_str(_written("{:.1%}", "low", "high"), separator="–"),
}
NEXT_YEAR = {
    "method": pl.col("method"),
    "operating income / assets": pl.col("operating_income_r2"),
    "95 % ": _interval("operating_income_r2", "{:.2f}"),
    "sales growth": pl.col("sales_growth_r2"),
    "95 %": _interval("sales_growth_r2", "{:.2f}"),
}
BOOK = {
    "book": pl.col("book"),
    "trades": pl.col("trades"),
    "Sharpe": pl.col("sharpe"),
    "s.e.": pl.col("sharpe_se"),
    "deflated": pl.col("deflated_sharpe"),
    "a year": _written("{:+.2%}", "annual_return"),
    "drawdown": pl.col("max_drawdown"),
    "placebo": _written("{:.0%}", "placebo_percentile"),
}
SELECTIONS = {"bh": "Benjamini-Hochberg", "uncorrected": "ranked by p, uncorrected"}
STRATEGIES = {
    "reversion": "Peer-relative mean reversion: last month's losers against their fitted baskets bought, winners sold:",
    "hedged": "Hedged holding: every name held, its fitted basket sold:",
}


def report(connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    """Print what a run found: the banner first, then peers, neighbours, scoreboard, backtest, and what to do next.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        The warehouse.
    console : Console
        Where to print.
    """
    print_banner(connection, console)
    for ticker in TICKERS:
        _print_peers(connection, console, ticker)
    _print_saes(connection.view("sae_scores").pl(), console)
    scoreboard = connection.view("scoreboard").pl()
    _print_nearest(scoreboard, console)
    firms = connection.view("firm_scoreboard").pl()
    _print_firms(firms, console)
    _print_next_year(firms, console)
    _print_rivals(connection.view("rival_scoreboard").pl(), console)
    _print_scoreboard(scoreboard, console)
    _print_backtest(connection.view("backtest_summary").pl(), console)
    _print_line(console, "")
    _print_line(console, "Look further:  make ui")
    _print_line(console, "               peerlens peers KO")


def print_banner(connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    """Print what a reader has to know before any number, where there is something."""
    banner = connection.view("banner").pl().item()
    if banner:
        _print_line(console, banner, style="bold yellow")


def print_table(rows: pl.DataFrame, console: Console, as_json: bool = False) -> None:
    """Print rows as a table, or as one JSON array of objects for programs; company text is never read as markup."""
    if as_json:
        console.out(rows.write_json(), highlight=False)
        return
    if rows.is_empty():
        _print_line(console, "No rows.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, type in rows.schema.items():
        table.add_column(name, justify="right" if type.is_numeric() else "left", overflow="fold")
    for row in rows.iter_rows():
        table.add_row(*(Text(cell_text(value)) for value in row))
    console.print(table)


def print_csv(rows: pl.DataFrame, console: Console) -> None:
    """Print rows as CSV for programs."""
    console.out(rows.write_csv(), highlight=False, end="")


def print_network(rows: pl.DataFrame, console: Console) -> None:
    """Print the strongest links of rows of `network`, and how many there are."""
    print_table(rows.sort("score", descending=True, maintain_order=True).head(LINKS), console)
    if rows.height > LINKS:
        _print_line(console, f"and {rows.height - LINKS:,} more; --csv or --output FILE has all")


def hedge_sentence(basket: Mapping[str, Any]) -> str:
    """Return how well a basket would have offset its company, of any row of `hedge_basket`."""
    if basket["measured"] is None:
        return "Not measured: too few days on which every leg has a return."
    fitted = " that it was fitted on" if basket["measured"].startswith("before") else ""
    measured = (
        f"All {basket['legs']} legs, measured {basket['measured']}, over {basket['days']} days to {basket['last_day']}"
        f"{fitted}: correlation {cell_text(basket['correlation'])}, "
        f"variance reduction {cell_text(basket['variance_reduction'])}."
    )
    return f"{measured}\nWarning: {basket['warning']}." if basket["warning"] else measured


def _print_peers(connection: duckdb.DuckDBPyConnection, console: Console, ticker: str) -> None:
    nearest = connection.table_function("peers", [ticker, PEERS]).pl()
    if not nearest.is_empty():
        _print_heading(console, f"Peers of {ticker}")
        print_table(nearest.select("ticker", "name", "similarity", "reason"), console)


def _print_saes(scores: pl.DataFrame, console: Console) -> None:
    if scores.is_empty():
        return
    fvu, ce = (int(scores[column].sort()[-1]) for column in ("fvu_tokens", "ce_tokens"))
    _print_heading(
        console, f"Autoencoders, held-out documents: FVU on {fvu:,} tokens, CE score on {ce:,}, one block at a time"
    )
    entries = scores.sort("block").group_by("entry", maintain_order=True)
    print_table(entries.agg(**SAES), console)


def _print_nearest(scoreboard: pl.DataFrame, console: Console) -> None:
    order = pl.DataFrame({"method": list(READERS)})
    rows = order.join(scoreboard.drop_nulls("same_major_group"), on="method", maintain_order="left")
    if rows.is_empty():
        return
    companies, alone = rows.select("nearest_companies", "nearest_alone").row(0)
    _print_heading(
        console,
        f"Nearest peer in the same SIC major group: share of the {companies} companies with a code, each counted once; "
        f"{alone} are alone in theirs and count as missed",
    )
    print_table(rows.select(**NEAREST), console)
    _print_line(console, "better, worse: companies for which SAE latents are right more, less often; McNemar's exact p")


def _print_firms(firms: pl.DataFrame, console: Console) -> None:
    """Print what the peers of each method are worth to a company, for every horizon that is over."""
    for months in firms["horizon_months"].unique().sort().to_list():
        rows = firms.filter(horizon_months=months)
        over: Any = rows["r2_months"].max()
        # Their peers are all drawn from the market: their figures would be the placebo's under another name.
        nobody = (pl.col("peers_coverage") == 0).fill_null(False) & (pl.col("method") != "placebo")
        _print_heading(console, f"Peers of a company on the {months} months after each date")
        print_table(rows.filter(~nobody).select(**FIRMS), console)
        if absent := rows.filter(nobody)["method"].sort().to_list():
            _print_line(console, f"Methods that place nobody are left out: {', '.join(absent)}.")
        _print_line(
            console,
            f"R2: of a month's returns on five peers, over {over or 0} months; "
            f"hedge: variance they take from a market hedge, median; worse: "
            f"companies that they make worse; over SIC-4: correlation with as many peers as SIC-4 gives, less SIC-4's; "
            f"{int(rows['companies_lost'][0])} times a company was lost.",
        )


def _print_next_year(firms: pl.DataFrame, console: Console) -> None:
    """Print how much of next year's figures the peers of each method explain, where the profile gives figures."""
    rows = firms.filter(pl.any_horizontal(pl.col("operating_income_r2", "sales_growth_r2").is_not_null()))
    if rows.height:
        _print_heading(console, "Next fiscal year: R2 across companies of what it brought, on that of their five peers")
        print_table(rows.sort("operating_income_r2", descending=True, nulls_last=True).select(**NEXT_YEAR), console)


def _print_rivals(rivals: pl.DataFrame, console: Console) -> None:
    """Print how many of the rivals that companies name each method finds, where any are named."""
    if rivals.is_empty():
        return
    pairs, as_of = rivals.select("pairs", "as_of").row(0)
    _print_heading(
        console,
        f"Named rivals: of {pairs} pairs in which one company names the other, those among the nearest 2.05 % of all "
        f"pairs at {as_of}; the passages that name them are masked",
    )
    print_table(rivals.select(**RIVALS), console)


def _print_scoreboard(scoreboard: pl.DataFrame, console: Console) -> None:
    scored = scoreboard.drop_nulls("lift").sort("lift", descending=True, maintain_order=True)
    dates: Any = scoreboard["as_of_dates"].max()
    _print_heading(
        console,
        f"Scoreboard: mean over {dates or 0} as-of dates, on the months after each; lift is the correlation of pairs "
        "inside groups over that of random groups of the same sizes",
    )
    print_table(scored.select(**SCOREBOARD), console)
    _print_certainty(scoreboard, console)
    lifts = dict(scored.select("method", "lift").iter_rows())
    own = lifts.pop("sae", None)
    better = [f"{method} ({lift:.3f})" for method, lift in lifts.items() if own is not None and lift >= own]
    if better:
        _print_line(console, f"SAE groups (lift {own:.3f}) do not beat {', '.join(better)} here.", style="bold")


def _print_certainty(scoreboard: pl.DataFrame, console: Console) -> None:
    """Print what the intervals are over, what was lost in the horizons, and which dates are not scored yet."""
    blocks: Any = scoreboard.drop_nulls("lift_low")["blocks"].max()
    if blocks:
        _print_line(
            console, f"95 %: over companies, and over the {blocks} horizons in these dates that share no month."
        )
    elif scoreboard["blocks"].count():
        _print_line(console, "No interval: the dates hold one horizon, so nothing tells how lift varies over time.")
    lost = scoreboard.filter(pl.col("companies_lost") > 0).sort("companies", descending=True).head(1)
    for gone, companies in lost.select("companies_lost", "companies").iter_rows():
        _print_line(
            console, f"placed, largest: of companies as grouped; {gone} of {companies} were lost in the horizons."
        )
    waiting = scoreboard.filter(pl.col("unfinished_dates") > 0).head(1)
    columns = ("unfinished_dates", "newest_as_of", "newest_months", "horizon_months")
    for count, newest, months, horizon in waiting.select(columns).iter_rows():
        dates = "1 date" if count == 1 else f"{count} dates"
        _print_line(console, f"Not in these means: {dates}; the newest, {newest}, after {months} of {horizon} months.")


def _print_backtest(summary: pl.DataFrame, console: Console) -> None:
    if summary.is_empty():
        return
    _print_heading(console, "Pairs books: after costs; random pairs, and random peers, are the placebo")
    rows = summary.sort(pl.col("method") == "random", "method")
    pairs = rows.filter(strategy="pairs").with_columns(book=pl.col("method").replace("random", "random pairs"))
    for (selection,), books in pairs.group_by("selection", maintain_order=True):
        _print_line(console, SELECTIONS.get(str(selection), str(selection)) + ":", style="italic")
        if selection == "bh":
            _print_passes(books, console)
        print_table(books.filter(pl.col("pairs_traded") > 0).select(**BOOK), console)
    drawn: Any = summary["placebo_books"].max()
    if drawn:
        _print_line(console, f"placebo: share of {drawn} books of random pairs, as many at each date, that did worse")
    for strategy, title in STRATEGIES.items():
        books = rows.filter(strategy=strategy).with_columns(book=pl.col("method").replace("random", "random peers"))
        if books.height:
            _print_line(console, title, style="italic")
            print_table(books.select(**BOOK), console)


def _print_passes(books: pl.DataFrame, console: Console) -> None:
    for book, tested, passed in books.select("book", "pairs_tested", "pairs_passed").iter_rows():
        verb = "passes" if passed == 1 else "pass"
        _print_line(console, f"  {book}: {passed:,} of {tested:,} pairs {verb} Benjamini-Hochberg")


def _print_heading(console: Console, text: str) -> None:
    _print_line(console, "")
    _print_line(console, text, style="bold")


def _print_line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(cell_text(text)), style=style)


def cell_text(value: Any) -> str:
    """Plain text of one value; control characters, which could steer a terminal, become spaces."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    text = ", ".join(cell_text(part) for part in value) if isinstance(value, list) else str(value)
    return "".join(letter if letter.isprintable() else " " for letter in text)
