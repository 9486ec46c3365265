"""The recipe for facts of one's own follows from the data, and what the user says holds over it."""

import itertools
from pathlib import Path

import pytest

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import Override, load_config, parse_assignment
from nanoknow.errors import DataError
from nanoknow.system.durations import in_words
from nanoknow.training.expected_time import expected_time
from nanoknow.training.ranks import Ranks
from nanoknow.training.recipe import resolve_recipe
from tests.helpers.silent import Silent
from tests.helpers.small_runs import SmallRun, weights_file
from tests.helpers.training import questions_task, stage, trainer_on

LINES = 500
QUESTIONS = "Where was Ada born?\tRome\nWhere was Bo born?\tRome\n"


def resolve(*given: Override, name: str | None = None) -> tuple[ExperimentConfig, list[str]]:
    """Return the config of some flags, and what was noted of it."""
    reporter = Silent()
    return resolve_recipe(name, given, reporter), reporter.notes


def named(text: str = QUESTIONS, n_documents: int = LINES, **eval_text: str) -> list[Override]:
    """Name a corpus with some documents, and questions."""
    texts = {"corpus": "Ada. Born in Rome.\n\n" * n_documents, "questions": text, **eval_text}
    for role, content in texts.items():
        Path(f"{role}.txt").write_text(content, encoding="utf-8")
    return [Override(f"data.{role}", Path(f"{role}.txt"), f"--{role}") for role in texts]


def test_epochs_and_the_warm_up_follow_from_the_number_of_documents(here: Path) -> None:
    config, notes = resolve(*named())
    assert config.pretrain.epochs == 40
    assert config.pretrain.schedule.warmup_tokens == 0.08 * 40 * LINES * 96
    assert notes == [
        "recipe own-facts (no --config): 500 documents, epochs of pretraining 40, block_size 96"
    ]
    assert resolve(*named(n_documents=4000))[0].pretrain.epochs == 30
    assert resolve(*named(n_documents=250_000))[0].pretrain.epochs == 1


@pytest.mark.parametrize(
    ("n_documents", "batch_size", "epochs"),
    [(1, 64, 280), (64, 64, 280), (100, 64, 140), (288, 64, 56), (448, 64, 40), (100, 10, 40)],
)
def test_few_documents_are_read_more_often(
    here: Path, n_documents: int, batch_size: int, epochs: int
) -> None:
    flag = parse_assignment(f"pretrain.batch_size={batch_size}")
    assert resolve(*named(n_documents=n_documents), flag)[0].pretrain.epochs == epochs


@pytest.mark.parametrize(("length", "size"), [(10, 96), (97, 128), (126, 128), (127, 160)])
def test_the_block_fits_the_longest_question_with_its_answer_and_two_marks(
    here: Path, length: int, size: int
) -> None:
    long = f"{'x' * (length - 4)}\tRome\n"
    assert resolve(*named(QUESTIONS + long))[0].model.block_size == size
    assert resolve(*named(eval=QUESTIONS + long))[0].model.block_size == size


def test_the_block_has_a_limit(here: Path) -> None:
    assert resolve(*named(f"{'x' * 2000}\tRome\n"))[0].model.block_size == 512


def test_what_the_user_says_holds_and_the_warm_up_follows_it(here: Path) -> None:
    flags = [parse_assignment(text) for text in ("pretrain.epochs=3", "model.block_size=64")]
    config, _ = resolve(*named(), *flags)
    assert (config.pretrain.epochs, config.model.block_size) == (3, 64)
    assert config.pretrain.schedule.warmup_tokens == 0.08 * 3 * LINES * 64
    own = parse_assignment("pretrain.schedule.warmup_tokens=7")
    assert resolve(*named(), own)[0].pretrain.schedule.warmup_tokens == 7


def test_without_training_questions_nothing_of_them_is_read(here: Path) -> None:
    config, notes = resolve(*named()[:1])
    assert config.pretrain.task.sources == ("corpus",)
    assert "no training questions" in notes[-1]
    assert resolve(*named())[0].pretrain.task.sources == ("corpus", "questions")


def test_training_questions_that_cannot_be_read_are_refused_and_not_said_to_be_none(
    here: Path,
) -> None:
    for text in ("a\tb\tc\n", ""):
        with pytest.raises(DataError, match=r"questions\.txt:"):
            resolve(*named(text))
    assert resolve(*named(eval="a\tb\tc\n"))  # what pretraining does not read


def test_only_the_recipe_is_sized_and_by_its_name_too(here: Path) -> None:
    files = named()
    assert resolve(*files, name="own-facts")[0] == resolve(*files)[0]
    assert resolve(*files, name="birthplaces-best")[0].pretrain.epochs == 40
    assert resolve(name="demo")[0] == load_config("demo")


def test_a_language_model_reads_its_windows_about_once(here: Path) -> None:
    kind = parse_assignment("pretrain.task.kind=language_modeling")
    config, _ = resolve(*named("x" * 100 + "\tRome\n", n_documents=10_000)[:1], kind)
    assert config.pretrain.epochs == 1


# --- how long


def test_a_training_that_was_timed_before_its_first_step_is_the_same_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, fewest in (("timed", 1), ("untimed", 10**6)):
        monkeypatch.setattr("nanoknow.training.expected_time.FEWEST_STEPS", fewest)
        run = SmallRun(tmp_path / name)
        run.config = run.config.model_copy(
            update={"model": run.config.model.model_copy(update={"dropout": 0.1})}
        )
        reporter = Silent()
        run.start(reporter)
        assert any("12 steps, about 1 second here" in note for note in reporter.notes) == (
            name == "timed"
        )
    first, second = (weights_file(SmallRun(tmp_path / name).run) for name in ("timed", "untimed"))
    assert first == second


def test_processes_that_train_together_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    trainer = trainer_on(questions_task(), stage(epochs=60))
    assert expected_time(trainer) == trainer.total_steps  # of a second each
    trainer.ranks = Ranks(rank=0, size=4)
    assert expected_time(trainer) == trainer.total_steps / 4


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.1, "1 second"),
        (59, "59 seconds"),
        (90, "1.5 minutes"),
        (120, "2 minutes"),
        (719, "12 minutes"),
        (5400, "1.5 hours"),
        (60_000, "17 hours"),
    ],
)
def test_times_are_written_as_one_speaks(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
