"""Forms of questions: what stays the same whoever or whatever is asked about."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from statistics import mean

from nanoknow.facts.names import Names
from nanoknow.facts.words import UNSPACED, WORD
from nanoknow.system.draws import pick, shuffle

MOST_READ, MOST_TRIED = 500, 20
"""Most questions that forms are derived from, and most names of each form that are looked up."""
MOST_WORDS = 24
"""Most words of a form before the name, and most after it."""
HELD, UNKNOWN, REFUTED = 1 / 2, 1 / 16, -1.0
"""Worth of a name that documents hold but none begins with; of one that is in no document, or is
only a part of what one begins with; and of one that contains the name of another form. A name that
a document begins with is worth 1."""
FREQUENT = 1 / 16
"""A form can refute another if it has more than this share of the other's questions."""
ENDING = re.compile(rf"(\s*[{UNSPACED}]{{1,2}})?")
"""One or two characters of an unspaced script that are written onto a name, such as a particle."""
IN_QUOTES = 0.5
"""Share of names that documents hold in quotes above which the quotes belong to the names."""


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


def find_templates(questions: Sequence[str], where: Names) -> Counter[Template]:
    """Return the forms of questions, with how many questions have each, the most frequent first.

    Of its possible forms a question has the one with the largest product of the words it fixes, the
    other questions that have it, and how far documents hold the names in these and in itself:
    ``Who is X's mother?`` is of the form ``Who is …?`` only if documents hold ``X's mother``.

    Args:
        questions: the questions, each once.
        where: looks up which documents have a name. If a question shares no form, the name in it is
            the longest beginning of a document that it holds.
    """
    some = pick(questions, MOST_READ, Random(0))
    shuffle(some, Random(0))  # every second name may be of one kind
    begun = {question: where.longest_in(question) for question in some}
    possible = {question: dict(_possible(question)) for question in some}
    holders: dict[Template, list[str]] = defaultdict(list)
    for question, forms in possible.items():
        for form in forms:
            holders[form].append(question)

    @cache
    def known(form: Template) -> float:
        n = len(holders[form])
        asked = holders[form][:: -(-n // MOST_TRIED)]
        frequent = {
            q: [f for f in possible[q] if len(holders[f]) > max(2, n * FREQUENT)] for q in asked
        }
        return mean(_worth(q, form, begun[q], where, frequent[q]) for q in asked)

    found: Counter[Template] = Counter()
    for question, forms in possible.items():
        first, last = begun[question]
        most, best = 0.0, Template(question[:first], question[last:]) if last else None
        spelt = [((len(holders[form]) - 1) * n, form) for form, n in forms.items()]
        for words, form in sorted(spelt, key=lambda each: -each[0]):
            if words <= most:
                break
            is_name = where.is_name(form.name_in(question) or "")
            worth = words * min(known(form), 1.0 if is_name else UNKNOWN)
            most, best = max((most, best), (worth, form), key=lambda each: each[0])
        found.update(filter(None, [best]))
    # A question that holds a name by chance has a form that no other has.
    frequent = [form for form, n in found.most_common() if n >= min(2, len(questions))]
    kept = dict.fromkeys(_with_marks(form, questions, where) for form in frequent)
    counts = Counter(filter(None, (form_of(question, kept, where) for question in questions)))
    return Counter(dict(counts.most_common()))


def _worth(
    question: str, form: Template, begun: tuple[int, int], where: Names, forms: Iterable[Template]
) -> float:
    """Return the worth of the name that a form finds in a question; see ``HELD``.

    In some scripts a document begins with the name and what is written onto it. Where a document
    repeats a part of what it begins with, that part may be the name: "Rome" in ``Rome's mayor is X
    and Rome's river is Y``.

    Args:
        question: a question that has the form.
        form: the form to judge.
        begun: start and end of the longest beginning of a document in the question.
        where: the names of documents.
        forms: the question's other forms that are frequent.
    """
    start, end = len(form.before), len(question) - len(form.after)
    name, whole = question[start:end], question[slice(*begun)]
    if begun[0] <= start and end <= begun[1]:
        rest = question[begun[0] : start] + question[end : begun[1]]
        return 1.0 if ENDING.fullmatch(rest) else HELD if where.tells(whole, name) else UNKNOWN
    if where.longest_in(name) == (0, len(name)):
        return 1.0
    parts = {part for each in forms if (part := each.name_in(question) or name) in name} - {name}
    told = any(where.tells(name, part) for part in parts)
    return REFUTED if told else HELD if where.is_name(name) else UNKNOWN


def form_of(question: str, templates: Iterable[Template], where: Names) -> Template | None:
    """Return the first form by which a question asks about a known name, else the first it has."""
    named = [(t, name) for t in templates if (name := t.name_in(question))]
    known = (t for t, name in named if len(named) == 1 or where.is_name(name))
    return next(known, named[0][0] if named else None)


def _with_marks(form: Template, questions: Sequence[str], where: Names) -> Template:
    """Return a form without its quotes around the name if documents hold most names in quotes."""
    first, last = form.before[-1:], form.after[:1]
    if not first or not last or any(mark.isalnum() or mark.isspace() for mark in (first, last)):
        return form
    names = [name for question in questions if (name := form.name_in(question))]
    n_held = sum(where.is_name(f"{first}{name}{last}") for name in names)
    return Template(form.before[:-1], form.after[1:]) if n_held > IN_QUOTES * len(names) else form


def _possible(question: str) -> Iterator[tuple[Template, int]]:
    """Yield every form that a question could have, and how many words it fixes."""
    spans = [m.span() for m in WORD.finditer(question)]
    for i in range(min(len(spans), MOST_WORDS)):
        for j in range(max(i + 1, len(spans) - MOST_WORDS), len(spans) + 1):
            form = Template(question[: spans[i][0]], question[spans[j - 1][1] :])
            yield form, i + len(spans) - j
