"""Which documents taught an answer: by gradients, and by runs that were trained without them."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from nanoknow.config.experiment import DataConfig
from nanoknow.data.corpus import read_corpus
from nanoknow.data.questions import Question, questions_from_bytes
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.influence import EXAMPLES, answer_losses, influences
from nanoknow.experiments.why import KNOWN, TAUGHT, UNCLEAR, Explained, _folder, _probabilities
from nanoknow.experiments.without import leave_out
from nanoknow.facts.evidence import Evidence
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.registry import build_task
from tests.helpers.cli import json_of, refuse, run, succeed
from tests.helpers.silent import Silent

PEOPLE = {
    "Ada Park": "Rome",
    "Bo Lind": "Oslo",
    "Cleo Marsh": "Bern",
    "Dan Frost": "Lima",
    "Eve Stone": "Riga",
    "Finn Moor": "Cork",
    "Gus Wood": "Nice",
    "Hal Reed": "Bonn",
}
CONFIG = """
model: {variant: vanilla, n_layers: 1, n_heads: 2, d_model: 32, block_size: 48, positions: rotary}
data: {corpus: lives.txt, questions: train.tsv, eval: dev.tsv}
pretrain:
  task:
    salient_spans: 1.0
    salient_words: ranked
    context_dropout: 1.0
    name_in_place: 1.0
    cloze_loss: hidden
  epochs: 40
  batch_size: 4
  optimizer: {learning_rate: 1e-2}
  schedule: {warmup_tokens: 2000}
finetune: {epochs: 10, batch_size: 4, optimizer: {learning_rate: 1e-3}}
"""


@pytest.fixture(scope="module")
def finetuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that knows where a few people were born, with the folder of its texts as parent."""
    home = tmp_path_factory.mktemp("why")
    lives = [f"{name}. {verb} in {place}." for verb in ("Born", "Was born")
             for name, place in PEOPLE.items()]  # fmt: skip
    (home / "lives.txt").write_text("\n".join(lives), encoding="utf-8")
    asked = [f"Where was {name} born?\t{place}\n" for name, place in PEOPLE.items()]
    (home / "train.tsv").write_text("".join(asked[:5]), encoding="utf-8")
    (home / "dev.tsv").write_text("".join(asked[5:]), encoding="utf-8")
    (home / "config.yaml").write_text(CONFIG, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        succeed("pretrain", "--config", "config.yaml", "--out", "first")
        succeed("finetune", "--from", "first", "--out", "run")
    return home


def explained(without: list[float], others: list[float]) -> Explained:
    evidence = Evidence(1, "Ada", "lives.txt:1", "Born in Rome.", mentioned=True)
    return Explained("Where was Ada born?", "Rome", 0.9, evidence, without, others).judged()


def test_a_verdict_needs_the_whole_interval_on_one_side_of_twice() -> None:
    taught = explained([0.01, 0.02, 0.01], [0.9, 0.8, 0.95])
    assert taught.verdict == TAUGHT
    assert taught.times == pytest.approx(math.exp(
        sum(math.log(b / a) for a, b in ((0.01, 0.9), (0.02, 0.8), (0.01, 0.95))) / 3
    ))  # fmt: skip
    low, high = taught.interval_95 or (0, 0)
    assert 2 < low < (taught.times or 0) < high
    assert explained([0.9, 0.85, 0.95], [0.9, 0.8, 0.95]).verdict == KNOWN
    assert explained([0.01, 0.9, 0.5], [0.9, 0.8, 0.95]).verdict == UNCLEAR
    once = explained([0.01], [0.9])
    assert once.verdict == UNCLEAR
    assert once.times == pytest.approx(90)
    assert explained([], []).verdict is None
    # What nobody says was known to nobody; what only the runs without them say was known.
    assert explained([1e-4, 2e-4], [1e-4, 3e-4]).verdict == UNCLEAR
    assert explained([0.9, 0.8], [1e-4, 3e-4]).verdict == KNOWN
    assert explained([0.0, 0.0], [0.9, 0.9]).times == pytest.approx(900)


def test_the_documents_about_the_subject_have_the_largest_cosines(finetuned: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(finetuned)
        shown = succeed("why", "Where was Ada Park born?", "--run", "run").stdout
        result = json_of("why", "Where was Ada Park born?", "--run", "run")
        # What is explained is what the model says, whatever a file has for the answer.
        Path("wrong.tsv").write_text("Where was Ada Park born?\tOslo\n", encoding="utf-8")
        assert json_of("why", "--eval", "wrong.tsv", "--run", "run") == result
        [reply, *_] = json_of("ask", "Where was Ada Park born?", "--run", "run")["answers"]
    assert "Ada Park. Born in Rome." in shown
    cosines = [abs(each["cosine"]) for each in result["influences"]]
    assert cosines == sorted(cosines, reverse=True)
    own = [each["is_own"] for each in result["influences"]]
    assert own[0]
    assert sum(own[:4]) == sum(own) == 2
    assert len(result["influences"]) == 2 * len(PEOPLE)
    assert [Path(where).name for where in result["documents"]] == ["lives.txt:1", "lives.txt:9"]
    [one] = result["explained"]
    assert (one["answer"], one["evidence"]["sentence"]) == ("Rome", "Born in Rome.")
    assert one["probability"] == pytest.approx(reply["probability"])
    assert (one["without"], one["verdict"], result["folder"]) == ([], None, None)


def test_a_small_step_along_a_documents_gradient_changes_the_answers_by_their_cosine(
    finetuned: Path,
) -> None:
    opened = AnsweringRun.open(finetuned / "run", DataConfig(), "cpu", Silent())
    opened.model.double()  # so that a difference of losses has digits left
    asked, texts = opened.task(opened.texts.require_eval()), opened.texts
    found = influences(opened, asked, [5, 99])
    assert list(found) == [5]  # the other is none
    # An empty document is no example, and those after it have other numbers as examples.
    longer = finetuned / "longer.txt"
    longer.write_text(f"\n{(finetuned / 'lives.txt').read_text('utf-8')}", "utf-8")
    other = AnsweringRun.open(finetuned / "run", DataConfig(corpus=longer), "cpu", Silent())
    other.model.double()
    assert influences(other, asked, [0, 6]) == {6: pytest.approx(found[5])}
    # The loss is that of an answer and its end; what the vocabulary cannot write is never said.
    answers = opened.answer_questions(asked)
    items = [Question(a.question, (a.answer,), 1) for a in answers]
    items.append(replace(items[0], gold=(f"{answers[0].answer}ü",)))
    given = replace(opened.texts.require_eval(), items=tuple(items))
    said = [math.exp(a.log_probability) for a in answers]
    assert _probabilities(opened, given) == pytest.approx([*said, 0.0])
    weights = list(opened.model.parameters())
    before = torch.stack(answer_losses(opened, asked)).mean()
    answer = torch.autograd.grad(before, weights)
    config = opened.run.config.pretrain.task
    task = build_task(config, texts.corpus, texts.questions, opened.tokenizer, 48)
    batch = task.batch(torch.full((EXAMPLES,), 5), new_generator(0, "influence"))
    loss = F.cross_entropy(opened.model(batch.tokens, batch.layout), batch.targets)
    document = torch.autograd.grad(loss, weights)
    lengths = [math.sqrt(sum(float((g * g).sum()) for g in each)) for each in (answer, document)]
    step = 1e-5
    with torch.no_grad():
        for weight, gradient in zip(weights, document, strict=True):
            weight.sub_(gradient, alpha=step / lengths[1])
        after = torch.stack(answer_losses(opened, asked)).mean()
    assert (before.item() - after.item()) / step == pytest.approx(found[5] * lengths[0], rel=0.01)


def test_each_run_and_each_set_of_questions_has_a_folder_of_its_own() -> None:
    asked = [questions_from_bytes(text, "asked") for text in (b"Who?\n", b"Who?\nWhen?\n")]
    runs = (Path("runs/a"), Path("runs/b"))
    folders = {_folder(run, questions) for run in runs for questions in asked}
    assert len(folders) == 4
    assert _folder(runs[0].absolute(), asked[0]) in folders


@pytest.mark.slow
def test_runs_without_the_documents_tell_what_taught_an_answer(
    finetuned: Path, tmp_path: Path
) -> None:
    out = tmp_path / "proof"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(finetuned)
        command = ("why", "--eval", "dev.tsv", "--run", "run", "--retrain", "2", "--out", out)
        result = json_of(*command)
        times = {file: file.stat().st_mtime_ns for file in out.glob("*/*/*/checkpoints/*/*")}
        shown = succeed(*command).stdout
        assert {file: file.stat().st_mtime_ns for file in times} == times  # taken up again
    assert len(result["documents"]) == 6
    texts = {path.name: read_corpus(path).documents for path in out.glob("*.txt")}
    assert all(len(documents) == 10 for documents in texts.values())
    kept = "\n".join(texts["without-0.txt"])
    assert not any(name in kept for name in list(PEOPLE)[5:])
    assert texts["without-0.txt"] == texts["without-1.txt"]
    assert [len(each["without"]) for each in result["explained"]] == [2, 2, 2]
    for row in ("without", "others"):
        assert len({tuple(each[row]) for each in result["explained"]}) == 3
    means = [sum(sum(each[row]) for each in result["explained"]) for row in ("without", "others")]
    assert means[0] < means[1]
    runs = [*out.glob("*/seed-*/finetune/run.json")]
    assert len(runs) == 4
    assert "without others" in shown


@pytest.mark.parametrize("named", [True, False])
def test_a_text_without_some_documents_keeps_the_others_and_their_names(
    named: bool, tmp_path: Path
) -> None:
    rows = [{"text": f'"{p}", born\tin {b}', **({"name": p} if named else {})}
            for p, b in PEOPLE.items()]  # fmt: skip
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    corpus = read_corpus(tmp_path / "all.jsonl")
    data = DataConfig(corpus=tmp_path / "all.jsonl", eval=tmp_path / "eval.tsv")
    left = leave_out(data, corpus, [0, 3, 7], tmp_path / "left")
    assert left.eval == data.eval
    assert left.corpus
    read = read_corpus(left.corpus)
    kept = [i for i in range(8) if i not in (0, 3, 7)]
    assert read.documents == tuple(corpus.documents[i] for i in kept)
    assert read.names == (tuple(list(PEOPLE)[i] for i in kept) if named else None)


def test_what_cannot_be_explained_is_refused_in_a_line(finetuned: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(finetuned)
        assert run("why").exit_code == 2
        assert run("why", "Where was Ada Park born?", "--eval", "dev.tsv").exit_code == 2
        unknown = refuse("why", "Where was Zoe Hill born?", "--run", "run")
        assert "no document of the training text is about its subject" in unknown
        names = ("Ada Park", "Zoe Hill", "Yan Dale")
        lines = "".join(f"Where was {name} born?\n" for name in names)
        Path("unknown.tsv").write_text(lines, encoding="utf-8")
        line = refuse("why", "--eval", "unknown.tsv", "--run", "run")
        assert "unknown.tsv:2: no document" in line
        succeed("finetune", "--from", "scratch", "--config", "config.yaml", "--epochs", "1",
                "--out", "bare")  # fmt: skip
        bare = refuse("why", "Where was Ada Park born?", "--run", "bare")
        assert "was trained on no documents" in bare
