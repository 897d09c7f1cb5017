"""The fit of stack is that of least squares over pairs without negative weights, and finds what was planted."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from assets.clusters.intervals import firm_weights
from assets.clusters.stacking.fit import FEWEST_COMPANIES, fit, pair_products, solve

Matrix = np.ndarray
N = 40
IDS = [f"{number:03d}" for number in range(N)]


def symmetric(random: np.random.Generator, n: int = N) -> Matrix:
    made = random.normal(size=(n, n))
    return np.asarray((made + made.T) / 2)


def made_up(seed: int, noise: float = 0.5) -> tuple[list[Matrix], Matrix]:
    """Three terms that hang together, of which the last pulls down, and the result."""
    random = np.random.default_rng(seed)
    first, second, third = (symmetric(random) for _ in range(3))
    second = second + 0.5 * first
    later = 0.1 + 0.3 * first + 0.2 * second - 0.25 * third + noise * symmetric(random)
    return [first, second, third], later


def directly(known: list[Matrix], later: Matrix, weights: Matrix | None = None) -> Matrix:
    """Intercept and coefficients as scikit-learn finds them on a list of pairs."""
    one, other = np.triu_indices(N, 1)
    usable = np.isfinite(later[one, other]) & np.all([np.isfinite(term[one, other]) for term in known], axis=0)
    one, other = one[usable], other[usable]
    counts = None if weights is None else weights[one] * weights[other]
    rows = np.array([term[one, other] for term in known]).T
    model = LinearRegression(positive=True).fit(rows, later[one, other], counts)
    return np.array([model.intercept_, *model.coef_])


@pytest.mark.parametrize("seed", range(5))
def test_the_fit_is_that_of_a_regression_on_the_list_of_pairs(seed: int) -> None:
    known, later = made_up(seed)
    known[0][3, :] = known[0][:, 3] = later[5, 7] = later[7, 5] = np.nan
    found = fit(known, later)
    expected = directly(known, later)
    assert [found.intercept, *found.coefficients] == pytest.approx(expected, abs=1e-9)
    assert found.is_fitted and found.pairs == (N - 1) * (N - 2) // 2 - 1 and found.companies == N - 1
    assert (found.coefficients >= 0).all() and found.coefficients[2] == 0 and (found.coefficients[:2] > 0).all()


def test_in_a_bootstrap_sample_a_pair_counts_as_often_as_both_of_its_companies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known, later = made_up(1)
    weights = firm_weights(IDS, 0, draws=3)
    monkeypatch.setattr(f"{fit.__module__}.ROWS", 7)  # so that a sum is of several blocks
    found = pair_products([np.ones((N, N)), *known, later], ~np.eye(N, dtype=bool), weights)
    for products, counts in zip(found, weights, strict=True):
        assert solve(products) == pytest.approx(directly(known, later, counts), abs=1e-9)


def test_what_was_planted_is_found_and_is_inside_its_interval() -> None:
    random = np.random.default_rng(3)
    first, second, nothing = (symmetric(random) for _ in range(3))
    later = -0.05 + 0.3 * first + 0.1 * second + 0.1 * symmetric(random)
    found = fit([first, second, nothing], later, firm_weights(IDS, 0))
    assert [found.intercept, *found.coefficients] == pytest.approx([-0.05, 0.3, 0.1, 0.0], abs=0.02)
    assert found.low is not None and found.high is not None
    assert (found.low <= [-0.05, 0.3, 0.1, 0.0]).all() and (found.high >= [-0.05, 0.3, 0.1, 0.0]).all()
    assert (found.low[1:3] > 0).all() and found.low[3] == 0


def test_intervals_are_wider_where_companies_and_not_pairs_differ() -> None:
    """What a company brings to all of its pairs does not average out over them."""
    random = np.random.default_rng(4)
    own = random.normal(size=N)
    term, per_pair = symmetric(random), symmetric(random)
    term = term + own[:, None] + own[None, :]
    swing = random.normal(size=N)
    per_company = (swing[:, None] + swing[None, :]) / 2
    widths = []
    for error in (per_pair, per_company):
        found = fit([term], term + error / error.std(), firm_weights(IDS, 0))
        assert found.low is not None and found.high is not None
        widths.append(found.high[1] - found.low[1])
    assert widths[1] > 1.5 * widths[0]


def test_two_terms_that_are_one_share_its_weight() -> None:
    known, later = made_up(2)
    once, twice = fit(known[:1], later), fit([known[0], known[0]], later)
    assert twice.coefficients.sum() == pytest.approx(once.coefficients[0])
    assert twice.intercept == pytest.approx(once.intercept)


@pytest.mark.parametrize("later", [np.ones((N, N)), np.full((N, N), np.nan)], ids=["all the same", "nothing known"])
def test_where_nothing_is_told_the_terms_count_alike(later: Matrix) -> None:
    found = fit(made_up(0)[0], later, firm_weights(IDS, 0))
    assert not found.is_fitted and found.low is None
    assert found.intercept == 0 and found.coefficients.tolist() == [1 / 3] * 3


def test_a_term_that_all_pairs_have_alike_gets_nothing() -> None:
    known, later = made_up(0)
    found = fit([known[0], np.ones((N, N))], later)
    assert found.coefficients[1] == 0
    assert found.coefficients[0] == pytest.approx(fit(known[:1], later).coefficients[0])


def test_few_companies_are_not_fitted() -> None:
    known, later = made_up(0)
    few, enough = (slice(0, FEWEST_COMPANIES - 1), slice(0, FEWEST_COMPANIES))
    assert not fit([term[few, few] for term in known], later[few, few]).is_fitted
    assert fit([term[enough, enough] for term in known], later[enough, enough]).is_fitted
