"""The rule behind a label: any of at most three terms, and how well it tells active windows from inactive ones."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.proportion import proportion_confint

from assets.features.labels.windows import Drawn

TERMS_IN_RULE = 3
FIRST_TERMS = 10
"""Rules begin with one of so many terms, the surest ones."""
MIN_GAIN = 0.003
"""Of balanced accuracy, that a further term must bring."""
CONFIDENCE = 0.95


class Score(NamedTuple):
    """Balanced accuracy over windows, with Wilson's interval."""

    value: float
    low: float
    high: float


def balanced_accuracy(hits: NDArray[np.bool_], drawn: Drawn) -> float:
    """Return the mean of the share of active windows that a rule hits and of inactive ones that it does not.

    Parameters
    ----------
    hits : [windows]
        Whether a window has one of the rule's terms.
    """
    return float(hits[drawn.active].mean() + 1 - hits[drawn.inactive].mean()) / 2


def score(hits: NDArray[np.bool_], drawn: Drawn) -> Score:
    """Return the balanced accuracy and its 95 % interval; active and inactive windows are as many."""
    value = balanced_accuracy(hits, drawn)
    low, high = proportion_confint(value * drawn.size, drawn.size, alpha=1 - CONFIDENCE, method="wilson")
    return Score(value, float(low), float(high))


def grown_rules(has: NDArray[np.bool_], made: Drawn) -> Iterator[tuple[tuple[int, ...], float]]:
    """Yield rules of one to three terms, each grown from a sure term by what helps most on the making set.

    Parameters
    ----------
    has : [windows, terms]
        Whether a window has a term; terms by contrast, the surest first.
    made : Drawn
        Windows of the making set.

    Yields
    ------
    tuple of int, float
        Columns of `has`, and the balanced accuracy on the making set.
    """
    inside, outside = has[made.active], has[made.inactive]
    for first in range(min(FIRST_TERMS, has.shape[1])):
        rule, hit, missed = [first], inside[:, first].copy(), outside[:, first].copy()
        value = (hit.mean() + 1 - missed.mean()) / 2
        yield tuple(rule), float(value)
        while len(rule) < TERMS_IN_RULE:
            values = ((inside | hit[:, None]).mean(axis=0) + 1 - (outside | missed[:, None]).mean(axis=0)) / 2
            values[rule] = -1.0
            best = int(values.argmax())
            if values[best] <= value + MIN_GAIN:
                break
            rule.append(best)
            hit, missed, value = hit | inside[:, best], missed | outside[:, best], values[best]
            yield tuple(sorted(rule)), float(value)


def same_words(terms: Sequence[str]) -> bool:
    """Whether one term of a rule stands for another: `treat*` beside `treatment`."""
    stems = [term.rstrip("*") for term in terms]
    return any(a != b and b.startswith(a) for a in stems for b in stems)
