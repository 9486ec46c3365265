"""A config's roles are filled by its files, else by its world, else refused by the flag's name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from nanoknow.config.experiment import DataConfig, WorldConfig
from nanoknow.data.corpus import Corpus
from nanoknow.data.questions import QuestionSet
from nanoknow.data.sources import Texts
from nanoknow.data.world.files import WorldFiles
from nanoknow.data.world.make import make_world
from nanoknow.errors import ConfigError, DataError
from tests.helpers.texts import corpus_text

WORLD = WorldConfig(people=20, paraphrases=2, seed=3)
LABEL = "built-in world (people 20, paraphrases 2, seed 3)"


@pytest.fixture(scope="module")
def world() -> WorldFiles:
    return make_world(20, 2, 3)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataConfig:
    """A config of one file a role, named as they lie in the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("wiki.txt").write_bytes(b"Bo. Born in Leeds.\n")
    Path("train.tsv").write_bytes(b"Where was Bo born?\tLeeds\n")
    Path("dev.tsv").write_bytes(b"Who is Bo?\tA man\n")
    return DataConfig(corpus=Path("wiki.txt"), questions=Path("train.tsv"), eval=Path("dev.tsv"))


def as_lines(questions: QuestionSet) -> str:
    return "".join(f"{item.text}\t{item.answer}\n" for item in questions.items)


def test_the_world_fills_every_role(world: WorldFiles) -> None:
    texts = Texts.find(DataConfig(world=WORLD))
    assert texts.require_corpus().text == corpus_text(world)
    assert as_lines(texts.require_questions()) == world.train
    assert as_lines(texts.require_eval()) == world.dev


def test_the_worlds_texts_are_named_after_it_and_hashed_as_its_files_would_be(
    world: WorldFiles,
) -> None:
    named = {
        "corpus": ("wiki.txt", corpus_text(world)),
        "questions": ("birth_places_train.tsv", world.train),
        "eval": ("birth_dev.tsv", world.dev),
    }
    assert Texts.find(DataConfig(world=WORLD)).hashes() == {
        role: {"name": f"{LABEL}/{name}", "sha256": hashlib.sha256(text.encode()).hexdigest()}
        for role, (name, text) in named.items()
    }


def test_each_file_fills_its_role(files: DataConfig) -> None:
    texts = Texts.find(files)
    assert texts.require_corpus().documents == ("Bo. Born in Leeds.", "")
    assert as_lines(texts.require_questions()) == "Where was Bo born?\tLeeds\n"
    assert as_lines(texts.require_eval()) == "Who is Bo?\tA man\n"


@pytest.mark.parametrize("role", ["corpus", "questions", "eval"])
def test_a_file_holds_over_the_world_and_the_world_fills_the_rest(
    files: DataConfig, role: str
) -> None:
    with_file = Texts.find(DataConfig.model_validate({"world": WORLD, role: getattr(files, role)}))
    only_world = Texts.find(DataConfig(world=WORLD)).hashes()
    only_files = Texts.find(files).hashes()
    assert with_file.hashes() == {**only_world, role: only_files[role]}


def test_the_hashes_are_those_of_the_files(files: DataConfig, tmp_path: Path) -> None:
    assert Texts.find(files).hashes() == {
        role: {
            "name": str(tmp_path / name),
            "sha256": hashlib.sha256((tmp_path / name).read_bytes()).hexdigest(),
        }
        for role, name in (("corpus", "wiki.txt"), ("questions", "train.tsv"), ("eval", "dev.tsv"))
    }


def test_only_the_roles_that_are_filled_are_hashed(files: DataConfig) -> None:
    assert list(Texts.find(DataConfig(eval=files.eval)).hashes()) == ["eval"]
    assert Texts.find(DataConfig()).hashes() == {}


def test_found_files_stay_found_from_another_folder(
    files: DataConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = Texts.find(files)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert texts.config.corpus == tmp_path / "wiki.txt"
    assert texts.require_corpus().text == "Bo. Born in Leeds.\n"
    again = Texts.find(texts.config)
    assert again.config == texts.config


def test_files_are_found_in_the_data_folder(
    files: DataConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("NANOKNOW_DATA", str(tmp_path))
    assert Texts.find(files).config == DataConfig(
        corpus=tmp_path / "wiki.txt", questions=tmp_path / "train.tsv", eval=tmp_path / "dev.tsv"
    )


@pytest.mark.parametrize("role", ["corpus", "questions", "eval"])
def test_a_file_that_is_nowhere_is_refused_even_beside_a_world(
    files: DataConfig, role: str
) -> None:
    config = files.model_copy(update={role: Path("gone.txt"), "world": WORLD})
    with pytest.raises(DataError, match=r"^gone\.txt: no such file"):
        Texts.find(config)


def test_a_file_is_read_only_when_its_text_is_asked_for(files: DataConfig) -> None:
    Path("train.tsv").write_bytes(b"\xff")
    texts = Texts.find(files)
    texts.require_corpus()
    with pytest.raises(DataError, match=r"train\.tsv:1: byte 0xff"):
        texts.require_questions()


REQUIRE: list[tuple[str, Callable[[Texts], Corpus | QuestionSet]]] = [
    ("corpus", Texts.require_corpus),
    ("questions", Texts.require_questions),
    ("eval", Texts.require_eval),
]


@pytest.mark.parametrize(("role", "require"), REQUIRE, ids=[role for role, _ in REQUIRE])
def test_a_role_that_nothing_fills_is_refused_with_its_flag(
    files: DataConfig, role: str, require: Callable[[Texts], object]
) -> None:
    texts = Texts.find(files.model_copy(update={role: None}))
    assert getattr(texts, role) is None
    with pytest.raises(ConfigError, match=rf"name (one|a file) with --{role} FILE$"):
        require(texts)


def test_a_world_of_more_people_than_there_are_names_is_refused() -> None:
    texts = Texts.find(DataConfig(world=WorldConfig(people=10**9)))
    with pytest.raises(DataError, match="ask for 10 to"):
        texts.require_corpus()
