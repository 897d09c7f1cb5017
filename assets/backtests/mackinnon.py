"""MacKinnon's p of a Dickey-Fuller t of the residuals of two series, for many at once."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from statsmodels.tsa import adfvalues

Floats = NDArray[np.float64]

SERIES = 1
"""Row of the tables for two series, of which one is regressed on the other with a constant."""


def mackinnon_p(t: Floats) -> Floats:
    """Return the approximate asymptotic p of each t (MacKinnon 1994), as `statsmodels.tsa.adfvalues.mackinnonp` does.

    The tables are those of statsmodels, whose function takes one t a call, 60 microseconds each.

    Parameters
    ----------
    t : [tests] float64
        None is NaN.
    """
    small, large = (
        np.polynomial.polynomial.polyval(t, table[SERIES]) for table in (adfvalues.tau_c_smallp, adfvalues.tau_c_largep)
    )
    p = ndtr(np.where(t <= adfvalues.tau_star_c[SERIES], small, large))
    found: Floats = np.select([t > adfvalues.tau_max_c[SERIES], t < adfvalues.tau_min_c[SERIES]], [1.0, 0.0], p)
    return found
