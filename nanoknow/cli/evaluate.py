"""``nanoknow evaluate``: judge a finetuned run's answers; with ``--report``, in depth."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import BadParameter, Option

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.errors import ConfigError
from nanoknow.system.files import require_unread, save_result
from nanoknow.system.shares import NONE, percent

if TYPE_CHECKING:
    from nanoknow.evaluation.evaluate import Evaluation
    from nanoknow.report.findings import Report

SHORT_VERDICTS = ("right", "near", "own", "taught", "other", "nowhere")
"""Column names of the verdicts, in their order."""
TARGET_ACCURACY = 0.8
SEED = 0


def evaluate(
    run: opt.RunFolder = None,
    run_flag: opt.RunFlag = None,
    eval_file: opt.EvalFile = None,
    corpus: opt.CorpusFile = None,
    documents: opt.Documents = None,
    questions: opt.QuestionsFile = None,
    skip_long: opt.SkipLong = False,
    report: Annotated[
        Path | None,
        opt.written("FILE", "Evaluate in depth, and write a page (.html) about it.", *opt.PAGE),
    ] = None,
    target_accuracy: Annotated[
        float | None,
        Option(
            metavar="SHARE",
            help="With --report: accuracy to reach by giving only confident answers; "
            f"{TARGET_ACCURACY} if not given.",
        ),
    ] = None,
    seed: Annotated[
        int | None, Option(help=f"With --report: seed of its draws; {SEED} if not given.")
    ] = None,
    predictions: Annotated[
        Path | None,
        Option(metavar="FILE", help="Answers made elsewhere, one a line, in place of a run's."),
    ] = None,
    out: Annotated[
        Path | None, opt.written("FILE", "Write the answers, one a line, for a grader.")
    ] = None,
    device: opt.DeviceName = "auto",
    as_json: opt.AsJson = False,
) -> None:
    """Score a finetuned run, and judge what it knew or made up.

    Its predictions are written into its folder.

    Example: nanoknow evaluate --eval birth_dev.tsv --report report.html
    """
    run = opt.named_run(run, run_flag)
    of_a_run = (run, report, out, skip_long, device != "auto")
    if predictions and any(of_a_run):
        flags = "--report, --out, --skip-long and --device"
        raise BadParameter(f"--predictions: without a run, {flags}: these are for a run")
    if out and report:
        raise BadParameter("--out: without --report, which names its file of answers")
    terminal = Terminal(as_json)
    data = opt.named_data(corpus, questions, eval_file, documents, skip_long)
    if report is None:
        for flag, value in (("--target-accuracy", target_accuracy), ("--seed", seed)):
            if value is not None:
                raise ConfigError(f"{flag}: is for --report FILE: add that, or leave this out")
        from nanoknow.evaluation.answering_run import AnsweringRun
        from nanoknow.evaluation.evaluate import evaluate_on, evaluate_predictions

        if predictions:
            evaluation = evaluate_predictions(predictions, data)
        else:
            opened = AnsweringRun.open(run, data, device, terminal)
            require_unread(out, vars(opened.texts.config).values(), "--out ")
            evaluation = evaluate_on(opened, opened.texts.require_eval(), terminal)
        if out is not None:
            save_result(out, Path(evaluation.predictions).read_bytes(), "the answers")
        terminal.show(evaluation, show_evaluation)
        return
    from nanoknow.report.assemble import report as report_on
    from nanoknow.report.findings import findings
    from nanoknow.report.page import page
    from nanoknow.training.curves import accuracies_beside_scratch

    target = TARGET_ACCURACY if target_accuracy is None else target_accuracy
    seed = SEED if seed is None else seed
    found = report_on(run, data, device, target, seed, terminal)
    learning = accuracies_beside_scratch(Path(found.run))
    save_result(report, page(found, learning).encode(), "the page")
    more = {"findings": findings(found), "learning": learning, "page": str(report)}
    terminal.show(found, partial(show_report, page=report), **more)


def show_evaluation(terminal: Terminal, evaluation: Evaluation) -> None:
    """Show the score beside the baseline, the verdicts, and the splits by what the data hold."""
    of = f" ({evaluation.variant}, epoch {evaluation.epoch})" if evaluation.variant else ""
    n, named, lost = len(evaluation.answers), evaluation.documented, evaluation.unreachable
    shared, constant = evaluation.overlap, evaluation.baseline
    others = f"{shared.others or 'nothing to score'}; {shared.n} of {n} left out" if shared else ""
    rows = [
        ("run", f"{evaluation.run}{of}"),
        ("questions", f"{evaluation.questions} ({n})"),
        ("exact match", evaluation.score),
        ("questions that name a subject", None if named in (None, n) else f"{named} of {n}"),
        ("answers that cannot be given", f"{lost} of {n}" if lost else None),
        ("without training questions", others if shared and shared.n else None),
        *([(constant.name, constant.score)] if constant else []),
        ("difference, exact McNemar test", f"p = {evaluation.mcnemar_p:.2g}" if constant else None),
        *(evaluation.verdicts or {}).items(),
        ("predictions", evaluation.predictions),
    ]
    terminal.pairs(rows)
    if not evaluation.splits:
        return
    table = []
    for part in evaluation.splits:
        kind = ("yes" if yes else "no" for yes in (part.in_document, part.seen_in_training))
        right = f"{part.n_right} ({percent(part.n_right / part.n)})" if part.n else NONE
        table.append((*kind, part.n, right, *[*part.verdicts.values()][1:]))
    title = "By whether the right answer is in the subject's document, and a training answer"
    columns = ("document", "training", "questions", *SHORT_VERDICTS)
    terminal.table(title, columns, table, left=2)


def show_report(terminal: Terminal, report: Report, page: Path) -> None:
    """Show the headlines of the report, and where its page is."""
    from nanoknow.report.findings import headlines, standing_out, title

    terminal.heading(title(report))
    for number in headlines(report):
        terminal.paragraph(f"{number.value:>8}  {number.name} ({number.detail})")
    for sentence in standing_out(report):
        terminal.paragraph(f"- {sentence}")
    terminal.line(f"Page: {page}")
