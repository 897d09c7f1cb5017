"""Which tokens of a text say what it is about: those of words that are no function words."""

import re

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

MIN_LETTERS = 3
"""Of a word; shorter ones are nearly all function words, initials and parts of numbers."""
_WORD = re.compile(r"[^\W\d_][\w'’&-]*")


def content_tokens(text: str, token_ends: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return which tokens end in a content word: no English function word, no number, no punctuation [tokens].

    Parameters
    ----------
    text : str
        The text, at least as far as it was read.
    token_ends : [tokens]
        The character after each token; a byte-level token begins with the blank before its word, so its last
        character tells which word it belongs to.
    """
    inside = np.zeros(len(text), dtype=np.bool_)
    for word in _WORD.finditer(text):
        if len(word[0]) >= MIN_LETTERS and word[0].lower() not in ENGLISH_STOP_WORDS:
            inside[word.start() : word.end()] = True
    return inside[np.maximum(token_ends, 1) - 1] if len(text) else np.zeros(len(token_ends), dtype=np.bool_)
