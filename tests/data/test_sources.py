"""A config's roles are filled by its files, else by its world, else refused by the flag's name."""

import hashlib
from pathlib import Path

import pytest

from nanoknow.config.experiment import DataConfig
from nanoknow.config.world import WorldConfig
from nanoknow.data.corpus import read_corpus
from nanoknow.data.sources import Texts, locate
from nanoknow.data.world.build import WorldFiles
from nanoknow.data.world.make import make_world
from nanoknow.errors import ConfigError, DataError
from tests.helpers.refused import refused
from tests.helpers.texts import corpus_text, questions_text

WORLD = WorldConfig(people=20, paraphrases=2, seed=3)
LABEL = "built-in world (people 20, paraphrases 2, seed 3)"


each_role = pytest.mark.parametrize("role", ["corpus", "questions", "eval"])


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


def read(texts: Texts) -> tuple[str, ...]:
    """Return the corpus, the questions and those to evaluate, each as the text of its file."""
    questions, dev = (
        "".join(f"{item.text}\t{item.answer}\n" for item in asked.items)
        for asked in (texts.require_questions(), texts.require_eval())
    )
    return texts.require_corpus().text, questions, dev


def test_the_world_fills_every_role(world: WorldFiles) -> None:
    found = read(Texts.find(DataConfig(world=WORLD)))
    assert found == (corpus_text(world), *questions_text(world)[:2])


def test_the_worlds_texts_are_named_after_it_and_hashed_as_its_files_would_be(
    world: WorldFiles,
) -> None:
    train, dev, _ = questions_text(world)
    named = {
        "corpus": ("wiki.txt", corpus_text(world)),
        "questions": ("birth_places_train.tsv", train),
        "eval": ("birth_dev.tsv", dev),
    }
    assert Texts.find(DataConfig(world=WORLD)).hashes() == {
        role: {"name": f"{LABEL}/{name}", "sha256": hashlib.sha256(text.encode()).hexdigest()}
        for role, (name, text) in named.items()
    }


def test_each_file_fills_its_role(files: DataConfig) -> None:
    texts = Texts.find(files)
    assert texts.require_corpus().documents == ("Bo. Born in Leeds.", "")
    assert read(texts)[1:] == ("Where was Bo born?\tLeeds\n", "Who is Bo?\tA man\n")


@each_role
def test_a_file_holds_over_the_world_and_the_world_fills_the_rest(
    files: DataConfig, role: str
) -> None:
    with_file = DataConfig.model_validate({"world": WORLD, role: getattr(files, role)})
    only_world, only_files = (Texts.find(c).hashes() for c in (DataConfig(world=WORLD), files))
    assert Texts.find(with_file).hashes() == {**only_world, role: only_files[role]}


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
    monkeypatch.chdir(tmp_path.parent)
    assert texts.config.corpus == tmp_path / "wiki.txt"
    assert texts.require_corpus().text == "Bo. Born in Leeds.\n"
    assert Texts.find(texts.config).config == texts.config


def test_files_are_found_in_the_data_folder(
    files: DataConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setenv("NANOKNOW_DATA", str(tmp_path))
    assert Texts.find(files).config == DataConfig(
        corpus=tmp_path / "wiki.txt", questions=tmp_path / "train.tsv", eval=tmp_path / "dev.tsv"
    )


@each_role
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


@each_role
def test_a_role_that_nothing_fills_is_refused_with_its_flag(files: DataConfig, role: str) -> None:
    texts = Texts.find(files.model_copy(update={role: None}))
    assert getattr(texts, role) is None
    with pytest.raises(ConfigError, match=rf"name (one|a file) with --{role} FILE$"):
        getattr(texts, f"require_{role}")()


def test_a_world_of_more_people_than_there_are_names_is_refused() -> None:
    texts = Texts.find(DataConfig(world=WorldConfig(people=100_000)))
    with pytest.raises(DataError, match="ask for 10 to"):
        texts.require_corpus()


def test_a_world_of_too_many_documents_is_refused_before_it_is_made() -> None:
    for sizes in ({"people": 10**9}, {"people": 35_000, "paraphrases": 10**6}):
        texts = Texts.find(DataConfig(world=WorldConfig.model_validate(sizes)))
        with pytest.raises(ConfigError, match="take 1,000,000 at most"):
            texts.require_corpus()


# --- where a file is found


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds the working folder, "here"."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


@pytest.fixture
def published(places: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The named data folder, which is not there yet."""
    monkeypatch.setenv("NANOKNOW_DATA", str(places / "published"))
    return places / "published"


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("text\n")
    return path


def test_a_file_is_found_as_it_is_named_before_the_data_folder(
    places: Path, published: Path
) -> None:
    put(published / "wiki.txt")
    put(places / "here" / "wiki.txt")
    assert locate(Path("wiki.txt")) == Path("wiki.txt")


@pytest.mark.parametrize("folder", [".", "birthplaces"])
def test_a_file_is_found_in_the_named_data_folder_and_in_a_folder_in_it(
    places: Path, published: Path, folder: str
) -> None:
    path = put(published / folder / "wiki.txt")
    put(places / "here" / "data" / "wiki.txt")  # the default: not looked at
    assert locate(Path("wiki.txt")) == path


def test_the_data_folder_itself_comes_before_the_folders_in_it(published: Path) -> None:
    put(published / "a" / "wiki.txt")
    path = put(published / "wiki.txt")
    assert locate(Path("wiki.txt")) == path


@pytest.mark.parametrize("folder", [".", "birthplaces"])
@pytest.mark.parametrize("setting", [None, ""])
def test_without_a_named_data_folder_it_is_data(
    places: Path, monkeypatch: pytest.MonkeyPatch, setting: str | None, folder: str
) -> None:
    if setting is not None:
        monkeypatch.setenv("NANOKNOW_DATA", setting)
    path = put(places / "here" / "data" / folder / "wiki.txt")
    assert locate(Path("wiki.txt")).absolute() == path


def test_a_name_with_its_folder_is_found_in_the_data_folder(places: Path) -> None:
    path = put(places / "here" / "data" / "tinyshakespeare" / "input.txt")
    assert locate(Path("tinyshakespeare/input.txt")).absolute() == path


def test_an_absolute_path_is_taken_as_it_is(places: Path) -> None:
    path = put(places / "elsewhere" / "wiki.txt")
    assert locate(path) == path


def test_an_absolute_path_to_nothing_is_refused_without_looking_elsewhere(places: Path) -> None:
    path = places / "elsewhere" / "wiki.txt"
    put(places / "here" / "data" / "wiki.txt")
    message = refused(DataError, lambda: read_corpus(locate(path)))
    advice = "check the name, or say where it is with --corpus, --questions or --eval"
    assert message == f"{path}: no such file: {advice}"


@pytest.mark.parametrize("name", ["wiki.txt", "x" * 300, "a/" * 3000 + "b", "a\0b"])
def test_a_file_that_is_nowhere_is_refused_with_the_places_and_how_to_get_it(
    published: Path, name: str
) -> None:
    (published / "birthplaces").mkdir(parents=True)
    message = refused(DataError, lambda: locate(Path(name)))
    shown = name.replace("\0", "\\x00")
    assert message.startswith(f"{shown}: no such file, here or in {published}/")
    assert "nanoknow data fetch birthplaces" in message
