"""Peer groups of every method, why they are groups, and how they do on later returns."""

import polars as pl

from assets import schemas
from assets.clusters.drift.alerts import CHECKS, alert_checks
from assets.clusters.paper.asked import paper_inputs_now, where_paper
from assets.declaration import asset
from assets.known_at import filings_known
from assets.partitions import month_end, months_around
from assets.prices.usable import usable
from resources.lake.build import Build
from resources.lake.recipe import Slices, whole
from resources.settings.profile import Profile
from resources.sources import Sources

TOP_THEMES = 5
KNOWN = {
    "company_vectors": whole,
    "company_embeddings": filings_known,
    "descriptions": filings_known,
    "description_vectors": filings_known,
    "bert_vectors": filings_known,
    "filings": filings_known,
}
"""What `evidence_of` reads besides returns, and the settings behind it."""
HOW_KNOWN = [
    "max_filing_age_months",
    "returns",
    *(f"clusters.{key}" for key in ("train_months", "nouns", "hoberg_phillips")),
]


def _given_files_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    from assets.clusters.given_files import digests

    return digests(profile.clusters)


def _figures_too(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    from assets.clusters.given_files import figures_digest

    return {**_given_files_now(profile, partition, sources), **figures_digest(profile.clusters)}


@asset(
    schemas.PEER_CLUSTERS,
    schemas.CLUSTER_THRESHOLDS,
    schemas.NEIGHBOURS,
    schemas.SIC_GROUPS,
    partitioning="as_of",
    reads=KNOWN | {"monthly_returns": months_around("clusters.train_months")},
    config=[
        *HOW_KNOWN,
        *(f"clusters.{key}" for key in ("methods", "linkage", "cut", "pair_share", "thetas", "objective", "seed")),
        *(f"clusters.{key}" for key in ("neighbours", "stability_draws", "stability_methods")),
    ],
    fingerprint=_given_files_now,
    kinds=["scikitlearn", "scipy"],
)
def peer_clusters(build: Build) -> None:
    """Group companies by every method of the profile, at a stated share of pairs, and say how firmly they stand."""
    from assets.clusters.evidence import evidence_of
    from assets.clusters.methods import tagged
    from assets.clusters.peer_groups import group
    from assets.sic import sic_groups

    as_of, evidence = month_end(build.partition or ""), evidence_of(build)
    clusters, thresholds, neighbours = [schemas.PEER_CLUSTERS.empty()], [], [schemas.NEIGHBOURS.empty()]
    for method in build.profile.clusters.methods:
        found = group(method, evidence, evidence.months, build.profile.clusters)
        clusters.append(tagged(found.clusters, method, as_of).select(clusters[0].columns))
        thresholds += [{"method": method, "as_of": as_of, **row} for row in found.thresholds]
        if found.neighbours is not None:
            neighbours.append(tagged(found.neighbours, method, as_of).select(neighbours[0].columns))
    build.write(schemas.PEER_CLUSTERS, pl.concat(clusters))
    build.write(schemas.CLUSTER_THRESHOLDS, schemas.CLUSTER_THRESHOLDS.frame(thresholds))
    build.write(schemas.NEIGHBOURS, pl.concat(neighbours))
    build.write(schemas.SIC_GROUPS, sic_groups(evidence.known.companies).with_columns(as_of=pl.lit(as_of, pl.Date)))


@asset(
    schemas.CLUSTER_LABELS,
    partitioning="as_of",
    reads={"peer_clusters": whole, "company_vectors": whole, "latent_labels": whole},
    kinds=["polars"],
)
def cluster_labels(build: Build) -> None:
    """Name the themes that contribute most to the similarity inside each group; only those that may be shown."""
    from assets.clusters.methods import explained_by, label_rows
    from assets.themes import shown_themes, told_themes

    as_of, vectors = month_end(build.partition or ""), build.read("company_vectors")
    told = told_themes(vectors, shown_themes(build.read("latent_labels"), build.read("themes")))
    rows = [
        {"method": method, "as_of": as_of, **row}
        for (method,), clusters in build.read("peer_clusters").group_by("method", maintain_order=True)
        for row in label_rows(clusters, vectors, told, explained_by(str(method)), TOP_THEMES)
    ]
    build.write(schemas.CLUSTER_LABELS, schemas.CLUSTER_LABELS.frame(rows))


@asset(
    schemas.CLUSTER_DRIFT,
    schemas.GROUP_DRIFT,
    schemas.ALERTS,
    # Of all dates at once: a date cannot read the one before it.
    reads={"peer_clusters": whole, "company_vectors": whole, "latent_labels": whole, "tickers": whole},
    config=["clusters.alert_moved_share", "clusters.watched"],
    kinds=["scipy", "polars"],
    checks=CHECKS,
    advisory=CHECKS,
)
def cluster_drift(build: Build) -> None:
    """Match the groups of every two dates: who stayed, moved, came, went, with themes gained and lost; and alerts."""
    from assets.clusters.drift.tables import alerts_of, drift_tables
    from assets.clusters.drift.themes import said_themes

    clusters, filings = build.read("peer_clusters"), build.read("sic_groups")
    labels, themes = build.read("latent_labels"), build.read("themes")
    # Scanned: at thousands of companies the vectors of all dates do not fit into memory, what is said of them does.
    vectors = pl.scan_parquet(build.files("company_vectors"), glob=False)
    said = {
        as_of: said_themes(vectors.filter(as_of=as_of), labels, themes.filter(as_of=as_of))
        for as_of in filings["as_of"].unique().sort()
    }
    drift = drift_tables(clusters, filings, said)
    alerts = alerts_of(clusters, drift.companies, build.read("tickers"), build.profile.clusters)
    build.write(schemas.CLUSTER_DRIFT, drift.companies)
    build.write(schemas.GROUP_DRIFT, drift.groups)
    build.write(schemas.ALERTS, alerts.rows)
    for check in alert_checks(alerts.newest, alerts.unknown):
        build.check(*check)


@asset(
    schemas.PEER_NETWORK,
    partitioning="as_of",
    reads=KNOWN | {"monthly_returns": months_around("clusters.train_months")},
    config=[*HOW_KNOWN, "clusters.pair_share"],
    fingerprint=_given_files_now,
    kinds=["scikitlearn", "polars"],
)
def peer_network(build: Build) -> None:
    """List the pairs that every similarity finds most alike, as many as a share of all pairs: a network as TNIC is."""
    from assets.clusters.evidence import evidence_of
    from assets.clusters.network import networks

    as_of, share = month_end(build.partition or ""), build.profile.clusters.pair_share
    rows = [part.with_columns(as_of=pl.lit(as_of, pl.Date)) for part in networks(evidence_of(build), share)]
    build.write(schemas.PEER_NETWORK, pl.concat([schemas.PEER_NETWORK.empty(), *rows], how="diagonal"))


@asset(
    schemas.CLUSTER_SCORES,
    schemas.LIFT_DRAWS,
    schemas.NEIGHBOUR_SCORES,
    schemas.NEAREST_MATCHES,
    partitioning="as_of",
    reads={
        "peer_clusters": whole,
        "monthly_returns": months_around(None, "clusters.horizon_months"),
    },
    config=["returns", *(f"clusters.{key}" for key in ("horizon_months", "placebo_draws", "seed"))],
    kinds=["polars"],
)
def cluster_scores(build: Build) -> None:
    """Score groups on the months after the as-of date, once all are over; count what was lost in them."""
    from assets.clusters.evaluation import draw_rows, horizon_after, neighbour_rows, score_rows

    as_of, settings = month_end(build.partition or ""), build.profile.clusters
    clusters, known = build.read("peer_clusters"), build.read("monthly_returns")
    returns = usable(known, build.profile.returns.exclude)
    horizon = horizon_after(as_of, settings.horizon_months, known)
    dated = {"as_of": as_of, "left_out": known.height - returns.height}
    scored = list(score_rows(clusters, returns, horizon, settings))
    draws = [{"as_of": as_of, **draw} for row, drawn in scored for draw in draw_rows(row["method"], drawn)]
    near, matches = neighbour_rows(build.read("neighbours"), clusters, build.read("sic_groups"), returns, horizon)
    build.write(schemas.CLUSTER_SCORES, schemas.CLUSTER_SCORES.frame(dated | row for row, _ in scored))
    build.write(schemas.LIFT_DRAWS, schemas.LIFT_DRAWS.frame(draws))
    build.write(schemas.NEIGHBOUR_SCORES, schemas.NEIGHBOUR_SCORES.frame({"as_of": as_of, **row} for row in near))
    columns = schemas.NEAREST_MATCHES.empty().columns
    build.write(schemas.NEAREST_MATCHES, matches.with_columns(as_of=pl.lit(as_of, pl.Date)).select(columns))
    build.metadata |= {"months": horizon.over, "finished": horizon.finished}


@asset(
    schemas.LIFT_INTERVALS,
    schemas.NEAREST_SHARES,
    reads={"cluster_scores": whole},
    config=["clusters.horizon_months"],
    kinds=["scipy"],
)
def lift_intervals(build: Build) -> None:
    """Say how sure the mean lift of every method is, and how often its nearest peers share the SIC major group."""
    from assets.clusters.evaluation import interval_rows
    from assets.clusters.nearest import nearest_shares

    horizon = build.profile.clusters.horizon_months
    rows = interval_rows(build.read("cluster_scores"), build.read("lift_draws"), horizon)
    build.write(schemas.LIFT_INTERVALS, schemas.LIFT_INTERVALS.frame(rows))
    build.write(schemas.NEAREST_SHARES, schemas.NEAREST_SHARES.frame(nearest_shares(build.read("nearest_matches"))))


@asset(
    schemas.PEER_SCORES,
    schemas.PEER_SCORE_DRAWS,
    schemas.MONTHLY_R2,
    schemas.HORIZON_LOSSES,
    partitioning="as_of",
    reads=KNOWN | {"monthly_returns": months_around("clusters.train_months", "clusters.long_horizon_months")},
    config=[
        *HOW_KNOWN,
        *(f"clusters.{key}" for key in ("horizon_months", "long_horizon_months", "fundamentals", "seed")),
    ],
    fingerprint=_figures_too,
    kinds=["scikitlearn", "polars"],
)
def peer_scores(build: Build) -> None:
    """Score the peers that every method names on the months after the as-of date, once all of a horizon are over."""
    from assets.clusters.evaluation import horizon_after
    from assets.clusters.evidence import evidence_of
    from assets.clusters.given_files import figures_of
    from assets.clusters.scoreboard.next_year import next_year
    from assets.clusters.scoreboard.tables import peer_rows, peers_by_method

    as_of, settings = month_end(build.partition or ""), build.profile.clusters
    later = build.read("monthly_returns").filter(pl.col("month") > as_of)
    after = usable(later, build.profile.returns.exclude)
    horizons = [horizon_after(as_of, months, later) for months in settings.horizons]
    finished = [horizon for horizon in horizons if horizon.finished]
    evidence = evidence_of(build)
    outcomes = next_year(figures_of(settings, evidence.known.ids), evidence.known.ids, as_of)
    named = peers_by_method(evidence, settings.seed)
    rows = peer_rows(named, evidence, after, finished, settings.seed, outcomes)
    for table, name in (
        (schemas.PEER_SCORES, "scores"),
        (schemas.PEER_SCORE_DRAWS, "draws"),
        (schemas.MONTHLY_R2, "monthly"),
        (schemas.HORIZON_LOSSES, "lost"),
    ):
        build.write(table, table.frame({"as_of": as_of, **row} for found in rows for row in getattr(found, name)))
    build.metadata["finished"] = [len(horizon.months) for horizon in finished]


@asset(
    schemas.RIVAL_SCORES,
    partitioning="as_of",
    reads=KNOWN | {"named_rivals": whole, "monthly_returns": months_around("clusters.train_months")},
    config=HOW_KNOWN,
    fingerprint=_given_files_now,
    kinds=["scikitlearn", "statsmodels"],
)
def rival_scores(build: Build) -> None:
    """Count the rivals that companies name among the nearest pairs of every method whose text can be masked."""
    from assets.clusters.evidence import evidence_of
    from assets.clusters.scoreboard.rivals import masked_evidence, rival_rows
    from assets.features.rivals import masked_texts

    as_of, rivals, rows = month_end(build.partition or ""), build.read("named_rivals"), list[dict[str, object]]()
    if rivals.height:
        evidence = evidence_of(build)
        texts = masked_texts(evidence.known.companies.select("company_id", "text"), rivals)
        rows = list(rival_rows(masked_evidence(evidence, texts, build.read("masked_vectors")), rivals))
    build.write(schemas.RIVAL_SCORES, schemas.RIVAL_SCORES.frame({"as_of": as_of, **row} for row in rows))


@asset(
    schemas.PEER_INTERVALS,
    schemas.R2_DIFFERENCES,
    schemas.SCORE_DIFFERENCES,
    reads={"peer_scores": whole},
    kinds=["scipy", "matplotlib"],
)
def peer_intervals(build: Build) -> None:
    """Say what every method's peers are worth over all dates, how sure that is, and by how much methods differ."""
    from assets.clusters.scoreboard.curve_figure import CAPTION, curve_figure
    from assets.clusters.scoreboard.pooled import difference_rows, interval_rows, r2_rows, score_difference_rows

    monthly = build.read("monthly_r2")
    scores, draws = build.read("peer_scores"), build.read("peer_score_draws")
    scored = interval_rows(scores, draws)
    intervals = schemas.PEER_INTERVALS.frame([*scored, *r2_rows(monthly)])
    build.write(schemas.PEER_INTERVALS, intervals)
    build.write(schemas.R2_DIFFERENCES, schemas.R2_DIFFERENCES.frame(difference_rows(monthly)))
    build.write(schemas.SCORE_DIFFERENCES, schemas.SCORE_DIFFERENCES.frame(score_difference_rows(scores, draws)))
    build.picture("curve", curve_figure(intervals), CAPTION)


@asset(
    schemas.STACK_COEFFICIENTS,
    schemas.STACK_PARTS,
    partitioning="as_of",
    reads=KNOWN | {"monthly_returns": months_around("clusters.train_months")},
    config=[*HOW_KNOWN, "clusters.neighbours", "clusters.seed"],
    fingerprint=_given_files_now,
    kinds=["scipy"],
)
def peer_stack(build: Build) -> None:
    """Weigh themes, words, SIC codes and past returns by what they were worth before the date; name the nearest."""
    from assets.clusters.evidence import evidence_of
    from assets.clusters.intervals import firm_weights
    from assets.clusters.stacking.rows import coefficient_rows, part_rows
    from assets.clusters.stacking.stacked import stacked
    from assets.clusters.stacking.terms import terms

    as_of, settings = month_end(build.partition or ""), build.profile.clusters
    evidence = evidence_of(build)
    ids = evidence.known.ids
    found = stacked(terms(evidence), firm_weights(ids, settings.seed))
    coefficients = [{"as_of": as_of, **row} for row in coefficient_rows(found)]
    parts = part_rows(found, ids, settings.neighbours).with_columns(as_of=pl.lit(as_of, pl.Date))
    build.write(schemas.STACK_COEFFICIENTS, schemas.STACK_COEFFICIENTS.frame(coefficients))
    build.write(schemas.STACK_PARTS, parts.select(schemas.STACK_PARTS.empty().columns))


@asset(
    schemas.STACK_PATH,
    reads={"peer_stack": whole},
    kinds=["matplotlib"],
)
def stack_path(build: Build) -> None:
    """Say what each term of stack was worth over all dates, and draw it."""
    from assets.clusters.stacking.path_figure import CAPTION, path_figure
    from assets.clusters.stacking.rows import path_rows

    coefficients = build.read("stack_coefficients")
    build.write(schemas.STACK_PATH, schemas.STACK_PATH.frame(path_rows(coefficients)))
    build.picture("coefficients", path_figure(coefficients), CAPTION)


@asset(
    schemas.PAPER_CLUSTERS,
    schemas.PAPER_CUTS,
    schemas.PAPER_SCORES,
    reads={
        "company_features": where_paper,
        "company_embeddings": where_paper,
        "descriptions": where_paper,
        "filings": where_paper,
        "monthly_returns": where_paper,
    },
    config=["paper"],
    runs_with=["returns", "descriptions", "filing_years"],  # in the fingerprint, where the paper is asked for
    also=["resources.universe.authors_returns:read_authors_returns"],
    fingerprint=paper_inputs_now,
    kinds=["scikitlearn", "scipy"],
)
def paper_clusters(build: Build) -> None:
    """[paper] C-CD, rolling G-CDR and their baselines with MeanCorr, look-ahead included; empty unless asked for."""
    from assets.clusters.paper.clustering import PaperTables, paper_tables, paper_years
    from assets.clusters.paper.inputs import PaperInputs

    tables, settings = PaperTables(), build.profile.paper
    if settings.enabled:
        inputs = PaperInputs(build)
        years = paper_years(inputs.filings, inputs.returns)
        components = inputs.components(years)
        with build.progress(len(years), "years") as progress:
            tables = paper_tables(years, components, inputs.embeddings, settings, progress=progress)
        build.metadata |= inputs.metadata | {"years": len(years)}
    build.write(schemas.PAPER_CLUSTERS, schemas.PAPER_CLUSTERS.frame(tables.clusters))
    build.write(schemas.PAPER_CUTS, schemas.PAPER_CUTS.frame(tables.cuts))
    build.write(schemas.PAPER_SCORES, schemas.PAPER_SCORES.frame(tables.scores))
