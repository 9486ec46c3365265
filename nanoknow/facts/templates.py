"""Forms of questions: what stays the same whoever or whatever is asked about."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from statistics import mean

from nanoknow.facts.words import WORD
from nanoknow.system.draws import pick

MOST_READ, MOST_TRIED = 500, 20
"""Questions that are asked for their forms, and names of each form that are looked up."""
MOST_WORDS = 24
"""Words of a form before the name, and after it."""
HELD, UNKNOWN = 0.5, 0.05
"""What a name counts that documents hold, though none begins with it, and one that none holds."""
IN_QUOTES = 0.5
"""Share of names that documents hold in quotes, from which on these are parts of them."""


@dataclass(frozen=True)
class Template:
    """The form of a question: the text before and after the name in it."""

    before: str
    after: str

    def ask(self, name: str) -> str:
        """Return the question about a name."""
        return f"{self.before}{name}{self.after}"

    def name_in(self, question: str) -> str | None:
        """Return the name in a question; None where it has another form."""
        name = question.removeprefix(self.before).removesuffix(self.after)
        return name if name.strip() and self.ask(name) == question else None


def find_templates(
    questions: Sequence[str],
    longest_name: Callable[[str], tuple[int, int] | None],
    is_name: Callable[[str], bool],
) -> Counter[Template]:
    """Return the forms of questions, with how many questions have each, the most frequent first.

    A question's form is the one that spells most of the questions, by its words, as far as
    documents hold the names in it: ``Who is X's mother?`` is of the form ``Who is …?`` only where
    they hold ``X's mother``.

    Args:
        questions: each once.
        longest_name: returns where a question holds the longest beginning of a document, which is
            the name in one of a form of its own.
        is_name: whether documents hold a name.
    """
    some = pick(questions, MOST_READ, Random(0))
    names: dict[Template, list[str]] = defaultdict(list)
    for question in some:
        for template, name, _ in _possible(question):
            names[template].append(name)

    @cache
    def known(template: Template) -> float:
        found = names[template][:: -(-len(names[template]) // MOST_TRIED)]
        worth = [
            1.0 if longest_name(name) == (0, len(name)) else HELD * is_name(name) for name in found
        ]
        return max(UNKNOWN, mean(worth))

    found: Counter[Template] = Counter()
    for question in some:
        most, best = 0.0, None
        spelt = (((len(names[each]) - 1) * n, each) for each, _, n in _possible(question))
        for words, template in sorted(spelt, key=lambda each: -each[0]):
            if words <= most:
                break
            if (worth := words * known(template)) > most:
                most, best = worth, template
        if best is None and (span := longest_name(question)):
            best = Template(question[: span[0]], question[span[1] :])
        found.update(filter(None, [best]))
    # A question that holds a name by chance has a form that no other has.
    least = 2 if len(questions) > 1 else 1
    frequent = [template for template, n in found.most_common() if n >= least]
    kept = dict.fromkeys(_with_marks(each, questions, is_name) for each in frequent)
    counts = Counter(filter(None, (form_of(question, kept, is_name) for question in questions)))
    return Counter(dict(counts.most_common()))


def form_of(
    question: str, templates: Iterable[Template], is_name: Callable[[str], bool]
) -> Template | None:
    """Return the first form that a question has, of those where it asks about a known name."""
    named = [(t, name) for t in templates if (name := t.name_in(question))]
    known = (t for t, name in named if len(named) == 1 or is_name(name))
    return next(known, named[0][0] if named else None)


def _with_marks(
    form: Template, questions: Sequence[str], is_name: Callable[[str], bool]
) -> Template:
    """Return a form without its quotes around names, where documents hold most names in them."""
    first, last = form.before[-1:], form.after[:1]
    if not first or not last or any(mark.isalnum() or mark.isspace() for mark in (first, last)):
        return form
    names = [name for question in questions if (name := form.name_in(question))]
    n_held = sum(is_name(f"{first}{name}{last}") for name in names)
    return Template(form.before[:-1], form.after[1:]) if n_held > IN_QUOTES * len(names) else form


def _possible(question: str) -> Iterator[tuple[Template, str, int]]:
    """Yield every form that a question can have, the name in it, and the words that it fixes."""
    spans = [m.span() for m in WORD.finditer(question)]
    for i in range(min(len(spans), MOST_WORDS)):
        for j in range(max(i + 1, len(spans) - MOST_WORDS), len(spans) + 1):
            start, end = spans[i][0], spans[j - 1][1]
            template = Template(question[:start], question[end:])
            yield template, question[start:end], i + len(spans) - j
