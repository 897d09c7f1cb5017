"""Explanations: what they score, what they cost, and that nobody sees the other set's windows."""

import random
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from fakes.chat_server import Brain, ChatServer, knows, windows_of

from assets import schemas
from assets.features.explainer_prompts import DETECT, EXPLAIN, FUZZ
from assets.features.explaining import EXPLANATIONS, LatentWindows, explain, with_explanations
from resources.explainer.budget import Budget
from resources.explainer.client import ChatClient
from resources.explainer.errors import EndpointError
from resources.network.retry import RetryPolicy
from resources.settings.explainer import Explainer

QUICK = RetryPolicy(attempts=3, first_wait=0.01, longest_wait=0.02)


def latent(word: str, count: int = 10, where: str = "") -> LatentWindows:
    """Windows of a latent that is active where this word is."""
    active = [f"Company {n} makes <<{word}>> for customers in many countries{where}." for n in range(2 * count)]
    inactive = [f"Company {n} lends money to families and small firms{where}." for n in range(count)]
    return LatentWindows(active[:count], active[count:], inactive)


class Asked:
    """A model in this process: no requests, so that thousands of windows take no time."""

    def __init__(self, brain: Brain) -> None:
        self.brain, self.budget = brain, Budget(10**9)

    def ask(self, messages: list[dict[str, str]]) -> str:
        return self.brain(messages)

    def stop(self) -> None:
        pass


def verdicts(choose: Brain) -> Brain:
    """A model that explains, and judges as it is told."""
    return lambda messages: '{"theme": "oil"}' if messages[0]["content"] == EXPLAIN else choose(messages)


def settings(**others: object) -> Explainer:
    given = {"url": "http://127.0.0.1:9/v1", "model": "small", "key_variable": None, "requests_per_second": 10}
    return Explainer.model_validate({**given, "timeout": 20, **others})


def explained(brain: Brain, latents: dict[int, LatentWindows], **others: object) -> pl.DataFrame:
    return explain(latents, Asked(brain), settings(**others), lambda n: None, lambda line: None)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(knows("oil")) as running:
        yield running


class Run:
    """One run against the server: rows, what was logged, and the client with what it spent."""

    def __init__(self, server: ChatServer, folder: Path, latents: dict[int, LatentWindows], **others: object) -> None:
        given = settings(url=server.url, **others)
        self.client, self.lines, self.done = ChatClient(given, folder, QUICK), list[str](), 0
        self.asked_at_first_line: int | None = None
        self.server = server
        self.rows = explain(latents, self.client, given, self._progress, self._log)

    def _progress(self, number: int) -> None:
        self.done += number

    def _log(self, line: str) -> None:
        if not self.lines:
            self.asked_at_first_line = len(self.server.asked)
        self.lines.append(line)


def test_one_that_always_knows_scores_one(server: ChatServer, tmp_path: Path) -> None:
    run = Run(server, tmp_path, {7: latent("oil")})
    assert run.rows.schema == pl.Schema(EXPLANATIONS)
    assert run.rows.rows() == [(7, "oil", 1.0, 1.0, 20)]
    assert len(server.asked) == 1 + 4 + 4
    assert run.done == 1


def test_one_that_says_yes_to_everything_scores_a_half() -> None:
    yes = verdicts(lambda messages: str([1] * len(windows_of(messages[1]["content"]))))
    assert explained(yes, {7: latent("oil")}).rows() == [(7, "oil", 0.5, 0.5, 20)]


def test_one_that_guesses_scores_about_a_half() -> None:
    draws = random.Random(0)
    guess = verdicts(lambda messages: str([draws.randint(0, 1) for _ in windows_of(messages[1]["content"])]))
    rows = explained(guess, {7: latent("oil", 1000)}, scored=1000)
    assert rows["explanation_windows"].item() == 2000
    # Three standard errors of a mean of 2,000 guesses.
    assert rows["explanation_score"].item() == pytest.approx(0.5, abs=0.034)
    assert rows["fuzzing_score"].item() == pytest.approx(0.5, abs=0.034)


def test_a_wrong_explanation_scores_a_half_where_a_right_one_scores_one() -> None:
    wrong = explained(knows("steel"), {7: latent("oil")})
    assert wrong["explanation_score"].item() == 0.5
    assert explained(knows("oil"), {7: latent("oil")})["explanation_score"].item() == 1


def test_the_explainer_sees_the_making_set_and_the_scorer_the_scoring_set_alone(
    server: ChatServer, tmp_path: Path
) -> None:
    windows = latent("oil")
    apart = LatentWindows(
        [text.replace("Company", "Maker") for text in windows.active_made],
        [text.replace("Company", "Judge") for text in windows.active_scored],
        [text.replace("Company", "Judge") for text in windows.inactive_scored],
    )
    Run(server, tmp_path, {7: apart})
    for asked in server.asked:
        instruction, question = (message["content"] for message in asked.body["messages"])
        assert ("Maker" in question, "Judge" in question) == (instruction == EXPLAIN, instruction != EXPLAIN)


def test_no_prompt_has_one_window_with_right_and_with_wrong_marks(server: ChatServer, tmp_path: Path) -> None:
    Run(server, tmp_path, {7: latent("oil")})
    asked = [asked.body["messages"] for asked in server.asked]
    fuzzing = [windows_of(question["content"]) for instruction, question in asked if instruction["content"] == FUZZ]
    assert len(fuzzing) == 4
    for part in fuzzing:
        texts = [text.replace("<<", "").replace(">>", "") for text in part]
        assert len(set(texts)) == len(texts) == 5


def test_an_answer_of_the_wrong_length_or_in_prose_does_not_count(server: ChatServer, tmp_path: Path) -> None:
    answers, lies = iter(range(100)), {1: "[1, 0]", 6: "I would say the first two."}
    always = knows("oil")

    def sometimes(messages: list[dict[str, str]]) -> str:
        number = next(answers)
        return lies.get(number) or always(messages)

    server.brain = sometimes
    run = Run(server, tmp_path, {7: latent("oil")})
    assert run.rows.rows() == [(7, "oil", 1.0, 1.0, 15)]
    assert "2 answers of the scorer could not be read" in run.lines[-1]


def test_a_score_of_few_windows_is_empty() -> None:
    rows = explained(knows("oil"), {7: latent("oil", 4)})
    assert rows.rows() == [(7, "oil", None, None, 8)]
    one_kind = LatentWindows(latent("oil").active_made, latent("oil", 20).active_scored, [])
    assert explained(knows("oil"), {7: one_kind})["explanation_score"].item() is None


@pytest.mark.parametrize("answer", ["", '{"theme": null}', "I'm sorry, I can't help with that."])
def test_a_latent_without_a_phrase_has_no_row_and_is_not_scored(
    server: ChatServer, tmp_path: Path, answer: str
) -> None:
    server.brain = lambda messages: answer
    run = Run(server, tmp_path, {7: latent("oil")})
    assert run.rows.is_empty()
    assert len(server.asked) == 1
    assert "0 explained, 1 without a phrase" in run.lines[-1]
    assert run.done == 1


def test_the_cost_is_told_before_anything_is_spent_and_the_first_ones_are_explained(
    server: ChatServer, tmp_path: Path
) -> None:
    latents = {number: latent("oil", where=f" {number}") for number in (5, 3, 8)}
    run = Run(server, tmp_path, latents, max_tokens=8000)
    first = run.lines[0]
    assert run.asked_at_first_line == 0
    assert first.startswith("explainer: about 27 prompts, ")
    assert "8,000 of the limit 8,000 left: the first 2 of 3 latents are explained" in first
    assert run.rows["latent"].to_list() == [5, 3]
    assert run.client.budget.spent.tokens <= 8000
    assert run.done == 3


def test_a_limit_that_is_enough_for_none_spends_nothing(server: ChatServer, tmp_path: Path) -> None:
    run = Run(server, tmp_path, {7: latent("oil")}, max_tokens=100)
    assert "the first 0 of 1 latents are explained" in run.lines[0]
    assert run.rows.is_empty()
    assert server.asked == []


def test_a_budget_that_ends_on_the_way_leaves_whole_latents_and_is_not_exceeded(
    server: ChatServer, tmp_path: Path
) -> None:
    told = knows("oil")
    # Four times as long as an answer may be, so that the plan is too cheap.
    server.brain = lambda messages: f"<think>{'so ' * 530}</think>{told(messages)}"
    latents = {number: latent("oil", where=f" {number}") for number in range(8)}
    run = Run(server, tmp_path, latents, max_tokens=17_000, fuzzing=False)
    assert "all 8 latents are explained" in run.lines[0]
    assert "beyond the limit" in run.lines[-1]
    assert 0 < run.rows.height < 8
    assert run.rows["explanation_score"].to_list() == [1.0] * run.rows.height
    assert run.done == 8
    # Prompts in flight were allowed 100 tokens of answer each, and took about 300 more.
    assert run.client.budget.spent.tokens <= 17_000 + 4 * 320


def test_a_second_run_gives_the_same_rows_without_a_request(server: ChatServer, tmp_path: Path) -> None:
    latents = {number: latent("oil", where=f" {number}") for number in range(2)}
    first = Run(server, tmp_path, latents)
    asked = len(server.asked)
    second = Run(server, tmp_path, latents)
    assert second.rows.equals(first.rows)
    assert len(server.asked) == asked
    spent = second.client.budget.spent
    assert spent.tokens == spent.cached_tokens == first.client.budget.spent.tokens
    assert f"{spent.tokens:,} of them from the cache" in second.lines[-1]


def test_two_views_share_one_budget(server: ChatServer, tmp_path: Path) -> None:
    given = settings(url=server.url, max_tokens=4000)
    client, lines = ChatClient(given, tmp_path, QUICK), list[str]()
    for number in range(2):
        explain({0: latent("oil", where=f" {number}")}, client, given, lambda n: None, lines.append)
    plans = [line for line in lines if "about" in line]
    assert "4,000 of the limit 4,000 left: all 1" in plans[0]
    assert f"{client.budget.left:,} of the limit 4,000 left: the first 0 of 1" in plans[1]


def test_a_refusal_of_the_endpoint_ends_the_run(server: ChatServer, tmp_path: Path) -> None:
    server.always = "403"
    with pytest.raises(EndpointError, match="refuses the key"):
        Run(server, tmp_path, {number: latent("oil", where=f" {number}") for number in range(9)})
    assert len(server.asked) <= 4


def test_a_prompt_that_is_held_back_costs_its_windows_alone(server: ChatServer, tmp_path: Path) -> None:
    Run(server, tmp_path, {1: latent("oil")})
    client = ChatClient(given := settings(url=server.url), tmp_path, QUICK)
    client.ask([{"role": "user", "content": "hello"}] * 2)
    server.faults = [""] * 2 + ["400"]
    rows = explain({7: latent("oil", where=" 7")}, client, given, lambda n: None, lambda line: None)
    assert rows.rows() == [(7, "oil", 1.0, 1.0, 15)]


def test_without_fuzzing_nothing_is_asked_about_marks(server: ChatServer, tmp_path: Path) -> None:
    run = Run(server, tmp_path, {7: latent("oil")}, fuzzing=False)
    assert run.rows.rows() == [(7, "oil", 1.0, None, 20)]
    assert {asked.body["messages"][0]["content"] for asked in server.asked} == {EXPLAIN, DETECT}


def test_few_active_windows_are_not_explained() -> None:
    few = LatentWindows(["<<oil>>"] * 2, ["<<oil>>"] * 20, ["banks"] * 20)
    assert explained(knows("oil"), {7: few}).is_empty()


def test_labels_get_the_columns_whether_or_not_anything_was_explained() -> None:
    labels = pl.DataFrame({"latent": [1, 7], "label": ["a", "b"]}, schema_overrides={"latent": pl.Int32})
    assert with_explanations(labels, None)["explanation"].to_list() == [None, None]
    both = with_explanations(with_explanations(labels, None), explained(knows("oil"), {7: latent("oil")}))
    assert both["explanation"].to_list() == [None, "oil"]
    assert both["explanation_score"].to_list() == [None, 1.0]
    assert both["explanation_windows"].to_list() == [None, 20]
    assert set(EXPLANATIONS) <= set(schemas.LATENT_LABELS.schema.names)
