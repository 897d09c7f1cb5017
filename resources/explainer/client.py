"""Asks a language model: each question once, no more tokens than allowed, again only where that may help."""

import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from resources.environment import secret
from resources.explainer.answer_cache import AnswerCache
from resources.explainer.budget import Budget, Messages, estimated_tokens, most_prompt_tokens, prompt_tokens
from resources.explainer.chat_answer import Answer, message_of, read_answer
from resources.explainer.errors import EndpointError, NoAnswerError
from resources.explainer.http_session import HttpSession, LostAnswerError, Response
from resources.lake.digests import digest_of
from resources.network.rate_limit import RateLimit
from resources.network.retry import RetryPolicy, ServerStatus, TransientError, apply_retry_after, retry_after
from resources.settings.explainer import Explainer

ATTEMPTS = 6
"""Of one prompt; with the waits between them about a minute."""
FOR_NOW = {408, 425, 429}
"""Statuses below 500 after which the same request may succeed."""
OF_ONE_PROMPT = {400, 413, 422}
"""Statuses that may be about one prompt: too long, or held back by a content filter."""


class ChatClient:
    """One model at one endpoint, for all threads of a run.

    Answers are kept under `root`; `budget` is what may be spent, and has been.

    Raises
    ------
    EndpointError
        The environment variable that should hold the key does not.
    """

    def __init__(self, settings: Explainer, root: Path, policy: RetryPolicy | None = None) -> None:
        self._settings = settings
        self._policy = policy or RetryPolicy(attempts=ATTEMPTS)
        self._url = settings.url or ""
        self._key = _key(settings)
        self._session = HttpSession(self._url, self._key, settings.timeout)
        self._cache = AnswerCache(root)
        self._limit = RateLimit(root / "rate-limit", settings.requests_per_second)
        self._status = ServerStatus(self._policy)
        self._stopped = threading.Event()
        self.budget = Budget(settings.max_tokens)

    def stop(self) -> None:
        """End the waits of all threads; what is asked after this is not sent."""
        self._stopped.set()

    def ask(self, messages: Messages) -> str:
        """Return the text of the answer, from the cache where the same was asked before.

        Raises
        ------
        BudgetError
            It might cost more tokens than are left.
        NoAnswerError
            The endpoint answers other prompts, and not this one.
        EndpointError
            The endpoint refuses everything or does not answer, or the client was stopped.
        """
        body = self._body(messages)
        digest = digest_of({"url": self._url, **body})
        if known := self._cache.get(digest):
            self.budget.record(known.tokens or 0, cached=True)
            return known.text
        answer = self._fetch(body, messages)
        self._cache.put(digest, answer)
        return answer.text

    def _body(self, messages: Messages) -> dict[str, Any]:
        settings = self._settings
        body = {"model": settings.model, "messages": list(messages), "max_tokens": settings.answer_tokens}
        return body if settings.temperature is None else {**body, "temperature": settings.temperature}

    def _fetch(self, body: dict[str, Any], messages: Messages) -> Answer:
        failures, successes = 0, self._status.successes
        while True:
            try:
                answer = self._attempt(body, messages)
            except TransientError as failure:
                failures += 1
                self._status.record_failure()
                if failures >= self._policy.attempts:
                    raise self._give_up(failure, failures, successes) from failure
                self._wait(failure, failures)
            else:
                self._status.record_success()
                return answer

    def _attempt(self, body: dict[str, Any], messages: Messages) -> Answer:
        """Send a prompt once; tokens are set aside before, and what is not known to be free counts as spent."""
        reserved = most_prompt_tokens(messages) + self._settings.answer_tokens
        self.budget.reserve(reserved)
        lost = 0
        try:
            if not self._limit.wait(self._stopped):
                raise self._refusal("is not asked any more: the run was stopped")
            response = self._session.post(body)
            self._check(response)
            lost = reserved  # an answer that cannot be read is paid for, too
            answer = read_answer(response.content)
            lost = 0
        except LostAnswerError:
            lost = reserved
            raise
        finally:
            self.budget.release(reserved, lost)
        return self._counted(answer, messages)

    def _counted(self, answer: Answer, messages: Messages) -> Answer:
        guess = prompt_tokens(messages) + estimated_tokens(answer.text)
        tokens = guess if answer.tokens is None else answer.tokens
        self.budget.record(tokens, cached=False)
        return Answer(answer.text, tokens)

    def _check(self, response: Response) -> None:
        """Raise what an answer without success means."""
        status = response.status
        if 200 <= status < 300:
            return
        said = f"HTTP {status}: {self._told(response)}"
        if status in FOR_NOW or status >= 500:
            raise TransientError(said, retry_after(response.headers.get("retry-after")), too_fast=status == 429)
        if status in OF_ONE_PROMPT and self._status.successes:
            raise NoAnswerError(said)
        raise self._refusal(self._fix(status, said, response.headers.get("location", "")))

    def _fix(self, status: int, said: str, location: str) -> str:
        variable, model = self._settings.key_variable, self._settings.model
        if status in {401, 403}:
            where = f"put a valid one into {variable}" if variable else "name its variable in explainer.key_variable"
            return f"refuses the key ({said}); {where}"
        if status == 404:
            at = "explainer.url is what stands before /chat/completions, often ending in /v1"
            return f"has no such page or model ({said}); {at}; explainer.model is {model!r}: name one that it has"
        if status < 400:
            return f"redirects to {location[:100]!a} ({said}); set explainer.url to where it is"
        return f"refuses prompts ({said}); check explainer.model, temperature and answer_tokens"

    def _told(self, response: Response) -> str:
        said = message_of(response.content)
        return said.replace(self._key, "***") if self._key else said

    def _give_up(self, failure: TransientError, failures: int, successes: int) -> Exception:
        why = f"{failures} attempts failed, the last with: {failure}"
        if self._status.successes > successes:
            return NoAnswerError(why)
        return self._refusal(f"does not answer ({why}); answers are kept: run again, or set explainer.url to null")

    def _wait(self, failure: TransientError, failures: int) -> None:
        wait = self._policy.wait(failures)
        if too_long := apply_retry_after(failure, self._limit, wait):
            raise self._refusal(f"{too_long} ({failure}); answers are kept: run again later")
        self._stopped.wait(wait)

    def _refusal(self, why: str) -> EndpointError:
        return EndpointError(f"explainer.url: {self._url} {why}")


def _key(settings: Explainer) -> str | None:
    variable = settings.key_variable
    if variable is None:
        return None
    key = secret(variable)
    host = urlsplit(settings.url or "").netloc
    if key is None:
        other = "or set explainer.key_variable to null where the endpoint wants none"
        raise EndpointError(f"explainer.key_variable: {variable} is not set: give it your key for {host}, {other}")
    if not (key.isascii() and key.isprintable()):
        raise EndpointError(f"explainer.key_variable: {variable} holds letters that no key has; set it anew")
    return key
