"""Labels: what a latent seems to stand for, from the words of the training texts on which it is strongest."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from assets.activations.shards.shards import Shards
from assets.features.encoding import encode_stream, join_rows
from assets.features.explaining import with_explanations
from assets.saes.model.sae import Sae
from resources.settings.features import Labels

PIECE = re.compile(r"[^\W_]+(?:['\u2019&.-][^\W_]+)*|[^\w\s]+|\s+|_")
"""Words, punctuation and blanks: together they cover any text without gaps."""
POSSESSIVE = re.compile(r"(?<=\w)['\u2019]s$")
STOP_WORDS = ENGLISH_STOP_WORDS - {"bill", "fire", "interest", "mill", "mine", "system"}
"""scikit-learn's list without words that name what a company does."""
BLANK = "¶"
WORDS_PER_LABEL = 3
WORDS_EACH_SIDE = 6
PIECES_AROUND = 12
"""Words, blanks and punctuation on either side that count as near."""
MIN_LIFT_NEAR = 2.0
"""A word counts as near only where it is this many times as frequent there as in the corpus."""
MIN_CONTENT_SHARE = 0.25
"""Below this share of the activation, content words would misname a latent of function words or punctuation."""


def label_entries(
    shards: Shards,
    train: pl.DataFrame,
    entries: pl.DataFrame,
    load: Callable[[str], Sae],
    *,
    massive_norm: float,
    settings: Labels,
) -> pl.DataFrame:
    """Return rows of `latent_labels`; one autoencoder is in memory at a time.

    Parameters
    ----------
    train : the training documents: first_row, tokens, accession, text
    entries : which autoencoder at which block: rows entry, block
    load : reads an autoencoder by its entry
    massive_norm : tokens above so many medians are left out
    """
    rows = []
    for entry, block in entries.select("entry", "block").iter_rows():
        named = label_entry(shards, train, load(entry), block, massive_norm=massive_norm, settings=settings)
        rows.append(named.with_columns(entry=pl.lit(entry), block=pl.lit(block, pl.Int32)))
    return pl.concat(rows)


def label_entry(
    shards: Shards, train: pl.DataFrame, sae: Sae, block: int, *, massive_norm: float, settings: Labels
) -> pl.DataFrame:
    """Return the labels of an autoencoder's latents at one block; see `label_latents`.

    Parameters
    ----------
    train : the training documents: first_row, tokens, accession, text
    massive_norm : tokens above so many medians of their document are left out
    """
    spans = list(train.select("first_row", "tokens").iter_rows())
    encoded = [encode_stream(shards.activations(block, first, n), sae, block, massive_norm) for first, n in spans]
    values, indices = (join_rows([arrays[i] for arrays in encoded]) for i in range(2))
    keep = np.concatenate([keep for _, _, keep in encoded])
    tokens = pl.concat([shards.tokens(first, n) for first, n in spans])
    texts = dict(train.select("accession", "text").iter_rows())
    named = label_latents(values, indices, keep, tokens, texts, settings=settings).rename({"top_tokens": "words"})
    empty = {name: pl.lit(None, pl.Float64) for name in ("score_low", "score_high")}
    scored = named.with_columns(
        view=pl.lit("tokens"), terms=pl.lit([], pl.List(pl.String)), windows=pl.lit(0, pl.Int32), **empty
    )
    return with_explanations(scored, None)


def label_latents(
    values: NDArray[np.floating[Any]],
    indices: NDArray[np.integer[Any]],
    keep: NDArray[np.bool_],
    tokens: pl.DataFrame,
    texts: Mapping[str, str],
    *,
    settings: Labels,
) -> pl.DataFrame:
    """Label the latents of one block of one entry.

    A token stands for the word it is part of. Of the strongest word occurrences of a latent, p is a word's share of
    the activation and q its share of the corpus; words are ranked by p ln(p / q). The label is the best content
    words that recur in several documents. Where there are none, because the latent is strongest on stop words,
    punctuation or on another word every time, it is `near` and the best such words around the strongest places; where
    these do not recur either, the best words as they are.

    Parameters
    ----------
    values, indices: [tokens, k]
        Activations of the active latents of the training tokens, and which latents they are.
    keep: [tokens]
        False for tokens left out (massive activations).
    tokens
        accession, char_start, char_end; row i describes row i of `values`.
    texts
        Text of every accession in `tokens`.

    Returns
    -------
    DataFrame(latent, label, top_tokens, examples, density, documents, detection_score)
        Sorted by latent; latents active on no kept token have no row. The caller adds entry and block.
    """
    occurrence, pieces = _word_occurrences(tokens, texts)
    row, slot = np.nonzero((values > 0) & keep[:, None])
    active = pl.DataFrame(
        {"latent": indices[row, slot], "occurrence": occurrence[row], "value": values[row, slot].astype(np.float64)},
        schema_overrides={"latent": pl.Int32},
    ).join(pieces.select("occurrence", "document"), on="occurrence", how="left", maintain_order="left")
    strongest = _strongest(active, settings.top_tokens).join(
        pieces, on=["occurrence", "document"], how="left", maintain_order="left"
    )
    corpus = pieces.filter(pl.col("occurrence").is_in(np.unique(occurrence)))
    words, around = _word_shares(strongest, corpus), _word_shares(_surroundings(strongest, pieces), corpus)
    table = _density(active, int(keep.sum()))
    for part in (_labels(words, around), _top_tokens(words), _examples(strongest, texts, settings.examples)):
        table = table.join(part, on="latent", how="left", maintain_order="left")
    return table.select(
        "latent", "label", "top_tokens", "examples", "density", "documents", detection_score=pl.lit(None, pl.Float64)
    )


def phrase(text: str, start: int, end: int, words: int = 4) -> str:
    """Return the word at characters `start` to `end` with up to `words` words on either side, blanks collapsed."""
    while start < end and text[start].isspace():
        start += 1
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return _window(text, start, end, words, text[start:end])


def _window(text: str, start: int, end: int, words: int, shown: str) -> str:
    before, after = text[:start], text[end:]
    left = " ".join(before.rsplit(maxsplit=words)[-words:]) + (" " if before[-1:].isspace() else "")
    right = (" " if after[:1].isspace() else "") + " ".join(after.split(maxsplit=words)[:words])
    return " ".join((left + shown + right).split())


def _word_occurrences(tokens: pl.DataFrame, texts: Mapping[str, str]) -> tuple[NDArray[np.int64], pl.DataFrame]:
    """Return which piece of text each token belongs to [tokens], and all pieces of the documents."""
    occurrence = np.zeros(len(tokens), dtype=np.int64)
    documents: list[pl.DataFrame] = []
    first = 0
    for number, rows in enumerate(tokens.with_row_index("row").partition_by("accession", maintain_order=True)):
        accession = rows["accession"][0]
        pieces = _pieces(texts[accession]).with_columns(document=pl.lit(number), accession=pl.lit(accession))
        anchors = _anchors(texts[accession], rows["char_start"].to_list(), rows["char_end"].to_list())
        piece = np.searchsorted(pieces["start"].to_numpy(), anchors, side="right") - 1
        occurrence[rows["row"].to_numpy()] = first + piece
        documents.append(pieces)
        first += len(pieces)
    return occurrence, pl.concat(documents).with_row_index("occurrence").cast({"occurrence": pl.Int64})


def _pieces(text: str) -> pl.DataFrame:
    spans = [match.span() for match in PIECE.finditer(text)]
    words = [POSSESSIVE.sub("", text[start:end].lower().strip()) or BLANK for start, end in spans]
    return pl.DataFrame({"start": [s for s, _ in spans], "end": [e for _, e in spans], "word": words})


def _anchors(text: str, starts: list[int], ends: list[int]) -> list[int]:
    """Return each token's first character that is not blank: byte-level BPE tokens begin with a word's blank."""
    lengths = [len(text[start:end]) - len(text[start:end].lstrip()) for start, end in zip(starts, ends, strict=True)]
    return [start + n if start + n < end else start for start, end, n in zip(starts, ends, lengths, strict=True)]


def _strongest(active: pl.DataFrame, count: int) -> pl.DataFrame:
    """Return the `count` strongest word occurrences of every latent, strongest first."""
    occurrences = active.group_by("latent", "document", "occurrence").agg(pl.col("value").max())
    ordered = occurrences.sort("latent", "value", "occurrence", descending=[False, True, False])
    return ordered.filter(pl.int_range(pl.len()).over("latent") < count)


def _word_shares(strongest: pl.DataFrame, corpus: pl.DataFrame) -> pl.DataFrame:
    """Return per latent and word its strongest activation, p ln(p / q), and whether it may be part of the label."""
    frequency = corpus.group_by("word").agg(q=pl.len() / len(corpus))
    p, content = pl.col("p"), pl.col("content")
    return (
        strongest.group_by("latent", "word", maintain_order=True)
        .agg(p=pl.col("value").sum(), best=pl.col("value").max(), documents=pl.col("document").n_unique())
        .sort("latent", "word")
        .with_columns(p=p / p.sum().over("latent"), content=_is_content())
        .with_columns(content_share=(p * content).sum().over("latent"))
        .join(frequency, on="word", how="inner", maintain_order="left")
        .with_columns(lift=p / pl.col("q"))
        .with_columns(score=p * pl.col("lift").log())
    )


def _is_content() -> pl.Expr:
    word = pl.col("word")
    return word.str.contains(r"[\p{L}\p{N}]{2}") & ~word.is_in(sorted(STOP_WORDS))


def _surroundings(strongest: pl.DataFrame, pieces: pl.DataFrame) -> pl.DataFrame:
    """Return the words around the strongest occurrences, each with the activation at its centre."""
    offsets = pl.DataFrame({"offset": [n for n in range(-PIECES_AROUND, PIECES_AROUND + 1) if n]})
    places = strongest.select("latent", "document", "occurrence", "value").join(offsets, how="cross")
    moved = places.select("latent", "document", "value", pl.col("occurrence") + pl.col("offset"))
    return moved.join(
        pieces.select("document", "occurrence", "word"), on=["document", "occurrence"], maintain_order="left"
    )


def _labels(words: pl.DataFrame, around: pl.DataFrame) -> pl.DataFrame:
    informative = pl.col("content") & (pl.col("documents") > 1)
    own = _best(words.filter(informative & (pl.col("content_share") >= MIN_CONTENT_SHARE)), "own")
    near = _best(around.filter(informative & (pl.col("lift") >= MIN_LIFT_NEAR)), "near").with_columns(
        near=pl.lit("near ") + pl.col("near")
    )
    plain = _best(words.filter(pl.col("content") | (pl.col("content_share") < MIN_CONTENT_SHARE)), "plain")
    joined = plain.join(own, on="latent", how="left").join(near, on="latent", how="left")
    return joined.select("latent", label=pl.coalesce("own", "near", "plain"))


def _best(words: pl.DataFrame, name: str) -> pl.DataFrame:
    ranked = words.sort("latent", "score", "word", descending=[False, True, False])
    best = ranked.group_by("latent", maintain_order=True).agg(pl.col("word").head(WORDS_PER_LABEL).str.join(" / "))
    return best.rename({"word": name})


def _top_tokens(words: pl.DataFrame) -> pl.DataFrame:
    ranked = words.sort("latent", "best", "word", descending=[False, True, False])
    return ranked.group_by("latent", maintain_order=True).agg(top_tokens=pl.col("word"))


def _examples(strongest: pl.DataFrame, texts: Mapping[str, str], count: int) -> pl.DataFrame:
    one_each = strongest.unique(["latent", "document"], keep="first", maintain_order=True)
    chosen = one_each.filter(pl.int_range(pl.len()).over("latent") < count)
    places = chosen.select("accession", "start", "end").iter_rows()
    windows = [_example(texts[accession], start, end) for accession, start, end in places]
    grouped = chosen.select("latent", examples=pl.Series(windows, dtype=pl.String))
    return grouped.group_by("latent", maintain_order=True).agg("examples")


def _example(text: str, start: int, end: int) -> str:
    return _window(text, start, end, WORDS_EACH_SIDE, f"[{text[start:end].strip() or BLANK}]")


def _density(active: pl.DataFrame, tokens: int) -> pl.DataFrame:
    statistics = {"density": pl.len() / max(tokens, 1), "documents": pl.col("document").n_unique().cast(pl.Int32)}
    return active.group_by("latent").agg(**statistics).sort("latent")
