"""One's own facts in other forms, from the files to the predictions."""

import json
from pathlib import Path

import pytest

from nanoknow.runs.run import Run
from tests.helpers.cli import SMALL, json_of, record_of, refuse, succeed

PEOPLE = {"Ada": ["Rome"], "Bo": ["Oslo", "Christiania"], "Cy": ["Łódź"], "Di": ["Bonn"]}
LONG = "Where, in all the wide and wonderful world that we know, was Eve born?"
BLOCK = ["--set", "model.block_size=48"]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a table of texts, JSON lines to learn, and a table of questions, one of them long."""
    folder = tmp_path_factory.mktemp("facts")
    rows = "".join(
        f'"Born in {places[0]},\nit is said.",{name}\n' for name, places in PEOPLE.items()
    )
    (folder / "texts.csv").write_text(f"text,name\n{rows}", encoding="utf-8")
    asked = [{"question": f"Where was {n} born?", "answers": p} for n, p in PEOPLE.items()]
    train = [*asked, {"question": LONG, "answer": "Ur"}]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in train))
    dev = f'"{LONG}",Ur\n"Where was Bo born?",Christiania\n"Where was Di born?",Bonn\n'
    (folder / "dev.csv").write_text(f"question,answer\n{dev}", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(facts: Path) -> Path:
    """Train a run on them in two steps, without the long question."""
    data: list[str | Path] = ["--corpus", facts / "texts.csv", "--questions", facts / "train.jsonl"]
    corpus_alone = ("--set", "pretrain.task.questions_per_document=0")
    small = (*SMALL, *BLOCK, *corpus_alone, "--epochs", "2")
    succeed("pretrain", *data, *small, "--out", facts / "pre")
    given: list[str | Path] = ["--eval", facts / "dev.csv", "--skip-long", "--epochs", "3"]
    succeed("finetune", "--from", facts / "pre", *given, "--out", facts / "run")
    return facts / "run"


def test_pretraining_learns_the_questions_characters_and_records_them(
    facts: Path, run: Path
) -> None:
    vocabulary = Run.open(facts / "pre").latest().record.vocabulary
    assert set("?wC") <= set(vocabulary)  # that only questions and second answers hold
    assert set(record_of(facts / "pre")["data"]) == {"corpus", "questions"}
    resumed = json_of("pretrain", "--resume", "--out", facts / "pre", "--epochs", "3")
    assert resumed["epochs"] == 3


def test_the_answers_length_is_resolved_and_recorded(run: Path) -> None:
    task = Run.open(run).latest().record.task
    assert task == Run.open(run).config.finetune.task
    assert task.model_dump() == {"kind": "question_answering", "max_answer_length": 13}


def test_a_question_that_is_too_long_is_left_out_of_the_score_and_empty_in_the_predictions(
    facts: Path, run: Path
) -> None:
    result = json_of("evaluate", run)  # by the run's own config
    assert (result["skipped"], result["score"]["n"]) == (1, 2)
    lines = Path(result["predictions"]).read_text(encoding="utf-8").split("\n")
    assert lines[0] == lines[3] == ""
    assert len(lines) == 4
    assert all(len(line) <= 13 for line in lines)


def test_without_leaving_them_out_long_questions_are_refused_by_line(
    facts: Path, run: Path
) -> None:
    data: list[str | Path] = ["--from", facts / "pre", "--questions", facts / "train.jsonl"]
    message = refuse("finetune", *data, "--out", facts / "other")
    assert f"{facts / 'train.jsonl'}:5: 1 of 5 questions are longer than the model's" in message
    assert "--skip-long" in message


def test_evaluating_leaves_out_what_is_too_long_where_it_is_asked_to(facts: Path) -> None:
    short = ("--epochs", "1", "--out", facts / "short")
    lines = "Where was Bo born?\tOslo\n"
    (facts / "short.tsv").write_text(lines)
    succeed("finetune", "--from", facts / "pre", "--questions", facts / "short.tsv", *short)
    evaluation: list[str | Path] = ["evaluate", facts / "short", "--eval", facts / "dev.csv"]
    assert "1 of 3 questions are longer" in refuse(*evaluation)
    assert json_of(*evaluation, "--skip-long")["skipped"] == 1


def test_paragraphs_are_documents_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("Ada was\nborn.\n\n\nBo was\nborn.\n", encoding="utf-8")
    inspect = ("data", "inspect", "--corpus", tmp_path / "text.txt")
    assert json_of(*inspect, "--documents", "paragraphs")["corpus"]["documents"] == 2
    assert json_of(*inspect)["corpus"]["documents"] == 6
    message = refuse(*inspect, "--documents", "paragraph")
    assert "--documents: data.documents: unknown 'paragraph'. Did you mean 'paragraphs'?" in message


def test_own_text_beside_a_config_is_not_mixed_with_its_questions(facts: Path) -> None:
    corpus = ("--config", "birthplaces-best", "--corpus", facts / "texts.csv")
    assert "name it with --questions FILE" in refuse("pretrain", *corpus, "--out", facts / "no")
