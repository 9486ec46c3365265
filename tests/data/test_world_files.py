"""The built-in world's files: written whole, once, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanoknow.data.world.files import write_world
from nanoknow.data.world.make import make_world
from nanoknow.errors import DataError
from tests.helpers.texts import corpus_text, texts_of


def test_the_files_are_written_byte_for_byte_and_nothing_else(tmp_path: Path) -> None:
    world = make_world(20, 2, 0)
    paths = write_world(world, tmp_path / "a" / "b")
    assert [path.name for path in paths] == [
        "wiki.txt",
        "birth_places_train.tsv",
        "birth_dev.tsv",
        "birth_test_inputs.tsv",
        "birth_test.tsv",
    ]
    assert sorted((tmp_path / "a" / "b").iterdir()) == sorted(paths)
    assert [path.read_bytes().decode() for path in paths] == list(texts_of(world).values())


def test_writing_the_same_world_again_leaves_its_files_alone(tmp_path: Path) -> None:
    world = make_world(20, 2, 0)
    before = [path.stat().st_mtime_ns for path in write_world(world, tmp_path)]
    assert [path.stat().st_mtime_ns for path in write_world(world, tmp_path)] == before


def test_a_missing_file_of_the_same_world_is_written_again(tmp_path: Path) -> None:
    world = make_world(20, 2, 0)
    write_world(world, tmp_path)[0].unlink()
    assert write_world(world, tmp_path)[0].read_text("utf-8") == corpus_text(world)


def test_a_file_with_other_content_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "birth_test.tsv").write_text("mine\n")
    with pytest.raises(DataError, match=r"birth_test\.tsv exists .* choose another --out"):
        write_world(make_world(20, 2, 0), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["birth_test.tsv"]
    assert (tmp_path / "birth_test.tsv").read_text() == "mine\n"


@pytest.mark.parametrize("change", ["a line more\n", ""])
def test_a_file_with_more_or_less_than_the_content_is_refused(tmp_path: Path, change: str) -> None:
    world = make_world(20, 2, 0)
    path = write_world(world, tmp_path)[0]
    content = path.read_text("utf-8")
    path.write_text(content + change if change else content[:-1], "utf-8")
    with pytest.raises(DataError, match=r"wiki\.txt exists with different content"):
        write_world(world, tmp_path)


def test_a_folder_that_cannot_be_made_is_a_one_line_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="choose another --out") as caught:
        write_world(make_world(20, 2, 0), tmp_path / "file")
    assert "\n" not in str(caught.value)
