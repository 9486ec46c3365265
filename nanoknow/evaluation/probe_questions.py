"""Questions that separate knowing from guessing: other words, invented people, misspelt names.

Every probe is made from the evaluation questions and the corpus alone, so that it is the same for
any two runs with the same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from nanoknow.data.corpus import Corpus
from nanoknow.data.questions import Question, QuestionSet
from nanoknow.facts.salient import subject
from nanoknow.facts.templates import Template
from nanoknow.system.draws import below, choice, pick

BORN = Template("Where was ", " born?")
"""The form of the published questions and of the built-in world's, for which we have others."""
BORN_OTHERWISE = (
    "What is the birthplace of {}?",
    "In which place was {} born?",
    "{} was born where?",
)
TRIES = 20
"""Draws for each name, after which the corpus counts as having no more names."""


@dataclass(frozen=True)
class Probe:
    """Questions changed in one way, and the evaluation question that each was made from.

    Attributes:
        name: what was done, for a table's line.
        questions: what to ask; the accepted answers are those of the questions they were made
            from, and none for people who do not exist.
        sources: (questions,) index of the evaluation question; empty for invented people.
    """

    name: str
    questions: tuple[Question, ...]
    sources: tuple[int, ...] = ()


@dataclass(frozen=True)
class ProbeMaker:
    """Makes probes of some questions about people of a corpus.

    Attributes:
        template: the form of the questions.
        people: (index of the question, name), those whose question follows the template and who
            have a document.
        subjects: everybody a document is about.
        text: the corpus.
    """

    template: Template
    questions: QuestionSet
    people: tuple[tuple[int, str], ...]
    subjects: tuple[str, ...]
    text: str

    @classmethod
    def of(cls, questions: QuestionSet, corpus: Corpus, most: int, rng: Random) -> ProbeMaker:
        """Find the form of the questions, and choose at most ``most`` of them to probe.

        Raises:
            DataError: no question names the subject of a document.
        """
        subjects = dict.fromkeys(filter(None, map(subject, corpus.documents)))
        template = Template.of(questions, set(subjects))
        named = [(i, template.name_in(q.text)) for i, q in enumerate(questions.items)]
        people = [(i, name) for i, name in named if name in subjects]
        drawn = tuple(pick(people, most, rng))
        return cls(template, questions, drawn, tuple(subjects), corpus.text)

    def rewordings(self) -> list[Probe]:
        """Ask about the same people in other words."""
        before, after = self.template.before, self.template.after
        forms: list[tuple[str, Callable[[str], str]]] = []
        if self.template == BORN:
            forms += [(form.format("X"), form.format) for form in BORN_OTHERWISE]
        lower = Template(before[:1].lower() + before[1:], after)
        bare = Template(lower.before, after.rstrip("?"))
        forms += [
            (form.ask("X"), form.ask) for form in (lower, bare) if form not in (self.template, BORN)
        ]
        return [
            Probe(
                name,
                tuple(self._like(i, ask(person)) for i, person in self.people),
                tuple(i for i, _ in self.people),
            )
            for name, ask in dict(forms).items()
        ]

    def misspelt(self, rng: Random) -> Probe:
        """Ask about the same people with one letter of the name wrong.

        Two adjacent letters are swapped, or one is replaced; never the first of a word, and never
        so that the result is the name of somebody else.
        """
        letters = sorted({c for name in self.subjects for c in name if c.islower()})
        known = set(self.subjects)
        made = [(i, _misspell(name, letters, known, rng)) for i, name in self.people]
        found = [(i, name) for i, name in made if name]
        return Probe(
            "one letter of the name wrong",
            tuple(self._like(i, self.template.ask(name)) for i, name in found),
            tuple(i for i, _ in found),
        )

    def invented(self, n: int, rng: Random) -> Probe:
        """Ask about people who do not exist: given names of one with the surname of another.

        Nobody in the corpus has the first and the last of these names together, and the whole
        name is nowhere in it.
        """
        parts = [name.rpartition(" ")[::2] for name in self.subjects if " " in name]
        taken = {(given.partition(" ")[0], last) for given, last in parts}
        names: dict[str, None] = {}
        for _ in range(n * TRIES if parts else 0):
            given, last = choice(parts, rng)[0], choice(parts, rng)[1]
            name = f"{given} {last}"
            if (given.partition(" ")[0], last) not in taken and name not in self.text:
                names[name] = None
            if len(names) == n:
                break
        asked = (Question(self.template.ask(name), (), i) for i, name in enumerate(names, 1))
        return Probe("people who do not exist", tuple(asked))

    def _like(self, index: int, text: str) -> Question:
        source = self.questions.items[index]
        return Question(text, source.gold, source.line)


def _misspell(name: str, letters: Sequence[str], known: set[str], rng: Random) -> str | None:
    """Return a name with one letter wrong; None where no try gives a new name."""
    inner = [i for i in range(1, len(name)) if name[i].islower() and name[i - 1].isalpha()]
    for _ in range(TRIES if inner else 0):
        at = choice(inner, rng)
        if below(2, rng) and at + 1 in inner:
            wrong = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
        else:
            wrong = name[:at] + choice(letters, rng) + name[at + 1 :]
        if wrong not in known and wrong != name:
            return wrong
    return None
