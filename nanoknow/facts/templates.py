"""Forms of questions: what stays the same whoever is asked about."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from nanoknow.data.questions import QuestionSet
from nanoknow.errors import DataError


@dataclass(frozen=True)
class Template:
    """The form of a question: the text before and after the name in it."""

    before: str
    after: str

    @classmethod
    def of(cls, questions: QuestionSet, names: set[str]) -> Template:
        """Return the most frequent form of questions about people with known names.

        Raises:
            DataError: no question holds such a name.
        """
        forms = cls.count(questions, names)
        if not forms:
            raise DataError(f"{questions.name}: no question names the subject of a document")
        return max(forms, key=lambda form: forms[form])

    @classmethod
    def count(cls, questions: QuestionSet, names: set[str]) -> Counter[Template]:
        """Return how often each form of a question about a known name occurs."""
        forms: Counter[Template] = Counter()
        for question in questions.items:
            words = question.text.rstrip("?").split(" ")
            spans = ((i, j) for i in range(len(words)) for j in range(len(words), i, -1))
            for i, j in spans:
                name = " ".join(words[i:j])
                if name in names:
                    before, _, after = question.text.partition(name)
                    forms[cls(before, after)] += 1
                    break
        return forms

    def ask(self, name: str) -> str:
        """Return the question about a name."""
        return f"{self.before}{name}{self.after}"

    def name_in(self, question: str) -> str | None:
        """Return the name in a question; None where it has another form."""
        name = question.removeprefix(self.before).removesuffix(self.after)
        return name if name and self.ask(name) == question else None
