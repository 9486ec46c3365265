"""``nanoknow data augment``: questions and answers written from the documents.

The documents that training questions are about teach a ranker to find answers; it then answers for
all the others. A closed-book model that trains on the result sees no fact that the corpus and the
training questions do not hold.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from nanoknow.config.experiment import DataConfig
from nanoknow.data.questions import clean
from nanoknow.data.sources import Texts
from nanoknow.errors import DataError
from nanoknow.evaluation.scores import Score
from nanoknow.facts.index import FactIndex
from nanoknow.facts.subjects import MOST_COMPARED, AnswerFinder, find_names
from nanoknow.system.files import save_result
from nanoknow.system.reporter import Reporter

LEAST = 0.2
"""Probability at which a document is asked in a form of question."""


@dataclass(frozen=True)
class Augmentation:
    """What was written.

    Attributes:
        file: ``question<TAB>answer`` lines, the training questions' own answers among them.
        questions: how many.
        from_training: of them, those with a training question's answer.
        skipped: questions and answers that a line cannot hold.
        ranker: exact match on training questions that the ranker was not taught by.
        eval: the answers to the evaluation questions, where these have answers: what a
            closed-book model that remembers all of the file would reach.
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
        out: folder of the file.
        reporter: is notified of what happens.

    Raises:
        ConfigError: a text is not named, or the file cannot be written.
        DataError: the texts do not fit each other.
    """
    texts = Texts.find(data)
    corpus, training = texts.require_corpus(), texts.require_questions()
    facts = FactIndex(corpus, training.require_answers("teach a ranker", "--questions"))
    finder = AnswerFinder.taught(facts, training.items)
    if finder.ranker is None:
        what = f"no answer is in a document about its question's subject in {corpus.name}"
        raise DataError(f"{training.name}: {what}: do these texts belong together?")
    reporter.note(f"ranker: taught by {len(training.items):,} questions")
    right, asked = finder.cross_validated(training.items)
    written, skipped = _write(finder)
    known = {question.text: question.answer or "" for question in training.items}
    pairs = {question: known.get(question, answer) for question, answer in written.items()}
    path = out / "augmented.tsv"
    lines = "".join(f"{q}\t{a}\n" for q, a in pairs.items())
    save_result(path, lines.encode(), "the questions")
    items = texts.eval.items if texts.eval and texts.eval.answered else ()
    n_right = sum(pairs.get(question.text) in question.gold for question in items)
    return Augmentation(
        file=str(path),
        questions=len(pairs),
        from_training=len(pairs.keys() & known),
        skipped=skipped,
        ranker=Score(right, asked),
        eval=Score(n_right, len(items)) if items else None,
    )


def _write(finder: AnswerFinder) -> tuple[dict[str, str], int]:
    """Return a question and its answer for each subject and form, and how many a line cannot hold.

    Of several documents about one subject the answers count together.
    """
    names = find_names(finder.facts)
    shares: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for passage, name, spans in zip(
        finder.passages, names, finder.spans(MOST_COMPARED), strict=True
    ):
        for template in finder.templates if name else ():
            found = [s for s in spans if finder.templates[s.form] == template]
            if sum(span.probability for span in found) >= LEAST:
                for span in found:
                    answer = passage.text[span.start : span.end]
                    shares[template.ask(name)][answer] += span.probability
    best = {q: max(found, key=lambda answer: found[answer]) for q, found in shares.items()}
    fitting = {
        q: a for q, a in best.items() if q == clean(q) and a == clean(a) and "\t" not in q + a
    }
    return fitting, len(best) - len(fitting)
