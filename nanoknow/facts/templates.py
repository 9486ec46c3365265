"""Forms of questions: what stays the same whoever or whatever is asked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from nanoknow.facts.words import WORD

SHARE = 0.5
"""Where documents begin with what fewer questions than this share name, the questions alone are
asked for their forms."""
MOST_WORDS = 12
"""Words of a form before the name, and after it, that are looked for without documents."""


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

    Args:
        questions: each once.
        longest_name: returns where a question holds the longest beginning of a document.
        is_name: whether documents hold a name: ``Who is X's mother?`` is only then of the form
            ``Who is …?`` if they hold ``X's mother``.
    """
    found: Counter[Template] = Counter()
    for question in questions:
        if span := longest_name(question):
            found[Template(question[: span[0]], question[span[1] :])] += 1
    # A question that holds a name by chance has a form that no other has.
    least = 2 if len(questions) > 1 else 1
    if sum(n for n in found.values() if n >= least) < SHARE * len(questions):
        found = _alike(questions)
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
    return Template(form.before[:-1], form.after[1:]) if n_held > SHARE * len(names) else form


def _alike(questions: Sequence[str]) -> Counter[Template]:
    """Return for each question the form that spells most of the questions, by its words."""
    shared = Counter(template for question in questions for template, _ in _possible(question))
    best = (
        max(_possible(question), key=lambda form: (shared[form[0]] - 1) * form[1], default=None)
        for question in questions
    )
    return Counter(form[0] for form in best if form)


def _possible(question: str) -> Iterator[tuple[Template, int]]:
    """Yield every form that a question can have, and the words that it fixes."""
    spans = [m.span() for m in WORD.finditer(question)]
    for i in range(min(len(spans), MOST_WORDS)):
        for j in range(max(i + 1, len(spans) - MOST_WORDS), len(spans) + 1):
            before, after = question[: spans[i][0]], question[spans[j - 1][1] :]
            yield Template(before, after), i + len(spans) - j
