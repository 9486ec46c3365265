"""Find the spans of a document that state facts: names, places and years.

Hiding these, rather than random spans, makes a model learn what closed-book questions ask
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
"""Most letters before the full stop of an abbreviation in a name: ``J.``, ``Jr.``."""
MOST_WORDS = 4
"""Most words of a name after an abbreviation."""


def find_salient(
    documents: Sequence[str], wanted: Collection[str] = ()
) -> list[tuple[str, list[tuple[int, int]]]]:
    """Find the salient words of documents that each start with ``Name. ``.

    A word is salient if it is a year, or if it is capitalised, not common, and not a part of the
    name that the document starts with. Capitalised ones with a space between them, such as ``New
    York``, count as one. A word is common if the documents have it in lower case, and at least as
    often as capitalised within a sentence: ``singer``, but not ``England`` for one ``england``.

    Args:
        documents: the texts.
        wanted: words or phrases; where salient words hold any of them, only these are returned.

    Returns:
        For each document its name, empty if it has none, and the (start, end) of its salient
        words, ordered by end.
    """
    common, words = _common(documents), frozenset(wanted)
    longest, found = max(map(len, words), default=0), []
    for document in documents:
        name = subject(document)
        body = len(name) + len(NAME_END) if name else 0
        own = set(WORD.findall(document[:body]))
        joins = -1  # where the next word begins if it continues the name before it
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
    """Return the words that are in lower case at least as often as capitalised in a sentence."""
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
    """Yield the wanted spans and the wanted parts of the other spans, ordered by end.

    Args:
        document: the text.
        spans: (start, end) of spans in it, in order.
        wanted: words or phrases.
        longest: characters of the longest of these.
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
    """Whether a text can be a name: few words, lower case only in short ones before the last."""
    words = text.split()
    lower = [word for word in words if word.islower()]
    fits = 0 < len(words) <= MOST_WORDS and not words[-1].islower()
    return fits and all(len(word) <= SHORT for word in lower)


def subject(document: str) -> str:
    """Return the name that a document starts with: up to a full stop after no abbreviation.

    A short word is an abbreviation if what follows, up to the next full stop, can be the rest of
    the name and does not repeat its beginning.
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
