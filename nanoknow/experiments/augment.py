"""``nanoknow data augment``: a reader writes a question and an answer for every document.

The documents of people with a training question teach a small model to find the answer in a
document that it reads; it then answers for everybody else. A closed-book model that trains on the
result sees no fact that the corpus and the training questions do not hold.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.tasks import QuestionAnsweringConfig
from nanoknow.data.questions import QuestionSet
from nanoknow.data.sources import Texts
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import DataError
from nanoknow.evaluation.scores import Score
from nanoknow.facts.open_book import NO, YES, Candidate, OpenBook, as_questions
from nanoknow.facts.templates import Template
from nanoknow.generation.greedy import decode_greedily
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from nanoknow.system.device import choose_device
from nanoknow.system.files import save_result
from nanoknow.system.reporter import Reporter
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.question_answering import QuestionAnswering
from nanoknow.training.trainer import Trainer

HELD_OUT = 10
"""One labelled document in ten measures the reader instead of training it."""


@dataclass(frozen=True)
class Augmentation:
    """What the reader wrote.

    Attributes:
        file: ``question<TAB>answer`` lines, the training questions' own answers among them.
        questions: how many.
        from_training: of them, those with a training question's answer.
        reader: exact match on labelled documents that were held out of its training.
        eval: its answers to the evaluation questions, where these have answers: what a
            closed-book model that remembers all of the file would reach.
    """

    file: str
    questions: int
    from_training: int
    reader: Score
    eval: Score | None


def augment(config: ExperimentConfig, out: Path, device: str, reporter: Reporter) -> Augmentation:
    """Train a reader, ask it about every document, and write ``augmented.tsv``.

    Args:
        config: names corpus and training questions; ``augment`` says what the reader is.
        out: folder of the file.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is notified of what happens.

    Raises:
        ConfigError: a text is not named, or the file cannot be written.
        DataError: the texts do not fit each other.
    """
    texts = Texts.find(config.data)
    corpus = texts.require_corpus()
    training = texts.require_questions().require_answers("teach a reader", "--questions")
    # The reader's prompts show a candidate between two marks.
    tokenizer = replace(Tokenizer.from_corpus(corpus, specials=True), reads_marks=True)
    missing = tokenizer.unknown(YES + NO)
    if missing:
        raise DataError(
            f"{corpus.name}: holds no {missing[0]!r}, which the reader answers with: name a text "
            f"in Latin letters"
        )
    answers = {question.answer or "" for question in training.items}
    window = config.augment
    book = OpenBook.of(corpus, answers, window.before, window.after, window.longest)
    template = Template.of(training, set(book.names) - {""})
    labelled = list(book.labelled(corpus, training))
    taught = sorted({candidate.document for candidate, _ in labelled})
    held_out = set(taught[::HELD_OUT])
    lesson = [pair for pair in labelled if pair[0].document not in held_out]
    if not lesson:
        raise DataError(
            f"{training.name}: no answer is a name in its subject's document in "
            f"{corpus.name}: do these texts belong together?"
        )
    reporter.note(f"reader: {len(lesson):,} candidates of {len(taught):,} documents to learn from")
    model = _teach(config, as_questions(lesson, "candidates"), tokenizer, device, reporter)
    chosen = _choose(model, book.candidates, tokenizer, config.augment.reader.block_size)
    right = {candidate.document: candidate.word for candidate, is_right in labelled if is_right}
    score = Score(sum(chosen[i] == right[i] for i in held_out), len(held_out))
    written = {
        template.ask(name): chosen[i] for i, name in enumerate(book.names) if name and i in chosen
    }
    known = {question.text: question.answer or "" for question in training.items}
    pairs = {question: known.get(question, answer) for question, answer in written.items()}
    path = out / "augmented.tsv"
    lines = "".join(f"{q}\t{a}\n" for q, a in pairs.items())
    save_result(path, lines.encode(), "the questions")
    asked = texts.eval.items if texts.eval and texts.eval.answered else ()
    n_right = sum(pairs.get(question.text) in question.gold for question in asked)
    return Augmentation(
        file=str(path),
        questions=len(pairs),
        from_training=len(pairs.keys() & known),
        reader=score,
        eval=Score(n_right, len(asked)) if asked else None,
    )


def _teach(
    config: ExperimentConfig,
    lesson: QuestionSet,
    tokenizer: Tokenizer,
    device: str,
    reporter: Reporter,
) -> CharacterModel:
    settings = config.augment
    chosen = choose_device(device, config.precision)
    task = QuestionAnswering(lesson, tokenizer, settings.training.task, settings.reader.block_size)
    for note in task.notes:
        reporter.note(note)
    generator = new_generator(config.seed, "reader")
    model = build_model(settings.reader, len(tokenizer), generator)
    trainer = Trainer(model, task, settings.training, chosen, config.seed)
    for note in trainer.notes:
        reporter.note(note)
    with reporter.progress("reader", trainer.total_steps) as show:
        for result in trainer.steps():
            show(
                result.step,
                f"epoch {result.epoch}/{settings.training.epochs} loss {result.loss:.3f}",
            )
    return model


def _choose(
    model: CharacterModel, candidates: Sequence[Candidate], tokenizer: Tokenizer, block_size: int
) -> dict[int, str]:
    """Return the most probable candidate of each document that has any."""
    pairs = [(candidate, False) for candidate in candidates]
    config = QuestionAnsweringConfig(max_answer_length=1)
    task = QuestionAnswering(as_questions(pairs, "candidates"), tokenizer, config, block_size)
    decoded = decode_greedily(model, task.prompts, tokenizer.mask_id, max_new=1)
    best: dict[int, tuple[float, str]] = {}
    for candidate, answer in zip(candidates, decoded, strict=True):
        share = math.exp(answer.log_probability)
        probability = share if tokenizer.decode(answer.ids) == YES else 1.0 - share
        if candidate.document not in best or probability > best[candidate.document][0]:
            best[candidate.document] = (probability, candidate.word)
    return {document: word for document, (_, word) in best.items()}
