"""Find the documents that begin with a name, or hold it anywhere."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile

from nanoknow.data.corpus import Corpus
from nanoknow.facts.words import WORD, find_answer, find_whole, folded, stands_at

HEAD = 256
"""Leading characters of a document that are compared with a name."""
MOST = 1000
"""Most occurrences of a name in a corpus that are looked at."""


@dataclass(frozen=True)
class Names:
    """Looks up names in the documents of a corpus, ``folded``: in any case, with any quotes.

    Attributes:
        corpus: the documents.
    """

    corpus: Corpus

    def in_column(self, name: str) -> list[int]:
        """Return the indices of the documents whose ``name`` column is a name, both ``folded``."""
        key = folded(name)
        return [i for head, i in takewhile(lambda each: each[0] == key, self._from(key))]

    def beginning_with(self, name: str) -> Iterator[int]:
        """Yield the indices of documents that begin, or whose column does, with a whole name."""
        key = folded(name)[:HEAD]
        begun = takewhile(lambda each: each[0].startswith(key), self._from(key))
        return (i for head, i in begun if stands_at(head, key, 0))

    def holding(self, name: str) -> list[int]:
        """Return the indices of documents that hold a name as whole words; if none, ``folded``."""
        return _lines_with(name, self.corpus.text) or _lines_with(folded(name), self._folded)

    def tells(self, name: str, part: str) -> bool:
        """Whether a document that holds a name also holds a part of it outside the name."""
        held = (folded(self.corpus.documents[i]) for i in self.holding(name))
        return any(find_answer(text, folded(name), folded(part)) for text in held)

    def is_name(self, name: str) -> bool:
        """Whether a ``name`` column holds a name or, without such a column, a document does."""
        if self.corpus.names is not None:
            return bool(self.in_column(name))
        return next(self.beginning_with(name), None) is not None or bool(self.holding(name))

    def longest_in(self, question: str) -> tuple[int, int]:
        """Return (start, end) of the longest name in a question; (0, 0) without one.

        Without a ``name`` column, any beginning of a document is a name.
        """
        words = [m.span() for m in WORD.finditer(question)]
        best = 0, 0
        for i, (start, _) in enumerate(words):
            # No name has more words than the longest one has characters.
            ends = [end for _, end in words[i : i + self._longest] if end - start <= self._longest]
            end = self._name_at(question, start, ends)
            if end and end - start > best[1] - best[0]:
                best = start, end
        return best

    def _name_at(self, question: str, start: int, ends: Sequence[int]) -> int | None:
        """Return the end, one of ``ends``, of the longest name that begins at ``start``."""
        rest = folded(question[start : start + self._longest + 1])
        at = bisect_left(self._sorted, (rest,))
        near = [self._sorted[i][0] for i in (at - 1, at) if 0 <= i < len(self._sorted)]
        names = ((folded(question[start:end]), end) for end in ends)
        begun = takewhile(lambda name: any(each.startswith(name[0]) for each in near), names)
        for name, end in reversed([*begun]):
            # In those near the word may go on, as 1 does in 10; the first may be 1 itself.
            first, _ = self._sorted[bisect_left(self._sorted, (name,))]
            is_whole = any(stands_at(each, name, 0) for each in (*near, first))
            if is_whole and any(map(str.isalnum, name)):
                return end
        return None

    @cached_property
    def _sorted(self) -> list[tuple[str, int]]:
        """The folded names of documents, or their beginnings without a column, and the indices."""
        heads = self.corpus.names or [d[:HEAD] for d in self.corpus.documents]
        return sorted((folded(head), i) for i, head in enumerate(heads) if head)

    def _from(self, key: str) -> Iterator[tuple[str, int]]:
        """Yield the sorted names and indices from the first name that is not below ``key``."""
        at = bisect_left(self._sorted, (key,))
        return (self._sorted[i] for i in range(at, len(self._sorted)))

    @cached_property
    def _longest(self) -> int:
        return max((len(head) for head, _ in self._sorted), default=0)

    @cached_property
    def _folded(self) -> str:
        return folded(self.corpus.text)


def _lines_with(name: str, text: str) -> list[int]:
    found, line, last = [-1], 0, 0
    for start, _ in islice(find_whole(name, text), MOST):
        line, last = line + text.count("\n", last, start), start
        found += [line] if line > found[-1] else []
    return found[1:]
