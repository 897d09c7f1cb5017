"""The client against a small endpoint over real HTTP: what is asked again, what ends a run, what it costs."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.chat_server import ChatServer
from fakes.lying_server import LyingServer, drips

from resources.explainer.budget import most_prompt_tokens, prompt_tokens
from resources.explainer.chat_answer import read_answer
from resources.explainer.client import ChatClient
from resources.explainer.errors import BudgetError, EndpointError, NoAnswerError
from resources.network.retry import RetryPolicy, TransientError
from resources.settings.explainer import Explainer

QUICK = RetryPolicy(attempts=4, first_wait=0.01, longest_wait=0.02)
VARIABLE = "PEERLENS_TEST_KEY"


def prompt(text: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": "Repeat."}, {"role": "user", "content": text}]


def echo(messages: list[dict[str, str]]) -> str:
    return messages[-1]["content"].upper()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.setenv(VARIABLE, "sk-secret")
    with ChatServer(echo, key="sk-secret") as running:
        yield running


def settings(url: str, **others: object) -> Explainer:
    given = {"url": url, "model": "small", "key_variable": VARIABLE, "requests_per_second": 10, "timeout": 20}
    return Explainer.model_validate(given | others)


def client(server: ChatServer, folder: Path, **others: object) -> ChatClient:
    return ChatClient(settings(server.url, **others), folder, QUICK)


def refusal(client: ChatClient, text: str = "a") -> str:
    with pytest.raises(EndpointError) as caught:
        client.ask(prompt(text))
    return str(caught.value)


def test_a_prompt_is_answered_and_its_cost_is_what_the_endpoint_says(server: ChatServer, tmp_path: Path) -> None:
    asking = client(server, tmp_path)
    assert asking.ask(prompt("oil and gas")) == "OIL AND GAS"
    (asked,) = server.asked
    assert asked.body == {"model": "small", "messages": prompt("oil and gas"), "max_tokens": 100, "temperature": 0.0}
    assert asked.key == "Bearer sk-secret"
    assert asking.budget.spent.tokens == 1 + 2 + 3
    assert asking.budget.left == 200_000 - 6


def test_a_model_that_takes_no_temperature_gets_none(server: ChatServer, tmp_path: Path) -> None:
    client(server, tmp_path, temperature=None).ask(prompt("a"))
    assert "temperature" not in server.asked[0].body


def test_what_was_asked_before_costs_no_request(server: ChatServer, tmp_path: Path) -> None:
    first = client(server, tmp_path)
    first.ask(prompt("a"))
    second = client(server, tmp_path)
    assert second.ask(prompt("a")) == "A"
    assert len(server.asked) == 1
    # Counted all the same, so that a second run stops where the first one did.
    assert second.budget.left == first.budget.left
    assert (second.budget.spent.cached, second.budget.spent.cached_tokens) == (1, first.budget.spent.tokens)


def test_another_model_prompt_or_setting_is_another_question(server: ChatServer, tmp_path: Path) -> None:
    client(server, tmp_path).ask(prompt("a"))
    client(server, tmp_path).ask(prompt("b"))
    for others in ({"model": "big"}, {"temperature": 1.0}, {"answer_tokens": 50}):
        client(server, tmp_path, **others).ask(prompt("a"))
    assert len(server.asked) == 5


def test_no_prompt_or_key_is_kept_on_disk(server: ChatServer, tmp_path: Path) -> None:
    server.brain = lambda messages: "yes"
    client(server, tmp_path).ask(prompt("a passage of a filing"))
    kept = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert any(b"yes" in content for content in kept)
    assert not any(b"passage" in content or b"sk-secret" in content for content in kept)


def test_a_damaged_answer_is_asked_for_again(server: ChatServer, tmp_path: Path) -> None:
    client(server, tmp_path).ask(prompt("a"))
    (file,) = tmp_path.glob("answers/*/*.json")
    for content in (b"{", b"[]", b'{"text": 1, "tokens": 2}'):
        file.write_bytes(content)
        assert client(server, tmp_path).ask(prompt("a")) == "A"
    assert len(server.asked) == 4


def test_the_wait_that_the_endpoint_asks_for_is_kept(server: ChatServer, tmp_path: Path) -> None:
    server.faults = ["429 1"]
    asking = client(server, tmp_path)
    assert asking.ask(prompt("a")) == "A"
    first, second = server.asked
    assert second.at - first.at >= 1
    assert asking.budget.spent.tokens == 1 + 1  # a refusal costs nothing


def test_an_endpoint_that_asks_for_hours_ends_the_run(server: ChatServer, tmp_path: Path) -> None:
    server.faults = ["429 7200"]
    told = refusal(client(server, tmp_path))
    assert f"explainer.url: {server.url} asks clients to wait 2.0 hours" in told
    assert "run again later" in told


@pytest.mark.parametrize("fault", ["500", "503", "429", "408", "half", "raw <html>Sign in</html>", "raw {}"])
def test_a_fault_that_may_pass_is_tried_again(server: ChatServer, tmp_path: Path, fault: str) -> None:
    server.faults = [fault]
    assert client(server, tmp_path).ask(prompt("a")) == "A"
    assert len(server.asked) == 2


def test_silence_is_tried_again_and_counted_as_paid_for(server: ChatServer, tmp_path: Path) -> None:
    server.faults = ["silence"]
    asking = client(server, tmp_path, timeout=1)
    assert asking.ask(prompt("a")) == "A"
    assert len(server.asked) >= 2
    assert asking.budget.spent.tokens >= most_prompt_tokens(prompt("a")) + 100 + 2


def test_an_answer_that_drips_for_ever_is_given_up(tmp_path: Path) -> None:
    dripping = drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    with LyingServer({}, dripping) as lying:
        asking = ChatClient(settings(lying.url, timeout=0.2, key_variable=None), tmp_path, QUICK)
        told = refusal(asking)
        assert "4 attempts failed, the last with: no answer within 0.2 s" in told
        assert len(lying.paths) == 4


def test_an_answer_without_end_is_given_up(tmp_path: Path) -> None:
    endless = drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", b"x" * 500_000, every=0)
    with LyingServer({}, endless) as lying:
        asking = ChatClient(settings(lying.url, key_variable=None), tmp_path, QUICK)
        assert "longer than 2,000,000 bytes" in refusal(asking)


@pytest.mark.parametrize("always", ["500", "raw <html>", "429"])
def test_an_endpoint_that_never_answers_is_named_with_a_way_out(
    server: ChatServer, tmp_path: Path, always: str
) -> None:
    server.always = always
    told = refusal(client(server, tmp_path))
    assert told.startswith(f"explainer.url: {server.url} does not answer (4 attempts failed, the last with: ")
    assert "set explainer.url to null" in told
    assert len(server.asked) == 4


def test_nobody_at_the_address_is_named(tmp_path: Path) -> None:
    asking = ChatClient(settings("http://127.0.0.1:9/v1", key_variable=None), tmp_path, QUICK)
    told = refusal(asking)
    assert "http://127.0.0.1:9/v1 does not answer" in told
    assert "no connection" in told
    assert asking.budget.spent.tokens == 0


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("400", ["refuses prompts (HTTP 400: told to fail)", "check explainer.model"]),
        ("403", ["refuses the key (HTTP 403: told to fail)", f"put a valid one into {VARIABLE}"]),
        ("404", ["often ending in /v1", "explainer.model is 'small'"]),
        ("307 https://evil.example/v1", ["redirects to 'https://evil.example/v1'", "set explainer.url"]),
    ],
)
def test_a_refusal_ends_the_run_at_once(server: ChatServer, tmp_path: Path, fault: str, words: list[str]) -> None:
    server.faults = [fault]
    told = refusal(client(server, tmp_path))
    assert f"explainer.url: {server.url} " in told
    assert all(word in told for word in words), told
    assert len(server.asked) == 1


def test_a_wrong_address_is_named(server: ChatServer, tmp_path: Path) -> None:
    asking = ChatClient(settings(server.url.removesuffix("/v1")), tmp_path, QUICK)
    told = refusal(asking)
    assert "no such page: /chat/completions" in told
    assert "explainer.url is what stands before /chat/completions" in told


def test_a_query_of_the_address_stays_behind_the_path(server: ChatServer, tmp_path: Path) -> None:
    asking = ChatClient(settings(f"{server.url}/?api-version=2024"), tmp_path, QUICK)
    assert asking.ask(prompt("a")) == "A"


def test_a_wrong_key_is_never_told(server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "sk-mistyped")
    told = refusal(client(server, tmp_path))
    assert "refuses the key (HTTP 401: Incorrect API key provided: Bearer ***)" in told
    assert "sk-mistyped" not in told


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_key_is_named_before_anything_is_sent(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv(VARIABLE) if value is None else monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(EndpointError, match=rf"{VARIABLE} is not set.*127\.0\.0\.1.*explainer\.key_variable to null"):
        client(server, tmp_path)
    assert server.asked == []


def test_a_key_that_is_none_is_refused_untold(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "clé\nX-Other: 1")
    with pytest.raises(EndpointError, match="letters that no key has") as caught:
        client(server, tmp_path)
    assert "clé" not in str(caught.value)


def test_a_prompt_that_alone_is_refused_costs_that_prompt(server: ChatServer, tmp_path: Path) -> None:
    asking = client(server, tmp_path)
    asking.ask(prompt("a"))
    server.faults = ["400"]
    with pytest.raises(NoAnswerError, match="HTTP 400"):
        asking.ask(prompt("held back by a filter"))
    assert asking.ask(prompt("b")) == "B"


def test_without_a_usage_field_the_cost_is_estimated_and_rather_too_much(server: ChatServer, tmp_path: Path) -> None:
    server.counts = False
    text = "The company refines crude oil and sells petroleum products in 12 states. " * 20
    asking = client(server, tmp_path)
    asking.ask(prompt(text))
    assert prompt_tokens(prompt(text)) < asking.budget.spent.tokens < most_prompt_tokens(prompt(text))
    assert asking.budget.spent.tokens > 2 * len(text) // 4


def test_the_limit_is_never_exceeded_and_prompts_beyond_it_are_not_sent(server: ChatServer, tmp_path: Path) -> None:
    asking = client(server, tmp_path, max_tokens=1200, answer_tokens=100)
    with pytest.raises(BudgetError, match="are left"):
        for number in itertools.count():
            asking.ask(prompt(f"{number} {'word ' * 60}"))
    assert 2 <= len(server.asked) <= 11
    worst = most_prompt_tokens(server.asked[-1].body["messages"]) + 100
    assert 1200 - worst <= asking.budget.spent.tokens <= 1200


def test_silence_cannot_spend_more_than_the_limit(server: ChatServer, tmp_path: Path) -> None:
    server.always = "silence"
    asking = client(server, tmp_path, max_tokens=450, timeout=1)
    with pytest.raises(BudgetError):
        asking.ask(prompt("a"))
    assert len(server.asked) <= 2  # each may have cost 172
    assert asking.budget.spent.tokens <= 450


def test_a_stopped_client_sends_nothing(server: ChatServer, tmp_path: Path) -> None:
    asking = client(server, tmp_path)
    asking.stop()
    assert "the run was stopped" in refusal(asking)
    assert server.asked == []


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 9}, 7),
        ({"total_tokens": 9}, 9),
        ({"prompt_tokens": 5}, None),
        ({"prompt_tokens": -5, "completion_tokens": 2}, None),
        ({"prompt_tokens": True, "completion_tokens": 2}, None),
        ({"prompt_tokens": "5", "completion_tokens": 2.5}, None),
        ([], None),
        (None, None),
    ],
)
def test_usage_is_read_or_ignored(usage: object, tokens: int | None) -> None:
    content = json.dumps({"choices": [{"message": {"content": "a"}}], "usage": usage}).encode()
    assert read_answer(content).tokens == tokens


def test_a_refusal_of_the_model_is_an_empty_text() -> None:
    assert read_answer(b'{"choices": [{"message": {"content": null, "refusal": "no"}}]}').text == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": 5}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": "a"}]}',
        b'\xff{"choices"',
        b"[" * 100_000,
    ],
    ids=range(11),
)
def test_what_is_no_answer_of_the_protocol_is_a_failed_attempt(content: bytes) -> None:
    with pytest.raises(TransientError, match="no answer of the protocol"):
        read_answer(content)
