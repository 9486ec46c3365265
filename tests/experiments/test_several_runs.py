"""Demos and sweeps: one precision for all runs of a folder, and how they go on when stopped."""

import shlex
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from nanoknow.config.loading import load_config, parse_assignment
from nanoknow.config.sweep import SweepConfig, load_sweep
from nanoknow.errors import CheckpointError, ConfigError, Interrupted
from nanoknow.experiments.learn import learn
from nanoknow.experiments.pipeline import Launch
from nanoknow.experiments.sweep import sweep
from nanoknow.runs.run import Run
from nanoknow.system import device
from tests.helpers.cli import succeed
from tests.helpers.faults import AtStep, delete_checkpoints_before_they_are_listed
from tests.helpers.silent import Silent

SIZES = "data.world.people=20 data.world.paraphrases=1 model.d_model=16 model.n_layers=1"
EPOCHS = "pretrain.epochs=1 finetune.epochs=1 scratch.epochs=1"
TINY = [parse_assignment(text) for text in f"{SIZES} {EPOCHS}".split()]
COMMON = {override.key: override.value for override in TINY}


def use_cpu(monkeypatch: pytest.MonkeyPatch, folder: Path, flags: str) -> None:
    """Go on on a machine with another CPU."""
    (folder / "cpuinfo").write_text(f"flags\t: {flags}\n", encoding="utf-8")
    monkeypatch.setattr(device, "CPU_INFO", folder / "cpuinfo")


def precisions(folder: Path) -> dict[str, tuple[str, str]]:
    """Return what each run's config and its checkpoint say."""
    runs = [Run.open(file.parent) for file in sorted(folder.glob("**/run.json"))]
    return {
        str(run.path.relative_to(folder)): (run.config.precision, run.latest().record.precision)
        for run in runs
    }


def make_older(folder: Path) -> None:
    """Leave the configs of runs as releases before 0.3.0 wrote them."""
    for file in folder.glob("**/config.yaml"):
        text = file.read_text(encoding="utf-8")
        assert "precision: bfloat16" in text
        file.write_text(text.replace("precision: bfloat16", "precision: auto"), encoding="utf-8")


@pytest.mark.slow
def test_all_runs_of_a_demo_have_one_precision_on_another_machine_too(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cpu(monkeypatch, here, "avx512_bf16")
    reporter = Silent()
    config = load_config("demo", TINY)
    learn(config, Launch(1, here / "demo", "cpu"), reporter, "demo")
    assert any("precision of all runs: bfloat16 (" in note for note in reporter.notes)
    assert set(precisions(here / "demo").values()) == {("bfloat16", "bfloat16")}
    use_cpu(monkeypatch, here, "avx2")
    for seeds, words in ((2, {"bfloat16"}), (3, {"bfloat16", "auto"})):
        if "auto" in words:
            make_older(here / "demo")
        reporter = Silent()
        report = learn(config, Launch(seeds, here / "demo", "cpu"), reporter, "demo")
        assert any("precision of all runs: bfloat16 (that of " in note for note in reporter.notes)
        found = precisions(here / "demo")
        assert len(found) == 3 * seeds
        assert {computed for _, computed in found.values()} == {"bfloat16"}
        assert {said for said, _ in found.values()} == words
        assert all(row.device.endswith(", bfloat16") for row in report.table)


def test_only_the_newest_checkpoints_decide_the_precision_of_a_sweep(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = SweepConfig(config="demo", seeds=1, common=COMMON, rows={"plain": {}})
    launch = Launch(None, here / "rows", "cpu")
    report = sweep(file, launch, Silent())
    older = [*here.glob("rows/*/*/*/checkpoints/step-00000000/checkpoint.json")]
    assert len(older) == 2
    for each in older:  # another process, which trains the run, may delete it at any moment
        each.write_bytes(b"")
    delete_checkpoints_before_they_are_listed(monkeypatch)
    assert sweep(file, launch, Silent()).table == report.table


def test_a_sweep_that_was_killed_before_a_runs_first_checkpoint_goes_on(here: Path) -> None:
    file = SweepConfig(config="demo", seeds=1, common=COMMON, rows={"plain": {}})
    launch = Launch(None, here / "rows", "cpu")
    scores = sweep(file, launch, Silent()).rows[0].scores
    for run in here.glob("rows/plain/seed-0/*"):
        shutil.rmtree(run / "checkpoints")
        (run / "checkpoints/.step-00000000.0123456789abcdef.partial").mkdir(parents=True)
        (run / "metrics.jsonl").unlink()
        shutil.rmtree(run / "predictions", ignore_errors=True)
    assert sweep(file, launch, Silent()).rows[0].scores == scores
    # What has metrics has been trained: nothing of it is written over.
    shutil.rmtree(here / "rows/plain/seed-0/pretrain/checkpoints")
    (here / "rows/plain/seed-0/pretrain/checkpoints").mkdir()
    metrics = (here / "rows/plain/seed-0/pretrain/metrics.jsonl").read_bytes()
    with pytest.raises(CheckpointError, match="pretrain: holds files already"):
        sweep(file, launch, Silent())
    assert (here / "rows/plain/seed-0/pretrain/metrics.jsonl").read_bytes() == metrics


def test_rows_of_a_sweep_have_one_precision_but_where_they_name_their_own(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {"own": {"precision": "float32"}, "plain": {}}
    file = SweepConfig(config="demo", seeds=1, common=COMMON, rows=rows)
    use_cpu(monkeypatch, here, "amx_bf16")
    sweep(file, Launch(None, here / "rows", "cpu"), Silent())
    use_cpu(monkeypatch, here, "avx2")
    report = sweep(file, Launch(2, here / "rows", "cpu"), Silent())
    found = precisions(here / "rows")
    assert len(found) == 8
    for name, each in found.items():
        assert set(each) == {"float32" if name.startswith("own") else "bfloat16"}, name
    assert {row.device.rpartition(", ")[2] for row in report.table} == {"float32", "bfloat16"}


def test_a_run_that_names_another_precision_than_was_decided_is_refused(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cpu(monkeypatch, here, "amx_bf16")
    learn(load_config("demo", TINY), Launch(1, here / "demo", "cpu"), Silent(), "demo")
    asked = [*TINY, parse_assignment("precision=float32")]
    with pytest.raises(ConfigError, match="precision: float32 is asked for, and bfloat16 in "):
        learn(load_config("demo", asked), Launch(1, here / "demo", "cpu"), Silent(), "demo")


# --- stopped


class AtNote(Silent):
    """Presses Ctrl-C while a note is written: between two runs, say."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part

    def note(self, text: str) -> None:
        super().note(text)
        if self.part in text:
            raise KeyboardInterrupt


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


STOPS = {
    "within a run": lambda: AtStep(1, press_ctrl_c),
    "between two runs": lambda: AtNote("questions: "),
}


def stopped(command: str, monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> str:
    """Return the command that is named where a command is stopped."""
    monkeypatch.setattr(sys, "argv", ["/bin/nanoknow", *shlex.split(command)])
    with pytest.raises(Interrupted, match="stopped: continue with '") as caught:
        work()
    assert caught.value.exit_code == 128 + signal.SIGINT
    return str(caught.value).partition("'")[2].removesuffix("'")


def follow(advice: str) -> str:
    """Run the command that was named."""
    program, *arguments = shlex.split(advice)
    assert program == "nanoknow"
    return succeed(*arguments).stdout


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
def test_a_sweep_that_is_stopped_names_the_command_that_continues_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, stop: Callable[[], Silent]
) -> None:
    file = {"config": "demo", "seeds": 1, "common": COMMON, "rows": {"plain": {}}}
    Path("my rows.yaml").write_text(yaml.safe_dump(file), encoding="utf-8")
    loaded, out = load_sweep("my rows.yaml"), Path("a folder")
    advice = stopped(
        "sweep 'my rows.yaml' --out 'a folder'",
        monkeypatch,
        lambda: sweep(loaded, Launch(None, out, "cpu"), stop()),
    )
    assert "Runs: a folder" in follow(advice)
    assert len(precisions(out)) == 2


@pytest.mark.parametrize(
    ("stop", "out"), [*zip(STOPS.values(), (None, Path("a folder")), strict=True)], ids=STOPS
)
def test_a_demo_that_is_stopped_names_the_command_that_continues_it_in_its_folder(
    here: Path, monkeypatch: pytest.MonkeyPatch, stop: Callable[[], Silent], out: Path | None
) -> None:
    monkeypatch.setenv("NANOKNOW_RUNS", "my runs")
    sets = " ".join(
        f"--set {override.label.split()[1]}=" + str(override.value) for override in TINY
    )
    command = f"demo {sets}" + (" --out 'a folder'" if out else "")
    config = load_config("demo", TINY)
    advice = stopped(
        command, monkeypatch, lambda: learn(config, Launch(1, out, "cpu"), stop(), "demo")
    )
    follow(advice)
    [folder] = [out] if out else list(Path("my runs").iterdir())
    assert len(precisions(folder)) == 3
    assert (folder / "demo.json").exists()
    assert not out or not Path("my runs").exists()
