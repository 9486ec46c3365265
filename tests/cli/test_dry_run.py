"""``--dry-run``: config, size and time of what trains, and nothing written."""

from pathlib import Path

import pytest

from nanoknow.complexity.formulas import complexity_of
from nanoknow.config.loading import load_config
from tests.helpers.cli import SMALL, json_of, run, succeed

CORPUS = ("--corpus", "wiki.txt")
TRAIN = ("--questions", "birth_places_train.tsv", "--eval", "birth_dev.tsv")
COMMANDS = {
    "pretrain": ("pretrain", *CORPUS, *SMALL, "--epochs", "2"),
    "finetune": ("finetune", "--from", "runs/vanilla", *TRAIN, "--epochs", "2"),
    "scratch": ("finetune", "--from", "scratch", *CORPUS, *TRAIN, *SMALL, "--epochs", "2"),
}


def tree() -> dict[str, int]:
    """Return the folders here, and the files with when they were written."""
    found = sorted(Path().rglob("*"))
    return {str(path): 0 if path.is_dir() else path.lstat().st_mtime_ns for path in found}


@pytest.mark.parametrize("stage", COMMANDS)
def test_a_dry_run_tells_what_the_run_then_is_and_writes_nothing(home: Path, stage: str) -> None:
    before = tree()
    told = json_of(*COMMANDS[stage], "--dry-run", "--out", "runs/told")
    shown = succeed(*COMMANDS[stage], "--dry-run").stdout
    assert tree() == before
    [(name, expected)] = told["expected"].items()
    assert name == stage
    assert expected["seconds"] > 0  # of few steps too: they may be long
    assert told["config"]["data"]["corpus"] in shown
    assert f"{expected['n_parameters']:,}" in shown
    out = f"runs/{stage}-told"
    summary = json_of(*COMMANDS[stage], "--out", out)
    assert [expected[key] for key in ("steps", "n_parameters")] == [
        summary[key] for key in ("step", "n_parameters")
    ]
    made = load_config(f"{out}/config.yaml")
    assert made.model_dump(mode="json") == told["config"]


def test_flops_are_three_forward_passes_of_every_example_of_every_epoch(home: Path) -> None:
    windows = ("--set", "pretrain.task.kind=language_modeling", "--batch-size", "1")
    play = ("--corpus", "play.txt", *SMALL, *windows, "--epochs", "3")
    told = json_of("pretrain", *play, "--dry-run")
    config = load_config(None).model_validate(told["config"])
    expected = told["expected"]["pretrain"]
    n = len(set(Path("play.txt").read_text()))
    one = complexity_of(config.model, n, config.model.block_size).flops
    assert expected["flops"] == 3 * one * expected["steps"]


@pytest.mark.slow
def test_learn_tells_of_all_its_stages_and_demo_too(home: Path) -> None:
    before = tree()
    told = json_of("learn", *CORPUS, *TRAIN, *(SMALL), "--seeds", "2", "--dry-run")
    assert (list(told["expected"]), told["times"]) == (["pretrain", "finetune", "scratch"], 2)
    assert len({each["n_parameters"] for each in told["expected"].values()}) == 1
    assert told["config"]["model"]["d_model"] == 16
    shown = succeed("demo", *SMALL, "--set", "data.world.people=20", "--dry-run").stdout
    assert "nothing is written now" in shown
    assert tree() == before


def rows_of(path: str, *, law: bool) -> tuple[str, str]:
    """Write a file of three rows, of which two differ in finetuning alone, and return its words."""
    world = "data.world: {people: 12, paraphrases: 1, seed: 0, relations: [code]}"
    common = f"common: {{{world}, model.n_layers: 1, model.d_model: 16, pretrain.epochs: 2}}"
    rows = "{a: {}, b: {finetune.epochs: 9}, c: {model.d_model: 32}}"
    claims = "claims: [{says: s, row: a, measure: extracted, at_least: 0}]"
    more = f"paper: P\nfinding: F\nmeasure: extraction\n{claims}\n"
    Path(path).write_text(f"config: demo\nseeds: 2\n{common}\nrows: {rows}\n{more if law else ''}")
    return ("law run", path) if law else ("sweep", path)


@pytest.mark.parametrize("law", [False, True])
def test_a_dry_run_of_rows_tells_of_each_and_counts_shared_pretraining_once(
    home: Path, law: bool
) -> None:
    command, path = rows_of("rows.yaml", law=law)
    before = tree()
    told = json_of(*command.split(), path, "--dry-run")
    rows = told["rows"]
    assert [list(row["expected"]) for row in rows.values()] == [
        ["pretrain", "finetune"],
        ["finetune"],
        ["pretrain", "finetune"],
    ]
    assert [row["pretraining_of"] for row in rows.values()] == ["a", "a", "c"]
    assert rows["c"]["config"]["model"]["d_model"] == 32
    a, b = (rows[name]["expected"]["finetune"]["steps"] for name in "ab")
    assert (b / 9, told["times"]) == (a / rows["a"]["config"]["finetune"]["epochs"], 2)
    each = [e["seconds"] or 1 for row in rows.values() for e in row["expected"].values()]
    assert told["seconds"] == pytest.approx(2 * sum(each))
    shown = succeed(*command.split(), path, "--seeds", "3", "--dry-run").stdout
    assert "each 3 times; nothing is written now" in shown
    assert "pretrain of a" in shown
    assert tree() == before


def test_why_tells_what_its_runs_would_take(home: Path) -> None:
    before = tree()
    asked = ("why", "--eval", "birth_dev.tsv", "--run", "runs/answers")
    told = json_of(*asked, "--retrain", "3", "--dry-run")
    assert (list(told["expected"]), told["times"]) == (["pretrain", "finetune"], 6)
    shown = succeed(*asked, "--retrain", "3", "--dry-run").stdout
    assert "each 6 times; nothing is written now" in shown
    assert tree() == before
    for flag in (["--dry-run"], ["--out", "whys"]):
        nothing = run(*asked, *flag)
        assert nothing.exit_code == 2
        assert f"{flag[0]}: of --retrain K" in nothing.stderr


@pytest.mark.parametrize("command", ["pretrain", "finetune"])
def test_a_dry_run_is_of_what_starts(home: Path, command: str) -> None:
    said = run(command, "--resume", "--out", "runs/vanilla", "--dry-run")
    assert said.exit_code == 2
    assert "--dry-run: for what starts" in said.stderr
