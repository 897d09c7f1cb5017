"""What a label can be made of: words, phrases of two or three words, and prefixes; never names, places or filler."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

MIN_COMPANIES = 2
"""Companies of the making set that must use a term."""
MAX_SHARE = 0.05
"""Of windows; a term of more says little about any."""
PREFIX_FROM = 6
"""Letters of the shortest word whose prefix is a term."""
_FILLER = (
    "ability accounted accounts acquire acquired acquires acquisition acquisitions activities addition affect "
    "affected aggregate agreement agreements also amended annual anticipate anticipated approval approved "
    "approximate approximately april area areas assets associated association assurance august authorized average "
    "basic basis began begins believe believes billion broad broadly business businesses capital cash central "
    "certain change changes collectively combined common companies company compared compete competes competition "
    "competitive competitively competitor competitors conditions consolidated consummated consummation contains "
    "continue continued continues continuing contributions corp corporation currently data december declared "
    "delivered delivers derived derives described description development develops discontinued does during eastern "
    "effect effective effects employed employee employees ended engaged engages ensure established estimated "
    "estimates existing expanded expected expects expense expenses experience factors february filed financial "
    "fiscal focus following follows form formed forms future general generally great greater having higher highest "
    "highly holding holdings holds impact important improve improving inc include included includes including "
    "incorporated increase increased industry information initial initially intends interests internal international "
    "internationally issued january july june known large larger largest leading limited line lines located long "
    "long-term lower lowest major managed management manages march market markets material meet meets merged method "
    "mid million month months name names nation's national nationally near necessary need needs net new normally "
    "northeastern northern northwestern november number october offer offered offering offers office offices opened "
    "operate operated operates operating operation operations organized outstanding owned owner ownership owns page "
    "paid parent percent period place plan plans plus pooling pooling-of-interests portion portions predecessor "
    "predicted primarily principal principally proceeds producer produces product products profit provide provided "
    "provides providing public purpose quality quarter quarters range ratio receive received receives recent reduce "
    "references referred refers registered registrant regulated regulation regulatory related relating reported "
    "reporting represented represents respect respective respectively restructuring result results revenue revenues "
    "sales second seeks segment segments sell sells senior september serve served serves service services serving "
    "set share shares short-term significant single small sold sources southeastern southern southwestern spent "
    "started state statements states status stock strategic strategy strong strongest subject subsidiaries "
    "subsidiary substantially successor summary support surviving table term terms things third-party three time "
    "total transaction transactions two type types typically uniform unless use used uses value variety various well "
    "western whole wholly wholly-owned world world's worldwide written year years "
)
FILLER = frozenset(_FILLER.split())
"""What every filing says; more than one of them in a phrase says no more."""
CONTENT = frozenset({"bill", "fill", "fire", "interest", "mill", "mine", "system"})
"""Words of business that scikit-learn's list of stop words has."""
STOP_WORDS = ENGLISH_STOP_WORDS - CONTENT
JOINING = frozenset({"and", "of", "for", "to", "in"})
"""Words that may stand in the middle of a phrase."""
_WORD = re.compile(r"[^\W\d_](?:[\w&'’.-]*[^\W\d_])?")
_SENTENCE_END = re.compile(r"[.!?:;•]\s*$")


@dataclass(frozen=True)
class Terms:
    """Terms, in the order of `names`."""

    names: Sequence[str]
    """`natural gas`; `refin*` stands for all words that begin so."""
    titles: Sequence[str]
    """How a term reads in a label: of a prefix its commonest word."""
    present: csc_matrix
    """[windows, terms] 1 where the window has the term."""

    def hits(self, terms: Sequence[int]) -> NDArray[np.bool_]:
        """Return which windows have any of the terms: [windows]."""
        return np.asarray(self.present[:, list(terms)].sum(axis=1)).ravel() > 0


def find_terms(texts: Sequence[str], owners: Sequence[int], made: NDArray[np.int64]) -> Terms:
    """Return the terms that windows of the making set have, and which of all windows have them.

    Whether a word is a name is told by how it is mostly written there, at the beginning of a sentence aside.

    Parameters
    ----------
    texts : [windows]
    owners : [windows] number of the company
    made : the windows of the making set
    """
    words = [list(_words(text)) for text in texts]
    names = _names(words[row] for row in made)
    families = _families((words[row] for row in made), names)
    found = [set(_terms(text, line, names)) for text, line in zip(texts, words, strict=True)]
    kept = _kept(found, owners, made, families)
    number = {term: i for i, term in enumerate(kept)}
    rows, columns = [], []
    for row, terms in enumerate(found):
        own = sorted(number[term] for term in terms if term in number)
        rows += [row] * len(own)
        columns += own
    present = csc_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=(len(texts), len(kept)))
    return Terms(kept, [families[term].most_common(1)[0][0] if term in families else term for term in kept], present)


def _words(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield every word of a text and where it begins and ends."""
    for match in _WORD.finditer(text):
        yield match.group(), match.start(), match.end()


def _names(lines: Iterable[Sequence[tuple[str, int, int]]]) -> set[str]:
    """Return the words, in lower case, that are written with a capital more often than without: names and places."""
    capital: Counter[str] = Counter()
    plain: Counter[str] = Counter()
    for line in lines:
        for i, (word, _, _) in enumerate(line):
            if word[0].islower():
                plain[word] += 1
            elif i > 0:  # the first word says nothing: every sentence begins with a capital
                capital[word.lower()] += 1
    return {word for word, count in capital.items() if count >= plain[word]}


def _families(lines: Iterable[Sequence[tuple[str, int, int]]], names: set[str]) -> dict[str, Counter[str]]:
    """Return prefix -> how often each of its words occurs, of the prefixes that stand for two words or more."""
    families: dict[str, Counter[str]] = {}
    for line in lines:
        for word in (word.lower() for word, _, _ in line):
            prefix = _prefix(word)
            if prefix and word not in names and word not in FILLER:
                families.setdefault(prefix, Counter())[word] += 1
    return {prefix: words for prefix, words in families.items() if len(words) > 1}


def _prefix(word: str) -> str | None:
    return word[: max(5, len(word) - 4)] + "*" if len(word) >= PREFIX_FROM and word.isalpha() else None


def _terms(text: str, line: Sequence[tuple[str, int, int]], names: set[str]) -> Iterator[str]:
    lower = [word.lower() for word, _, _ in line]
    plain = [len(w) > 2 and w not in STOP_WORDS and w not in names for w in lower]
    content = [ok and w not in FILLER for ok, w in zip(plain, lower, strict=True)]
    for i, word in enumerate(lower):
        if not plain[i]:
            continue
        if content[i]:
            yield word
            if prefix := _prefix(word):
                yield prefix
        for n in (2, 3):
            end = i + n - 1
            if end >= len(lower) or not plain[end] or not (content[i] or content[end]):
                continue
            middle = n == 2 or lower[i + 1] in JOINING or plain[i + 1]
            if middle and all(text[line[j][2] : line[j + 1][1]] in (" ", "\n") for j in range(i, end)):
                yield " ".join(lower[i : end + 1])


def _kept(
    found: Sequence[set[str]], owners: Sequence[int], made: NDArray[np.int64], families: dict[str, Counter[str]]
) -> list[str]:
    windows: Counter[str] = Counter()
    companies: Counter[str] = Counter()
    last: dict[str, int] = {}
    for row in sorted(made.tolist(), key=lambda row: (owners[row], row)):
        windows.update(found[row])
        for term in found[row]:
            if last.get(term) != owners[row]:
                last[term] = owners[row]
                companies[term] += 1
    most = max(MAX_SHARE * len(made), MIN_COMPANIES)
    return sorted(
        term
        for term, count in companies.items()
        if count >= MIN_COMPANIES and windows[term] <= most and (not term.endswith("*") or term in families)
    )
