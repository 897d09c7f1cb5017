"""Explanations of latents by a language model, each scored on companies that it was not made from."""

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from assets.features.explainer_prompts import (
    LONGEST_EXPLANATION,
    Messages,
    detection_prompt,
    explanation_prompt,
    fuzzing_prompt,
    read_explanation,
    read_verdicts,
    wrongly_marked,
)
from resources.explainer.budget import Budget, prompt_tokens
from resources.explainer.errors import BudgetError, NoAnswerError
from resources.settings.explainer import Explainer

WINDOWS_PER_PROMPT = 5
"""As in delphi."""
MIN_WINDOWS = 10
"""A score of fewer is not told."""
MIN_MADE = 3
"""Active windows below which there is nothing to explain."""
WORKERS = 4
"""Latents in work at once; how fast prompts are sent is the client's affair."""
_A_YEAR = 365 * 86_400.0
"""Ctrl-C cannot end a wait without a timeout once Polars is imported."""
EXPLANATIONS = {
    "latent": pl.Int32,
    "explanation": pl.String,
    "explanation_score": pl.Float64,
    "fuzzing_score": pl.Float64,
    "explanation_windows": pl.Int32,
}
OF_THE_EXPLAINER = tuple(name for name in EXPLANATIONS if name != "latent")
"""Columns of `latent_labels` that are empty without an explainer."""


class Client(Protocol):
    """What `explain` needs of `resources.explainer.client.ChatClient`."""

    budget: Budget

    def ask(self, messages: Messages) -> str:
        """Return the answer to a prompt."""

    def stop(self) -> None:
        """Send nothing more."""


@dataclass(frozen=True)
class LatentWindows:
    """Windows of text of one latent, from companies that made its label, and from those that score it.

    Words that set them apart are marked <<like this>>; active ones come strongest first.
    """

    active_made: Sequence[str]
    active_scored: Sequence[str]
    inactive_scored: Sequence[str]


@dataclass
class _Score:
    """Verdicts of the scorer on windows of which the truth is known."""

    right: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    counted: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    failed: int = 0
    """Prompts without an answer of the right form; their windows do not count."""

    @property
    def windows(self) -> int:
        return sum(self.counted.values())

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean of the shares of right verdicts on both kinds; None below `MIN_WINDOWS`, or where a kind has none."""
        if self.windows < MIN_WINDOWS or not all(self.counted.values()):
            return None
        return sum(self.right[kind] / self.counted[kind] for kind in (True, False)) / 2


@dataclass(frozen=True)
class _Explained:
    """What came of one latent."""

    explanation: str | None = None
    detection: _Score = field(default_factory=_Score)
    fuzzing: _Score = field(default_factory=_Score)
    outcome: str = "explained"


def explain(
    latents: Mapping[int, LatentWindows],
    client: Client,
    settings: Explainer,
    progress: Callable[[int], None],
    log: Callable[[str], None],
) -> pl.DataFrame:
    """Explain the first latents, as many as the client's budget is enough for, and score the explanations.

    The explainer sees windows of the making companies alone, the scorer those of the scoring companies alone. What it
    will cost is estimated and logged before anything is spent.

    Parameters
    ----------
    latents : mapping
        Windows by latent, in order of importance.
    client : Client
        The language model, with what is left of its budget.
    settings : Explainer
        How many windows are shown and scored.
    progress : callable
        Called with numbers of finished latents, which add up to all.
    log : callable
        Called with a line before anything is spent, and one at the end.

    Returns
    -------
    DataFrame(latent, explanation, explanation_score, fuzzing_score, explanation_windows)
        A row for every latent that has an explanation, in the order of `latents`. Scores are balanced accuracies; 1/2
        is guessing. They are empty below ten windows whose verdicts could be read.

    Raises
    ------
    EndpointError
        The endpoint refuses everything, or does not answer.
    """
    able = {latent: windows for latent, windows in latents.items() if len(windows.active_made) >= MIN_MADE}
    chosen = _affordable(able, client.budget, settings, log)
    progress(len(latents) - len(chosen))
    done = dict(_all_explained({latent: able[latent] for latent in chosen}, client, settings, progress))
    if chosen:
        log(_summary(list(done.values()), client.budget))
    rows = [_row(latent, done[latent]) for latent in chosen if done[latent].explanation is not None]
    return pl.DataFrame(rows, schema=EXPLANATIONS, orient="row")


def with_explanations(labels: pl.DataFrame, explained: pl.DataFrame | None) -> pl.DataFrame:
    """Return labels with the columns of `explain`, empty where a latent, or None at all, was explained.

    Parameters
    ----------
    labels : DataFrame
        Rows of one block of one entry, with `latent`.
    explained : DataFrame or None
        Rows of `explain` of the same.
    """
    rows = pl.DataFrame(schema=EXPLANATIONS) if explained is None else explained
    return labels.drop(OF_THE_EXPLAINER, strict=False).join(rows, on="latent", how="left", maintain_order="left")


def _affordable(
    latents: Mapping[int, LatentWindows], budget: Budget, settings: Explainer, log: Callable[[str], None]
) -> list[int]:
    """Return the first latents whose prompts, at their estimated cost, fit into what is left; say so."""
    costs = {latent: _cost(latent, windows, settings) for latent, windows in latents.items()}
    prompts, tokens = (sum(cost[place] for cost in costs.values()) for place in range(2))
    left, total, chosen = max(budget.left, 0), 0, []
    for latent, (_, cost) in costs.items():
        if (total := total + cost) > left:
            break
        chosen.append(latent)
    whose = "all" if len(chosen) == len(costs) else f"the first {len(chosen):,} of"
    log(
        f"explainer: about {prompts:,} prompts, {tokens:,} tokens at the most, {left:,} of the limit "
        f"{budget.limit:,} left: {whose} {len(costs):,} latents are explained"
    )
    return chosen


def _cost(latent: int, windows: LatentWindows, settings: Explainer) -> tuple[int, int]:
    """Return how many prompts a latent takes, and about how many tokens with their answers, rather too many."""
    longest = "x" * LONGEST_EXPLANATION
    detection = [
        detection_prompt(longest, [text for text, _ in part]) for part in _detection(latent, windows, settings)
    ]
    fuzzing = [fuzzing_prompt(longest, [text for text, _ in part]) for part in _fuzzing(latent, windows, settings)]
    prompts = [explanation_prompt(_spread(windows.active_made, settings.examples)), *detection, *fuzzing]
    return len(prompts), sum(prompt_tokens(prompt) + settings.answer_tokens for prompt in prompts)


def _all_explained(
    latents: Mapping[int, LatentWindows], client: Client, settings: Explainer, progress: Callable[[int], None]
) -> Iterator[tuple[int, _Explained]]:
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = {pool.submit(_explained, *item, client, settings): item[0] for item in latents.items()}
        try:
            for future in as_completed(futures, _A_YEAR):
                yield futures[future], future.result()
                progress(1)
        except BaseException:
            client.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _explained(latent: int, windows: LatentWindows, client: Client, settings: Explainer) -> _Explained:
    """Explain and score a latent: all of it, or nothing where the budget ends on the way."""
    try:
        explanation = read_explanation(client.ask(explanation_prompt(_spread(windows.active_made, settings.examples))))
        if explanation is None:
            return _Explained(outcome="without a phrase")
        detection = _score(client, explanation, detection_prompt, _detection(latent, windows, settings))
        return _Explained(
            explanation, detection, _score(client, explanation, fuzzing_prompt, _fuzzing(latent, windows, settings))
        )
    except NoAnswerError:
        return _Explained(outcome="without an answer")
    except BudgetError:
        return _Explained(outcome="beyond the limit")


Truth = list[tuple[str, bool]]
"""Windows, and whether the verdict on each should be yes."""


def _detection(latent: int, windows: LatentWindows, settings: Explainer) -> list[Truth]:
    """Return active and inactive windows, mixed, in parts of one prompt."""
    active, inactive = (_spread(given, settings.scored) for given in (windows.active_scored, windows.inactive_scored))
    mixed = [(window, True) for window in active] + [(window, False) for window in inactive]
    random.Random(f"detection {latent}").shuffle(mixed)
    return _parts(mixed)


def _fuzzing(latent: int, windows: LatentWindows, settings: Explainer) -> list[Truth]:
    """Return active windows with right and with wrong marks, never both of one window in a prompt."""
    if not settings.fuzzing:
        return []
    pairs = [
        (window, wrong)
        for window in _spread(windows.active_scored, settings.scored)
        if (wrong := wrongly_marked(window, f"fuzzing {latent}"))
    ]
    order = [bool(place % 2) for place in range(len(pairs))]
    random.Random(f"fuzzing {latent}").shuffle(order)
    halves: tuple[Truth, Truth] = ([], [])
    for (right, wrong), first in zip(pairs, order, strict=True):
        halves[0 if first else 1].append((right, True))
        halves[1 if first else 0].append((wrong, False))
    # A half has each window once: beside each other, the two versions would tell which is which.
    return [part for half in halves for part in _parts(half)]


def _score(
    client: Client, explanation: str, prompt: Callable[[str, Sequence[str]], Messages], parts: Sequence[Truth]
) -> _Score:
    score = _Score()
    for part in parts:
        try:
            verdicts = read_verdicts(client.ask(prompt(explanation, [text for text, _ in part])), len(part))
        except NoAnswerError:
            verdicts = None
        if verdicts is None:
            score.failed += 1
            continue
        for (_, truth), verdict in zip(part, verdicts, strict=True):
            score.counted[truth] += 1
            score.right[truth] += verdict == truth
    return score


def _spread(windows: Sequence[str], count: int) -> list[str]:
    """Return so many windows, evenly spaced: of active ones, from all strengths."""
    step = max(1.0, len(windows) / count)
    return [windows[math.floor(place * step)] for place in range(min(count, len(windows)))]


def _parts(truth: Truth) -> list[Truth]:
    return [truth[start : start + WINDOWS_PER_PROMPT] for start in range(0, len(truth), WINDOWS_PER_PROMPT)]


def _row(latent: int, done: _Explained) -> tuple[object, ...]:
    scores = (done.detection.balanced_accuracy, done.fuzzing.balanced_accuracy)
    return (latent, done.explanation, *scores, done.detection.windows)


def _summary(done: Sequence[_Explained], budget: Budget) -> str:
    outcomes = [one.outcome for one in done]
    others = [f"{outcomes.count(kind):,} {kind}" for kind in sorted(set(outcomes) - {"explained"})]
    counts = ", ".join([f"{outcomes.count('explained'):,} explained", *others])
    failed = sum(one.detection.failed + one.fuzzing.failed for one in done)
    spent = budget.spent
    cost = f"{spent.tokens:,} tokens so far, {spent.cached_tokens:,} of them from the cache"
    return f"explainer: {counts}; {failed:,} answers of the scorer could not be read; {cost}"
