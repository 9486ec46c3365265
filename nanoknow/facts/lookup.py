"""An open-book baseline: find the subject's document, and take the first known answer in it."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from nanoknow.facts.index import FactIndex
from nanoknow.facts.words import stands_at, without_name


def look_up(facts: FactIndex, questions: Iterable[str]) -> list[str | None]:
    """Answer questions from their subjects' own documents, with no model.

    A document's answer is the earliest training answer in it, as whole words and outside the
    subject's name, the longest of those that start together. Of several documents the answer that
    most of them give counts, the last of these among equals.

    Returns:
        The answer to each; None where no document holds one.
    """
    known: dict[str, list[str]] = defaultdict(list)  # by the first character, the longest first
    for answer in sorted(facts.answer_counts, key=len, reverse=True):
        known[answer[0]].append(answer)

    def first_answer(document: str, name: str) -> str | None:
        text = without_name(document, name)
        for start, character in enumerate(text):
            for answer in known.get(character, ()):
                if stands_at(text, answer, start):
                    return answer
        return None

    def answer_to(question: str) -> str | None:
        name = facts.name_in(question) or ""
        documents = reversed(facts.documents_about(question))
        found = Counter(filter(None, (first_answer(each, name) for each in documents)))
        return max(found, key=lambda answer: found[answer]) if found else None

    return [answer_to(question) for question in questions]
