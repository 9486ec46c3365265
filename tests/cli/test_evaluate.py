"""``nanoknow evaluate`` and ``nanoknow baseline``, as a user runs them."""

import json
import shutil
from pathlib import Path

import torch

from tests.helpers.cli import json_of, refuse, succeed


def test_evaluate_takes_the_latest_run_that_answers_questions_and_says_so(home: Path) -> None:
    result = succeed("evaluate", "--eval", "birth_dev.tsv")
    assert "using runs/answers (perceiver, question_answering, epoch 1 of 1)" in result.stderr
    assert "exact match" in result.stdout
    assert "McNemar" in result.stdout
    [path] = (home / "runs/answers/predictions").glob("birth_dev-*-step-1.txt")
    answers = path.read_text("utf-8").splitlines()
    details = path.with_suffix(".jsonl").read_text("utf-8").splitlines()
    assert len(answers) == len(details) == 8
    assert json.loads(details[0])["answer"] == answers[0]
    assert json.loads(details[0])["log_probability"] < 0


def test_evaluate_prints_json_whose_counts_add_up(home: Path) -> None:
    report = json_of("evaluate", "runs/answers")
    assert report["score"]["n"] == 8
    assert sum(report["verdicts"].values()) == 8
    assert sum(part["n"] for part in report["splits"]) == 8
    low, high = report["score"]["interval_95"]
    assert low <= report["score"]["accuracy"] <= high
    assert report["baseline"]["n"] == 8
    assert 0 < report["mcnemar_p"] <= 1


def test_questions_without_answers_get_predictions_and_a_note(home: Path) -> None:
    result = succeed("evaluate", "--eval", "birth_test_inputs.tsv")
    assert "has no answers: predictions only, no score" in result.stderr
    assert "exact match" not in result.stdout
    [path] = (home / "runs/answers/predictions").glob("birth_test_inputs-*.txt")
    assert len(path.read_text("utf-8").splitlines()) == 8


def test_characters_outside_the_vocabulary_are_left_out_counted_and_shown(home: Path) -> None:
    (home / "odd.tsv").write_text("Where was Ωμέγα born?\tParis\n", encoding="utf-8")
    for named in ((), ("runs/answers",)):
        result = succeed("evaluate", *named, "--eval", "odd.tsv")
        [note] = [line for line in result.stderr.splitlines() if "left out" in line]
        assert note.startswith("runs/answers: ")  # of several, compare asks each
        assert "odd.tsv: left out 5 characters that the vocabulary does not hold: " in note
        assert "'Ω' (U+03A9)" in result.stderr


def test_so_many_characters_outside_it_that_no_line_could_name_them_are_counted(home: Path) -> None:
    name = f"{'long' * 60}.tsv"  # and the file of the answers is called by it
    odd = "".join(map(chr, range(0x4E00, 0x4E00 + 500)))
    (home / name).write_text(f"Where was {odd} born?\tParis\n", encoding="utf-8")
    [note] = [
        each
        for each in succeed("evaluate", "runs/answers", "--eval", name).stderr.splitlines()
        if "left out" in each
    ]
    assert "'\u4e00' (U+4E00), " in note
    assert note.endswith(", and 480 more")


def test_evaluate_works_when_the_training_text_has_gone(home: Path) -> None:
    moved = home / "data" / "world" / "wiki.txt"
    moved.rename(home / "elsewhere.txt")
    try:
        result = succeed("evaluate", "runs/answers", "--json")
    finally:
        (home / "elsewhere.txt").rename(moved)
    assert "no training text available: answers cannot be checked" in result.stderr
    assert json.loads(result.stdout)["verdicts"] is None
    assert json.loads(result.stdout)["score"]["n"] == 8


def test_a_language_model_answers_no_questions(home: Path) -> None:
    assert "answers no questions: name one that 'nanoknow finetune' made" in refuse(
        "evaluate", "runs/play", "--eval", "birth_dev.tsv"
    )


def test_baseline_says_the_most_frequent_answer_or_the_one_given(home: Path) -> None:
    files = ("--questions", "birth_places_train.tsv", "--eval", "birth_dev.tsv")
    report = json_of("baseline", *files)
    assert report["n"] == 8
    assert report["answer"]
    assert json_of("baseline", "--eval", "birth_dev.tsv", "--answer", "Atlantis")["n_right"] == 0
    assert "--answer TEXT" in refuse("baseline", "--eval", "birth_dev.tsv")


def test_without_config_and_data_the_built_in_world_is_used_and_named(home: Path) -> None:
    result = succeed("baseline", "--json")
    assert "using the built-in world (--config demo)" in result.stderr
    assert json.loads(result.stdout)["questions"].startswith("built-in world (people ")


def test_answers_are_computed_in_float32_whatever_training_computed_in(home: Path) -> None:
    seen: set[torch.dtype] = set()

    def note(module: torch.nn.Module, given: object, found: object) -> None:
        seen.update([found.dtype] if isinstance(found, torch.Tensor) else [])

    named = ("finetune", "--from", "runs/vanilla", "--questions", "birth_places_train.tsv")
    half = ("--set", "precision=bfloat16", "--epochs", "1", "--out", "runs/half")
    with torch.nn.modules.module.register_module_forward_hook(note):
        succeed(*named, *half)
        assert torch.bfloat16 in seen
        seen.clear()
        succeed("evaluate", "runs/half", "--eval", "birth_dev.tsv")
        succeed("ask", "Where was Ada Lovelace born?", "--run", "runs/half")
    assert seen == {torch.float32}
    shutil.rmtree("runs/half")
