"""``nanoknow attention RUN --question …``: where a model looks while it writes an answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from nanoknow.attention.trace import LayerWeights, Look, Place, look
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.system.reporter import Reporter
from nanoknow.tasks.question_answering import answer_text, describe_unknown


@dataclass(frozen=True)
class AttentionReport:
    """What a model answered, and where it looked.

    Attributes:
        run: the run's folder.
        epoch: how long it had been finetuned.
        question: as it was asked.
        answer: what the model wrote.
        read: the characters that it read: the prompt, and the answer so far.
        written: the characters that it wrote, the stop included.
        look: the weights.
        plot: the picture's path, where one was drawn.
    """

    run: str
    variant: str
    epoch: int
    question: str
    answer: str
    read: str
    written: str
    look: Look
    plot: str | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values; weights are by written character, head and key."""
        return {
            "run": self.run,
            "variant": self.variant,
            "epoch": self.epoch,
            "question": self.question,
            "answer": self.answer,
            "log_probability": self.look.answer.log_probability,
            "read": self.read,
            "written": self.written,
            "n_prompt": self.look.n_prompt,
            "layers": [self._layer(layer) for layer in self.look.layers],
            "plot": self.plot,
        }

    def _layer(self, layer: LayerWeights) -> dict[str, Any]:
        return {
            "name": layer.name,
            "queries": [query and self._place(query) for query in layer.queries],
            "keys": [self._place(key) for key in layer.keys],
            "weights": [
                None if query is None else _rounded(weights)
                for query, weights in zip(layer.queries, layer.weights, strict=True)
            ],
        }

    def _place(self, place: Place) -> dict[str, Any]:
        # The first latent stands past a short text; nothing sees it there.
        character = self.read[place.position : place.position + 1]
        return {"kind": place.kind, "number": place.number, "position": place.position,
                "character": character}  # fmt: skip


def attention_weights(
    run_path: Path | None, question: str, device: str, plot: Path | None, reporter: Reporter
) -> AttentionReport:
    """Ask a finetuned run one question, and keep what it looked at.

    Args:
        run_path: a run or checkpoint folder; None for the latest whose vocabulary holds every
            character of the question.
        question: characters that the vocabulary does not hold are left out.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        plot: where to draw all heads, .png or .svg.
        reporter: is told which run is taken and what is left out.

    Raises:
        CheckpointError: there is no such run, or it does not answer questions.
        ConfigError: the device does not exist, or the picture cannot be written.
        DataError: the question is longer than the block.
    """
    run = AnsweringRun.open(run_path, None, device, reporter, question)
    record, tokenizer = run.checkpoint.record, run.tokenizer
    prompt = run.prompt(question)
    unknown = Counter(tokenizer.unknown(question))
    if unknown:
        reporter.note(describe_unknown(unknown))
    seen = look(run.model, prompt, tokenizer.mask_id, run.max_answer_length)
    report = AttentionReport(
        run=str(run.run.path),
        variant=record.model.variant,
        epoch=int(record.progress["epoch"]),
        question=question,
        answer=answer_text(tokenizer, seen.answer.ids),
        read=tokenizer.decode(seen.read),
        written=tokenizer.decode(seen.answer.ids),
        look=seen,
        plot=None if plot is None else str(plot),
    )
    if plot is not None:
        from nanoknow.attention.figure import plot_weights

        plot_weights(seen, report.read, report.written, plot)
    return report


def _rounded(weights: Tensor) -> list[list[float]]:
    """Return (h, S) float32 weights without the digits that they do not have."""
    return [[round(weight, 8) for weight in head] for head in weights.tolist()]
