"""Folds ask every question once, of a model that was trained on no question about its subject."""

import csv
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanoknow.config.experiment import DataConfig
from nanoknow.data.questions import QuestionSet
from nanoknow.data.sources import Texts
from nanoknow.errors import DataError
from nanoknow.experiments.folds import Folds, split_into_folds
from nanoknow.runs.run import Run
from tests.helpers.cli import json_of, succeed
from tests.helpers.refused import refused

FORMS = ("Where was {} born?", "Who is the mother of {}?", "When did {} die?")
TINY = {"model.d_model": 16, "model.n_layers": 1, "pretrain.epochs": 1, "finetune.epochs": 1}


def texts_of(folder: Path, people: list[int], cut: int = 1) -> Texts:
    """Write a document for each person, and so many questions; the first ones are to train on."""
    asked = [
        f"{FORMS[i].format(f'Ada{n} Fox')}\tRome{n}{i}\n"
        for n, count in enumerate(people)
        for i in range(count)
    ]
    lives = "".join(f"Ada{n} Fox. Born in Rome{n}.\n" for n in range(len(people)))
    files = {"corpus": lives, "questions": "".join(asked[:cut]), "eval": "".join(asked[cut:])}
    for role, text in files.items():
        (folder / role).write_text(text, encoding="utf-8")
    return Texts.find(DataConfig.model_validate({role: folder / role for role in files}))


def pairs(questions: QuestionSet) -> list[tuple[str, str | None]]:
    return [(question.text, question.answer) for question in questions.items]


def sides(folds: Folds) -> list[tuple[QuestionSet, QuestionSet]]:
    """Return what each fold's runs are trained on, and asked."""
    return [(Texts(data).require_questions(), Texts(data).require_eval()) for data in folds.data]


@settings(max_examples=20)
@given(
    st.lists(st.integers(1, 3), min_size=5, max_size=12), st.integers(2, 5), st.integers(0, 2**40)
)
def test_folds_are_disjoint_even_and_hold_all_questions_about_a_subject(
    people: list[int], n: int, seed: int
) -> None:
    with TemporaryDirectory() as folder:
        texts = texts_of(Path(folder), people)
        both = pairs(texts.require_questions()) + pairs(texts.require_eval())
        folds = split_into_folds(texts, n, seed, Path(folder))
        asked = [pairs(asked) for _, asked in sides(folds)]
        assert pairs(folds.questions) == [pair for fold in asked for pair in fold]
        assert sorted(pairs(folds.questions)) == sorted(both)
        assert max(map(len, asked)) - min(map(len, asked)) <= 3
        for trained, fold in sides(folds):
            assert sorted(pairs(trained) + pairs(fold)) == sorted(both)
            subjects = [
                {q.text.split(" Fox")[0].split(" ")[-1] for q in each.items}
                for each in (trained, fold)
            ]
            assert not subjects[0] & subjects[1]


def test_folds_are_found_again_and_depend_on_the_seed_and_the_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = texts_of(tmp_path, [1] * 20)
    first = split_into_folds(texts, 4, 0, tmp_path)
    paths = sorted(tmp_path.glob("folds-*/*"))
    assert len(paths) == 8
    times = [path.stat().st_mtime_ns for path in paths]
    assert split_into_folds(texts, 4, 0, tmp_path) == first
    assert [path.stat().st_mtime_ns for path in paths] == times
    assert pairs(split_into_folds(texts, 4, 1, tmp_path).questions) != pairs(first.questions)
    elsewhere = split_into_folds(texts, 4, 0, Path("elsewhere"))
    assert pairs(elsewhere.questions) == pairs(first.questions)
    assert all(data.eval and data.eval.is_absolute() for data in elsewhere.data)
    (paths[0].parent / "fold-4.jsonl").unlink()  # as if it had been interrupted
    assert split_into_folds(texts, 4, 0, tmp_path) == first
    config = texts.config.model_copy(update={"documents": "paragraphs"})
    seen = {first.questions.sha256, split_into_folds(texts, 3, 0, tmp_path).questions.sha256,
            split_into_folds(Texts(config), 4, 0, tmp_path).questions.sha256}  # fmt: skip
    more = {"corpus": "Bo Lind. Born.\n", "questions": "Who?\tBo\n", "eval": "Who?\tAl\n"}
    for role, line in more.items():
        texts = texts_of(tmp_path, [1] * 20)
        with (tmp_path / role).open("a", encoding="utf-8") as file:
            file.write(line)
        seen.add(split_into_folds(texts, 4, 0, tmp_path).questions.sha256)
    assert len(seen) == 6


@pytest.mark.parametrize("role", ["questions", "eval"])
def test_questions_without_answers_are_no_folds(tmp_path: Path, role: str) -> None:
    texts = texts_of(tmp_path, [1] * 4, 2)
    (tmp_path / role).write_text("Where was Ada1 Fox born?\n", encoding="utf-8")
    line = refused(DataError, lambda: split_into_folds(texts, 2, 0, tmp_path))
    assert "has no answers to" in line
    assert f"data.{role}" in line


def test_more_folds_than_subjects_are_refused(tmp_path: Path) -> None:
    texts = texts_of(tmp_path, [3, 3])
    assert len(split_into_folds(texts, 2, 0, tmp_path).data) == 2
    line = refused(DataError, lambda: split_into_folds(texts, 3, 0, tmp_path))
    assert line.endswith("questions: asks about 2 subjects: ask for fewer than 3 folds")


def test_a_sweep_in_folds_scores_and_compares_rows_over_all_questions(here: Path) -> None:
    texts = texts_of(here, [1] * 5, 2)
    common = {**TINY, "data": texts.config.model_dump(mode="json")}
    rows = {"plain": {}, "longer": {"finetune.epochs": 2}}
    file = {"config": "own-facts", "seeds": 1, "folds": 2, "common": common, "rows": rows}
    Path("rows.yaml").write_text(json.dumps(file), encoding="utf-8")
    report = json_of("sweep", "rows.yaml", "--out", "rows")
    assert report["questions"] == "questions and eval in 2 folds"
    for row in report["rows"]:
        assert [score["n"] for score in row["scores"]] == [5]
        assert [[score["n"] for score in folds] for folds in row["folds"]] == [[3, 2]]
        assert row["recall"][0]["n"] == 5
    [pair] = report["pairs"]
    counts = pair["pairing"]
    assert sum(counts[key] for key in ("both", "only_first", "only_second", "neither")) == 5
    assert [row["n"] for row in report["table"]] == [3, 2, 5] * 2
    with Path("rows/table.csv").open(encoding="utf-8", newline="") as text:
        [*_, last] = csv.DictReader(text)
    assert (last["n"], last["questions"]) == ("5", "questions and eval in 2 folds")
    assert last["run"] == "rows/longer/seed-0"
    for i in (1, 2):
        config = Run.open(Path(f"rows/longer/seed-0/fold-{i}/finetune")).config
        own = Texts(config.data)
        assert not own.require_questions().texts & own.require_eval().texts
        assert config.pretrain.schedule.warmup_tokens == round(0.08 * 5 * 96)  # sized by the data
        # What is hidden are answers of training questions, which differ from fold to fold.
        assert Path(f"rows/plain/seed-0/fold-{i}/pretrain").exists()
    again = succeed("sweep", "rows.yaml", "--out", "rows")
    assert "resuming rows/longer/seed-0/fold-2/finetune" in again.stderr
    shown = " ".join(again.stdout.split())
    assert "(95 %: 0.0 to " in shown
    assert "longer, fold by fold: " in shown
