"""Every command that takes a run: which one it takes, and which it refuses."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nanoknow.config.loading import dump_config
from nanoknow.runs.finding import next_number
from nanoknow.runs.lock import lock_run
from nanoknow.runs.run import Run
from tests.helpers.checkpoints import sealed
from tests.helpers.cli import commands_with, json_of, record_of, refuse, succeed

QUESTION = "Where was Ada Fox</b> born?"
NAMED: dict[str, list[str]] = {
    "finetune": ["finetune", "--from", "RUN", "--out", "runs/new"],
    "evaluate": ["evaluate", "RUN"],
    "compare": ["compare", "RUN", "runs/untaught"],
    "ask": ["ask", QUESTION, "--run", "RUN"],
    "play": ["play", "--run", "RUN", "--port", "0"],
    "why": ["why", QUESTION, "--run", "RUN"],
    "attention": ["attention", "RUN", "--question", QUESTION],
    "sample": ["sample", "RUN"],
    "export": ["export", "RUN", "--out", "exported"],
}
"""Each command that reads the weights of a run that is named."""
RECORDS = {"plot"}
"""Commands that read what a run recorded, and no weights."""
ELSEWHERE = {"play", "export"}
"""One that goes on until it is stopped, and one that refuses perceivers: see their own tests."""
PERSON = "Where was Ada Bright born?"
UNNAMED: dict[str, tuple[str, list[str]]] = {
    "finetune": ("perceiver", ["--questions", "birth_places_train.tsv", "--max-minutes", "0"]),
    "evaluate": ("answers", ["--eval", "birth_dev.tsv"]),
    "ask": ("answers", [PERSON]),
    "why": ("answers", ["Where was Martin Reyes born?"]),
    "attention": ("answers", ["--question", PERSON]),
    "sample": ("play", ["--length", "5"]),
    "plot": ("answers", []),
}
"""The command that takes a run without its name: which one of ``home``, and what it is called with.

Each kind of run is there twice, as it is and half-made.
"""


def takes_a_run(parameter: Any) -> bool:
    return "RUN" in (parameter.metavar or "")


def may_take_none(parameter: Any) -> bool:
    return takes_a_run(parameter) and not parameter.required


def test_every_command_that_takes_a_run_has_a_row() -> None:
    assert commands_with(takes_a_run) == set(NAMED) | RECORDS
    # compare says to name two
    assert commands_with(may_take_none) == set(UNNAMED) | ELSEWHERE | {"compare"}


def last_checkpoint(run: str) -> Path:
    return max(Path(run, "checkpoints").iterdir())


@pytest.fixture
def swapped(markup: Path) -> Path:
    """A run whose last checkpoint was copied from another, which it would fit."""
    run = markup / "runs/swapped"
    shutil.copytree("runs/<i>&run", run, dirs_exist_ok=True)
    last = last_checkpoint("runs/swapped")
    shutil.rmtree(last)
    shutil.copytree(last_checkpoint("runs/untaught"), last)
    return last


@pytest.mark.parametrize("command", NAMED)
def test_weights_of_another_run_are_refused_by_both_ids(swapped: Path, command: str) -> None:
    theirs, ours = (record_of(f"runs/{name}")["id"] for name in ("untaught", "<i>&run"))
    for named in ("runs/swapped", f"runs/swapped/checkpoints/{swapped.name}"):
        error = refuse(*(named if word == "RUN" else word for word in NAMED[command]))
        assert f"{swapped.name}: belongs to run {theirs}, and runs/swapped is run {ours}" in error


@pytest.mark.parametrize("command", ["finetune", "pretrain"])
def test_a_run_with_the_weights_of_another_is_not_resumed(swapped: Path, command: str) -> None:
    assert commands_with(lambda p: p.name == "resume") == {"finetune", "pretrain"}
    record = record_of("runs/swapped")
    stage = {"finetune": "scratch", "pretrain": "pretrain"}[command]
    Path("runs/swapped/run.json").write_text(json.dumps({**record, "stage": stage}))
    error = refuse(command, "--resume", "--out", "runs/swapped")
    assert f"{swapped.name}: belongs to run " in error


@pytest.mark.parametrize("command", [*NAMED, "--resume"])
def test_sealed_nonsense_is_refused_by_every_command(markup: Path, command: str) -> None:
    run = Path(shutil.copytree("runs/untaught", "runs/nonsense", dirs_exist_ok=True))
    file = last_checkpoint("runs/nonsense") / "checkpoint.json"
    content = json.loads(file.read_bytes())["content"]
    content["model"]["n_layers"] = content["config"]["model"]["n_layers"] = 10**9
    file.write_bytes(sealed(content))
    words = NAMED.get(command, ["finetune", "--resume", "--out", "RUN"])
    error = refuse(*(str(run) if word == "RUN" else word for word in words))
    assert f"{file}: " in error
    assert "model.n_layers: must be 1000 or less" in error


def test_a_run_folder_that_is_copied_or_moved_stays_valid(markup: Path) -> None:
    shutil.copytree("runs/untaught", "elsewhere/copy")
    assert json_of("evaluate", "elsewhere/copy")["score"]["n"] == 8
    shutil.move("runs/untaught", "elsewhere/moved")
    try:
        assert json_of("evaluate", "elsewhere/moved")["score"]["n"] == 8
    finally:
        shutil.move("elsewhere/moved", "runs/untaught")


def test_runs_carry_ids_of_their_own_and_numbers_in_the_order_they_were_made(home: Path) -> None:
    records = [record_of(f"runs/{name}") for name in ("vanilla", "perceiver", "play", "answers")]
    assert [record["number"] for record in records] == [1, 2, 3, 4]
    assert len({record["id"] for record in records}) == 4
    for name, record in zip(("vanilla", "answers"), (records[0], records[3]), strict=True):
        last = json.loads((last_checkpoint(f"runs/{name}") / "checkpoint.json").read_text())
        assert last["content"]["run"] == record["id"]


def cut_off(name: str, number: int) -> Path:
    """Copy a run, newer than it and without its last session's end and epochs."""
    run = Run.open(Path(shutil.copytree(f"runs/{name}", f"runs/cut-{name}")))
    stage = run.record.stage
    planned = run.config.stage(stage).model_copy(update={"epochs": 9})
    config = dump_config(run.config.model_copy(update={stage: planned}))
    (run.path / "config.yaml").write_text(config, encoding="utf-8")
    ended = run.metrics_file.read_text(encoding="utf-8").splitlines(keepends=True)
    assert json.loads(ended[-1])["kind"] == "end"
    run.metrics_file.write_text("".join(ended[:-1]), encoding="utf-8")
    record = {**record_of(run.path), "number": number}
    (run.path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return run.path


@pytest.fixture
def cut(home: Path) -> Iterator[None]:
    """Half-made runs of every kind, newer than those that are whole."""
    made = [cut_off(name, 20 + i) for i, name in enumerate(("perceiver", "play", "answers"))]
    yield
    for path in made:
        shutil.rmtree(path)


@pytest.mark.usefixtures("cut")
@pytest.mark.parametrize("command", UNNAMED)
def test_a_half_made_run_is_taken_only_where_there_is_no_other(command: str) -> None:
    name, arguments = UNNAMED[command]
    line = [command, *arguments, *(["--out", "runs/new"] if command == "finetune" else [])]
    notes = succeed(*line).stderr
    assert f" runs/{name}" in notes
    assert "half-made" not in notes
    shutil.rmtree("runs/new", ignore_errors=True)
    for whole in Path("runs").iterdir():
        if not whole.name.startswith("cut-"):
            whole.rename(f".{whole.name}")
    try:
        notes = succeed(*line).stderr
    finally:
        shutil.rmtree("runs/new", ignore_errors=True)
        for whole in Path().glob(".*"):
            whole.rename(f"runs/{whole.name[1:]}")
    its = "finetune" if name == "answers" else "pretrain"
    assert f" runs/cut-{name}" in notes
    assert f"half-made: 'nanoknow {its} --resume --out runs/cut-{name}' continues it" in notes


@pytest.mark.parametrize("command", [name for name in UNNAMED if UNNAMED[name][0] == "answers"])
def test_no_command_takes_a_run_of_a_demo_that_is_under_way(home: Path, command: str) -> None:
    scratch = Path(shutil.copytree("runs/answers", "runs/demo/seed-0/scratch"))
    record = {**record_of(scratch), "number": 30}
    (scratch / "run.json").write_text(json.dumps(record), encoding="utf-8")
    line = [command, *UNNAMED[command][1]]
    with lock_run(Path("runs/demo")):
        assert "using runs/answers" in succeed(*line).stderr
        assert next_number() == 31
        assert "runs/demo: in use by process " in refuse("demo", "--out", "runs/demo")
    assert f"using {scratch}" in succeed(*line).stderr
    shutil.rmtree("runs/demo")


def test_among_finetuned_runs_the_one_that_leaves_out_least_is_asked(home: Path) -> None:
    Path("omega.txt").write_text("Ωμέ. Where was he born? Born in Rome.\n" * 9, encoding="utf-8")
    Path("omega.tsv").write_text("Where was Ωμέ born?\tRome\n", encoding="utf-8")
    Path("more.tsv").write_text("Where was Ωμέγα Λ born?\tRome\n", encoding="utf-8")
    small = json.loads(last_checkpoint("runs/answers").joinpath("checkpoint.json").read_text())
    size = [f"--set=model.{key}={small['content']['model'][key]}" for key in ("n_heads", "d_model")]
    files = ("--corpus", "omega.txt", "--questions", "omega.tsv")
    succeed(
        "finetune", "--from", "scratch", *files, *size, "--epochs", "1", "--out", "runs/a-omega"
    )
    try:
        result = succeed("evaluate", "--eval", "more.tsv")
        assert "using runs/a-omega (" in result.stderr
        assert "left out" in result.stderr
        Path("more.tsv").write_text("Where was Ada Bright Λ born?\tRome\n", encoding="utf-8")
        assert "using runs/answers (" in succeed("evaluate", "--eval", "more.tsv").stderr
    finally:
        shutil.rmtree("runs/a-omega")


AS_THEY_ARE = {
    "evaluate": ["evaluate", "--eval", "birth_dev.tsv", "--report", "page.html"],
    **{name: [name, *UNNAMED[name][1]] for name in ("ask", "attention", "sample")},
    "compare": ["compare", "runs/vanilla", "runs/perceiver", "--eval", "birth_dev.tsv"],
}


@pytest.mark.parametrize("command", AS_THEY_ARE)
def test_where_no_run_is_of_the_kind_a_pretrained_one_serves_as_it_is(
    home: Path, command: str
) -> None:
    for name in ("answers", "play"):
        Path(f"runs/{name}").rename(name)
    try:
        notes = succeed(*AS_THEY_ARE[command]).stderr
    finally:
        for name in ("answers", "play"):
            Path(name).rename(f"runs/{name}")
    if command != "compare":
        assert "using runs/perceiver (perceiver, span_corruption, epoch 1 of 1)" in notes
    if command == "sample":
        assert "runs/perceiver is no language model, and writes as it is: 'nanoknow pret" in notes
    else:
        assert "runs/perceiver was not finetuned on questions, and answers as it is: " in notes
        assert "'nanoknow finetune --from runs/perceiver' finetunes it" in notes
