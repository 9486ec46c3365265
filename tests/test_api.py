"""nanoknow from Python."""

import inspect
import io
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer

import nanoknow
from nanoknow import api
from nanoknow.cli.app import app
from nanoknow.errors import CheckpointError, ConfigError, DataError
from nanoknow.training.session import TrainingSummary
from tests.helpers.cli import SMALL, json_of, kinds_of, succeed


def test_a_run_answers_and_samples_from_python_in_two_lines(home: Path) -> None:
    loaded = nanoknow.load(home / "runs" / "answers")
    assert isinstance(loaded.answer("Where was Ada Lovelace born?"), str)
    text = nanoknow.load(str(home / "runs" / "play")).sample("O God", length=20)
    assert len(text) == 20
    with pytest.raises(CheckpointError, match="answers no questions"):
        nanoknow.load(home / "runs" / "play").answer("Where?")
    assert len(loaded.sample("O", 5, top_k=0)) == 5  # among all, as for the command
    with pytest.raises(ConfigError, match=r"sample\.top_k"):
        loaded.sample("O", top_k=-1)
    with pytest.raises(ConfigError, match=r"sample\.context"):
        loaded.sample("")


WORLD = {"corpus": "data/world/wiki.txt", "epochs": 1}
SIZES = {"model.n_layers": 2, "model.d_model": 16, "model.n_heads": 2}
TRAIN, DEV = "birth_places_train.tsv", "birth_dev.tsv"
PUBLIC = ("ask", "evaluate", "finetune", "inspect", "load", "pretrain", "sample", "sweep")
COMMANDS = {"inspect": "data inspect"}
NOT_IN_PYTHON = {
    "evaluate": {"report", "target_accuracy", "seed", "out"},  # files that it writes
    **{name: {"dry_run"} for name in ("pretrain", "finetune", "sweep")},
}
RENAMED: dict[str, str | None] = {
    **{"start": "from_", "eval_file": "eval", "assign": "set"},
    **dict.fromkeys(("as_json", "run_flag"), None),
}
"""Parameters of commands, and what the same are from Python."""


def test_what_is_public_is_what_all_says_and_imports_no_torch() -> None:
    assert nanoknow.__all__ == ["__version__", *PUBLIC]
    assert dir(nanoknow) == nanoknow.__all__
    for name in PUBLIC:
        assert getattr(nanoknow, name) is getattr(api, name)
        assert getattr(nanoknow, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'torch'"):
        nanoknow.torch  # type: ignore[attr-defined]  # noqa: B018
    script = "import sys, nanoknow; dir(nanoknow); assert not {'torch', 'numpy'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "load"])
def test_each_takes_the_flags_of_its_command_with_the_same_defaults(name: str) -> None:
    command: Any = typer.main.get_command(app)
    for part in COMMANDS.get(name, name).split():
        command = command.commands[part]
    flags = {}
    for parameter in command.params:
        renamed = RENAMED.get(parameter.name, parameter.name)
        if renamed and parameter.name not in NOT_IN_PYTHON.get(name, ()):
            flags[renamed] = None if renamed == "set" else parameter.default
    taken = inspect.signature(getattr(nanoknow, name)).parameters
    given = {key: p.default for key, p in taken.items() if key not in ("log", "run")}
    flags.pop("run", None)
    required = {"question", "file"}
    assert set(given) == set(flags)
    assert {k: v for k, v in given.items() if k not in required} == {
        k: v for k, v in flags.items() if k not in required
    }


@pytest.fixture(scope="module")
def trained(home: Path) -> Path:
    """A working directory with a run that Python trained, and the same of the commands."""
    nanoknow.pretrain(**WORLD, set=SIZES, seed=3, out="runs/py-pre")  # type: ignore[arg-type]
    succeed(
        "pretrain", "--corpus", str(WORLD["corpus"]), "--epochs", "1", *SMALL, "--seed", "3",
        "--out", "runs/cli-pre",
    )  # fmt: skip
    nanoknow.finetune(
        from_=home / "runs/py-pre", questions=TRAIN, eval=DEV, epochs=2, out="runs/py"
    )
    succeed(
        "finetune", "--from", "runs/cli-pre", "--questions", TRAIN, "--eval", DEV, "--epochs", "2",
        "--out", "runs/cli",
    )  # fmt: skip
    return home


def test_python_trains_what_the_commands_train(trained: Path) -> None:
    for stage in ("", "-pre"):
        one, other = (kinds_of(f"runs/{way}{stage}", "step") for way in ("py", "cli"))
        assert [step["loss"] for step in one] == [step["loss"] for step in other]
        weights = [nanoknow.load(f"runs/{way}{stage}").model.state_dict() for way in ("py", "cli")]
        assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_results_are_what_json_prints(trained: Path) -> None:
    run, question = "runs/py", "Where was Ada Lovelace born?"
    assert nanoknow.evaluate(run).to_dict() == json_of("evaluate", run)
    assert nanoknow.evaluate(run, eval=DEV).to_dict() == json_of("evaluate", run, "--eval", DEV)
    assert nanoknow.ask(question, run, n_best=2).to_dict() == json_of(
        "ask", question, "--run", run, "--n-best", "2"
    )
    play = ("runs/play", "--length", "30", "--top-k", "0", "--mark-copied", "--min-copied", "3")
    asked: dict[str, Any] = {"length": 30, "top_k": 0, "mark_copied": True, "min_copied": 3}
    sampled = nanoknow.sample("runs/play", **asked)
    assert sampled.to_dict() == json_of("sample", *play)
    assert str(sampled) == f"O God, O God!{sampled.text}"
    assert "copied" not in nanoknow.sample("runs/play", length=3).to_dict()
    corpus = {"corpus": "data/world/wiki.txt", "questions": TRAIN}
    assert nanoknow.inspect("namedata", **corpus, count=2).to_dict() == json_of(  # type: ignore[arg-type]
        "data", "inspect", "namedata", "--corpus", corpus["corpus"], "--questions", TRAIN,
        "--count", "2",
    )  # fmt: skip


def test_the_latest_run_is_the_one_that_the_commands_find(trained: Path) -> None:
    assert len({str(nanoknow.load(none).run.path) for none in (None, "latest")}) == 1
    assert nanoknow.load("latest").run.path.name == json_of("plot")["runs"][0]["name"] == "cli"
    latest = json_of("evaluate")["run"]
    assert [nanoknow.evaluate(none).run for none in (None, "latest")] == [latest] * 2


def test_a_sweep_returns_a_row_for_each_run(trained: Path) -> None:
    sizes = "{n_layers: 2, n_heads: 2, d_model: 16}"
    Path("base.yaml").write_text(
        f"data: {{corpus: data/world/wiki.txt, questions: {TRAIN}, eval: {DEV}}}\n"
        f"model: {sizes}\npretrain: {{epochs: 1}}\nfinetune: {{epochs: 1}}\n",
        encoding="utf-8",
    )
    rows = "config: base.yaml\nseeds: 1\nrows: {small: {}, fresh: {seed: 4}}\n"
    Path("rows.yaml").write_text(rows, encoding="utf-8")
    report = nanoknow.sweep("rows.yaml", out="runs/sweep")
    assert report.to_dict() == json_of("sweep", "rows.yaml", "--out", "runs/sweep")
    flat = [row.to_dict() for row in report.table]
    assert [row["row"] for row in flat] == ["small", "fresh"]
    assert {"seed", "accuracy", "n", "seconds", "run"} <= set(flat[0])


def test_a_run_is_continued_and_extended(trained: Path) -> None:
    nanoknow.pretrain(**WORLD, set=SIZES, out="runs/more", max_minutes=0)  # type: ignore[arg-type]
    assert nanoknow.pretrain(resume=True, out="runs/more").epochs == 1
    assert nanoknow.pretrain(resume=True, out="runs/more", epochs=2).epochs == 2


def test_it_is_quiet_unless_it_is_given_where_to_log(
    trained: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = io.StringIO()
    quiet = nanoknow.evaluate("runs/answers")
    nanoknow.pretrain(**WORLD, set=SIZES)  # type: ignore[arg-type]
    assert capfd.readouterr() == ("", "")
    found = nanoknow.evaluate(log=log)
    assert log.getvalue().startswith(f"using {found.run} (")
    assert quiet.run == "runs/answers"
    nanoknow.pretrain(**WORLD, set=SIZES, log=log)  # type: ignore[arg-type]
    assert "epoch 1/1" in log.getvalue().splitlines()[-1]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nanoknow.pretrain(epochs=0), "--epochs"),
        (lambda: nanoknow.pretrain(set={"pretrain.epoch": 1}), "--set pretrain.epoch"),
        (lambda: nanoknow.pretrain(config="nowhere"), "nowhere"),
        (lambda: nanoknow.pretrain(resume=True), "--resume"),
        (lambda: nanoknow.finetune(from_="runs/vanilla", model="perceiver"), "--model perceiver"),
        (lambda: nanoknow.evaluate("runs/play"), "answers no questions"),
        (lambda: nanoknow.sample("runs/play", min_copied=3), "goes with --mark-copied"),
        (lambda: nanoknow.sweep("nothing.yaml"), "nothing.yaml"),
        (lambda: nanoknow.sweep("ablations", seeds=0), "seeds 0"),
        (lambda: nanoknow.sweep("ablations", processes=0), "processes 0"),
        (lambda: nanoknow.load("data"), "not a run folder"),
        (lambda: nanoknow.ask("", "runs/answers"), "empty question"),
        (lambda: nanoknow.ask("Who?", "runs/answers", n_best=0), "n_best 0"),
        (lambda: nanoknow.ask("Who?", "runs/answers", n_best=10**9), "n_best 1000000000"),
        (lambda: nanoknow.ask("Who?", "runs/answers", abstain_below=50), "abstain_below 50"),
        (lambda: nanoknow.ask("Who?", "runs/answers", abstain_below=math.nan), "abstain_below nan"),
        (lambda: nanoknow.sample("runs/play", mark_copied=True, min_copied=0), "min_copied 0"),
        (lambda: nanoknow.pretrain(config=Path("nowhere.yaml")), "nowhere.yaml"),  # type: ignore[arg-type]
        (lambda: nanoknow.evaluate("runs/answers", predictions="p", eval=DEV), "leave out run"),
        (lambda: nanoknow.evaluate(predictions="p", eval=DEV, skip_long=True), "skip_long"),
        (lambda: nanoknow.inspect(count=0), "count 0"),
        (lambda: nanoknow.inspect("nameddata"), "Did you mean 'namedata'?"),
    ],
)
def test_what_can_be_fixed_is_refused_in_one_line(
    home: Path, call: Callable[[], object], words: str
) -> None:
    with pytest.raises((ConfigError, CheckpointError, DataError)) as refused:
        call()
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_texts_are_encoded_for_the_model_and_its_logits_are_those_it_answers_by(home: Path) -> None:
    run = nanoknow.load("runs/answers")
    questions = [f"Where was {name} born?" for name in ("Bo", "Ada Lovelace", "X")]
    ids, lengths = run.encode([f"{question}⁇" for question in questions])
    assert ids.shape == (3, int(lengths.max()))
    with torch.no_grad():
        logits = run.model(ids)
    assert logits.shape == (*ids.shape, len(run.tokenizer))
    for question, row, n, each in zip(questions, ids, lengths, logits, strict=True):
        assert row[:n].tolist() == run.prompt(question).tolist()
        first = run.tokenizer.decode([int(each[n - 1].argmax())])
        assert f"{run.answer(question)}⁇".startswith(first)
    for one in ("O God⁇", ["O God⁇"]):
        play, _ = nanoknow.load("runs/play").encode(one)
        assert play.shape == (1, 5)


def test_numbers_of_numpy_are_numbers(home: Path) -> None:
    n: Any = np.int64(3)
    half, run = np.float64(0.5), "runs/play"
    sampled = nanoknow.sample(run, length=n, seed=n, mark_copied=True, min_copied=n)
    assert (
        sampled.to_dict()
        == nanoknow.sample(run, length=3, seed=3, mark_copied=True, min_copied=3).to_dict()
    )
    reply = nanoknow.ask("Who?", "runs/answers", n_best=n, abstain_below=half)
    assert reply.to_dict()["abstained"] == (reply.probability < 0.5)
    assert "abstained" in repr(reply)
    with pytest.raises(ConfigError, match=r"must be 1 or more \(got -3\)"):
        nanoknow.pretrain(set={"model.n_layers": -n})
    with pytest.raises(TypeError, match="TrainingSummary"):
        nanoknow.finetune(from_=object.__new__(TrainingSummary))  # type: ignore[arg-type]
