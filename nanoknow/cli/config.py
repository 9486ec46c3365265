"""``nanoknow config``: list the shipped files, and print resolved configs."""

from typing import Annotated

import typer
from typer import Argument

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.config.loading import described, dump_config, load_config, shipped
from nanoknow.data.published import DATASETS

config_app = typer.Typer(
    help="List the shipped configs, and print one with every value.", no_args_is_help=True
)


@config_app.command("list")
def config_list(as_json: opt.AsJson = False) -> None:
    """List the configs, sweeps and laws that come with nanoknow, and the published data sets.

    Example: nanoknow config list
    """
    folders = {"configs": "", "sweeps": "sweeps", "laws": "laws"}
    found = {
        kind: {name: described(path) for name, path in shipped(folder).items()}
        for kind, folder in folders.items()
    }
    found["data sets"] = {n: ", ".join(f.name for f in files) for n, files in DATASETS.items()}
    Terminal(as_json).show(found, _show_shipped)


def _show_shipped(terminal: Terminal, found: dict[str, dict[str, str]]) -> None:
    for kind, named in found.items():
        terminal.table(kind, ("", ""), list(named.items()), left=2)


@config_app.command("show")
def config_show(
    name: Annotated[str | None, Argument(help=opt.A_CONFIG, **opt.named_file())] = None,
    assign: opt.Set = None,
    as_json: opt.AsJson = False,
) -> None:
    """Print a config with every value resolved; the defaults if none is named.

    Example: nanoknow config show birthplaces --set seed=7
    """
    config = load_config(name, opt.overrides(assign))
    Terminal(as_json).show(config, lambda terminal, _: terminal.write(dump_config(config)))
