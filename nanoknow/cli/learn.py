"""``nanoknow learn``: run the whole experiment on one's own files."""

from __future__ import annotations

import shlex
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from nanoknow.cli import options as opt
from nanoknow.cli.ask import show_reply
from nanoknow.cli.terminal import Terminal
from nanoknow.cli.training import Processes, Repeats, show_plan
from nanoknow.system.shares import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nanoknow.config.experiment import StageName
    from nanoknow.evaluation.scores import Score
    from nanoknow.experiments.learn import LearnReport


STAGES: tuple[StageName, ...] = ("pretrain", "finetune", "scratch")


def learn(
    corpus: opt.CorpusFile = None,
    documents: opt.Documents = None,
    questions: opt.QuestionsFile = None,
    eval_file: opt.EvalFile = None,
    skip_long: opt.SkipLong = False,
    config: opt.Config = None,
    seeds: Repeats = 1,
    processes: Processes = 1,
    assign: opt.Set = None,
    device: opt.DeviceName = "auto",
    out: opt.RunsOrTable = None,
    dry_run: opt.DryRun = False,
    as_json: opt.AsJson = False,
) -> None:
    """Run the whole experiment on your own files.

    Pretrain on the text, finetune on the questions with and without pretraining, and ask the
    evaluation questions; a table and a picture compare both ways. Run again with its folder, it
    continues.

    Example: nanoknow learn --corpus lives.txt --questions train.tsv --eval dev.tsv
    """
    from nanoknow.training.recipe import resolve_recipe

    terminal = Terminal(as_json)
    flags = opt.data_flags(corpus, questions, eval_file, documents, skip_long)
    resolved = resolve_recipe(config, opt.overrides(assign, flags), terminal)
    if dry_run:
        show_plan(terminal, STAGES, resolved, device, times=seeds)
        return
    from nanoknow.experiments.learn import learn as run_experiment
    from nanoknow.experiments.pipeline import Launch

    launch = Launch(seeds, opt.folder_of(out), device, processes)
    report = run_experiment(resolved, launch, terminal)
    opt.save_table(terminal, out, report.table)
    terminal.show(report, show_learned)


def show_learned(terminal: Terminal, report: LearnReport) -> None:
    """Show the accuracies of an experiment, and where its picture is."""
    asked = report.asked
    seeds = len(next(iter(report.scores.values())))
    spread = f"{seeds} seeds" if seeds > 1 else "95 %"
    columns = [column for name in asked for column in (name, spread)]
    rows = [
        (name, *(cell for scores in asked.values() for cell in _accuracy(scores[name], seeds)))
        for name in asked[report.label]
    ]
    terminal.table(_title(report), ("", *columns), rows)
    constants = {name: scores[report.constant.name][0] for name, scores in asked.items()}
    sizes = " and ".join(f"{score.n} {name}" for name, score in constants.items())
    chosen = " The demo's config was chosen by its dev accuracy." if report.is_world else ""
    terminal.paragraph(f"{sizes} questions.{chosen}")
    scores = asked[report.label]
    first, *others = ((name, mean(s.accuracy for s in of)) for name, of in scores.items())
    for name, accuracy in others:
        if accuracy and first[1]:
            times = first[1] / accuracy
            terminal.paragraph(f"{first[0]}: {times:.1f} times {name} ({report.label})")
    terminal.paragraph(f"{report.seconds / 60:.1f} minutes. Runs: {report.folder}")
    terminal.line(f"Picture: {report.picture}")
    for i, reply in enumerate(report.replies):
        terminal.heading(f"{reply.question}{' (an invented name)' * (i > 1)}")
        show_reply(terminal, reply)
    run, question = (shlex.quote(text) for text in (report.run, report.replies[0].question))
    terminal.heading("Next")
    terminal.line(f"  nanoknow play {run}")
    terminal.line(f"  nanoknow evaluate {run} --report report.html")
    terminal.line(f"  nanoknow why {question} --run {run}")


def _title(report: LearnReport) -> str:
    if report.is_world:
        return "Where were the held-out people born?"
    n = report.training_questions
    which = f"{n} of them training questions" if n else "questions no training question asks"
    return f"Exact match on {Path(report.questions).name}, {which}"


def _accuracy(scores: Sequence[Score], seeds: int) -> tuple[str, str]:
    """Write the mean over seeds and its range, or the 95 % interval where there is one seed."""
    shares = [score.accuracy for score in scores]
    if len(shares) < seeds:
        return percent(mean(shares)), ""  # the constant, which has no seeds
    low, high = (min(shares), max(shares)) if seeds > 1 else scores[0].interval_95
    return percent(mean(shares)), f"{100 * low:.1f}–{100 * high:.1f}"
