"""The paper's run from its data set to its scores, on a small stand-in, and what it says beforehand that it costs."""

from datetime import date
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from paper_standin import BLOCK, COMPANIES, LATENTS, WITHOUT_RETURNS, YEARS, authors_table, standin_profile
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import StandardScaler

from assets.clusters.linkage import cut
from assets.clusters.paper.distances import fit_scale
from pipelines.cost import texts_to_read
from pipelines.graph import open_graph
from resources.lake.build import build
from resources.lake.lake import Lake
from resources.lake.recipe import Graph
from resources.settings.profile import Profile

TODAY = date(2026, 1, 15)


def upstream(graph: Graph, *names: str) -> list[str]:
    """The assets that these read, directly or not, and they themselves, in order."""
    wanted = set(names)
    for name in reversed(list(graph.declarations)):
        if name in wanted:
            wanted |= set(graph.declarations[name].upstream)
    return [name for name in graph.declarations if name in wanted]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Profile, Lake]:
    folder = tmp_path_factory.mktemp("paper")
    profile = standin_profile(folder)
    graph, lake = open_graph(profile, TODAY), Lake(folder / "home", profile.name)
    for name in upstream(graph, "paper_clusters", "peer_clusters"):
        for partition in graph.partitions(name):
            assert build(graph, lake, name, partition).reasons
    return profile, lake


def rows(lake: Lake, table: str, asset: str, *partitions: str | None) -> pl.DataFrame:
    known = [manifest for partition in partitions or (None,) if (manifest := lake.manifest(asset, partition))]
    return pl.concat(pl.read_parquet(lake.table_files(one, table), glob=False) for one in known)


def labels_of(lake: Lake, method: str, year: int) -> pl.DataFrame:
    found = rows(lake, "paper_clusters", "paper_clusters").filter(method=method, year=year)
    return found.sort("company_id")


def test_every_method_clusters_the_companies_with_returns_and_rolling_waits_for_its_past(
    made: tuple[Profile, Lake],
) -> None:
    found = rows(made[1], "paper_clusters", "paper_clusters")
    assert f"{WITHOUT_RETURNS:010d}" not in found["company_id"]
    counts = found.group_by("method", "year").len()
    assert set(counts["len"]) == {len(COMPANIES) - 1}
    years = dict(found.group_by("method").agg(pl.col("year").unique().sort()).iter_rows())
    assert years.pop("g_cd_r") == list(YEARS[2:])
    assert years == {method: list(YEARS) for method in ("c_cd", "sic4", "division", "sbert")}


def test_the_scores_of_sic_are_the_papers_formula_on_the_data_sets_own_returns(made: tuple[Profile, Lake]) -> None:
    table, scores = authors_table(), rows(made[1], "paper_scores", "paper_clusters")
    for year in YEARS:
        of_year = table.filter(pl.col("year") == str(year), pl.col("logged_monthly_returns_matrix").is_not_null())
        means = []
        for _, members in of_year.group_by("sic_code"):
            returns = members["logged_monthly_returns_matrix"].to_list()
            means.append(np.mean([np.corrcoef(a, b)[0, 1] for a, b in combinations(returns, 2)]))
        assert scores.filter(method="sic4", year=year)["mean_corr"].item() == pytest.approx(np.mean(means))
    assert scores.filter(method="sic4")["mean_corr"].mean() > scores["all_pairs"].mean() + 0.2


def test_c_cd_is_scikit_learns_pca_of_sums_over_all_years(made: tuple[Profile, Lake]) -> None:
    profile, lake = made
    features = rows(lake, "company_features", "company_features", *(str(year + 1) for year in YEARS))
    assert set(features["pooling"]) == {"sum"} and set(features["entry"]) == {"theirs"}
    clustered = rows(lake, "paper_clusters", "paper_clusters").filter(method="c_cd").sort("year", "company_id")
    wide = np.zeros((clustered.height, LATENTS))
    place = {accession: i for i, accession in enumerate(clustered["accession"])}
    for accession, latent, value in features.select("accession", "latent", "value").iter_rows():
        if accession in place:
            wide[place[accession], latent] = value
    scores = PCA(profile.paper.components).fit_transform(StandardScaler().fit_transform(wide))
    upper = np.triu_indices(len(COMPANIES) - 1, 1)
    yearly = [1 - cosine_similarity(part)[upper] for part in np.split(scores, len(YEARS))]
    scale = fit_scale(yearly)
    for year, distances in zip(YEARS, yearly, strict=True):
        expected = cut(scale.z(distances), profile.paper.theta, "single")
        assert labels_of(lake, "c_cd", year)["cluster"].to_list() == expected.tolist()


def test_rolling_theta_is_what_the_cuts_of_the_years_before_say(made: tuple[Profile, Lake]) -> None:
    lake = made[1]
    cuts = rows(lake, "paper_cuts", "paper_clusters")
    chosen = rows(lake, "paper_scores", "paper_clusters").filter(method="g_cd_r")
    for year, theta in chosen.select("year", "theta").iter_rows():
        before = cuts.filter(pl.col("year").is_between(year - 2, year - 1))
        means = (
            before.group_by("theta").agg(pl.col("mean_corr").mean()).drop_nulls().sort("mean_corr", -pl.col("theta"))
        )
        assert theta == means["theta"][-1]


def test_a_second_run_makes_nothing_and_the_plan_had_said_how_much_is_read(made: tuple[Profile, Lake]) -> None:
    profile, lake = made
    graph = open_graph(profile, TODAY)
    assert build(graph, lake, "paper_clusters", None).reasons == ()
    texts = texts_to_read(profile, lake)
    years = [str(year + 1) for year in YEARS]
    read = rows(lake, "activations", "activations", *years)
    assert (texts.basis, sum(texts.tokens), len(texts.tokens)) == ("counted", read["tokens"].sum(), read.height)
    reading = [lake.manifest(asset, year) for asset in ("passage_vectors", "company_features") for year in years]
    assert sum(one.metadata["tokens_read"] for one in reading if one) == 2 * sum(texts.tokens)
    assert BLOCK in profile.features.blocks
