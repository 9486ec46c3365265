"""``nanoknow sample``: text that a language model writes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated

from typer import Option

from nanoknow.cli import options as opt
from nanoknow.cli.choices import one_of
from nanoknow.cli.terminal import Terminal
from nanoknow.config.experiment import DataConfig
from nanoknow.config.loading import Override
from nanoknow.errors import ConfigError

if TYPE_CHECKING:
    from nanoknow.generation.copied import CopiedText
    from nanoknow.generation.sample import Sampler


MIN_COPIED = 25
"""Of the last tenth of Shakespeare, 0.2 % is in stretches of this length that the other nine tenths
hold, and 15 % in stretches of 15: below this, a model that writes well copies a little too."""


KEYS = ("context", "length", "temperature", "top_k", "past_block", "weights")
"""Of a config's section, that flags of their names set."""


def sample(
    run: opt.RunFolder = None,
    run_flag: opt.RunFlag = None,
    context: Annotated[str | None, Option(help="Text to continue.")] = None,
    length: Annotated[int | None, Option(help="Characters to write.")] = None,
    temperature: Annotated[float | None, Option(help="Divides the logits.")] = None,
    top_k: Annotated[int | None, Option(help="Draw among so many; 0 for all.")] = None,
    past_block: Annotated[
        str | None,
        Option(
            help="Past the block: read all of it again for each character, or half of it at times.",
            **one_of("recompute", "hop"),
        ),
    ] = None,
    weights: Annotated[
        str | None, Option(help="int8: rounded to eight bits.", **one_of("full", "int8"))
    ] = None,
    precision: Annotated[
        str | None, Option(help="Of the arithmetic.", **one_of("auto", "float32", "bfloat16"))
    ] = None,
    seed: Annotated[int, Option(help="Of the draws.")] = 0,
    mark_copied: Annotated[
        bool, Option("--mark-copied", help="Mark what is copied from the training text.")
    ] = False,
    min_copied: Annotated[
        int | None,
        Option(
            min=1, metavar="N", help=f"Characters that count as copied; {MIN_COPIED} if not given."
        ),
    ] = None,
    corpus: opt.CorpusFile = None,
    device: opt.DeviceName = "auto",
    as_json: opt.AsJson = False,
) -> None:
    """Sample text from a language model, character by character.

    With --mark-copied the text is printed at the end, with how much of it is copied.

    Example: nanoknow sample --context "O God, O God!"
    """
    run = opt.named_run(run, run_flag)
    from nanoknow.generation.copied import mark_copied as find_copied
    from nanoknow.generation.sample import sample as open_sampler

    terminal = Terminal()
    for flag, value in (("--min-copied", min_copied), ("--corpus", corpus)):
        if value is not None and not mark_copied:
            raise ConfigError(f"{flag}: goes with --mark-copied: add that, or leave it out")
    given = (context, length, temperature, top_k or None, past_block, weights)
    flags = opt.flags_of("sample", KEYS, given)
    overrides = opt.overrides(None, [*flags, Override("precision", precision, "--precision")])
    if top_k == 0:
        overrides.append(Override("sample.top_k", None, "--top-k"))
    named = DataConfig(corpus=corpus) if mark_copied else None
    sampler = open_sampler(run, overrides, seed, device, terminal, named)
    context, read = sampler.config.context, sampler.corpus
    if read is None and not as_json:
        for text in itertools.chain([context], sampler.characters, "\n"):
            terminal.write(text)
        return
    text = _collect(terminal, sampler)
    written = {**sampler.config.model_dump(), "seed": seed, "text": text}
    if read is not None:
        written["copied"] = copied = find_copied(text, read, min_copied or MIN_COPIED)
        if not as_json:
            show_copied(terminal, context, copied)
            return
    terminal.result(written)


def _collect(terminal: Terminal, sampler: Sampler) -> str:
    written: list[str] = []
    with terminal.progress("writing", sampler.config.length) as show:
        for character in sampler.characters:
            written.append(character)
            show(len(written), "")
    return "".join(written)


def show_copied(terminal: Terminal, context: str, copied: CopiedText) -> None:
    """Show a text with its copied stretches marked, and how many characters they have.

    They are underlined where that can be seen, and in ``[[`` and ``]]`` elsewhere.
    """
    terminal.write(context)
    for segment, is_copied in copied.segments:
        if not is_copied:
            terminal.write(segment)
        elif terminal.has_colors:
            terminal.styled((segment, "underline magenta"))
        else:
            terminal.write(f"[[{segment}]]")
    n, length = copied.characters, len(copied.text)
    terminal.write(
        f"\n\ncopied: {n:,} of {length:,} characters ({copied.share:.1%}), in stretches of "
        f"{copied.min_length} or more that are in {copied.corpus}\n"
    )
    if copied.longest:
        start, end, line = copied.longest.start, copied.longest.end, copied.longest.line
        where = f"the longest has {end - start}, at {copied.corpus}:{line}"
        terminal.write(f"{where}: {copied.text[start:end]!r}\n")
