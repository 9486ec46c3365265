"""``nanoknow why``: find the documents that taught an answer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.cli.training import Processes, show_plan, stages_of
from nanoknow.config.experiment import DataConfig
from nanoknow.system.shares import percent

if TYPE_CHECKING:
    from nanoknow.experiments.why import Explained, WhyReport

STRONGEST = 10
"""Most documents to show by their gradients."""


def why(
    question: Annotated[str | None, Argument(metavar="QUESTION", help="One question.")] = None,
    eval_file: Annotated[
        Path | None,
        Option("--eval", metavar="FILE", help="Questions; the documents of all are left out."),
    ] = None,
    run: opt.RunFlag = None,
    retrain: Annotated[
        int,
        Option(min=0, max=100, metavar="K", help="Train K runs without its documents, K controls."),
    ] = 0,
    processes: Processes = 1,
    dry_run: opt.DryRun = False,
    device: opt.DeviceName = "auto",
    out: opt.Runs = None,
    as_json: opt.AsJson = False,
) -> None:
    """Find the documents that taught an answer.

    Show the documents about the subject, and those whose gradients are most like the answer's. With
    --retrain, test it: train runs of the same settings without the documents about the subject, and
    without as many others, and compare the answer's probabilities.

    Example: nanoknow why "Where was Khatchig Mouradian born?" --retrain 4 --processes 2
    """
    run = opt.named_run(run)
    from nanoknow.data.questions import questions_from_bytes, read_questions
    from nanoknow.data.sources import locate
    from nanoknow.evaluation.answering_run import AnsweringRun
    from nanoknow.experiments.pipeline import Launch
    from nanoknow.experiments.why import why as explain

    if bool(question) == bool(eval_file):
        raise typer.BadParameter("ask one question, or name a file with --eval")
    if (dry_run or out) and not retrain:
        flag = "--dry-run" if dry_run else "--out"
        raise typer.BadParameter(f"{flag}: of --retrain K, as nothing else is trained")
    if eval_file:
        asked = read_questions(locate(eval_file))
    else:
        text = (question or "").encode(errors="surrogateescape")
        asked = questions_from_bytes(text, "the question")
    terminal = Terminal(as_json)
    opened = AnsweringRun.open(run, DataConfig(), device, terminal, asked.characters(answers=False))
    if dry_run:
        stages = stages_of(opened.run.record.stage == "finetune")
        show_plan(terminal, stages, opened.run.config, device, times=2 * retrain)
        return
    report = explain(opened, asked, Launch(retrain, out, device, processes), terminal)
    terminal.show(report, show_why)


def show_why(terminal: Terminal, report: WhyReport) -> None:
    """Show the answers and their documents, the strongest gradients, and the verdicts."""
    terminal.line(f"{report.run}, {len(report.documents)} documents about what was asked")
    if len(report.explained) == 1:
        [one] = report.explained
        evidence = one.evidence
        held = evidence.sentence or f"about {evidence.name}, without the answer"
        answer = f"{one.answer} ({percent(one.probability)})"
        terminal.pairs([("question", one.question), ("answer", answer), ("training text", held)])
        pulls = [
            (f"{each.cosine:+.2f}", "*" * each.is_own, Path(each.where).name, each.text)
            for each in report.influences
        ]
        title = f"Largest cosines of gradients with the answer's, of {len(pulls)} documents"
        columns = ("cosine", "", "document (* about the subject)", "")
        terminal.table(title, columns, pulls[:STRONGEST], left=4)
    if not report.folder:
        terminal.paragraph("Add --retrain 4 to learn whether they taught it.")
        return
    tested = [_row(each) for each in report.explained]
    heads = ("question", "answer", "without them", "without others", "times", "verdict")
    terminal.table("Probability of the answer, mean over the runs", heads, tested, left=2)
    found = Counter(each.verdict for each in report.explained)
    counts = [f"{words or 'no runs yet'}: {k} of {found.total()}" for words, k in found.items()]
    terminal.paragraph("; ".join(counts))
    terminal.line(f"Runs: {report.folder}")


def _row(each: Explained) -> tuple[str, ...]:
    if each.times is None:
        return each.question, each.answer, "-", "-", "-", "-"
    interval = "({:.3g} to {:.3g})".format(*each.interval_95) if each.interval_95 else "(one pair)"
    shares = (f"{100 * mean(runs):.2f} %" for runs in (each.without, each.others))
    verdict = f"{each.verdict} ({len(each.without)} runs)"
    return each.question, each.answer, *shares, f"{each.times:.3g} {interval}", verdict
