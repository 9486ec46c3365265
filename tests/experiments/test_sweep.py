"""A sweep trains every row with every seed once, goes on, and shares its work."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from nanoknow.config.sweep import SweepConfig
from nanoknow.data.questions import Question, questions_from_bytes
from nanoknow.evaluation.scores import Score
from nanoknow.experiments.pipeline import Launch
from nanoknow.experiments.sweep import sweep
from nanoknow.experiments.sweep_report import Outcome, Row, compare_rows, rows_of_table
from nanoknow.experiments.table import COLUMNS, TableRow
from nanoknow.runs.finding import open_checkpoint
from nanoknow.runs.lock import lock_run
from nanoknow.system.plain import plain
from tests.helpers.cli import json_of, refuse, run, succeed
from tests.helpers.silent import OtherProcess, Silent

TINY = """
config: demo
seeds: 1
predict: [asked.tsv]
common:
  data.world: {people: 20, paraphrases: 1}
  model.d_model: 16
  model.n_layers: 1
  pretrain.epochs: 1
  finetune.epochs: 1
rows:
  plain: {}
  longer finetuning: {finetune.epochs: 2}
  perceiver m 8: {model.variant: perceiver, model.bottleneck_dim: 8, model.n_layers: 2}
"""

SMALLEST = {
    "data.world": {"people": 20, "paraphrases": 1},
    "model.d_model": 16,
    "model.n_layers": 1,
    "pretrain.epochs": 1,
    "finetune.epochs": 1,
}


def write(name: str, text: str) -> str:
    """Write a file of the working directory."""
    Path(name).write_text(text, encoding="utf-8")
    return name


@pytest.mark.slow
def test_a_sweep_goes_on_where_it_was_and_leaves_to_others_what_they_are_at(here: Path) -> None:
    write("asked.tsv", "Where was Ada Lowe born?\n")
    command = ("sweep", write("rows.yaml", TINY), "--out", "rows")
    report = json_of(*command)
    assert [(row["name"], row["seeds"], len(row["scores"])) for row in report["rows"]] == [
        ("plain", [0], 1),
        ("longer finetuning", [0], 1),
        ("perceiver m 8", [0], 1),
    ]
    assert report["rows"][0]["scores"][0]["n"] == 4
    assert report["rows"][0]["recall"][0]["n"] == 12
    [predictions] = report["rows"][0]["predictions"]
    assert len(Path(predictions).read_text(encoding="utf-8").splitlines()) == 1
    assert report["rows"][2]["n_parameters"] > report["rows"][0]["n_parameters"]
    # Rows that pretrain alike share a run, and its loss.
    assert report["rows"][0]["losses"] == report["rows"][1]["losses"]
    assert not Path("rows/longer-finetuning/seed-0/pretrain").exists()
    again = succeed(*command, "--seeds", "2")
    assert "resuming rows/plain/seed-0/finetune at step 1 of 1" in again.stderr
    assert Path("rows/plain/seed-1/finetune/run.json").exists()
    assert "perceiver m 8" in again.stdout
    with lock_run(Path("rows/perceiver-m-8/seed-0/finetune")):
        report = json_of(*command)
    assert [len(row["scores"]) for row in report["rows"]] == [1, 1, 0]
    assert report["elsewhere"] == 1
    changed = TINY.replace("d_model: 16", "d_model: 32")
    refused = refuse("sweep", write("rows.yaml", changed), "--out", "rows")
    assert "an earlier run with other settings" in refused


def test_questions_to_predict_that_cannot_be_read_are_refused_before_the_training(
    here: Path,
) -> None:
    write("asked.tsv", "Where was Ada Lowe born?\tOslo\tRome\n")
    refused = refuse("sweep", write("rows.yaml", TINY), "--out", "rows")
    assert "asked.tsv:1: " in refused
    assert not Path("rows").exists()


def test_what_another_process_was_at_is_looked_at_again_at_the_end(here: Path) -> None:
    two = {"plain": {}, "longer": {"finetune.epochs": 2}}
    file = SweepConfig(config="demo", seeds=1, common=SMALLEST, rows=two)
    rows = here / "rows"
    sweep(file, Launch(1, rows, "cpu"), Silent())
    other = OtherProcess(rows / "plain/seed-0/finetune")
    report = sweep(file, Launch(2, rows, "cpu"), other)
    assert sum("left to another process" in note for note in other.notes) == 1
    assert report.elsewhere == 0
    assert [row.seeds for row in report.rows] == [[0, 1]] * 2
    assert json.loads((rows / "sweep.json").read_bytes()) == plain(report)


class QuickerProcess(Silent):
    """Trains a whole sweep while this one prepares its first run."""

    def __init__(self, file: SweepConfig, launch: Launch) -> None:
        super().__init__()
        self.file, self.launch = file, launch

    def note(self, text: str) -> None:
        super().note(text)
        if "rotary positions" in text and not Path("rows").exists():
            sweep(self.file, self.launch, Silent())


def test_a_run_that_another_process_has_trained_meanwhile_is_taken_as_it_is(here: Path) -> None:
    file = SweepConfig(config="demo", seeds=1, common=SMALLEST, rows={"plain": {}})
    launch = Launch(None, here / "rows", "cpu")
    reporter = QuickerProcess(file, launch)
    report = sweep(file, launch, reporter)
    assert sum("left to another process" in note for note in reporter.notes) == 1
    assert (report.elsewhere, len(report.table)) == (0, 1)


def test_rows_share_a_pretrained_run_only_where_it_read_the_same_questions(here: Path) -> None:
    mixing = {"pretrain.task.questions_per_document": 0.5}
    rows = {
        f"{kind} {name}": {
            **changes,
            "data.questions": write(f"{name}.tsv", f"Where was Ada Lowe born?\t{place}\n"),
        }
        for kind, changes in (("plain", {}), ("mixing", mixing))
        for name, place in (("one", "Rome"), ("other", "Oslo"))
    }
    file = SweepConfig(config="demo", seeds=1, common=SMALLEST, rows=rows)
    sweep(file, Launch(None, here / "rows", "cpu"), Silent())
    assert all((here / "rows" / name.replace(" ", "-")).exists() for name in rows)
    pretrained = {path.parts[-3] for path in (here / "rows").glob("*/seed-0/pretrain")}
    # What none of them mixes in, all read for its characters.
    assert pretrained == {"plain-one", "plain-other", "mixing-one", "mixing-other"}


def test_rows_with_questions_of_their_own_are_scored_on_these_and_paired_where_they_agree(
    here: Path,
) -> None:
    rows = {}
    for name, people in (("two", "Ab"), ("three", "Abc"), ("same two", "Ab")):
        lines = "".join(f"Where was {person} born?\tRome\n" for person in people)
        rows[name] = {"data.eval": write(f"{name}.tsv", lines)}
    file = SweepConfig(config="demo", seeds=1, common=SMALLEST, rows=rows)
    folder = here / "rows"
    report = sweep(file, Launch(None, folder, "cpu"), Silent())
    assert [Path(row.questions).stem for row in report.rows] == list(rows)
    assert [[score.n for score in row.scores] for row in report.rows] == [[2], [3], [2]]
    assert report.questions == ", ".join(row.questions for row in report.rows)
    [pair] = report.pairs
    assert (pair.first, pair.second, pair.seed) == ("two", "same two", 0)
    assert pair.pairing.neither == 2
    rows_of_table = [(row.row, row.seed, row.score.n) for row in report.table]
    assert rows_of_table == [("two", 0, 2), ("three", 0, 3), ("same two", 0, 2)]
    with (folder / "table.csv").open(encoding="utf-8", newline="") as text:
        table = list(csv.DictReader(text))
    assert list(table[0]) == list(COLUMNS)
    assert [row["questions"] for row in table] == [row.questions for row in report.table]
    low, high = report.table[0].score.interval_95
    assert (table[0]["interval_95_low"], table[0]["interval_95_high"]) == (str(low), str(high))
    # Evaluation questions decide nothing of pretraining.
    assert [path.parts[-3] for path in folder.glob("*/seed-0/pretrain")] == ["two"]


def test_rows_that_leave_out_long_questions_are_paired_on_those_that_both_answered(
    here: Path,
) -> None:
    names = ["Bo", "Bartholomew Longfellow-Smith", "Al", "Cy"]
    lines = [f"Where was {name} born?\tRome\n" for name in names]
    common = {
        **SMALLEST,
        "data.skip_long": True,
        "data.questions": write("learned.tsv", lines[0]),
        "data.eval": write("asked.tsv", "".join(lines)),
    }
    rows = {"short": {"model.block_size": 40}, "long": {"model.block_size": 64}}
    file = SweepConfig(config="demo", seeds=1, common=common, rows=rows)
    launch = Launch(None, here / "rows", "cpu")
    report = sweep(file, launch, Silent())
    assert [row.scores[0].n for row in report.rows] == [3, 4]
    [pair] = report.pairs
    counts = pair.pairing
    assert counts.both + counts.only_first + counts.only_second + counts.neither == 3
    # Where metrics have been lost, so has the loss, and nothing else.
    for metrics in here.glob("rows/*/seed-0/pretrain/metrics.jsonl"):
        metrics.unlink()
    again = sweep(file, launch, Silent())
    assert [plain(row)["losses"] for row in again.rows] == [[None], [None]]
    assert again.pairs == report.pairs
    table = json_of("compare", *(row.run for row in report.table))["table"]
    assert [row["run"] for row in table] == [row.run for row in report.table]
    times = [pytest.approx(row.seconds, abs=2e-3) for row in report.table]  # sums of rounded ones
    assert [row["seconds"] for row in table] == times
    moved = (here / "rows").rename(here / "moved")
    lost = ("compare", *(str(moved / row / "seed-0/finetune") for row in rows))
    assert [row["seconds"] for row in json_of(*lost)["table"]] == [None, None]
    elsewhere = replace(launch, out=moved)
    seconds = [row.seconds for row in sweep(file, elsewhere, Silent()).table]
    assert seconds == times  # of pretraining too
    stages = ("pretrain", "finetune")
    trained = [
        [open_checkpoint(moved / row / "seed-0" / stage)[1].record.seconds for stage in stages]
        for row in rows
    ]
    assert seconds == [pytest.approx(sum(each), abs=2e-3) for each in trained]


def test_rows_that_leave_out_questions_are_paired_question_by_question() -> None:
    def outcome(**right: bool) -> Outcome:
        score = Score(sum(right.values()), len(right))
        row = TableRow("", 0, "dev.tsv", score, 1.0, "cpu, float32", "")
        by_question = {Question(text, ("Ada",), 1): each for text, each in right.items()}
        return Outcome(row, by_question, score, 1.0, (), 1)

    folds = {
        "one": {0: [outcome(a=True, b=False, c=True), outcome(d=True, e=True)]},
        "other": {0: [outcome(b=False, c=False), outcome(d=True)]},
    }
    questions = {row: questions_from_bytes(b"Who?\tAda\n", row) for row in folds}
    [pair] = compare_rows(questions, folds)
    found = pair.pairing
    assert (found.both, found.only_first, found.only_second, found.neither) == (1, 1, 0, 1)


def test_the_folds_of_a_seed_add_up_to_one_score_and_time_and_a_mean_loss() -> None:
    def outcome(fold: int, n_right: int, recalled: int, seconds: float, loss: float) -> Outcome:
        run = str(Path("rows", "a", "seed-3", f"fold-{fold}", "finetune"))
        cells = TableRow("a", 3, f"{fold}.jsonl", Score(n_right, 4), seconds, "cpu, float32", run)
        return Outcome(cells, {}, Score(recalled, 9), loss, (f"{fold}.txt",), 10 + fold)

    folds = [outcome(1, 1, 9, 40.0, 2.0), outcome(2, 3, 6, 80.0, 3.0)]
    row = Row.of("a", {}, "all", {3: folds, 4: folds[:1]})
    assert (row.seeds, row.scores, row.recall) == (
        [3, 4], [Score(4, 8), Score(1, 4)], [Score(15, 18), Score(9, 9)],
    )  # fmt: skip
    assert row.folds == [[Score(1, 4), Score(3, 4)]]
    assert (row.losses, row.minutes, row.n_parameters) == ([2.5, 2.0], [2.0, 0.67], 12)
    assert row.predictions == ["1.txt", "2.txt", "1.txt"]
    *parts, whole = rows_of_table("all", folds)
    assert parts == [fold.row for fold in folds]
    assert (whole.questions, whole.score, whole.seconds) == ("all", Score(4, 8), 120.0)
    assert (whole.seed, Path(whole.run)) == (3, Path("rows/a/seed-3"))
    assert rows_of_table("all", folds[:1]) == parts[:1]


def test_rows_are_paired_by_the_first_seed_that_both_have_finished() -> None:
    def outcome(row: str, seed: int, right: bool) -> Outcome:
        score = Score(int(right), 1)
        cells = TableRow(row, seed, "dev.tsv", score, 1.0, "cpu, float32", f"{row}/{seed}")
        return Outcome(cells, {Question("Who?", ("Ada",), 1): right}, score, 1.0, (), 1)

    finished = {"a": {0: True, 1: False, 2: True}, "b": {1: True, 2: True}, "c": {0: False}}
    outcomes = {
        row: {seed: [outcome(row, seed, right)] for seed, right in runs.items()}
        for row, runs in finished.items()
    }
    questions = {row: questions_from_bytes(b"Who?\tAda\n", row) for row in finished}
    pairs = compare_rows(questions, outcomes)
    chosen = [(pair.first, pair.second, pair.seed) for pair in pairs]
    assert chosen == [("a", "b", 1), ("a", "c", 0)]
    assert [pair.pairing.only_second for pair in pairs] == [1, 0]
    assert [pair.corrected_p for pair in pairs] == [1.0, 1.0]


def test_a_sweep_writes_its_table_where_out_names_a_file(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NANOKNOW_RUNS", "mine")
    text = yaml.safe_dump({"config": "demo", "common": SMALLEST, "rows": {"plain": {}}})
    command = ["sweep", write("rows.yaml", text), "--seeds", "1", "--out", "tables/table.csv"]
    shown = succeed(*command)
    assert "Runs: mine/sweep" in shown.stdout
    assert Path("tables/table.csv").read_bytes() == Path("mine/sweep/table.csv").read_bytes()


def test_a_report_that_could_not_be_written_is_refused_before_the_first_step(here: Path) -> None:
    text = yaml.safe_dump({"config": "demo", "seeds": 1, "common": SMALLEST, "rows": {"plain": {}}})
    command = ("sweep", write("rows.yaml", text), "--out", "rows")
    for name in ("sweep.json", "table.csv"):
        Path("rows", name).mkdir(parents=True)
        assert f"rows/{name}: cannot be written: is a folder: move it" in refuse(*command)
        assert [path.name for path in Path("rows").iterdir()] == [name]
        Path("rows", name).rmdir()


def test_more_runs_than_anybody_waits_for_are_refused_before_the_first(here: Path) -> None:
    many = {"config": "demo", "seeds": 1000, "rows": {f"r{i}": {"seed": i} for i in range(11)}}
    command = ("sweep", write("rows.yaml", yaml.safe_dump(many)), "--out", "rows")
    assert "11,000 runs, by rows, seeds and folds: ask for 10,000 at most" in refuse(*command)
    late = yaml.safe_dump({"config": "demo", "common": {"seed": 2**63 - 1}, "rows": {"a": {}}})
    assert "3 seeds from 9223372036854775807: ask" in refuse("sweep", write("late.yaml", late))
    seeds = "--seeds", str(10**12)
    for line in (command, ("law", "run", "reversal"), ("demo",), ("learn",)):
        result = run(*line, *seeds)
        assert result.exit_code == 2, result.output
        assert "must be 1000 or less" in result.stderr
    assert not Path("rows").exists()


def test_shards_train_their_parts_and_what_follows_reports_on_all_without_training(
    here: Path,
) -> None:
    write("asked.tsv", "Where was Ada Lowe born?\n")
    command = ("sweep", write("rows.yaml", TINY), "--out", "rows")
    for shard, trained in (("1/2", {"plain", "longer-finetuning"}), ("2/2", {"perceiver-m-8"})):
        before = {path.parent for path in Path("rows").glob("*/*/*/run.json")}
        report = json_of(*command, "--shard", shard)
        made = {path.parent for path in Path("rows").glob("*/*/*/run.json")} - before
        assert {path.parts[1] for path in made} == trained  # chains of one pretraining are whole
        assert {row["row"].replace(" ", "-") for row in report["table"]} == trained
        assert not Path("rows/sweep.json").exists()
    metrics = {path: path.read_bytes() for path in Path("rows").rglob("metrics.jsonl")}
    assert len(json_of(*command)["table"]) == 3
    assert {path: path.read_bytes() for path in metrics} == metrics
    assert Path("rows/table.csv").exists()
    assert json_of(*command, "--shard", "9/9")["table"] == []
    for wrong in ("3/2", "0/2", "1", "1/0", "a/b", "1/2/3"):
        assert f"--shard {wrong}: write I/N" in refuse(*command, "--shard", wrong)
