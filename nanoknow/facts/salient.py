"""Which stretches of a document are facts: names, places and years.

Hiding these, rather than random stretches, makes a model learn what closed-book questions ask
for (salient span masking: Guu et al., 2020, REALM; Roberts et al., 2020).
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

WORD = re.compile(r"\w+(?:['’-]\w+)*")
YEAR = re.compile(r"\d{3,4}")
NAME_END = ". "
SENTENCE_ENDS = {". ", "! ", "? "}
SHORT = 3
"""An abbreviation in a name has so many letters at most before its stop: ``J.``, ``Jr.``."""
MOST_WORDS = 4
"""Words of a name after an abbreviation."""


def find_salient(
    documents: Sequence[str], wanted: Collection[str] = ()
) -> list[tuple[str, list[tuple[int, int]]]]:
    """Find the salient words of documents that each start with ``Name. ``.

    A word is salient if it is a year, or capitalised, not a common word, and not a part of the
    name that the document starts with. Capitalised ones with a space between them, such as ``New
    York``, count as one. A word is common if the documents have it in lower case, and at least as
    often as capitalised within a sentence: ``singer``, but not ``England`` for one ``england``.

    Args:
        documents: the texts.
        wanted: words or several that count alone in documents that hold any of them.

    Returns:
        The name of each document, empty where it has none, and where its salient words begin and
        end, in the order of their ends.
    """
    common, words = _common(documents), frozenset(wanted)
    longest, found = max(map(len, words), default=0), []
    for document in documents:
        name = subject(document)
        body = len(name) + len(NAME_END) if name else 0
        own = set(WORD.findall(document[:body]))
        joins = -1  # where a word that goes on with the name before it would begin
        spans: list[tuple[int, int]] = []
        for match in WORD.finditer(document, body):
            word = match.group()
            is_name = word[0].isupper() and word.lower() not in common and word not in own
            if is_name and match.start() == joins and document[joins - 1] == " ":
                spans[-1] = (spans[-1][0], match.end())
            elif is_name or YEAR.fullmatch(word):
                spans.append(match.span())
            joins = match.end() + 1 if is_name else -1
        found.append((name, list(_wanted_parts(document, spans, words, longest)) or spans))
    return found


def _common(documents: Sequence[str]) -> set[str]:
    """Return the words that are more at home in lower case."""
    lower: Counter[str] = Counter()
    capitalised: Counter[str] = Counter()
    for document in documents:
        for match in WORD.finditer(document):
            word, start = match.group(), match.start()
            if word[0].islower():
                lower[word] += 1
            elif word[0].isupper() and start and document[start - 2 : start] not in SENTENCE_ENDS:
                capitalised[word.lower()] += 1
    return {word for word, count in lower.items() if count >= capitalised[word]}


def _wanted_parts(
    document: str, spans: Sequence[tuple[int, int]], wanted: frozenset[str], longest: int
) -> Iterator[tuple[int, int]]:
    """Yield the spans that are wanted, and of the others the parts that are, by their ends.

    Args:
        document: that has the spans.
        spans: in their order.
        wanted: words, or several in a row.
        longest: characters of any of these.
    """
    for span in spans:
        if document[slice(*span)] in wanted:
            yield span
            continue
        begins: list[int] = []
        for match in WORD.finditer(document, *span):
            begins.append(match.start())
            last = match.end()
            for first in reversed(begins):
                if last - first > longest:
                    break
                if document[first:last] in wanted:
                    yield first, last


def _is_name(text: str) -> bool:
    """Whether a text can be a name: few words, in lower case only short ones within it."""
    words = text.split()
    lower = [word for word in words if word.islower()]
    fits = 0 < len(words) <= MOST_WORDS and not words[-1].islower()
    return fits and all(len(word) <= SHORT for word in lower)


def subject(document: str) -> str:
    """Return the name that a document starts with: up to a stop that is no abbreviation's.

    A short word before a stop is one where the name may go on after it, up to the next stop.
    """
    end = document.find(NAME_END)
    while end >= 0:
        last = document[:end].rpartition(" ")[2]
        following = document.find(NAME_END, end + 1)
        rest = document[end + len(NAME_END) : max(0, following)]
        repeated = document.startswith(document[:end], end + len(NAME_END))
        if len(last) > SHORT or repeated or not _is_name(rest):
            return document[:end]
        end = following
    return ""
