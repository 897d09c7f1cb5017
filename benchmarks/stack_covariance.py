"""Whether shrinking a covariance matrix toward what `stack` foretells makes a minimum-variance portfolio calmer.

    python benchmarks/stack_covariance.py --scratch FOLDER                years of returns 2005-09
    python benchmarks/stack_covariance.py --scratch FOLDER --last-years   those of 2010-14, for a report

On `data/sp500` as scoreboard.py reads it: each December the companies with all months of the 60 before and 12 after it.
Weights sum to 1, short positions are free, and stay for a year. Shrunk are the sample's covariances: toward multiples
of the identity (scikit-learn's LedoitWolf), toward one market factor, and toward that factor with the correlations of
`stack` between what it leaves. The last two are shrunk by Ledoit and Wolf's (2003) formula without the covariance of
sample and target, so nothing is chosen by hand. Lower is better.
"""

import argparse
from datetime import date
from pathlib import Path

from resources.environment import models as models_home  # before numpy, whose threads it keeps from spinning

# isort: split
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scoreboard_evidence import Reading, known_companies, only, returns
from sklearn.covariance import LedoitWolf
from tables import show

from assets.clusters.methods import Known
from assets.clusters.peer_methods.nearness import Evidence
from assets.clusters.peer_methods.stack import stack
from assets.clusters.scoreboard.cross_section import newey_west
from assets.clusters.scores import return_matrix
from assets.partitions import months_later

Matrix = NDArray[np.float64]
AGAINST = "one factor"
YEAR = 12
MONTHS = 60
"""Before each as-of date, on which covariances are fitted."""
FIRST_YEARS, LAST_YEARS = range(2004, 2009), range(2009, 2014)
"""As-of Decembers."""
SMALLEST = 1e-6
"""Eigenvalue to which smaller ones of a matrix of foretold correlations are raised."""


def one_factor(returns: Matrix, correlations: Matrix) -> Matrix:
    """Return the covariances [n, n] of a market, the mean of all, and of what it leaves, which correlates as given."""
    spread = returns - returns.mean(axis=0)
    market = spread.mean(axis=1)
    beta = market @ spread / (market @ market)
    rest = (spread - np.outer(market, beta)).std(axis=0)
    return np.asarray(np.outer(beta, beta) * market.var() + correlations * np.outer(rest, rest))


def nearest_correlations(similarity: Matrix) -> Matrix:
    """Return a positive definite matrix with 1 on its diagonal: negative eigenvalues are cut."""
    given = (similarity + similarity.T) / 2
    np.fill_diagonal(given, 1.0)
    values, vectors = np.linalg.eigh(given)
    cut = (vectors * np.maximum(values, SMALLEST)) @ vectors.T
    scale = np.sqrt(np.diag(cut))
    return np.asarray(cut / np.outer(scale, scale))


def shrunk(returns: Matrix, target: Matrix) -> tuple[Matrix, float]:
    """Return the sample's covariances shrunk toward a target, and how far: 1 is all the way."""
    months = len(returns)
    spread = returns - returns.mean(axis=0)
    sample = spread.T @ spread / months
    noise = float(((spread**2).T @ (spread**2) / months - sample**2).sum()) / months
    share = min(max(noise / float(((sample - target) ** 2).sum()), 0.0), 1.0)
    return (1 - share) * sample + share * target, share


def minimum_variance(covariance: Matrix) -> Matrix:
    """Return weights [n] that sum to 1."""
    weights = np.linalg.solve(covariance, np.ones(len(covariance)))
    return np.asarray(weights / weights.sum())


def covariances(returns: Matrix, similarity: Matrix) -> dict[str, tuple[Matrix, float]]:
    """Return the covariances of every way, and how far each is shrunk."""
    plain = LedoitWolf().fit(returns)
    alone = one_factor(returns, np.eye(len(similarity)))
    near = one_factor(returns, nearest_correlations(similarity))
    return {
        "LedoitWolf (scikit-learn)": (plain.covariance_, float(plain.shrinkage_)),
        AGAINST: shrunk(returns, alone),
        "one factor and stack": shrunk(returns, near),
        "one factor, no sample": (alone, 1.0),
        "one factor and stack, no sample": (near, 1.0),
    }


def later_returns(
    known: Known, returns: pl.DataFrame, years: range
) -> tuple[dict[str, Matrix], dict[str, list[float]]]:
    """Return the monthly returns of every portfolio, less their mean of the year, and how far it was shrunk."""
    found: dict[str, list[Matrix]] = {}
    shares: dict[str, list[float]] = {}
    for year in years:
        as_of = date(year, 12, 31)
        months = [months_later(f"{year}-12", number) for number in range(1 - MONTHS, YEAR + 1)]
        matrix = return_matrix(returns, known.ids, months)
        whole = np.isfinite(matrix).all(axis=0)
        ids = [company for company, kept in zip(known.ids, whole, strict=True) if kept]
        before, after = matrix[:MONTHS, whole], matrix[MONTHS:, whole]
        similarity = stack(Evidence(only(known, ids), before)).similarity
        print(f"{as_of}: {len(ids)} companies", flush=True)
        for name, (covariance, share) in covariances(before, similarity).items():
            earned = after @ minimum_variance(covariance)
            found.setdefault(name, []).append(earned - earned.mean())
            shares.setdefault(name, []).append(share)
    return {name: np.concatenate(parts) for name, parts in found.items()}, shares


def main() -> None:
    """Print the yearly volatility of every portfolio and its variance less that of one factor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, required=True, help="folder in which what the model reads is kept")
    parser.add_argument("--models", type=Path, default=models_home(), help="folder of converted models")
    parser.add_argument("--last-years", action="store_true", help="years whose returns no choice was made on")
    options = parser.parse_args()
    years = LAST_YEARS if options.last_years else FIRST_YEARS
    known = known_companies(Reading(options.scratch, options.models))
    found, shares = later_returns(known, returns(date(years[-1] + 1, 12, 31)), years)
    rows = []
    for name, earned in found.items():
        # A year's own mean takes one of twelve degrees of freedom.
        squares = earned**2 * YEAR / (YEAR - 1)
        less = newey_west(1e4 * YEAR * (squares - found[AGAINST] ** 2 * YEAR / (YEAR - 1)))
        rows.append(
            {
                "shrunk toward": name,
                "volatility, % a year": f"{100 * np.sqrt(YEAR * squares.mean()):.2f}",
                f"variance less {AGAINST}": f"{less.mean:.1f}",
                "low": f"{less.low:.1f}",
                "high": f"{less.high:.1f}",
                "how far": f"{np.mean(shares[name]):.2f}",
            }
        )
    show("minimum-variance portfolios", pl.DataFrame(rows))


if __name__ == "__main__":
    main()
