"""What may change when a run is resumed: a row for every key of a config, tried on real runs."""

import shutil
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import Override, dump_config, load_config
from nanoknow.errors import ConfigError
from nanoknow.runs.run import Run
from nanoknow.training.resume import resume_run
from nanoknow.training.start import start_run
from nanoknow.training.train import train
from tests.helpers.cli import json_of
from tests.helpers.refused import refused
from tests.helpers.silent import Silent
from tests.helpers.small_runs import LIVES, ONE_STEP, OPTIONS, SmallRun, weights_file

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
DRAWN = ("drawn.statements", "drawn.exponent", "drawn.repeats")
OF_RELATIONS = {
    f"data.world.{key}" for key in ("permute", "full_name", "skewed", "backward", *DRAWN)
}
"""Refused in a world without relations, and as those are in one with some."""
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
        "data.documents": ("paragraphs", REFUSED),
        "data.skip_long": (True, REFUSED),
        "data.world.people": (50, UNREAD),  # where there is a corpus
        "data.world.paraphrases": (2, UNREAD),
        "data.world.seed": (2, UNREAD),
        "data.world.relations": (2, UNREAD),
        "sample.length": (10, UNREAD),
        "finetune.epochs": (2, UNREAD),
        "scratch.epochs": (2, UNREAD),
    },
    WINDOWS: {
        "model.bottleneck_dim": (9, REFUSED),
        "model.latents": ("spread", REFUSED),
        "pretrain.task.stride": (3, REFUSED),
        "pretrain.held_out": (0.4, REFUSED),
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
UNREAD_SECTIONS = ("sample",)
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
    assert keys - rows == {"scratch.task.kind", *OF_RELATIONS}  # the first has one value only
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
    value = str(made / value) if str(value).startswith("moved.") else value
    extra = {"model.bottleneck_dim": 8} if key == "model.variant" else {}
    overrides = [Override(k, v, k) for k, v in {**extra, key: value}.items()]
    config = load_config(None, overrides, changed.config)
    before = changed.metrics_file.read_bytes()
    reporter = Silent()
    if rule == REFUSED:
        message = refused(ConfigError, lambda: resume_run(changed, OPTIONS, reporter, config))
        shown = tuple(value) if isinstance(value, list) else value
        assert f"{key}: {shown} is asked for, and " in message
        assert message.count(" in step-00000001, which was trained with it: put it back") == 1
        assert changed.metrics_file.read_bytes() == before
        return
    (changed.path / "config.yaml").write_text(dump_config(config), encoding="utf-8")
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


def test_a_scratch_run_takes_its_own_flags(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "questions-cut", tmp_path / "run")
    found = json_of("finetune", "--resume", "--out", tmp_path / "run", "--epochs", "2")
    assert (found["stage"], found["epochs"], found["planned_epochs"]) == ("scratch", 2, 2)


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
    train("finetune", str(tmp_path / "run"), None, asked, out, ONE_STEP, Silent())
    assert Run.open(out).config.data.corpus == made / "lives.txt"
    (tmp_path / "lives.txt").write_text(f"{LIVES}Finn. Born in Oslo.\n")
    text = (tmp_path / "run" / "config.yaml").read_text("utf-8")
    (tmp_path / "run" / "config.yaml").write_text(text.replace("/nowhere", str(tmp_path)))
    start = str(tmp_path / "run"), None, asked, tmp_path / "others", ONE_STEP, Silent()
    assert f"{tmp_path}/lives.txt: {tmp_path}/run was pretrained on " in refused(
        ConfigError, train, "finetune", *start
    )
