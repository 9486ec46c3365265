"""Which documents begin with a name, or hold it."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile

from nanoknow.data.corpus import Corpus
from nanoknow.facts.words import WORD, find_answer, find_whole, folded, stands_at

HEAD = 256
"""Characters of a document in which a name is looked for at its beginning."""
MOST = 1000
"""Times at most that a name is found in a corpus."""


@dataclass(frozen=True)
class Names:
    """Looks up names in the documents of a corpus, in any case and with any kind of marks.

    Attributes:
        corpus: the documents.
    """

    corpus: Corpus

    def in_column(self, name: str) -> list[int]:
        """Return the documents whose ``name`` column has a name."""
        key = folded(name)
        return [i for head, i in takewhile(lambda each: each[0] == key, self._from(key))]

    def beginning_with(self, name: str) -> Iterator[int]:
        """Yield the documents that begin with a name, or whose own names do, as whole words."""
        key = folded(name)[:HEAD]
        begun = takewhile(lambda each: each[0].startswith(key), self._from(key))
        return (i for head, i in begun if stands_at(head, key, 0))

    def holding(self, name: str) -> list[int]:
        """Return the documents that hold a name anywhere, as whole words; if none, folded."""
        return _lines_with(name, self.corpus.text) or _lines_with(folded(name), self._folded)

    def tells(self, name: str, part: str) -> bool:
        """Whether a document that holds a name holds a part of it elsewhere, too."""
        held = (folded(self.corpus.documents[i]) for i in self.holding(name))
        return any(find_answer(text, folded(name), folded(part)) for text in held)

    def is_name(self, name: str) -> bool:
        """Whether a document is about a name, or holds it."""
        if self.corpus.names is not None:
            return bool(self.in_column(name))
        return next(self.beginning_with(name), None) is not None or bool(self.holding(name))

    def longest_in(self, question: str) -> tuple[int, int]:
        """Return where a question holds the longest name, or beginning of a document; or (0, 0)."""
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
        """Return where the longest name ends that begins at a word of a question."""
        rest = folded(question[start : start + self._longest + 1])
        at = bisect_left(self._sorted, (rest,))
        near = [self._sorted[i][0] for i in (at - 1, at) if 0 <= i < len(self._sorted)]
        names = ((folded(question[start:end]), end) for end in ends)
        begun = takewhile(lambda name: any(each.startswith(name[0]) for each in near), names)
        for name, end in reversed([*begun]):
            # The first that begins so is whole where those near go on: 1 and not 10.
            first, _ = self._sorted[bisect_left(self._sorted, (name,))]
            is_whole = any(stands_at(each, name, 0) for each in (*near, first))
            if is_whole and any(map(str.isalnum, name)):
                return end
        return None

    @cached_property
    def _sorted(self) -> list[tuple[str, int]]:
        """The names, or where there are none the beginnings, of documents, and their indices."""
        heads = self.corpus.names or [d[:HEAD] for d in self.corpus.documents]
        return sorted((folded(head), i) for i, head in enumerate(heads) if head)

    def _from(self, key: str) -> Iterator[tuple[str, int]]:
        """Yield the sorted names from where one is, or would be."""
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
