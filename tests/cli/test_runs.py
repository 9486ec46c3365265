"""``nanoknow runs`` and ``config list``, as a user runs them."""

import json
import re
import shutil
from pathlib import Path

import pytest

from nanoknow.runs.lock import lock_run
from tests.helpers.cli import json_of, record_of, refuse, run, succeed
from tests.helpers.faults import delete_checkpoints_before_they_are_listed


@pytest.fixture
def copied(home: Path) -> Path:
    """A copy of a run, newer than all others."""
    path = Path(shutil.copytree("runs/answers", "runs/copy", dirs_exist_ok=True))
    record = {**record_of(path), "number": 9}
    (path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return path


def test_where_there_are_no_runs_the_list_says_what_makes_one(here: Path) -> None:
    assert "no runs yet: 'nanoknow pretrain' makes one" in succeed("runs", "list").stderr
    assert json_of("runs", "list") == {"runs": []}


def test_runs_are_listed_newest_first_with_what_they_are_and_how_large(copied: Path) -> None:
    listed = json_of("runs", "list")["runs"]
    names = [each["run"] for each in listed]
    assert names == [f"runs/{n}" for n in ("copy", "answers", "play", "perceiver", "vanilla")]
    first, play = listed[0], listed[2]
    assert (first["stage"], first["variant"], first["state"]) == ("finetune", "perceiver", "whole")
    assert 0 <= first["accuracy"] <= 1
    assert play["accuracy"] is None
    assert first["size"] == sum(file.lstat().st_size for file in copied.rglob("*"))
    shown = succeed("runs", "list").stdout
    assert "wiki.txt" in shown
    assert re.search(r"\d (second|minute)s? *$", shown, re.MULTILINE)


def test_runs_are_listed_while_training_deletes_their_older_checkpoints(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = sum(
        file.lstat().st_size for file in copied.rglob("*") if "step-" not in str(file.parent)
    )
    delete_checkpoints_before_they_are_listed(monkeypatch)
    assert json_of("runs", "list")["runs"][0]["size"] == files


def test_a_run_under_way_is_listed_as_such_and_never_deleted(copied: Path) -> None:
    with lock_run(copied):
        states = {each["run"]: each["state"] for each in json_of("runs", "list")["runs"]}
        assert states["runs/copy"] == "under way"
        assert states["runs/answers"] == "whole"
        assert "runs/copy: under way" in refuse("runs", "rm", "--yes", "runs/play", "runs/copy")
    with lock_run(Path("runs")):  # as an experiment holds its folder
        assert "runs/lock is held" in refuse("runs", "rm", "--yes", "runs/copy")
    assert Path("runs/play").exists()
    assert (copied / "run.json").exists()


def test_what_is_no_run_folder_is_never_deleted(copied: Path) -> None:
    Path("notes").mkdir(exist_ok=True)
    Path("notes/run.json").write_text('{"name": "somebody else\'s"}', encoding="utf-8")
    Path("link").unlink(missing_ok=True)
    Path("link").symlink_to(copied, target_is_directory=True)
    assert "is a link: name the run folder itself" in refuse("runs", "rm", "--yes", "link")
    assert "notes/run.json: " in refuse("runs", "rm", "--yes", "notes")
    last = max((copied / "checkpoints").iterdir())
    for path in (Path("runs"), Path("data"), Path("nothing"), last):
        assert "not a run folder" in refuse("runs", "rm", "--yes", "runs/copy", path)
    assert Path("notes/run.json").exists()
    assert last.exists()


def test_runs_are_deleted_when_one_says_so_and_not_what_they_link_to(copied: Path) -> None:
    Path("kept").mkdir(exist_ok=True)
    Path("kept/text.txt").write_text("kept", encoding="utf-8")
    (copied / "linked").symlink_to(Path("kept").absolute(), target_is_directory=True)
    for typed in ("n\n", ""):
        asked = run("runs", "rm", "runs/copy", typed=typed)
        assert asked.exit_code == 1
        assert "Delete runs/copy, with all that is in there?" in asked.stderr
        assert copied.exists()
    gone = run("runs", "rm", "runs/copy", "runs/copy", "--json", typed="y\n")
    assert json.loads(gone.stdout) == {"files": ["runs/copy"]}
    assert not copied.exists()
    assert Path("kept/text.txt").read_text(encoding="utf-8") == "kept"
    assert "runs/copy" not in succeed("runs", "list").stdout


def test_the_folder_that_one_is_in_is_deleted(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.chdir(copied)
        succeed("runs", "rm", "--yes", ".")
    assert not copied.exists()


def test_a_runs_text_is_listed_by_its_name_and_the_world_by_its_own(copied: Path) -> None:
    world = "built-in world (people 20, paraphrases 1, seed 0)/wiki.txt"
    for name, shown in (("/lives (old)/all (new).txt", " all (new).txt "), (world, " built-in ")):
        record = record_of(copied)
        record["data"]["corpus"]["name"] = name
        (copied / "run.json").write_text(json.dumps(record), encoding="utf-8")
        [line] = re.findall(".*runs/copy.*", succeed("runs", "list").stdout)
        assert shown in line


def test_config_list_names_all_that_is_shipped() -> None:
    found = json_of("config", "list")
    assert list(found) == ["configs", "sweeps", "laws", "data sets"]
    assert {"demo", "birthplaces"} <= set(found["configs"])
    assert all(words for kind in found.values() for words in kind.values())
    assert set(json_of("law", "list")) == set(found["laws"])
    shown = succeed("config", "list").stdout
    assert all(name in shown for kind in found.values() for name in kind)


def test_what_an_interrupted_deletion_leaves_is_a_run_that_can_be_deleted(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = shutil.rmtree

    def interrupted(path: Path) -> None:
        if path == copied.resolve():
            raise KeyboardInterrupt
        delete(path)

    with monkeypatch.context() as patch:
        patch.setattr("nanoknow.runs.listing.shutil.rmtree", interrupted)
        assert run("runs", "rm", "--yes", "runs/copy").exit_code == 130
    assert [path.name for path in copied.iterdir()] == ["run.json"]
    succeed("runs", "rm", "--yes", "runs/copy")
    assert not copied.exists()
