"""``nanoknow data augment``: write questions and answers from the documents.

The training questions and the documents about their subjects teach a ranker to find answers; it
then answers questions about all documents. A closed-book model that trains on the result sees no
fact that the corpus and the training questions do not hold.
"""

from dataclasses import dataclass
from pathlib import Path

from nanoknow.config.experiment import DataConfig
from nanoknow.data.questions import clean
from nanoknow.data.sources import Texts
from nanoknow.errors import DataError
from nanoknow.evaluation.scores import Score
from nanoknow.facts.index import FactIndex
from nanoknow.system.files import require_unread, save_result
from nanoknow.system.reporter import Reporter

LEAST = 0.2
"""Least probability of the ranker's answer; a question with a less probable one is not written."""


@dataclass(frozen=True)
class Augmentation:
    """What was written.

    Attributes:
        file: ``question<TAB>answer`` lines, the training questions' own answers among them.
        questions: number of questions in the file.
        from_training: how many of them are training questions, with the answers of these.
        skipped: question-answer pairs left out because a line cannot hold them.
        ranker: cross-validated exact match of the ranker on training questions.
        eval: exact match of the file's answers on the evaluation questions, where these have
            answers: what a closed-book model that remembers all of the file would reach.
    """

    file: str
    questions: int
    from_training: int
    skipped: int
    ranker: Score
    eval: Score | None


def augment(data: DataConfig, out: Path, reporter: Reporter) -> Augmentation:
    """Teach a ranker, ask it about every document, and write ``augmented.tsv``.

    Args:
        data: names corpus and training questions.
        out: the folder to write the file into.
        reporter: is notified of what happens.

    Raises:
        ConfigError: a text is not named, or the file is one of them or cannot be written.
        DataError: the texts do not fit each other.
    """
    texts, path = Texts.find(data), out / "augmented.tsv"
    require_unread(path, vars(texts.config).values())
    corpus, training = texts.require_corpus(), texts.require_questions()
    items = texts.eval.items if texts.eval and texts.eval.answered else ()
    facts = FactIndex(corpus, training.require_answers("teach a ranker", "--questions"))
    finder = facts.finder
    if finder.ranker is None:
        what = f"no answer is in a document about its question's subject in {corpus.name}"
        raise DataError(f"{training.name}: {what}: do these texts belong together?")
    reporter.note(f"ranker: taught by {len(training.items):,} questions")
    asked = [
        template.ask(name)
        for name in dict.fromkeys(filter(None, facts.names))
        for template in finder.templates
    ]
    found = {q: a for q, a in zip(asked, finder.answers(asked, LEAST), strict=True) if a}
    known = {question.text: question.answer or "" for question in training.items}
    pairs = {q: known.get(q, a) for q, a in found.items() if _fits_a_line(q) and _fits_a_line(a)}
    lines = "".join(f"{q}\t{a}\n" for q, a in pairs.items())
    save_result(path, lines.encode(), "the questions")
    n_right = sum(pairs.get(question.text) in question.gold for question in items)
    return Augmentation(
        file=str(path),
        questions=len(pairs),
        from_training=len(pairs.keys() & known),
        skipped=len(found) - len(pairs),
        ranker=Score(*finder.cross_validated),
        eval=Score(n_right, len(items)) if items else None,
    )


def _fits_a_line(text: str) -> bool:
    return text == clean(text) and "\t" not in text
