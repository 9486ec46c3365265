"""``nanoknow demo``: the whole experiment on the built-in world."""

from nanoknow.cli import options as opt
from nanoknow.cli.learn import STAGES, show_learned
from nanoknow.cli.terminal import Terminal
from nanoknow.cli.training import Processes, Repeats, show_plan
from nanoknow.config.loading import load_config


def demo(
    seeds: Repeats = 1,
    config: opt.Config = "demo",
    processes: Processes = 1,
    assign: opt.Set = None,
    device: opt.DeviceName = "auto",
    out: opt.RunsOrTable = None,
    dry_run: opt.DryRun = False,
    as_json: opt.AsJson = False,
) -> None:
    """Run the whole experiment on the built-in world.

    It takes minutes, and ends in a table and a picture.

    Example: nanoknow demo --seeds 3
    """
    terminal = Terminal(as_json)
    resolved = load_config(config, opt.overrides(assign))
    if dry_run:
        show_plan(terminal, STAGES, resolved, device, times=seeds)
        return
    from nanoknow.experiments.learn import learn
    from nanoknow.experiments.pipeline import Launch

    launch = Launch(seeds, opt.folder_of(out), device, processes)
    report = learn(resolved, launch, terminal, "demo")
    opt.save_table(terminal, out, report.table)
    terminal.show(report, show_learned)
