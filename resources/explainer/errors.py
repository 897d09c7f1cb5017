"""What ends a run that asks a language model, and what costs it one answer."""


class EndpointError(RuntimeError):
    """The endpoint refuses everything, or does not answer; the message names its address and what to do."""


class NoAnswerError(Exception):
    """One prompt has no answer, while others have: the endpoint refuses it, or fails at it every time."""


class BudgetError(Exception):
    """A prompt might cost more tokens than are left, so it was not sent."""
