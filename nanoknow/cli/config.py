"""``nanoknow config``: what configs resolve to."""

from typing import Annotated

import typer
from typer import Argument

from nanoknow.cli import options as opt
from nanoknow.cli.choices import named_file
from nanoknow.cli.terminal import Terminal
from nanoknow.config.loading import dump_config, load_config

config_app = typer.Typer(help="Show what configs resolve to.", no_args_is_help=True)


@config_app.command("show")
def config_show(
    name: Annotated[str | None, Argument(**named_file())] = None,
    assign: opt.Set = None,
    as_json: opt.AsJson = False,
) -> None:
    """Print a config with every value resolved; the defaults if none is named.

    Example: nanoknow config show birthplaces --set seed=7
    """
    config = load_config(name, opt.overrides(assign))
    opt.show(Terminal(), config, lambda terminal, _: terminal.write(dump_config(config)), as_json)
