"""MacKinnon's p for many t, against statsmodels one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.tsa.adfvalues import mackinnonp

from assets.backtests.mackinnon import mackinnon_p

EDGES = [-18.86, -2.62, 0.92]
"""Where statsmodels changes the polynomial: below the first p is 0, above the last 1."""


@given(st.lists(st.floats(-1e17, 1e17) | st.floats(-20, 2), min_size=1, max_size=30))
def test_p_is_that_of_statsmodels(t: list[float]) -> None:
    asked = np.array([*t, *EDGES, *np.nextafter(EDGES, -np.inf), *np.nextafter(EDGES, np.inf)])
    np.testing.assert_allclose(mackinnon_p(asked), [mackinnonp(one, "c", 2) for one in asked], rtol=1e-12, atol=1e-300)
