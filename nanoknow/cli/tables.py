"""Results as tables for people; the same results go out as JSON elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import TYPE_CHECKING

from nanoknow.cli.terminal import Terminal

if TYPE_CHECKING:
    from nanoknow.complexity.formulas import Complexity, ComplexityReport
    from nanoknow.evaluation.baseline import Baseline
    from nanoknow.evaluation.evaluate import Evaluation
    from nanoknow.evaluation.scores import Score
    from nanoknow.experiments.augment import Augmentation
    from nanoknow.experiments.demo import DemoReport
    from nanoknow.experiments.sweep import SweepReport
    from nanoknow.tasks.inspection import Inspection, QuestionFacts
    from nanoknow.training.session import TrainingSummary


def show_training(terminal: Terminal, summary: TrainingSummary) -> None:
    """Show how a training run ended, and what comes next."""
    from nanoknow.evaluation.scores import Score

    stopped = summary.epochs < summary.planned_epochs
    seconds = summary.seconds
    took = f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"
    rows = [
        ("run", summary.run),
        ("model", f"{summary.variant}, {summary.n_parameters:,} parameters"),
        (
            "epochs",
            f"{summary.epochs} of {summary.planned_epochs}"
            + (" (stopped early; --resume continues)" if stopped else ""),
        ),
        ("steps", f"{summary.step:,}"),
        ("loss, last epoch", "-" if summary.loss is None else f"{summary.loss:.3f}"),
        ("time", f"{took} on {summary.device}, {summary.precision}"),
    ]
    if summary.accuracy:
        score = Score(summary.accuracy["n_right"], summary.accuracy["n"])
        rows.append(("accuracy", str(score)))
    terminal.table("", ("", ""), rows, left=2)


def show_evaluation(terminal: Terminal, evaluation: Evaluation) -> None:
    """Show the score beside the baseline, the verdicts, and the split by what was in the data."""
    rows = [
        ("run", f"{evaluation.run} ({evaluation.variant}, epoch {evaluation.epoch})"),
        ("questions", f"{evaluation.questions} ({len(evaluation.answers)})"),
    ]
    if evaluation.score:
        rows.append(("exact match", str(evaluation.score)))
    if evaluation.baseline:
        rows.append((f"saying {evaluation.baseline_answer!r} to all", str(evaluation.baseline)))
        rows.append(("difference, exact McNemar test", f"p = {evaluation.mcnemar_p:.2g}"))
    rows += [(name, str(count)) for name, count in (evaluation.verdicts or {}).items()]
    rows.append(("predictions", evaluation.predictions))
    terminal.table("", ("", ""), rows, left=2)
    if evaluation.splits:
        columns = ("fact in document", "answer in training")
        wrong = list(evaluation.verdicts or {})[1:]
        terminal.table(
            "What was there to know",
            (*columns, "questions", "right", "known place", "other words", "nowhere"),
            [
                (
                    "yes" if part["in_document"] else "no",
                    "yes" if part["seen_in_training"] else "no",
                    str(part["n"]),
                    f"{part['n_right']} ({part['n_right'] / part['n']:.1%})" if part["n"] else "-",
                    *(str(part["verdicts"][name]) for name in wrong),
                )
                for part in evaluation.splits
            ],
            left=2,
        )


def show_baseline(terminal: Terminal, result: Baseline) -> None:
    """Show what answering without a model is worth."""
    said = f"saying {result.answer!r} to all"
    name = said if result.method == "constant" else "looking it up in the documents"
    rows = [("questions", result.questions), (name, str(result.score))]
    terminal.table("", ("", ""), rows, left=2)


def show_inspection(terminal: Terminal, inspection: Inspection) -> None:
    """Show the headline and the pairs as the original printed them, then the counts."""
    terminal.write(
        f"data has {inspection.characters} characters, {inspection.vocabulary} unique.\n"
    )
    for view, pairs in inspection.pairs.items():
        terminal.write(f"\n{view}\n")
        for x, y in pairs:
            terminal.write(f"x: {_one_line(x)}\ny: {_one_line(y)}\n")
    corpus = inspection.corpus
    rows = [
        ("corpus", corpus.name),
        ("documents", f"{corpus.documents:,} ({corpus.empty} empty)"),
        (
            "document lengths",
            f"{corpus.shortest} to {corpus.longest}, median {corpus.median:g}; "
            f"{corpus.share_within_prefix:.1%} within {corpus.prefix} characters",
        ),
    ]
    if corpus.padding is not None:
        rows.append(("padding in a pretraining batch", f"{corpus.padding:.1%}"))
    for role, facts in inspection.questions.items():
        rows += _question_rows(role, facts, corpus.prefix)
    terminal.write("\n")
    terminal.table("", ("", ""), rows, left=2)


def _question_rows(role: str, facts: QuestionFacts, prefix: int) -> list[tuple[str, str]]:
    rows = [
        (f"{role} questions", facts.name),
        (
            "  lines",
            f"{facts.lines:,} ({facts.asked_again} asked again, {facts.not_ascii} not ASCII)",
        ),
    ]
    if facts.most_frequent_answer is None:
        return [*rows, ("  answers", "none in the file")]
    rows += [
        (
            "  most frequent answer",
            f"{facts.most_frequent_answer}: {facts.most_frequent_share:.1%}",
        ),
        (
            "  answer in the person's own document",
            f"{facts.in_document:.1%} ({facts.in_document_exact_name:.1%} by exact name)",
        ),
        (
            f"  … within its first {prefix} characters",
            f"{facts.in_prefix:.1%} ({facts.in_prefix_exact_name:.1%} by exact name)",
        ),
    ]
    if facts.among_training_answers is not None:
        rows.append(("  answer among training answers", f"{facts.among_training_answers:.1%}"))
    return rows


def _one_line(text: str) -> str:
    """Show line ends of a running text as a sign."""
    return text.replace("\n", "↵").replace("\r", "␍")


def show_augmentation(terminal: Terminal, result: Augmentation) -> None:
    """Show what the reader wrote, and how far it can be believed."""
    rows = [
        ("file", result.file),
        ("questions", f"{result.questions:,}"),
        ("answered by the training questions", f"{result.from_training:,}"),
        ("reader, documents held out of its training", str(result.reader)),
    ]
    if result.eval:
        rows.append(("the evaluation questions, answered by the file", str(result.eval)))
    terminal.table("", ("", ""), rows, left=2)


def show_demo(terminal: Terminal, report: DemoReport) -> None:
    """Show the accuracies of the demo, and where its picture is."""
    constant = report.constant.score.accuracy
    means = {name: mean(s.accuracy for s in scores) for name, scores in report.scores.items()}
    rows = []
    for name, scores in report.scores.items():
        values = [score.accuracy for score in scores]
        spread = f"{min(values):.1%}-{max(values):.1%}" if len(values) > 1 else str(scores[0])
        rows.append((name, f"{means[name]:.1%}", spread))
    said = f"saying {report.constant.answer!r} to all"
    rows.append((said, f"{constant:.1%}", str(report.constant.score)))
    n = len(next(iter(report.scores.values())))
    terminal.table(
        f"Where was each of {report.constant.score.n} held-out people born?",
        ("", "accuracy", f"range over {n} seeds" if n > 1 else "one seed"),
        rows,
    )
    first, *others = [*means.items(), ("the constant", constant)]
    for name, value in others:
        if value:
            terminal.write(f"{first[0]}: {first[1] / value:.1f} times {name}\n")
    terminal.write(f"{report.seconds / 60:.1f} minutes. Runs: {report.folder}\n")
    terminal.write(f"Picture: {report.picture}\n")


def show_sweep(terminal: Terminal, report: SweepReport) -> None:
    """Show each row's accuracy over its seeds, and what it cost."""
    rows = []
    for row in report.rows:
        runs = row.outcomes.values()
        rows.append(
            (
                row.name,
                str(len(runs)),
                _mean_and_range([run.score for run in runs]),
                _mean_and_range([run.recall for run in runs]),
                f"{mean(run.loss for run in runs):.3f}" if runs else "-",
                f"{mean(run.minutes for run in runs):.1f}" if runs else "-",
            )
        )
    terminal.table(
        f"Exact match on {report.questions}, in per cent",
        ("row", "seeds", "accuracy", "training questions", "loss", "minutes"),
        rows,
        left=1,
    )
    if report.elsewhere:
        terminal.write(f"{report.elsewhere} runs are with another process.\n")
    terminal.write(f"On {report.device or 'no device yet'}. Runs: {report.folder}\n")


def _mean_and_range(scores: Sequence[Score]) -> str:
    if not scores:
        return "-"
    middle, low, high = (100 * of(s.accuracy for s in scores) for of in (mean, min, max))
    return f"{middle:.1f}" if len(scores) == 1 else f"{middle:.1f} ({low:.1f} to {high:.1f})"


def show_complexity(terminal: Terminal, report: ComplexityReport) -> None:
    """Show cost by component, and against the length of the sequence."""
    config = report.config
    terminal.write(
        f"One sequence of ℓ = {report.vanilla.seq_len} characters, forward: d = {config.d_model}, "
        f"h = {config.n_heads}, L = {config.n_layers}, m = {config.bottleneck_dim} "
        f"({config.latents}), V = {report.vocab_size}\n"
    )
    for model in (report.vanilla, report.perceiver):
        _show_components(terminal, model)
    terminal.table(
        "FLOPs and attention memory by sequence length",
        (
            "ℓ",
            "vanilla",
            "perceiver",
            "ratio",
            "vanilla attention",
            "perceiver attention",
        ),
        [
            (
                str(row.seq_len),
                _si(row.vanilla_flops),
                _si(row.perceiver_flops),
                f"{row.flops_ratio:.3f}",
                _si(row.vanilla_attention_bytes) + "B",
                _si(row.perceiver_attention_bytes) + "B",
            )
            for row in report.sweep
        ],
        left=0,
    )
    if report.plot:
        terminal.write(f"Picture: {report.plot}\n")


def _show_components(terminal: Terminal, model: Complexity) -> None:
    rows = [
        (
            part.name if part.count == 1 else f"{part.count} x {part.name}",
            part.formula,
            _si(part.multiply_adds),
            _si(part.flops),
            f"{part.parameters:,}",
            _si(part.attention_bytes) + "B",
        )
        for part in model.components
    ]
    total = (
        "total",
        "",
        _si(model.multiply_adds),
        _si(model.flops),
        f"{model.parameters:,}",
        _si(model.attention_bytes) + "B",
    )
    terminal.table(
        f"{model.variant}: {model.formula} multiply-adds",
        ("layers", "multiply-adds of each", "in all", "FLOPs", "parameters", "attention"),
        [*rows, total],
        left=2,
    )


def _si(number: float) -> str:
    """Write a number with three digits and a prefix: ``872 M``."""
    for factor, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.3g} {prefix}"
    return f"{number:.3g} "
