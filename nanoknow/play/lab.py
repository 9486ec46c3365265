"""What the page plays with: an opened run, the worth of its answers, and how it learned."""

from contextlib import suppress
from functools import cached_property
from pathlib import Path
from random import Random
from threading import Lock

from nanoknow.attention.trace import trace
from nanoknow.config.experiment import DataConfig
from nanoknow.data.questions import clean
from nanoknow.errors import CheckpointError, DataError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import Answer, score_answers
from nanoknow.evaluation.ask import Reply, ask
from nanoknow.evaluation.probe_questions import QUESTION_MARKS, ProbeMaker
from nanoknow.evaluation.probes import MOST, ask_fitting
from nanoknow.facts.words import folded
from nanoknow.figures.canvas import Points
from nanoknow.generation.decoding import Decoded
from nanoknow.play.shown import Introduction, Lesson, Played, Worth, Written
from nanoknow.runs.finding import open_checkpoint, scratch_beside
from nanoknow.system.draws import below, choice
from nanoknow.system.reporter import Reporter
from nanoknow.system.seeds import derive_seed, new_generator
from nanoknow.tasks.inspection import example_of
from nanoknow.training.curves import RunCurves, read_curves

LONGEST = 1000
"""Longest question, in characters; a longer one is refused."""
NAMES = 8
"""Most names to suggest."""
ALTERNATIVES = 5
"""Most probable characters to show at each position of an answer."""
HIDINGS = 3
"""Examples of one document in a lesson."""
POINTS = 200
"""Most points of a curve."""
NEAR = 0.05
"""Largest difference between two probabilities that count as alike."""


class Lab:
    """An opened run to play with; a lock lets it answer one question at a time."""

    def __init__(
        self,
        run: Path | None,
        beside: Path | None,
        data: DataConfig,
        device: str,
        reporter: Reporter,
    ) -> None:
        """Open a run, and ask it its evaluation questions and questions about invented names.

        Args:
            run: a finetuned run; None for the latest that fits.
            beside: another run to ask the same questions; None for ``scratch_beside`` the first.
            data: texts in place of the run's own.
            device: see ``AnsweringRun.open``.
            reporter: is notified of what is not available.

        Raises:
            CheckpointError: a run is missing, or cannot answer questions.
            DataError: a file that was named cannot be read.
        """
        self.opened = opened = AnsweringRun.open(run, data, device, reporter)
        if beside is None and (scratch := scratch_beside(opened.run)):
            beside = scratch.path
        self.beside = AnsweringRun.open(beside, None, device, reporter) if beside else None
        self._reporter, self._lock = reporter, Lock()
        self._rng = Random(derive_seed(opened.run.config.seed, "play"))
        questions = opened.texts.eval
        self._asked = opened.fitting(questions) if questions and questions.answered else None
        self._answers = opened.answer_questions(opened.task(self._asked)) if self._asked else []
        self._invented = self._about_nobody()

    def introduction(self) -> Introduction:
        """Return what the page shows before anything is asked."""
        record, facts, questions = self.opened.checkpoint.record, self.opened.facts, self._asked
        has_read = self.opened.run.record.stage != "scratch"
        return Introduction(
            run=str(self.opened.run.path),
            model=f"{record.model.variant}, {self.opened.model.n_parameters:,} parameters",
            documents=sum(map(bool, facts.corpus.documents)) if facts and has_read else None,
            eval=questions.name if questions else None,
            beside=str(self.beside.run.path) if self.beside else None,
            example=questions.items[0].text if questions else None,
            score=score_answers(self._answers) if self._answers else None,
            right=sorted(a.confidence for a in self._answers if a.is_right),
            wrong=sorted(a.confidence for a in self._answers if not a.is_right),
            invented=sorted(a.confidence for a in self._invented),
        )

    def names(self, text: str) -> list[str]:
        """Return subjects that begin with a text, then those in which a later word does."""
        start, known = f" {folded(text.strip())}", self._known
        found = [name for name in known if start in known[name]]
        return sorted(found, key=lambda name: not known[name].startswith(start))[:NAMES]

    def invent(self) -> str:
        """Return a question about an invented name, which no document is about.

        Raises:
            DataError: no name can be made of those in the corpus.
        """
        if not self._invented:
            raise DataError("no name can be made of the names in the training text")
        with self._lock:
            return choice(self._invented, self._rng).question

    def ask(self, text: str) -> Played:
        """Answer a question; a mere name is asked about in the most frequent form of question.

        Raises:
            DataError: the text is empty or too long.
        """
        if len(text) > LONGEST:
            raise DataError(f"a question of {len(text):,} characters: ask in {LONGEST:,} or fewer")
        with self._lock:
            reply = ask(self.opened, self._as_question(clean(text)), 3, 0.0)
            other = ask(self.beside, reply.question, 1, 0.0) if self.beside else None
            return Played(reply, self._written(reply), self._worth(reply.probability), other)

    def lesson(self) -> Lesson:
        """Return a random document, and examples that pretraining makes of it.

        Raises:
            ConfigError: the run was not pretrained.
            DataError: its texts are not available.
        """
        with self._lock:
            task, tokenizer = self.opened.pretraining_documents, self.opened.tokenizer
            corpus = self.opened.texts.require_corpus()
            i = below(task.n_examples, self._rng)
            generator = new_generator(below(2**31, self._rng), "play")
            examples = [example_of(task, tokenizer, i, generator) for _ in range(HIDINGS)]
        document = int(task.documents[i])
        return Lesson(corpus.where(document), corpus.documents[document], examples)

    def curves(self) -> list[RunCurves]:
        """Return the curves of loss and accuracy of the run, and of its pretraining if available.

        Each curve is thinned evenly to ``POINTS`` points at most.
        """
        started_from, paths = self.opened.run.record.started_from, [self.opened.run.path]
        if started_from:
            with suppress(CheckpointError):
                paths.insert(0, open_checkpoint(Path(started_from))[0].path)
        return [run.with_points(_thinned) for run in read_curves(paths, self._reporter).runs]

    @cached_property
    def _known(self) -> dict[str, str]:
        """Subjects of the corpus, each with the folded form in which ``names`` looks it up."""
        facts = self.opened.facts
        return {name: f" {folded(name)}" for name in facts.names if name} if facts else {}

    def _about_nobody(self) -> list[Answer]:
        facts, asked = self.opened.facts, self.opened.training or self._asked
        try:
            if facts is None or asked is None:
                raise DataError("no questions, or no training text, to make them of")
            maker = ProbeMaker.of(asked, facts.corpus, MOST, self._rng)
            invented = maker.invented(max(len(self._answers), 2 * NAMES), self._rng)
        except DataError as error:
            self._reporter.note(f"no invented names: {error}")
            return []
        return ask_fitting(self.opened, invented)[1]

    def _as_question(self, text: str) -> str:
        """Put a mere name into the most frequent form of question; return other texts unchanged."""
        facts = self.opened.facts
        forms = list(facts.templates) if facts else []
        if not text or not facts or not forms or any(form.name_in(text) for form in forms):
            return text
        names_one = not facts.where.is_name(text) and facts.name_in(text)
        return text if text[-1] in QUESTION_MARKS or names_one else forms[0].ask(text)

    def _written(self, reply: Reply) -> list[Written]:
        opened, tokenizer = self.opened, self.opened.tokenizer
        prompt, stop = opened.prompt(reply.question), tokenizer.mask_id
        best, unknown = reply.answers[0], tokenizer.unknown(reply.question)
        [answer], _ = opened.encode([best.answer])  # an answer may contain the pad
        ids = [*answer.tolist(), *([stop] if best.is_whole else [])]
        traced = trace(opened.model, prompt, Decoded(ids, best.log_probability))
        attended = traced.by_position().mean((0, 2))[:, : traced.n_prompt - 1]  # (written, prompt)
        values, indices = traced.predicted.exp().topk(min(ALTERNATIVES, len(tokenizer)))

        def character(id_: int) -> str:
            return "" if id_ == stop else tokenizer.decode([id_])

        written = []
        for id_, others, shares, weights in zip(ids, indices, values, attended, strict=True):
            alternatives = zip(map(character, others.tolist()), shares.tolist(), strict=True)
            read = iter(weights.tolist())
            looked = [0.0 if c in unknown else next(read) for c in reply.question]
            written.append(Written(character(id_), list(alternatives), looked))
        return written

    def _worth(self, probability: float) -> Worth:
        alike = [a for a in self._answers if abs(a.confidence - probability) <= NEAR]
        invented = sum(abs(a.confidence - probability) <= NEAR for a in self._invented)
        return Worth(score_answers(alike) if alike else None, invented, len(self._invented))


def _thinned(points: Points) -> Points:
    """Return at most ``POINTS`` of the points, evenly spaced, the last one included."""
    step = -(-len(points) // POINTS) or 1
    return points[::-1][::step][::-1]
