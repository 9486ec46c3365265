"""Plan and train runs with their pretraining; a second call resumes what was interrupted."""

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
    """How a command trains its runs: how many seeds, where, and which of the runs.

    Attributes:
        seeds: number of seeds; None for the file's own.
        out: folder for the runs, where interrupted ones continue; None for the command's default.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        processes: number of runs to train side by side.
        shard: which part of the runs to train, ``I/N``; then no report is written.
        launcher: ``slurm`` or ``local``: jobs train the runs first (``train_as_jobs``).
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
        row: the row of a sweep, or the way of training, that it is an instance of.
        config: its own config.
        place: its folder.
        pretraining: config and folder of the pretrained run that it starts from, which others may
            share; where nothing is finetuned, this is the run itself. None: from scratch.
    """

    row: str
    config: ExperimentConfig
    place: Path
    pretraining: tuple[ExperimentConfig, Path] | None

    def train(self, options: TrainingOptions, reporter: Reporter) -> TrainingSummary:
        """Train the run, after its pretraining; a complete stage is left as it is.

        Returns:
            The summary of its first stage: pretraining, or training from scratch.

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
    """Return the runs of all rows, seed by seed; a row has one for each of its data configs.

    Runs whose pretraining would be identical share one.

    Args:
        configs: by row; the seed in a config is the first one.
        data: by row, its texts, or those of each fold.
        seeds: number of seeds.
        folder: for the runs.
        finetunes: whether the runs are finetuned after pretraining.

    Raises:
        ConfigError: there would be too many runs, or a seed would be too large.
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
    """Return the ``n`` seeds from ``first`` on.

    Raises:
        ConfigError: ``n`` is not from 1 to ``MOST_SEEDS``, or a seed reaches 2^63.
    """
    if not (1 <= n <= MOST_SEEDS and first + n <= 2**63):
        raise ConfigError(f"{n:,} seeds from {first}: ask for {MOST_SEEDS:,} at most, below 2^63")
    return range(first, first + n)


def chains_of(runs: Iterable[PlannedRun]) -> list[list[PlannedRun]]:
    """Group runs into chains: those that share a pretrained run are trained one after the other."""
    chains: dict[Path, list[PlannedRun]] = {}
    for run in runs:
        chains.setdefault(run.pretraining[1] if run.pretraining else run.place, []).append(run)
    return list(chains.values())


def shard_of(runs: Iterable[PlannedRun], shard: str | None) -> list[PlannedRun]:
    """Return the runs of a shard ``I/N``: the I-th of N parts, of whole chains; all for None.

    Raises:
        ConfigError: ``shard`` names no such part.
    """
    found = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", shard or "1/1")
    number, n = map(int, found.groups()) if found else (1, 0)
    if number > n:
        raise ConfigError(f"--shard {shard}: write I/N, the I-th of N parts: 1/4")
    return [run for chain in chains_of(runs)[number - 1 :: n] for run in chain]


def train_in_turn(
    runs: Iterable[PlannedRun], options: TrainingOptions, reporter: Reporter
) -> Iterator[tuple[PlannedRun, TrainingSummary]]:
    """Train runs; yield each when it is complete, with the summary of its first stage.

    A run that another process is training is skipped, and tried once more after the others.
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
    """Return, as one text, all settings and texts that determine a config's pretraining."""
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
        stage: the section of the config that holds the training settings.
        config: the run's config.
        out: the run's folder.
        options: device, time limit, and the precision of a new run whose config says ``auto``.
        reporter: is notified of what happens.
        source: the pretrained run to start from.

    Raises:
        BusyError: another process trains it.
        ConfigError: the folder holds a run with other settings.
    """
    # Without a checkpoint, the run was killed at its start or has just been begun elsewhere.
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
    # ``resume_run`` compares these two: texts by their hashes, precision with the checkpoint's.
    compared_there = {"data": config.data, "precision": config.precision}
    if run.config.model_copy(update=compared_there) != config:
        advice = "name another folder with --out"
        raise ConfigError(f"{out}: an earlier run with other settings: {advice}")
    return resume_run(run, options, reporter, config)
