"""How every command ends."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import typer

from nanoknow.cli.terminal import Terminal
from nanoknow.errors import Interrupted, NanoknowError, ran_out_of_memory


@dataclass
class State:
    """What the options before the command say."""

    debug: bool = False


STATE = State()


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """End a command as users expect: one line for what they can fix, no traceback for Ctrl-C."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on as they are
        try:
            command(*args, **kwargs)
        except Interrupted as stop:
            Terminal().note(str(stop))
            raise typer.Exit(stop.exit_code) from None
        except NanoknowError as error:
            if STATE.debug:
                raise
            Terminal().error(str(error))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            if STATE.debug:
                raise
            Terminal().error("interrupted: the same command starts it again")
            raise typer.Exit(130) from None
        except (MemoryError, RuntimeError) as error:
            if STATE.debug or not ran_out_of_memory(error):
                raise
            Terminal().error("out of memory: take a smaller model, block or batch, or other data")
            raise typer.Exit(1) from None
        except BrokenPipeError:
            # The reader of our output went away (``| head``): stop without a word.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(141) from None

    return run
