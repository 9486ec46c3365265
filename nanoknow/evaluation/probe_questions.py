"""Questions that separate knowing from guessing: other words, invented names, misspelt names.

Every probe is made from the evaluation questions and the corpus alone, so that two runs that are
probed with the same seed get the same questions. A probe's name says what was changed. Each of its
questions keeps the accepted answers, line and number of the evaluation question that it was made
from; those about invented names have no accepted answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random

from nanoknow.data.corpus import Corpus
from nanoknow.data.questions import Question, QuestionSet
from nanoknow.errors import DataError
from nanoknow.facts.index import FactIndex
from nanoknow.facts.templates import Template
from nanoknow.system.draws import below, choice, pick

BORN = Template("Where was ", " born?")
"""The form of the published questions and of the built-in world's."""
BORN_OTHERWISE = (
    Template("What is the birthplace of ", "?"),
    Template("In which place was ", " born?"),
    Template("", " was born where?"),
)
QUESTION_MARKS = "?？؟"
TRIES = 20
"""Draws for each name that is wanted; after these, no more names are made."""


@dataclass(frozen=True)
class ProbeMaker:
    """Makes probes of some questions about the subjects of documents.

    Attributes:
        template: the form of the questions.
        named: questions that follow the template and name a subject, each with that name.
        subjects: the names of all that documents are about.
        text: the corpus.
    """

    template: Template
    named: tuple[tuple[Question, str], ...]
    subjects: tuple[str, ...]
    text: str

    @classmethod
    def of(cls, questions: QuestionSet, corpus: Corpus, most: int, rng: Random) -> ProbeMaker:
        """Find the form of the questions, and choose at most ``most`` of them to probe.

        Raises:
            DataError: no question names the subject of a document.
        """
        facts = FactIndex(corpus, questions)
        subjects = dict.fromkeys(filter(None, facts.names))
        template = next(iter(facts.templates), Template("", ""))
        names = [(q, template.name_in(q.text)) for q in questions.items]
        named = [(q, name) for q, name in names if name in subjects]
        if not named:
            raise DataError(f"{questions.name}: no question names the subject of a document")
        return cls(template, tuple(pick(named, most, rng)), tuple(subjects), corpus.text)

    def rewordings(self) -> list[QuestionSet]:
        """Ask about the same subjects in other words."""
        before, after = self.template.before, self.template.after
        lower = Template(before[:1].lower() + before[1:], after)
        bare = Template(lower.before, after.rstrip(QUESTION_MARKS))
        forms = [*(BORN_OTHERWISE if self.template == BORN else ()), lower, bare]
        others = [form for form in dict.fromkeys(forms) if form != self.template]
        return [_probe(form.ask("X"), form, self.named) for form in others]

    def misspelt(self, rng: Random) -> QuestionSet:
        """Ask about the same subjects with one letter of the name wrong.

        Two adjacent letters are swapped, or one is replaced by a letter from the subjects' names.
        Only lower-case letters change (in a name without them, others), and never the first of a
        word. The result is never the name of a subject.
        """
        letters = sorted({c for name in self.subjects for c in name if c.isalpha()})
        known = set(self.subjects)
        made = [(source, _misspell(name, letters, known, rng)) for source, name in self.named]
        found = [(source, name) for source, name in made if name]
        return _probe("one letter of the name wrong", self.template, found)

    def invented(self, n: int, rng: Random) -> QuestionSet:
        """Ask about ``n`` invented names: one subject's with the last word of another's.

        No subject's name has both this first and this last word, and the whole name is nowhere in
        the corpus. Fewer where no more are found; none unless most names have several words.
        """
        parts = [name.rpartition(" ")[::2] for name in self.subjects if " " in name]
        taken = {(first.partition(" ")[0], last) for first, last in parts}
        names: dict[str, None] = {}
        for _ in range(n * TRIES if 2 * len(parts) > len(self.subjects) else 0):
            first, last = choice(parts, rng)[0], choice(parts, rng)[1]
            name = f"{first} {last}"
            if (first.partition(" ")[0], last) not in taken and name not in self.text:
                names[name] = None
            if len(names) == n:
                break
        asked = (Question(self.template.ask(name), (), i) for i, name in enumerate(names, 1))
        return QuestionSet("invented names", tuple(asked), "")


def _probe(what: str, form: Template, named: Iterable[tuple[Question, str]]) -> QuestionSet:
    """Make each question from its source, in a form and about a name."""
    asked = (replace(source, text=form.ask(name)) for source, name in named)
    return QuestionSet(what, tuple(asked), "")


def _misspell(name: str, letters: Sequence[str], known: set[str], rng: Random) -> str | None:
    """Return a name with one letter wrong; None where no try gives a new name."""
    inner = [i for i in range(1, len(name)) if name[i - 1 : i + 1].isalpha()]
    small = [i for i in inner if name[i].islower()]
    inner = small or inner
    letters = [c for c in letters if c.islower() == bool(small)]
    for _ in range(TRIES if inner else 0):
        at = choice(inner, rng)
        if below(2, rng) and at + 1 in inner:
            wrong = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
        else:
            wrong = name[:at] + choice(letters, rng) + name[at + 1 :]
        if wrong not in known and wrong != name:
            return wrong
    return None
