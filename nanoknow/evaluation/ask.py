"""``nanoknow ask``: one question at a time, with what speaks for and against its answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nanoknow.config.experiment import DataConfig
from nanoknow.data.questions import Question
from nanoknow.data.sources import Texts
from nanoknow.data.tokenizer import Tokenizer, describe
from nanoknow.errors import DataError
from nanoknow.evaluation.answering_run import open_answering_run, training_data
from nanoknow.facts.evidence import Evidence, find_evidence
from nanoknow.facts.index import FactIndex
from nanoknow.facts.salient import subject
from nanoknow.facts.templates import Template
from nanoknow.generation.beam import search_beams
from nanoknow.generation.greedy import decode_greedily
from nanoknow.models.base import CharacterModel
from nanoknow.system.device import choose_device
from nanoknow.system.reporter import Reporter
from nanoknow.tasks.question_answering import answer_text, fitting_prompt

EVEN = 0.5
"""Below it, the answer is more probably another."""


@dataclass(frozen=True)
class RankedAnswer:
    """An answer and how probable the model holds it, its end included.

    Attributes:
        is_whole: False where no end had come at the limit, so that the probability is that of
            all answers that begin so.
    """

    text: str
    log_probability: float
    is_whole: bool

    @property
    def probability(self) -> float:
        """From 0 to 1."""
        return math.exp(self.log_probability)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "answer": self.text,
            "probability": self.probability,
            "log_probability": self.log_probability,
            "is_whole": self.is_whole,
        }


@dataclass(frozen=True)
class Reply:
    """What a model says to a question.

    Attributes:
        answers: the most probable first.
        is_exact: whether the search can have missed none that is as probable.
        abstained: whether the first is too improbable to be given.
        evidence: what the training text says; None where it is not at hand.
        asked_in_training: the same question among the training questions, and its place.
        doubt: why not to believe the answer; None where nothing speaks against it.
        notes: what else should be known.
    """

    question: str
    answers: list[RankedAnswer]
    is_exact: bool
    abstained: bool
    evidence: Evidence | None
    asked_in_training: tuple[Question, str] | None
    doubt: str | None
    notes: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values; there is no answer where the model abstained."""
        best, asked = self.answers[0], self.asked_in_training
        return {
            "question": self.question,
            "answer": None if self.abstained else best.text,
            "probability": best.probability,
            "abstained": self.abstained,
            "answers": [answer.to_json() for answer in self.answers],
            "is_exact": self.is_exact,
            "evidence": self.evidence.to_json() if self.evidence else None,
            "asked_in_training": {"where": asked[1], "answer": asked[0].answer} if asked else None,
            "doubt": self.doubt,
            "notes": self.notes,
        }


@dataclass(frozen=True)
class Asker:
    """A finetuned model, ready to be asked.

    Attributes:
        facts: what it was trained on, where that is at hand.
        n_best: answers to a question.
        abstain_below: the probability that an answer needs to be given.
    """

    model: CharacterModel
    tokenizer: Tokenizer
    max_answer_length: int
    facts: FactIndex | None
    n_best: int
    abstain_below: float

    def ask(self, question: str) -> Reply:
        """Answer one question, in any wording.

        Raises:
            DataError: it is empty, longer than the block, or carries an answer after a tab.
        """
        question = question.strip()
        if not question:
            raise DataError("an empty question: ask something")
        if "\t" in question:
            raise DataError(
                "a question with a tab in it: ask it without its answer, or name its file to "
                "'nanoknow evaluate --eval FILE'"
            )
        prompt = fitting_prompt(self.tokenizer, question, self.model.config.block_size)
        stop, limit = self.tokenizer.mask_id, self.max_answer_length
        beam = search_beams(self.model, prompt, stop, limit, self.n_best)
        answers = [
            RankedAnswer(
                answer_text(self.tokenizer, d.ids), d.log_probability, is_whole=d.ids[-1] == stop
            )
            for d in beam.answers
        ]
        best, asked = answers[0], self._asked_in_training(question)
        evidence = find_evidence(self.facts, question, best.text) if self.facts else None
        notes = []
        unknown = self.tokenizer.unknown(question)
        if unknown:
            notes.append(f"left out, as the run's vocabulary lacks it: {describe(unknown)}")
        if self._forms and not any(form.fits(question) for form in self._forms):
            usual = max(self._forms, key=lambda form: self._forms[form]).ask("…")
            notes.append(f"asked in another form than the training questions ({usual})")
        [greedy] = decode_greedily(self.model, [prompt], stop, limit)
        first_choice = answer_text(self.tokenizer, greedy.ids)
        if first_choice != best.text:
            notes.append(f"character by character, as 'evaluate' decodes, it says {first_choice!r}")
        return Reply(
            question,
            answers,
            beam.is_exact,
            best.probability < self.abstain_below,
            evidence,
            asked,
            _doubt(best, evidence, asked[0].answer if asked else None),
            notes,
        )

    def _asked_in_training(self, question: str) -> tuple[Question, str] | None:
        training = self.facts.training if self.facts else None
        asked = self._training.get(question)
        return (asked, f"{training.name}:{asked.line}") if training and asked else None

    @cached_property
    def _training(self) -> dict[str, Question]:
        training = self.facts.training if self.facts else None
        return {question.text: question for question in training.items} if training else {}

    @cached_property
    def _forms(self) -> dict[Template, int]:
        if self.facts is None or self.facts.training is None:
            return {}
        names = {subject(document) for document in self.facts.corpus.documents} - {""}
        return Template.count(self.facts.training, names)


def open_asker(
    run_path: Path | None,
    data: DataConfig,
    n_best: int,
    abstain_below: float,
    device: str,
    reporter: Reporter,
) -> Asker:
    """Load a finetuned run to ask it questions.

    Args:
        run_path: a run or checkpoint folder; None for the latest.
        data: training texts named in place of the run's own.
        n_best: answers to a question.
        abstain_below: the probability that an answer needs to be given.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is told which run is taken and what is missing.

    Raises:
        CheckpointError: there is no such run, or it does not answer questions.
        DataError: a text that was named cannot be read.
    """
    named = Texts.find(data)
    run, checkpoint, config = open_answering_run(run_path, "", reporter)
    record = checkpoint.record
    files = {role: path for role, path in named.config if path is not None}
    texts = Texts(run.config.data.model_copy(update=files))
    _, facts = training_data(texts, record.data, set(files), reporter)
    if facts is None:
        reporter.note(
            "no training text at hand: answers cannot be checked against it: name it with --corpus"
        )
    return Asker(
        checkpoint.load_model(choose_device(device)),
        record.tokenizer,
        config.max_answer_length,
        facts,
        n_best,
        abstain_below,
    )


def _doubt(best: RankedAnswer, evidence: Evidence | None, trained: str | None) -> str | None:
    """Say what speaks against an answer, in a line."""
    reasons = []
    if evidence is not None and not evidence.holds and trained != best.text:
        if not evidence.documents:
            reasons.append("no document of the training text is about whom the question names")
        else:
            reasons.append(f"the document about {evidence.name} does not hold it")
        if not evidence.mentioned:
            reasons.append("it stands nowhere in the training text")
    known = not reasons
    if best.probability < EVEN:
        reasons.append("the model itself holds other answers together to be more probable")
    if not reasons:
        return None
    return f"{'perhaps a guess' if known else 'probably made up'}: {', and '.join(reasons)}"
