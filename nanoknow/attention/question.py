"""``nanoknow attention RUN --question …``: what a model attends to while it writes an answer."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from nanoknow.attention.trace import AttentionTrace, TracePoint, trace_answer
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.system.plain import plain
from nanoknow.system.reporter import Reporter
from nanoknow.tasks.question_answering import answer_text, describe_unknown


@dataclass(frozen=True)
class AttentionReport:
    """What a model answered, and what it attended to.

    Attributes:
        run: the run's folder.
        epoch: how many epochs it had been finetuned for.
        question: as it was asked.
        answer: what the model wrote.
        read: the characters that it read: the prompt, and the answer so far.
        written: the characters that it wrote, the stop included.
    """

    run: str
    variant: str
    epoch: int
    question: str
    answer: str
    read: str
    written: str
    trace: AttentionTrace
    JSON: ClassVar[tuple[str, ...]] = (
        "run", "variant", "epoch", "question", "answer", "log_probability", "read", "written",
        "n_prompt", "layers",
    )  # fmt: skip

    @property
    def log_probability(self) -> float:
        """Of the answer, its stop included, in nats."""
        return self.trace.answer.log_probability

    @property
    def n_prompt(self) -> int:
        """Characters of the prompt."""
        return self.trace.n_prompt

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The weights as JSON, by written character, head and key."""
        return [
            {
                "name": layer.name,
                "queries": [query and self._point(query) for query in layer.queries],
                "keys": [self._point(key) for key in layer.keys],
                "weights": [
                    query and [[round(weight, 8) for weight in head] for head in weights]  # float32
                    for query, weights in zip(layer.queries, layer.weights.tolist(), strict=True)
                ],
            }
            for layer in self.trace.layers
        ]

    def _point(self, point: TracePoint) -> dict[str, Any]:
        # The first latent may end past a short text, where nothing attends to it.
        return {**plain(point), "character": self.read[point.position : point.position + 1]}


def trace_question(
    run_path: Path | None, question: str, device: str, reporter: Reporter
) -> AttentionReport:
    """Ask a finetuned run one question, and keep what it attended to.

    Args:
        run_path: see ``AnsweringRun.open``.
        question: characters that the vocabulary does not hold are left out.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is notified which run is used and what is left out.

    Raises:
        CheckpointError: there is no such run, or it does not answer questions.
        ConfigError: the device does not exist.
        DataError: the question is longer than the block.
    """
    run = AnsweringRun.open(run_path, None, device, reporter, question)
    record, tokenizer = run.checkpoint.record, run.tokenizer
    prompt = run.prompt(question)
    if unknown := Counter(tokenizer.unknown(question)):
        reporter.note(describe_unknown(unknown))
    trace = trace_answer(run.model, prompt, tokenizer.mask_id, run.max_answer_length)
    return AttentionReport(
        run=str(run.run.path),
        variant=record.model.variant,
        epoch=int(record.progress["epoch"]),
        question=question,
        answer=answer_text(tokenizer, trace.answer.ids),
        read=tokenizer.decode(trace.read),
        written=tokenizer.decode(trace.answer.ids),
        trace=trace,
    )
