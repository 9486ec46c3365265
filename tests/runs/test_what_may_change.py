"""What may change when a run is resumed: a row for every key of a config, tried on real runs."""

import json
import shutil
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import pytest
import torch
from pydantic import BaseModel

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import Override, dump_config, load_config
from nanoknow.errors import CheckpointError, ConfigError
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.run import Run
from nanoknow.training.finetune import finetune
from nanoknow.training.optimizer import learning_rate
from nanoknow.training.resume import resume_run
from nanoknow.training.start import start_run
from tests.helpers.checkpoints import assert_same
from tests.helpers.cli import json_of, refuse, run
from tests.helpers.refused import refused
from tests.helpers.silent import Silent
from tests.helpers.small_runs import LIVES, ONE_STEP, OPTIONS, SmallRun, steps_of, weights_file

FREE, NOTED, REFUSED, BY_CONTENT, UNREAD = "free", "noted", "refused", "by content", "unread"
DOCUMENTS, WINDOWS, QUESTIONS = "documents", "windows", "questions"
"""The runs: span corruption, a vanilla model; a perceiver language model; questions."""

SHARED = {
    "seed": (6, REFUSED),
    "precision": ("bfloat16", REFUSED),
    "model.variant": ("perceiver", REFUSED),
    "model.n_layers": (3, REFUSED),
    "model.n_heads": (4, REFUSED),
    "model.d_model": (32, REFUSED),
    "model.block_size": (40, REFUSED),
    "model.dropout": (0.2, REFUSED),
    "model.positions": ("rotary", REFUSED),
}
STAGE = {
    "epochs": (5, NOTED),
    "batch_size": (3, NOTED),
    "checkpoint_minutes": (7.0, FREE),
    "log_every": (3, FREE),
    "optimizer.learning_rate": (5e-4, REFUSED),
    "optimizer.betas": ([0.8, 0.9], REFUSED),
    "optimizer.weight_decay": (0.2, REFUSED),
    "optimizer.decay": ("linear_weights", REFUSED),
    "optimizer.matrix_optimizer": ("muon", REFUSED),
    "optimizer.grad_clip": (2.0, REFUSED),
    "schedule.warmup_tokens": (5, REFUSED),
    "schedule.decay_tokens": (99_999, REFUSED),
    "schedule.final_share": (0.2, REFUSED),
    "task.kind": ("language_modeling", REFUSED),
}
ROWS: dict[str, dict[str, tuple[Any, str]]] = {
    DOCUMENTS: {
        **SHARED,
        **{f"pretrain.{key}": row for key, row in STAGE.items()},
        "pretrain.task.min_truncation": (5, REFUSED),
        "pretrain.task.max_truncation": (0.5, REFUSED),
        "pretrain.task.keep_empty_documents": (True, REFUSED),
        "pretrain.task.salient_spans": (0.5, REFUSED),
        "pretrain.task.salient_words": ("answers", REFUSED),
        "pretrain.task.context_dropout": (0.5, REFUSED),
        "pretrain.task.context_width": (8, REFUSED),
        "pretrain.task.context_step": (2, REFUSED),
        "pretrain.task.name_in_place": (0.5, REFUSED),
        "pretrain.task.questions_per_document": (0.5, REFUSED),
        "pretrain.task.cloze_loss": ("hidden", REFUSED),
        "data.corpus": ("moved.txt", BY_CONTENT),
        "data.questions": ("moved.tsv", UNREAD),
        "data.eval": ("moved.tsv", UNREAD),
        "data.world.people": (50, UNREAD),  # where there is a corpus
        "data.world.paraphrases": (2, UNREAD),
        "data.world.seed": (2, UNREAD),
        "sample.length": (10, UNREAD),
        "augment.training.epochs": (2, UNREAD),
        "finetune.epochs": (2, UNREAD),
        "scratch.epochs": (2, UNREAD),
    },
    WINDOWS: {
        "model.bottleneck_dim": (9, REFUSED),
        "model.latents": ("spread", REFUSED),
        "pretrain.task.stride": (3, REFUSED),
    },
    QUESTIONS: {
        **{f"scratch.{key}": row for key, row in STAGE.items() if key != "task.kind"},
        "scratch.evaluate_every": (2, FREE),
        "scratch.task.max_answer_length": (9, REFUSED),
        "data.questions": ("moved.tsv", BY_CONTENT),
        "data.eval": ("moved.tsv", BY_CONTENT),
        "pretrain.epochs": (2, UNREAD),
    },
}
UNREAD_SECTIONS = ("sample", "augment")
ALIKE = {"finetune": "scratch"}
"""A stage of the same keys as another's."""
CASES = [(of, key, *row) for of, rows in ROWS.items() for key, row in rows.items()]


def leaves(owner: type[BaseModel], section: str = "") -> Iterator[str]:
    """Yield every key of a config that holds a value, those of all members of a union too."""
    for name, field in owner.model_fields.items():
        kind = field.annotation
        is_union = get_origin(kind) in (Union, types.UnionType)
        members = [m for m in (get_args(kind) if is_union else (kind,)) if is_section(m)]
        for member in members:
            yield from leaves(member, f"{section}{name}.")
        if not members:
            yield f"{section}{name}"


def is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def test_every_key_of_a_config_has_a_row() -> None:
    def row(key: str) -> str:
        section, _, rest = key.partition(".")
        # What a task of questions has beside its kind is that of the stage alike.
        return f"{ALIKE.get(section, section)}.{rest}" if rest else key

    keys = {row(key) for key in leaves(ExperimentConfig)}
    keys = {key for key in keys if key.partition(".")[0] not in UNREAD_SECTIONS}
    rows = {key for rows in ROWS.values() for key in rows}
    assert keys - rows == {"scratch.task.kind"}  # has one value only
    unread = {key for key, row in ROWS[DOCUMENTS].items() if row[1] == UNREAD}
    assert rows - keys <= unread


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of texts, and of each run one that is complete and one that was stopped."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "lives.txt").write_text(LIVES, encoding="utf-8")
    asked = "".join(f"Where was {p} born?\tRome\n" for p in ("Ada", "Bo", "Cleo", "Dan", "Eve"))
    for name in ("questions.tsv", "eval.tsv"):
        (folder / name).write_text(asked, encoding="utf-8")
    small = SmallRun(folder).config
    # The vocabulary is the corpus's.
    for name, changes, stage in (
        (DOCUMENTS, {}, "pretrain"),
        (
            WINDOWS,
            {
                "model.variant": "perceiver",
                "model.bottleneck_dim": 8,
                "pretrain.task.kind": "language_modeling",
                "pretrain.task.stride": 20,
            },
            "pretrain",
        ),
        (
            QUESTIONS,
            {
                "data.questions": str(folder / "questions.tsv"),
                "data.eval": str(folder / "eval.tsv"),
                "scratch.epochs": 4,
                "scratch.batch_size": 2,
                "scratch.log_every": 1,
            },
            "scratch",
        ),
    ):
        config = load_config(None, [Override(k, v, k) for k, v in changes.items()], small)
        for kind, options in (("whole", OPTIONS), ("cut", ONE_STEP)):
            start_run(stage, config, folder / f"{name}-{kind}", options, Silent())  # type: ignore[arg-type]
    (folder / "moved.txt").write_text(LIVES, encoding="utf-8")
    (folder / "moved.tsv").write_text(asked, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("of", "key", "value", "rule"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES]
)
def test_each_key_is_free_or_noted_or_refused_with_both_sides(
    of: str, key: str, value: Any, rule: str, made: Path, tmp_path: Path
) -> None:
    shutil.copytree(made / f"{of}-cut", tmp_path / "run")
    changed = Run.open(tmp_path / "run")
    value = str(made / value) if key.startswith("data.") and isinstance(value, str) else value
    extra = {"model.bottleneck_dim": 8} if key == "model.variant" else {}
    overrides = [Override(k, v, k) for k, v in {**extra, key: value}.items()]
    config = load_config(None, overrides, changed.config)
    file = changed.path / "config.yaml"
    before = changed.metrics_file.read_bytes()
    reporter = Silent()
    file.write_text(dump_config(config), encoding="utf-8")
    if rule == REFUSED:
        message = refused(ConfigError, lambda: resume_run(changed, OPTIONS, reporter, config))
        shown = tuple(value) if isinstance(value, list) else value
        assert f"{key}: {shown} is asked for, and " in message
        assert message.count(" in step-00000001, which was trained with it: put it back") == 1
        assert changed.metrics_file.read_bytes() == before
        return
    summary = resume_run(Run.open(changed.path), OPTIONS, reporter)
    whole, resumed = Run.open(made / f"{of}-whole"), Run.open(changed.path)
    noted = [note for note in reporter.notes if " then and " in note]
    if rule == NOTED:
        [note] = noted
        assert note.startswith(f"{key.rpartition('.')[2]} ")
        assert summary.epochs == summary.planned_epochs
        return
    assert not noted
    assert weights_file(resumed) == weights_file(whole)


def stretch(small: SmallRun, *, epochs: int) -> tuple[Run, list[str]]:
    """Resume a run for other epochs."""
    reporter = Silent()
    config = load_config(None, [Override("pretrain.epochs", epochs, "--epochs")], small.run.config)
    resume_run(small.run, OPTIONS, reporter, config)
    return small.run, reporter.notes


def test_a_finished_run_is_extended_and_says_what_becomes_of_its_schedule(small: SmallRun) -> None:
    small.change_stage(
        schedule=small.config.pretrain.schedule.model_copy(update={"warmup_tokens": 31})
    )
    small.start()
    run, notes = stretch(small, epochs=6)
    assert (run.config.pretrain.epochs, steps_of(run)) == (6, [*range(1, 19)])
    progress = run.latest().record.progress
    assert (progress["epoch"], progress["examples"]) == (6, 0)
    stage, tokens = run.config.pretrain, 31 * 5
    rates = [
        learning_rate(stage.schedule, stage.optimizer.learning_rate, done * tokens, end * tokens)
        for done, end in ((4, 6), (4, 4), (6, 6))
    ]
    here, before, last = (f"{rate:.1e}" for rate in rates)
    assert f"epochs 4 then and 6 now: by the schedule the learning rate goes on from {here} " in (
        " ".join(notes)
    )
    assert f"({before} by the former epochs) and ends at {last}" in " ".join(notes)
    again, notes = stretch(small, epochs=6)
    assert not [note for note in notes if "epochs" in note]
    assert steps_of(again) == [*range(1, 19)]


@pytest.mark.parametrize("epochs", [1, 3])
def test_fewer_epochs_than_are_begun_are_refused(epochs: int, small: SmallRun) -> None:
    small.start()
    before = (small.path / "config.yaml").read_bytes()
    message = refused(ConfigError, lambda: stretch(small, epochs=epochs))
    assert f"pretrain.epochs: {epochs}, and epoch 4 is begun in step-00000012: ask for 4" in message
    assert (small.path / "config.yaml").read_bytes() == before


def test_an_epoch_that_is_begun_counts_against_fewer_epochs(small: SmallRun) -> None:
    small.cut()
    stretch(small, epochs=1)
    assert steps_of(small.run) == [1, 2, 3]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 64])
def test_another_batch_size_goes_on_after_the_examples_that_are_done(
    batch_size: int, small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.cut()
    seen: list[list[int]] = []
    batch = type(small_task(small)).batch

    def watched(self: Any, indices: torch.Tensor, generator: torch.Generator) -> Any:
        seen.append(indices.tolist())
        return batch(self, indices, generator)

    monkeypatch.setattr(type(small_task(small)), "batch", watched)
    config = load_config(
        None, [Override("pretrain.batch_size", batch_size, "--batch-size")], small.run.config
    )
    reporter = Silent()
    summary = resume_run(small.run, OPTIONS, reporter, config)
    rest = -(-3 // batch_size)
    assert sum(map(len, seen[:rest])) == 3
    assert len({index for indices in seen[:rest] for index in indices}) == 3
    assert summary.step == 1 + rest + 3 * -(-5 // batch_size)
    assert sorted(index for indices in seen[rest:] for index in indices) == sorted([*range(5)] * 3)
    said = [note for note in reporter.notes if note.startswith("batch_size ")]
    assert said == [] if batch_size == 2 else "after the 2 examples of epoch 1" in said[0]


def small_task(small: SmallRun) -> Any:
    from nanoknow.data.sources import Texts
    from nanoknow.tasks.registry import build_task

    texts = Texts.find(small.config.data)
    tokenizer = small.run.latest().record.tokenizer
    return build_task(small.config.pretrain.task, texts.corpus, None, tokenizer, 32)


def rewrite_record(checkpoint: Checkpoint, changes: Mapping[str, Any], drop: str = "") -> None:
    """Write a record of other content, sealed as it should be."""
    from nanoknow.runs.checkpoint import RECORD_FILE
    from nanoknow.runs.records import sealed

    content = json.loads((checkpoint.path / RECORD_FILE).read_bytes())["content"]
    content = {k: v for k, v in {**content, **changes}.items() if k != drop}
    (checkpoint.path / RECORD_FILE).write_bytes(sealed(content))


def test_a_run_of_before_is_held_to_what_its_checkpoint_tells(small: SmallRun) -> None:
    """It records no config, and its place in the data in batches."""
    run = small.cut()
    progress = {k: v for k, v in run.latest().record.progress.items() if k != "examples"}
    rewrite_record(run.latest(), {"progress": progress}, drop="config")
    file = run.path / "config.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("matrix_optimizer: adamw", "matrix_optimizer: muon", 1))
    message = refused(ConfigError, small.resume)
    assert "pretrain.optimizer.matrix_optimizer: muon is asked for, and adamw in " in message
    file.write_text(text)
    resume = ("pretrain", "--resume", "--out", run.path)
    assert "learning_rate: 0.5 is asked for, and " in refuse(*resume, "--learning-rate", "0.5")
    other = ("--set", "precision=bfloat16")
    assert "precision: bfloat16 is asked for, and float32 in " in refuse(*resume, *other)
    whole = SmallRun(small.folder / "other").start()
    assert small.resume().step == 12
    first, second = whole.latest(), small.run.latest()
    assert_same(first.load_training_state(), second.load_training_state())


def test_flags_of_a_run_of_before_are_noted_as_those_of_any_other(small: SmallRun) -> None:
    rewrite_record(small.start().latest(), {}, drop="config")
    _, notes = stretch(small, epochs=5)
    assert "epochs 4 then and 5 now" in " ".join(notes)


def test_nothing_is_said_to_go_on_where_all_epochs_are_done(small: SmallRun) -> None:
    small.start()
    small.change_stage(batch_size=3)
    reporter = Silent()
    resume_run(small.run, OPTIONS, reporter, small.config)
    assert not [note for note in reporter.notes if " then and " in note or "warning" in note]


@pytest.mark.parametrize("examples", [-1, 5, 99])
def test_a_place_outside_the_data_is_refused(examples: int, small: SmallRun) -> None:
    run = small.cut()
    progress = {**run.latest().record.progress, "examples": examples}
    rewrite_record(run.latest(), {"progress": progress})
    assert f": {examples} examples into epoch 1 of 5" in refused(CheckpointError, small.resume)


def test_flags_with_resume_change_what_may_and_are_refused_otherwise(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.cut()
    monkeypatch.chdir(small.folder)
    resume = ("pretrain", "--resume", "--out", "run")
    assert "seed: 9 is asked for, and 5 in step-00000001" in refuse(*resume, "--seed", "9")
    assert "drop --config" in refuse(*resume, "--config", "demo")
    found = run(*resume, "--epochs", "5", "--set", "pretrain.log_every=4", "--json")
    assert found.exit_code == 0, found.output
    assert "epochs 4 then and 5 now" in found.stderr
    assert json.loads(found.stdout)["planned_epochs"] == 5
    assert small.run.config.pretrain.log_every == 4
    assert json_of(*resume)["epochs"] == 5


def test_a_scratch_run_takes_its_own_flags(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "questions-cut", tmp_path / "run")
    found = json_of("finetune", "--resume", "--out", tmp_path / "run", "--epochs", "2")
    assert (found["stage"], found["epochs"], found["planned_epochs"]) == ("scratch", 2, 2)


def test_a_text_that_has_moved_is_found_again_by_name_and_hash(
    small: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.cut()
    data = tmp_path / "data" / "deep" / "er"
    data.mkdir(parents=True)
    monkeypatch.setenv("NANOKNOW_DATA", str(tmp_path / "data"))
    small.corpus.rename(tmp_path / "elsewhere.txt")
    advice = "no such file: check the name, or say where it is with --corpus"
    assert advice in run("pretrain", "--resume", "--out", small.path).stderr
    (data.parent / "lives.txt").write_text("Another text.\n")  # of the same name
    assert advice in run("pretrain", "--resume", "--out", small.path).stderr
    shutil.copy(tmp_path / "elsewhere.txt", data / "lives.txt")
    assert small.resume(options=ONE_STEP).step == 2
    assert small.run.config.data.corpus == data / "lives.txt"
    given = ("pretrain", "--resume", "--out", small.path, "--corpus", tmp_path / "elsewhere.txt")
    assert json_of(*given)["step"] == 12
    assert small.run.config.data.corpus == tmp_path / "elsewhere.txt"
    (tmp_path / "elsewhere.txt").write_text("Ada.\n")
    assert "put the old corpus back" in refuse(*given)


def test_what_starts_from_a_run_finds_its_moved_text_too(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made / "documents-cut", tmp_path / "run")
    config = Run.open(tmp_path / "run").config
    gone = config.model_copy(
        update={"data": config.data.model_copy(update={"corpus": Path("/nowhere/lives.txt")})}
    )
    (tmp_path / "run" / "config.yaml").write_text(dump_config(gone))
    monkeypatch.setenv("NANOKNOW_DATA", str(made))
    asked = [Override("data.questions", str(made / "questions.tsv"), "--questions")]
    out = tmp_path / "answers"
    finetune(str(tmp_path / "run"), None, asked, out, ONE_STEP, Silent())
    assert Run.open(out).config.data.corpus == made / "lives.txt"
    (tmp_path / "lives.txt").write_text(f"{LIVES}Finn. Born in Oslo.\n")
    text = (tmp_path / "run" / "config.yaml").read_text("utf-8")
    (tmp_path / "run" / "config.yaml").write_text(text.replace("/nowhere", str(tmp_path)))
    start = str(tmp_path / "run"), None, asked, tmp_path / "others", ONE_STEP, Silent()
    assert f"{tmp_path}/lives.txt: {tmp_path}/run was pretrained on " in refused(
        ConfigError, finetune, *start
    )


def test_changed_code_of_the_same_version_is_warned_of(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.cut()
    [start] = [m for m in small.run.metrics() if m["kind"] == "start"]
    for key in ("revision", "code"):
        text = small.run.metrics_file.read_text("utf-8")
        small.run.metrics_file.write_text(text.replace(start[key], "another"))
        reporter = Silent()
        small.resume(reporter, ONE_STEP)
        [warning] = [note for note in reporter.notes if note.startswith("warning: ")]
        assert f"{key} another then and {start[key]} now" in warning
