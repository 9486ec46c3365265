"""Test a law: train its rows with several seeds, measure them, and judge."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.law import LawConfig
from nanoknow.config.sweep import slug
from nanoknow.data.sources import Texts
from nanoknow.data.world.build import require_small
from nanoknow.data.world.facts import FactWorld
from nanoknow.errors import ConfigError, suggest
from nanoknow.evaluation.scores import Score
from nanoknow.experiments.pipeline import Launch, plan_runs, shard_of, train_in_turn
from nanoknow.experiments.side_by_side import several_runs
from nanoknow.experiments.table import TableRow, require_report, save_report, table_row
from nanoknow.laws.figure import plot_law
from nanoknow.laws.measures import MEASURES, Subject, needs
from nanoknow.laws.verdict import Judged, judge, overall, unmet, value_of
from nanoknow.runs.folders import runs_folder
from nanoknow.system.reporter import Reporter


@dataclass(frozen=True)
class LawRow:
    """The results of a row; its lists have an entry for each finished seed, ascending.

    Attributes:
        name: the row's name.
        published: the paper's values, by name.
        seeds: the seeds of the finished runs.
        values: the measured values, by name.
        minutes: training time; pretraining that several rows share counts for each.
    """

    name: str
    published: Mapping[str, float]
    seeds: list[int]
    values: dict[str, list[float]]
    minutes: list[float]


@dataclass(frozen=True)
class LawReport:
    """The results of testing a law.

    Attributes:
        law: its name.
        paper, finding: see ``LawConfig``.
        verdict: one of ``verdict.HOLDS``, ``DIFFERS`` and ``NOT_TESTED``.
        unmet: the law's requirements that the runs do not meet, in words.
        claims: each with its verdict.
        rows: in the order of the file.
        elsewhere: number of runs that other processes are training.
        picture: the file that shows the values beside the paper's.
        folder: holds the runs, laid out like a sweep's.
        table: every run's scores, in the columns of a sweep's table.
    """

    law: str
    paper: str
    finding: str
    verdict: str
    unmet: list[str]
    claims: list[Judged]
    rows: list[LawRow]
    elsewhere: int
    picture: str
    folder: str
    table: list[TableRow]


def run_law(name: str, law: LawConfig, launch: Launch, reporter: Reporter) -> LawReport:
    """Train the runs that a law needs, or resume those of an earlier call, and judge the law.

    Args:
        name: the law's name.
        law: as its file has it, or with its ``quick`` values.
        launch: how to train the runs; by default in a folder of this law.
        reporter: is notified of what happens.

    Raises:
        ConfigError: the file names an unknown measure or value, a row's world does not suit the
            measure, or the folder holds runs with other settings.
    """
    if law.measure not in MEASURES:
        hint = suggest(law.measure, MEASURES)
        raise ConfigError(f"measure: no {law.measure!r}.{hint} Available: {', '.join(MEASURES)}")
    folder = launch.out or runs_folder() / f"law-{slug(name)}"
    configs = law.resolve()
    worlds = {row: _world(row, config, law.measure) for row, config in configs.items()}
    data = {row: (Texts.find(config.data).config,) for row, config in configs.items()}
    planned = plan_runs(configs, data, launch.seeds or law.seeds, folder, finetunes=law.finetunes)
    runs = shard_of(planned, launch.shard)
    if launch.shard is None:
        require_report(runs, folder / "law.json", folder / "law.png")
    measured: dict[str, dict[int, dict[str, float]]] = {row: {} for row in configs}
    minutes: dict[str, dict[int, float]] = {row: {} for row in configs}
    table: list[TableRow] = []
    with several_runs(runs, launch, folder, reporter) as options:
        for run, first in train_in_turn(runs, options, reporter):
            subject = Subject.open(run.place, first.run, worlds[run.row], launch.device, reporter)
            values, opened = MEASURES[law.measure](subject), subject.answering
            measured[run.row][run.config.seed] = {
                name: 100 * value.accuracy if isinstance(value, Score) else value
                for name, value in values.items()
            }
            table += [
                table_row(run.row, opened.run, opened.checkpoint, name, value, first.seconds)
                for name, value in values.items()
                if isinstance(value, Score)
            ]
            # A value that is not measured is refused after the first run, not after the last.
            for named in (*_named(law), *(each.measure for each in law.require)):
                value_of(measured[run.row][run.config.seed], named)
            own = opened.checkpoint.record.seconds if law.finetunes else 0.0
            minutes[run.row][run.config.seed] = round((first.seconds + own) / 60, 2)
    missing, done = unmet(law, measured), sum(map(len, measured.values()))
    if done < len(planned):
        missing.append(f"{done} of {len(planned)} runs are measured, by this process")
    judged = [judge(claim, measured) for claim in law.claims]
    rows = []
    for row, by_seed in measured.items():
        seeds = sorted(by_seed)  # runs may have ended in another order
        names = by_seed[seeds[0]] if seeds else ()
        by_name = {name: [by_seed[seed][name] for seed in seeds] for name in names}
        of_seeds = [minutes[row][seed] for seed in seeds]
        rows.append(LawRow(row, law.published.get(row, {}), seeds, by_name, of_seeds))
    report = LawReport(
        law=name,
        paper=law.paper,
        finding=law.finding,
        verdict=overall(judged, missing),
        unmet=missing,
        claims=judged,
        rows=rows,
        elsewhere=len(runs) - done,
        picture=str(folder / "law.png"),
        folder=str(folder),
        table=table,
    )
    if launch.shard is None:
        if any(row.seeds for row in rows):
            panels = {
                name: {
                    row.name: (row.values.get(name, []), row.published.get(name)) for row in rows
                }
                for name in _named(law)
            }
            plot_law(Path(report.picture), report.law, panels)
        save_report(folder / "law.json", report, table)
    return report


def _world(row: str, config: ExperimentConfig, measure: str) -> FactWorld:
    """Return the world of a row.

    Raises:
        ConfigError: the row has no world, the measure needs another one, or the block would cut
            its texts, so that they could not be learned.
    """
    form = config.data.world
    if form is None or not form.relations or config.data.corpus:
        raise ConfigError(
            f"{row}: a law is about a world: set data.world.relations, no data.corpus"
        )
    if lacking := needs(measure, form, config.pretrain.task.kind):
        raise ConfigError(f"{row}: measure {measure}: needs {lacking[0]}")
    world, block_size = FactWorld(form), config.model.block_size
    require_small(form)
    longest = max(len(each.text) for each in world.biographies())
    if longest >= block_size:
        what = f"its longest text has {longest} characters, and two ends"
        raise ConfigError(
            f"{row}: model.block_size {block_size}: {what}: set it to {longest + 1} or more"
        )
    return world


def _named(law: LawConfig) -> dict[str, None]:
    """Return the names of the values that claims and the paper are about, in their order."""
    named = [name for claim in law.claims for name in (claim.measure, claim.minus_measure) if name]
    return dict.fromkeys(named + [name for values in law.published.values() for name in values])
