"""``nanoknow export``: write a run in the format of transformers."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal

if TYPE_CHECKING:
    from nanoknow.sharing.export import Exported


def export(
    out: Annotated[Path, opt.written("DIR", "The new folder.")],
    run: opt.RunFolder = None,
    run_flag: opt.RunFlag = None,
    lm_eval: Annotated[
        bool, Option("--lm-eval", help="Also write a task for lm-evaluation-harness.")
    ] = False,
    eval_file: opt.EvalFile = None,
    corpus: opt.CorpusFile = None,
    documents: opt.Documents = None,
    questions: opt.QuestionsFile = None,
    skip_long: opt.SkipLong = False,
    device: opt.DeviceName = "auto",
    as_json: opt.AsJson = False,
) -> None:
    """Write a run as a Hugging Face folder.

    Its model card says what it was trained on, how often it is right, and how to ask it.

    Example: nanoknow export runs/*demo*/seed-0/finetune --out ada
    """
    path = opt.named_run(run, run_flag)
    data = opt.named_data(corpus, questions, eval_file, documents, skip_long)
    from nanoknow.sharing.export import export as export_run

    terminal = Terminal(as_json)
    found = export_run(path, out, data, device, terminal, lm_eval=lm_eval)
    terminal.show(found, show_export)


def show_export(terminal: Terminal, found: Exported) -> None:
    """Show what was written, and how to open it."""
    rows = [("run", found.run), ("folder", found.folder)]
    rows.append(("model", f"{found.model_type}, {found.n_parameters:,} parameters"))
    if found.evaluation and found.evaluation.score:
        rows.append((f"exact match, {found.evaluation.questions}", str(found.evaluation.score)))
    terminal.pairs(rows)
    if found.lm_eval:
        task = f"--include_path lm_eval --tasks {found.lm_eval}"
        folder = shlex.quote(found.folder)
        terminal.line(f"cd {folder} && lm_eval --model hf --model_args pretrained=. {task}")
