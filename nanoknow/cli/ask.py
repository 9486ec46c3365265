"""``nanoknow ask``: one question at a time."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal, shown
from nanoknow.errors import DataError, printable
from nanoknow.system.plain import to_json
from nanoknow.system.shares import percent

if TYPE_CHECKING:
    from nanoknow.evaluation.ask import RankedAnswer, Reply


ABSTAINED = "I don't know"


def ask(
    question: Annotated[
        str | None, Argument(metavar="QUESTION", help="If not given, read questions, one a line.")
    ] = None,
    run: opt.RunFlag = None,
    n_best: Annotated[int, Option(min=1, max=100, metavar="N", help="Answers to show.")] = 3,
    abstain_below: Annotated[
        float, Option(min=0, max=1, metavar="P", help="Say 'I don't know' below this probability.")
    ] = 0.0,
    corpus: opt.CorpusFile = None,
    documents: opt.Documents = None,
    questions: opt.QuestionsFile = None,
    device: opt.DeviceName = "auto",
    as_json: opt.AsJson = False,
) -> None:
    """Ask a finetuned run questions.

    For each question, show its answers, how sure it is, and whether it can know. Without QUESTION,
    read questions from the terminal or a pipe, one a line; --json then prints an object a line.

    Example: nanoknow ask "Where was Khatchig Mouradian born?"
    """
    run = opt.named_run(run)
    from nanoknow.evaluation.answering_run import AnsweringRun
    from nanoknow.evaluation.ask import ask as ask_run

    terminal = Terminal(as_json)
    data = opt.named_data(corpus, questions, None, documents)
    opened = AnsweringRun.open(run, data, device, terminal, question or "")
    refused = False
    for where, text in _lines(terminal) if question is None else [("the question", question)]:
        try:
            _require_utf8(text, where)
            reply = ask_run(opened, text, n_best, abstain_below)
        except DataError as error:
            if question is not None:
                raise
            terminal.error(str(error))  # the next question may be fine
            refused = True
            continue
        if as_json:
            terminal.write(to_json(reply, ensure_ascii=False) + "\n")
        else:
            if question is None and not sys.stdin.isatty():
                terminal.line(text)
            show_reply(terminal, reply)
    if refused and not sys.stdin.isatty():
        raise typer.Exit(1)


def _lines(terminal: Terminal) -> Iterator[tuple[str, str]]:
    """Yield questions from stdin: up to an empty line at a terminal, to the end of a pipe."""
    if not sys.stdin.isatty():
        yield from ((where, text) for where, text in terminal.lines_read() if text)
        return
    terminal.note("a question a line; an empty one ends")
    while text := terminal.ask("? "):
        yield "the question", text


def _require_utf8(text: str, where: str) -> None:
    if lost := re.search("[\ud800-\udfff]", text):
        raise DataError(f"{where}: byte {ord(lost[0]) & 0xFF:#x} is not UTF-8: write it as UTF-8")


def show_reply(terminal: Terminal, reply: Reply) -> None:
    """Show an answer, the next best, where the training text holds it, and any doubt."""
    best, *others = reply.answers
    style, rest = _style(reply), reply.answers if reply.abstained else others
    listed = ", ".join(f"{_quoted(answer)} {_percent(answer)}" for answer in rest)
    said, label = (ABSTAINED, "would have said") if reply.abstained else (_quoted(best), "else")
    evidence, asked, held = reply.evidence, reply.asked_in_training, None
    if evidence and evidence.where:
        words = f"“{evidence.sentence}”" if evidence.sentence else "does not hold it"
        held = shown(f"about {evidence.name}, {evidence.where}: {words}")
        held.highlight_words([printable(best.answer)], "bold")
    rows = [
        ("answer", shown(said, f"bold {style}")),
        ("probability", None if reply.abstained else shown(_percent(best), style)),
        (label, shown(listed, "dim") if listed else None),
        ("training text", held),
        ("asked in training", f"{asked.where}: {asked.answer}" if asked else None),
        ("warning", shown(reply.doubt, style) if reply.doubt else None),
        *(("note", note) for note in reply.notes),
    ]
    terminal.pairs(rows)


def _style(reply: Reply) -> str:
    """Return a colour by the doubt about an answer: a probability of 97 % alone is no knowledge."""
    from nanoknow.evaluation.ask import MADE_UP

    if reply.doubt:
        return "red" if reply.doubt.startswith(MADE_UP) else "yellow"
    return "green" if reply.evidence else "default"  # unchecked: not known


def _quoted(answer: RankedAnswer) -> str:
    text = answer.answer if answer.answer.strip() else repr(answer.answer)
    return text + "…" * (not answer.is_whole)


def _percent(answer: RankedAnswer) -> str:
    if answer.probability < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if answer.probability > 0.999 else percent(answer.probability)
