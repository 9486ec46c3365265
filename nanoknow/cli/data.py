"""``nanoknow data``: inspect data, fetch published files, write questions about documents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal, shown
from nanoknow.cli.world import data_make, show_files
from nanoknow.config.loading import Override
from nanoknow.data.published import DATASETS
from nanoknow.errors import printable
from nanoknow.system.shares import percent

if TYPE_CHECKING:
    from nanoknow.experiments.augment import Augmentation
    from nanoknow.tasks.inspection import Inspection, QuestionFacts

data_app = typer.Typer(
    help="Inspect data, make the built-in world, fetch published files.", no_args_is_help=True
)
data_app.command("make")(data_make)
VIEWS = opt.one_of("namedata", "charcorruption")


@data_app.command("inspect")
def data_inspect(
    view: Annotated[str | None, Argument(help="View to show; both if not given.", **VIEWS)] = None,
    config: opt.Config = None,
    corpus: opt.CorpusFile = None,
    documents: opt.Documents = None,
    questions: opt.QuestionsFile = None,
    eval_file: opt.EvalFile = None,
    count: Annotated[int, Option(min=1, help="Examples to show of each view.")] = 4,
    assign: opt.Set = None,
    seed: opt.Seed = None,
    as_json: opt.AsJson = False,
) -> None:
    """Show how the data become examples.

    Also show what can be known from them.

    Example: nanoknow data inspect charcorruption --config birthplaces --count 2
    """
    from nanoknow.tasks.inspection import inspect
    from nanoknow.training.recipe import resolve_recipe

    terminal = Terminal(as_json)
    data = opt.data_flags(corpus, questions, eval_file, documents)
    overrides = opt.overrides(assign, [*data, Override("seed", seed, "--seed")])
    resolved = resolve_recipe(config, overrides, terminal)
    terminal.show(inspect(resolved, view, count), show_inspection)


@data_app.command("fetch")
def data_fetch(
    name: Annotated[str, Argument(help="Name of a data set.", **opt.one_of(*DATASETS))],
    out: Annotated[Path | None, opt.written("DIR", "Folder; in ./data if not given.")] = None,
    as_json: opt.AsJson = False,
) -> None:
    """Download published data, and verify their hashes.

    Example: nanoknow data fetch birthplaces
    """
    from nanoknow.data.download import fetch

    terminal = Terminal(as_json)
    terminal.show({"files": fetch(name, out, terminal)}, show_files)


@data_app.command("augment")
def data_augment(
    out: Annotated[Path, opt.written("DIR", "Folder for augmented.tsv.")],
    config: opt.Config = None,
    corpus: opt.CorpusFile = None,
    documents: opt.Documents = None,
    questions: opt.QuestionsFile = None,
    eval_file: opt.EvalFile = None,
    assign: opt.Set = None,
    as_json: opt.AsJson = False,
) -> None:
    """Write questions about the documents, with answers.

    The training questions teach a ranker, which finds the answers in the documents.

    Example: nanoknow data augment --config birthplaces --out augmented
    """
    from nanoknow.config.loading import resolve_config
    from nanoknow.experiments.augment import augment

    terminal = Terminal(as_json)
    flags = opt.data_flags(corpus, questions, eval_file, documents)
    resolved = resolve_config(config, opt.overrides(assign, flags), terminal)
    terminal.show(augment(resolved.data, out, terminal), show_augmentation)


def show_augmentation(terminal: Terminal, result: Augmentation) -> None:
    """Show how many questions were written, and how accurate their answers are."""
    rows = [
        ("file", result.file),
        ("questions", f"{result.questions:,}"),
        ("answered by the training questions", f"{result.from_training:,}"),
        ("accuracy of the ranker on questions left out", result.ranker),
        ("left out: a line cannot hold them", f"{result.skipped:,}" if result.skipped else None),
        ("accuracy of the file on the evaluation questions", result.eval),
    ]
    terminal.pairs(rows)


def show_inspection(terminal: Terminal, inspection: Inspection) -> None:
    """Show the headline and the (x, y) pairs as the original printed them, then the counts."""
    terminal.line(f"data has {inspection.characters} characters, {inspection.vocabulary} unique.")
    for view, pairs in inspection.pairs.items():
        terminal.write(f"\n{view}\n")
        for x, y in pairs:
            _show_pair(terminal, _one_line(x), _one_line(y))
    corpus = inspection.corpus
    lengths = f"{corpus.shortest} to {corpus.longest}, median {corpus.median:g}"
    within = f"{percent(corpus.share_within_prefix)} within {corpus.prefix} characters"
    rows = [
        ("corpus", corpus.name),
        ("documents", f"{corpus.documents:,} ({corpus.empty} empty)"),
        ("document lengths", f"{lengths}; {within}"),
        *_fit_rows(inspection, "corpus"),
    ]
    for role, facts in inspection.questions.items():
        rows += [*_question_rows(role, facts), *_fit_rows(inspection, role)]
    terminal.write("\n")
    terminal.pairs(rows)


def _show_pair(terminal: Terminal, x: str, y: str) -> None:
    """Show y under x, character by character, with the answer in colour and pads counted.

    If stdout is no terminal, write both as they are.
    """
    if not terminal.out.is_terminal:
        terminal.write(f"x: {x}\ny: {y}\n")
        return
    from nanoknow.data.tokenizer import MASK, PAD

    end = max(len(each.rstrip(PAD)) for each in (x, y))
    rest = f" {PAD} ×{len(x) - end}" if end < len(x) else ""
    blank = len(y) - len(y.lstrip(PAD))  # characters that are not scored
    unscored = f"{PAD} ×{blank}".ljust(blank) if blank > 5 else blank * PAD
    rows = {"x": shown(x[:end] + rest), "y": shown(unscored + y[blank:end] + rest)}
    answer = re.search(f"{MASK}([^{MASK}{PAD}]+){MASK}?{PAD}*$", x)
    for back, row in enumerate(rows.values()):
        if answer:
            row.stylize("bold green", answer.start(1) - back, answer.end(1) - back)
        row.highlight_words([MASK], "bold magenta")
        row.highlight_regex(rf"{PAD}( ×\d+)?", "dim")
    width = max(1, terminal.out.width - len("x: "))
    for first in range(0, end + len(rest), width):
        for name, row in rows.items():
            terminal.styled(shown(f"{name}: "), row[first : first + width], shown("\n", lines=True))


def _question_rows(role: str, facts: QuestionFacts) -> list[tuple[str, str]]:
    others = ((facts.in_training, "training questions"), (facts.stripped, "with blanks left out"))
    more = "".join(f", {n} {what}" for n, what in others if n)
    lines = f"{facts.lines:,} ({facts.asked_again} repeated, {facts.not_ascii} not ASCII{more})"
    rows = [(f"{role} questions", facts.name), ("  lines", lines)]
    if facts.most_frequent_answer is None:
        return [*rows, ("  answers", "none: write a tab before each, or a column 'answer'")]
    most_frequent = f"{facts.most_frequent_answer}: {percent(facts.most_frequent_share)}"
    rows.append(("  most frequent answer", most_frequent))
    if facts.among_training_answers is not None:
        rows.append(("  answer among training answers", percent(facts.among_training_answers)))
    return rows


def _fit_rows(inspection: Inspection, part: str) -> list[tuple[str, str]]:
    return [(f"  {line.what}", line.finding) for line in inspection.fit.get(part, ())]


def _one_line(text: str) -> str:
    """Write line ends and other invisible characters as visible ones."""
    return printable(text.replace("\n", "↵").replace("\r", "␍"))
