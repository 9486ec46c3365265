"""A run and its pretraining, in named folders where an interrupted one is resumed."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nanoknow.config.experiment import DataConfig, ExperimentConfig, StageName
from nanoknow.config.sweep import MOST_RUNS, MOST_SEEDS, slug
from nanoknow.errors import BusyError, ConfigError
from nanoknow.runs.finding import open_checkpoint
from nanoknow.runs.folders import list_checkpoints
from nanoknow.runs.run import Run
from nanoknow.system.plain import to_json
from nanoknow.system.reporter import Reporter
from nanoknow.training.prepare import roles_of
from nanoknow.training.resume import resume_run
from nanoknow.training.session import TrainingOptions, TrainingSummary
from nanoknow.training.start import start_run
from nanoknow.training.train import after_pretraining


@dataclass(frozen=True)
class Launch:
    """How often, where and which of some runs to train.

    Attributes:
        seeds: how many, in place of a file's own number.
        out: folder for the runs, where interrupted ones continue; None for one of the command's.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        processes: runs to train side by side.
        shard: which part of the runs to train, ``I/N``; no report is written then.
        launcher: of jobs that train them first; see ``train_as_jobs``.
    """

    seeds: int | None
    out: Path | None
    device: str
    processes: int = 1
    shard: str | None = None
    launcher: str | None = None


@dataclass(frozen=True)
class PlannedRun:
    """A run that learns to answer questions, and what it starts from.

    Attributes:
        row: what it is an instance of: a row of a sweep, a way to train.
        config: its own.
        place: its folder.
        pretraining: config and folder of the run that it starts from, which may be that of
            others too, and where nothing is finetuned is its own; None where it starts from
            scratch.
    """

    row: str
    config: ExperimentConfig
    place: Path
    pretraining: tuple[ExperimentConfig, Path] | None

    def train(self, options: TrainingOptions, reporter: Reporter) -> TrainingSummary:
        """Train the run, after its pretraining; what is complete is left as it is.

        Returns:
            What its first stage gave.

        Raises:
            BusyError: another process trains one of them.
            ConfigError: a folder holds a run with other settings.
        """
        reporter.note(f"{self.row}, seed {self.config.seed}: {self.place}")
        if self.pretraining is None:
            return train_or_resume("scratch", self.config, self.place, options, reporter)
        config, source = self.pretraining
        first = train_or_resume("pretrain", config, source, options, reporter)
        if self.place != source:
            train_or_resume("finetune", self.config, self.place, options, reporter, source)
        return first


def plan_runs(
    configs: Mapping[str, ExperimentConfig],
    data: Mapping[str, Sequence[DataConfig]],
    seeds: int,
    folder: Path,
    *,
    finetunes: bool = True,
) -> list[PlannedRun]:
    """Return the runs of all rows of each seed in turn, one for each of a row's data.

    Those whose pretraining would compute the same share it.

    Args:
        configs: of the rows; their own seed is the first.
        data: of the rows: their texts, or those of every fold.
        seeds: how many.
        folder: for the runs.
        finetunes: whether they are finetuned.

    Raises:
        ConfigError: they are too many, or a seed would be too large.
    """
    n = seeds * sum(map(len, data.values()))
    if n > MOST_RUNS:
        raise ConfigError(f"{n:,} runs, by rows, seeds and folds: ask for {MOST_RUNS:,} at most")
    planned: list[PlannedRun] = []
    pretrained: dict[str, tuple[ExperimentConfig, Path]] = {}
    for offset in range(seeds):
        for name, config in configs.items():
            seed = seeds_from(config.seed, seeds)[offset]
            for number, texts in enumerate(data[name], start=1):
                seeded = config.model_copy(update={"seed": seed, "data": texts})
                place = folder / slug(name) / f"seed-{seed}"
                place = place / f"fold-{number}" if len(data[name]) > 1 else place
                reads = what_pretraining_reads(seeded)
                source = pretrained.setdefault(reads, (seeded, place / "pretrain"))
                own = place / "finetune" if finetunes else source[1]
                planned.append(PlannedRun(name, seeded, own, source))
    return planned


def seeds_from(first: int, n: int) -> range:
    """Return ``n`` seeds.

    Raises:
        ConfigError: they are too many, or end too high.
    """
    if not (1 <= n <= MOST_SEEDS and first + n <= 2**63):
        raise ConfigError(f"{n:,} seeds from {first}: ask for {MOST_SEEDS:,} at most, below 2^63")
    return range(first, first + n)


def chains_of(runs: Iterable[PlannedRun]) -> list[list[PlannedRun]]:
    """Return runs in groups: those that start from one pretrained run are trained in turn."""
    chains: dict[Path, list[PlannedRun]] = {}
    for run in runs:
        chains.setdefault(run.pretraining[1] if run.pretraining else run.place, []).append(run)
    return list(chains.values())


def shard_of(runs: Iterable[PlannedRun], shard: str | None) -> list[PlannedRun]:
    """Return one of N parts of some runs, ``I/N``, whole chains; all of them for None.

    Raises:
        ConfigError: it is no such part.
    """
    found = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", shard or "1/1")
    number, n = map(int, found.groups()) if found else (1, 0)
    if number > n:
        raise ConfigError(f"--shard {shard}: write I/N, the I-th of N parts: 1/4")
    return [run for chain in chains_of(runs)[number - 1 :: n] for run in chain]


def train_in_turn(
    runs: Iterable[PlannedRun], options: TrainingOptions, reporter: Reporter
) -> Iterator[tuple[PlannedRun, TrainingSummary]]:
    """Train runs; yield each that is complete, with what its first stage gave.

    One that another process is training is left to it, and tried once more after the others.
    """
    left = list(runs)
    for _ in range(2):
        runs, left = left, []
        for run in runs:
            try:
                first = run.train(options, reporter)
            except BusyError as error:
                reporter.note(f"left to another process: {error}")
                left.append(run)
                continue
            yield run, first


def what_pretraining_reads(config: ExperimentConfig) -> str:
    """Return all that decides what a config's pretraining computes."""
    data = config.data
    texts = [getattr(data, role) or data.world for role in roles_of(config, "pretrain")]
    settings = (config.seed, config.precision, config.model, config.pretrain)
    return to_json((settings, texts, data.documents, data.skip_long))


def train_or_resume(
    stage: StageName,
    config: ExperimentConfig,
    out: Path,
    options: TrainingOptions,
    reporter: Reporter,
    source: Path | None = None,
) -> TrainingSummary:
    """Train a run, or resume it where an interrupted command left it.

    Args:
        stage: the part of the config to train by.
        config: of the run.
        out: its folder.
        options: device, time, and the precision of a run that starts where its config leaves it.
        reporter: is notified of what happens.
        source: the pretrained run to start from.

    Raises:
        BusyError: another process trains it.
        ConfigError: the folder holds a run with other settings.
    """
    # Without a checkpoint it was killed at once, or others have just begun it.
    run = Run.open(out) if list_checkpoints(out / "checkpoints") else None
    if config.precision == "auto":
        own = run.config.precision if run else options.precision
        config = config.model_copy(update={"precision": own})
    if run is None:
        checkpoint = None
        if source is not None:
            pretrained, checkpoint = open_checkpoint(source)
            config = after_pretraining(pretrained, checkpoint, config)
        return start_run(stage, config, out, options, reporter, checkpoint)
    config = config.with_answer_length(run.config.finetune.task.max_answer_length)
    # Texts have hashes, and ``resume_run`` compares the precision with the checkpoint's.
    compared_there = {"data": config.data, "precision": config.precision}
    if run.config.model_copy(update=compared_there) != config:
        advice = "name another folder with --out"
        raise ConfigError(f"{out}: an earlier run with other settings: {advice}")
    return resume_run(run, options, reporter, config)
