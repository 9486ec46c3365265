"""Four commands, one after another, in a folder with a file of questions and nothing else."""

from pathlib import Path

from tests.helpers.cli import succeed


def test_commands_end_well_where_nothing_but_questions_is_there(here: Path) -> None:
    questions = "Where was Zoë O'Hara Ωα born?\tBrno\nWhere was Ada Bright born?\tParis\n"
    Path("birth_dev.tsv").write_text(questions, encoding="utf-8")
    sizes = ("--model", "perceiver", "--bottleneck-dim", "64")
    succeed("pretrain", *sizes, "--max-minutes", "0.01")  # a user gives it minutes
    [run] = (path.name for path in Path("runs").iterdir())
    asked = succeed("evaluate", "--eval", "birth_dev.tsv")
    assert f"using runs/{run} (perceiver, span_corruption, epoch " in asked.stderr
    assert "was not finetuned on questions" in asked.stderr
    assert "birth_dev.tsv: left out 3 characters that the vocabulary" in asked.stderr
    assert "0 of 2" in asked.stdout
    written = succeed("sample", "--context", "O God, O God!", "--length", "20")
    assert f"using runs/{run} (perceiver, span_corruption, epoch " in written.stderr
    assert "is no language model" in written.stderr
    assert "left out 1 character " in written.stderr
    assert written.stdout.startswith("O God, O God")
    assert "128" in succeed("complexity", "--seq-len", "128", "--bottleneck", "64").stdout
