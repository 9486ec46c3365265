"""Start a run: on fresh weights, or on those of a checkpoint."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from nanoknow.config.experiment import ExperimentConfig, FinetuneConfig, StageName
from nanoknow.data.sources import Texts
from nanoknow.models.registry import build_model, outline
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.finding import next_number
from nanoknow.runs.folders import new_folder, require_free
from nanoknow.runs.lock import lock_run
from nanoknow.runs.records import RunRecord
from nanoknow.runs.run import Run
from nanoknow.system.device import choose_device
from nanoknow.system.durations import in_words
from nanoknow.system.memory import require_memory
from nanoknow.system.reporter import Reporter
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.question_answering import answer_limit
from nanoknow.training.expected_time import expected_time
from nanoknow.training.prepare import Prepared, prepare, roles_of
from nanoknow.training.ranks import joined
from nanoknow.training.session import TrainingOptions, TrainingSession, TrainingSummary


def start_run(
    stage: StageName,
    config: ExperimentConfig,
    out: Path | None,
    options: TrainingOptions,
    reporter: Reporter,
    source: Checkpoint | None = None,
) -> TrainingSummary:
    """Train in a new run folder.

    Args:
        stage: the part of the config to train by.
        config: its ``model`` counts only where there is no source.
        out: the run folder; None for a fresh one.
        options: device and time.
        reporter: is notified of what happens.
        source: the checkpoint whose model, weights and vocabulary to start with; None for fresh
            weights and the vocabulary of the corpus and the training questions.

    Raises:
        CheckpointError: the folder is in use, or cannot be written.
        ConfigError: a text is not named, or the device does not exist.
        DataError: a text cannot be read, or the training questions have no answers.
    """
    with joined(options.device) as ranks:
        with ranks.agreeing():
            if out is not None and not ranks.rank:
                require_free(out)
            prepared = get_ready(stage, config, options.device, ranks.silencing(reporter), source)
        trainer = prepared.trainer
        trainer.ranks = ranks
        if ranks.rank:
            ranks.follow(trainer.steps())
        if seconds := expected_time(trainer):
            reporter.note(f"{trainer.total_steps:,} steps, about {in_words(seconds)} here")
        with new_run(stage, prepared, out, source) as run:
            return TrainingSession(run, prepared, options, reporter).train()


@contextmanager
def new_run(
    stage: StageName, prepared: Prepared, out: Path | None, source: Checkpoint | None
) -> Iterator[Run]:
    """Make the folder of a run, and keep it locked during training; see ``start_run``."""
    config, model = prepared.config, prepared.trainer.model
    record = RunRecord(
        stage=stage,
        task=config.stage(stage).task.kind,
        variant=config.model.variant,
        n_parameters=model.n_parameters,
        seed=config.seed,
        created=datetime.now(UTC).isoformat(timespec="microseconds"),
        started_from=str(source.path.absolute()) if source else None,
        data=prepared.texts.hashes(),
        id=uuid4().hex,
        number=next_number(),
    )
    path = new_folder(out, f"{stage}-{config.model.variant}")
    with lock_run(path):
        yield Run.create(path, record, config)


def get_ready(
    stage: StageName,
    config: ExperimentConfig,
    device: str,
    reporter: Reporter,
    source: Checkpoint | None = None,
) -> Prepared:
    """Make all that a new run trains with, and write nothing; see ``start_run``."""
    chosen = choose_device(device, config.precision)
    if source is not None and (then := source.record.precision) != chosen.precision:
        reporter.note(f"precision: {chosen.precision} now, and {then} in what it starts from")
    texts = Texts.find(config.data, roles_of(config, stage))
    config = config.model_copy(update={"data": texts.config})
    if isinstance(config.stage(stage), FinetuneConfig):
        config = config.with_answer_length(answer_limit(texts.questions))
    if source is not None:
        config = config.model_copy(update={"model": source.record.model})
        tokenizer, model = source.record.tokenizer, source.load_model(chosen)
    else:
        tokenizer = texts.tokenizer(specials=config.stage(stage).task.has_marks)
        sizes = config.model, len(tokenizer)
        n = sum(tensor.numel() for tensor in outline(*sizes).values())
        # Bytes of weights, gradients and two moments, in float32.
        require_memory(16 * n, f"model: {n:,} parameters")
        model = build_model(*sizes, new_generator(config.seed, "weights"))
    return prepare(config, stage, texts, tokenizer, model, chosen, reporter)
