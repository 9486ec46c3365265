"""``nanoknow sample``: let a language model write text."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated

from typer import Option

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal, shown
from nanoknow.config.flags import sample_flags
from nanoknow.generation.copied import MIN_COPIED
from nanoknow.system.shares import percent

if TYPE_CHECKING:
    from nanoknow.generation.sample import Sampled


def sample(
    run: opt.RunFolder = None,
    run_flag: opt.RunFlag = None,
    context: Annotated[str | None, Option(help="Text to continue.")] = None,
    length: Annotated[int | None, Option(help="Characters to write.")] = None,
    temperature: Annotated[float | None, Option(help="Divisor of the logits.")] = None,
    top_k: Annotated[int | None, Option(help="Draw among the K most probable; 0 for all.")] = None,
    past_block: Annotated[
        str | None,
        Option(
            help="Past the block: reread it for each character, or go on from half of it.",
            **opt.one_of("recompute", "hop"),
        ),
    ] = None,
    weights: Annotated[
        str | None, Option(help="int8: round them to eight bits.", **opt.one_of("full", "int8"))
    ] = None,
    precision: Annotated[
        str | None, Option(help="Precision.", **opt.one_of("auto", "float32", "bfloat16"))
    ] = None,
    seed: Annotated[int, Option(help="Seed of the draws.")] = 0,
    mark_copied: Annotated[
        bool, Option("--mark-copied", help="Mark text copied from the training text.")
    ] = False,
    min_copied: Annotated[
        int | None,
        Option(
            min=1,
            metavar="N",
            help=f"Shortest stretch to mark; {MIN_COPIED} characters if not given.",
        ),
    ] = None,
    corpus: opt.CorpusFile = None,
    device: opt.DeviceName = "auto",
    as_json: opt.AsJson = False,
) -> None:
    """Sample text from a language model, character by character.

    With --mark-copied the text is printed when complete, with the share that is copied.

    Example: nanoknow sample --context "O God, O God!"
    """
    run = opt.named_run(run, run_flag)
    from nanoknow.generation.sample import sample as open_sampler
    from nanoknow.generation.sample import text_to_compare, write_all

    terminal = Terminal(as_json)
    named = text_to_compare(mark_copied, min_copied, corpus)
    given = (context, length, temperature, top_k, past_block, weights)
    flags = sample_flags(*given, precision=precision)
    sampler = open_sampler(run, flags, seed, device, terminal, named)
    if not mark_copied and not as_json:
        for text in itertools.chain([sampler.config.context], sampler.characters, "\n"):
            terminal.write(text)
        return
    terminal.show(write_all(sampler, seed, min_copied, terminal), show_copied)


def show_copied(terminal: Terminal, written: Sampled) -> None:
    """Show a text with its copied stretches marked, and how many characters they have.

    Stretches are underlined on a terminal with colours, and elsewhere between ``[[`` and ``]]``.
    """
    copied = written.copied
    assert copied is not None
    terminal.write(written.config.context)
    for segment, is_copied in copied.segments:
        if not is_copied:
            terminal.write(segment)
        elif terminal.has_colors:
            terminal.styled(shown(segment, "underline magenta", lines=True))
        else:
            terminal.write(f"[[{segment}]]")
    n, length = copied.characters, len(copied.text)
    terminal.write("\n\n")
    terminal.line(
        f"copied: {n:,} of {length:,} characters ({percent(copied.share)}), in stretches of "
        f"{copied.min_length} or more that are in {copied.corpus}"
    )
    if copied.longest:
        start, end, line = copied.longest.start, copied.longest.end, copied.longest.line
        where = f"the longest has {end - start}, at {copied.corpus}:{line}"
        terminal.line(f"{where}: {copied.text[start:end]!r}")
