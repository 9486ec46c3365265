"""Find where words begin and end, in scripts with spaces between words and without."""

import re
from collections.abc import Iterable, Iterator

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035"
    "\u3040-\u30ff\u3100-\u318f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
"""Scripts without spaces between words, or with endings written onto names: Thai, Lao, Burmese,
Khmer, Chinese, Japanese, Korean. Each character counts as a word."""
MARKS = "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed" + (
    "\u0900-\u0963\u0966-\u0dff"
)
"""Combining vowel signs and accents: parts of words that ``\\w`` does not match."""
LETTER = rf"[^\W{UNSPACED}]|[{MARKS}]"
WORD = re.compile(rf"[{UNSPACED}]|(?:{LETTER})+|\S")
"""A word, a character of an unspaced script, or one mark of punctuation."""
_LETTER = re.compile(LETTER)
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»‹›「」『』＂", '"'),
        **dict.fromkeys("‘’‚‛ʼ＇", "'"),
        **dict.fromkeys("‐‑‒–—−", "-"),
        **dict.fromkeys("\u00a0\u2007\u202f\u3000", " "),
        **{"ı": "i", "\u0307": ""},  # Turkish ı, and the dot that casefold leaves of İ
    }
)


def folded(text: str) -> str:
    """Return a string casefolded, with one kind of quotes, apostrophes, dashes and spaces."""
    return text.casefold().translate(_ALIKE)


def stands_at(document: str, text: str, start: int) -> bool:
    """Whether a document holds a string at an index as whole words: none goes on at its ends."""
    end = start + len(text)
    before = start > 0 and _LETTER.match(document, start - 1) and _LETTER.match(text)
    after = _LETTER.match(document, end) and _LETTER.match(text[-1:])
    return document.startswith(text, start) and not before and not after


def find_whole(text: str, document: str) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) of each place where a document holds a string as whole words."""
    start = document.find(text) if text.strip() else -1
    while start >= 0:
        if stands_at(document, text, start):
            yield start, start + len(text)
        start = document.find(text, start + 1)


def holds(document: str, text: str) -> bool:
    """Whether a document holds a string, as whole words."""
    return next(find_whole(text, document), None) is not None


def find_answer(document: str, name: str, answer: str) -> tuple[int, int] | None:
    """Return the first (start, end) of an answer in a document, as whole words; None if not there.

    It is not looked for within the subject's name: Jack London need not be from London.
    """
    names = list(find_whole(name, document))
    return next((each for each in find_whole(answer, document) if is_outside(each, names)), None)


def is_outside(span: tuple[int, int], names: Iterable[tuple[int, int]]) -> bool:
    """Whether a span (start, end) of a document lies within none of the spans of a name."""
    return not any(start <= span[0] and span[1] <= end for start, end in names)
