"""Questions that separate knowing from guessing: other words, invented names, misspelt names.

Every probe is made from the evaluation questions and the corpus alone, so that it is the same for
any two runs with the same seed. Its name says what was changed; accepted answers, line and number
of each question are those of the evaluation question that it was made from, and about invented
names there are no answers.
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
"""The form of the published questions and of the built-in world's, for which we have others."""
BORN_OTHERWISE = (
    Template("What is the birthplace of ", "?"),
    Template("In which place was ", " born?"),
    Template("", " was born where?"),
)
QUESTION_MARKS = "?？؟"
TRIES = 20
"""Draws for each name, after which the corpus counts as having no more names."""


@dataclass(frozen=True)
class ProbeMaker:
    """Makes probes of some questions about the subjects of documents.

    Attributes:
        template: the form of the questions.
        named: questions that follow the template and name a subject, each with that name.
        subjects: whatever a document is about.
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

        Two adjacent letters are swapped, or one is replaced by a letter of another name: small
        ones, and where a name has none, any. It is never the first of a word, and the result never
        the name of another subject.
        """
        letters = sorted({c for name in self.subjects for c in name if c.isalpha()})
        known = set(self.subjects)
        made = [(source, _misspell(name, letters, known, rng)) for source, name in self.named]
        found = [(source, name) for source, name in made if name]
        return _probe("one letter of the name wrong", self.template, found)

    def invented(self, n: int, rng: Random) -> QuestionSet:
        """Ask about invented names: one subject's without its last word, with another's last word.

        No subject has the first and the last of these words together, and the whole name is
        nowhere in the corpus. Empty where most names are of one word, or no more can be made.
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
    """Ask about names in place of those in some questions."""
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
