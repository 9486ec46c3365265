"""``nanoknow play``: a page to play with a run."""

from pathlib import Path
from typing import Annotated, Any

from typer import Option

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal


def play(
    run: opt.RunFolder = None,
    run_flag: opt.RunFlag = None,
    beside: Annotated[
        Path | None,
        Option(**opt.run_folder("Another, to be asked the same; by default the from-scratch run.")),
    ] = None,
    port: Annotated[int, Option(min=0, max=65535, help="0 for any that is free.")] = 8224,
    corpus: opt.CorpusFile = None,
    documents: opt.Documents = None,
    questions: opt.QuestionsFile = None,
    eval_file: opt.EvalFile = None,
    device: opt.DeviceName = "auto",
    as_json: opt.AsJson = False,
) -> None:
    """Play with a finetuned run in the browser.

    Ask it, make it invent, see how sure it is and what that is worth, and how it learned. Served
    on this machine alone, until Ctrl-C.

    Example: nanoknow play
    """
    run, beside = opt.named_run(run, run_flag), opt.named_run(beside)
    from nanoknow.play.server import listen, server

    terminal = Terminal(as_json)
    with listen(port) as listening:
        from nanoknow.play.lab import Lab

        data = opt.named_data(corpus, questions, eval_file, documents)
        lab = Lab(run, beside, data, device, terminal)
        url = "http://{}:{}/".format(*listening.getsockname())
        terminal.show({"url": url, "run": lab.opened.run.path}, _show_url)
        server(lab).run([listening])


def _show_url(terminal: Terminal, page: dict[str, Any]) -> None:
    terminal.line(page["url"])
    terminal.note("open it in a browser; Ctrl-C ends it")
