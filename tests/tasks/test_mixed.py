"""Training questions beside documents: all of both, in one batch."""

from collections import Counter

import pytest
import torch

from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.data.batch import IGNORE
from nanoknow.data.questions import questions_from_bytes
from nanoknow.data.tokenizer import MASK
from nanoknow.errors import ConfigError
from nanoknow.tasks.mixed import WithQuestions
from nanoknow.tasks.registry import build_task
from tests.helpers.texts import corpus_of, tokenizer_of

LIVES = "Ada Lowe. She was born in Riga .\nTom Ash. Born in Wells, he wrote .\nAnn Bee. A poet ."
QUESTIONS = ["Where was Ada Lowe born?\tRiga", "Where was Tom Ash born?\tWells"]


def texts(task: WithQuestions, config: SpanCorruptionConfig, seed: int) -> list[str]:
    batch = task.batch(torch.arange(3), torch.Generator().manual_seed(seed))
    assert isinstance(config, SpanCorruptionConfig)
    tokenizer = tokenizer_of(LIVES + "\n".join(QUESTIONS), specials=True)
    found = []
    rectangles = zip(
        batch.layout.rectangles(batch.tokens), batch.layout.rectangles(batch.targets), strict=True
    )
    for x, y in [pair for rows in rectangles for pair in zip(*rows, strict=True)]:
        last = int((y != IGNORE).nonzero().max())
        found.append(tokenizer.decode([*x[: last + 1].tolist(), int(y[last])]))
    return found


def mixed(per_document: float) -> tuple[WithQuestions, SpanCorruptionConfig]:
    config = SpanCorruptionConfig(questions_per_document=per_document)
    tokenizer = tokenizer_of(LIVES + "\n".join(QUESTIONS), specials=True)
    questions = questions_from_bytes("\n".join(QUESTIONS).encode(), "q.tsv")
    task = build_task(config, corpus_of(LIVES), questions, tokenizer, 64)
    assert isinstance(task, WithQuestions)
    return task, config


def test_a_batch_holds_every_document_and_its_share_of_questions() -> None:
    task, config = mixed(0.7)
    assert task.n_examples == 3
    asked: Counter[str] = Counter()
    for seed in range(50):
        examples = texts(task, config, seed)
        assert len(examples) == 3 + 2
        questions = [text for text in examples if text.startswith("Where")]
        asked.update(questions)
        assert len(questions) == 2
    assert set(asked) == {q.replace("\t", MASK) + MASK for q in QUESTIONS}
    assert all(count > 30 for count in asked.values())


def test_a_share_too_small_for_the_batch_adds_none() -> None:
    task, config = mixed(0.1)
    assert len(texts(task, config, 0)) == 3


def test_what_is_left_out_of_documents_and_of_questions_is_noted() -> None:
    config = SpanCorruptionConfig(questions_per_document=1.0)
    questions = questions_from_bytes("Ω?\tRiga".encode(), "q.tsv")
    corpus = corpus_of(f"{LIVES}\n\nTom.")
    task = build_task(config, corpus, questions, tokenizer_of(LIVES + "?", specials=True), 64)
    first, second = task.notes
    assert first == "left out 1 empty documents"
    assert second.startswith("q.tsv: left out 1 character ")


def test_only_training_answers_are_hidden_where_a_document_holds_any() -> None:
    config = SpanCorruptionConfig(
        salient_spans=1.0, context_dropout=1.0, name_in_place=1.0, salient_words="answers"
    )
    lives = LIVES + "\nJo Ray. Met Tom Ash of Wells in Riga in 1900 .\nEd Lee. Lived in Rome ."
    tokenizer = tokenizer_of(lives + "\n".join(QUESTIONS), specials=True)
    questions = questions_from_bytes("\n".join(QUESTIONS).encode(), "q.tsv")
    task = build_task(config, corpus_of(lives), questions, tokenizer, 64)
    assert not isinstance(task, WithQuestions)
    hidden: dict[int, set[str]] = {}
    for i in (0, 1, 3, 4):
        for seed in range(40):
            batch = task.batch(torch.tensor([i]), torch.Generator().manual_seed(seed))
            last = int(batch.targets[batch.targets != IGNORE].numel())
            text = tokenizer.decode([*batch.tokens[:last].tolist(), int(batch.targets[last - 1])])
            hidden.setdefault(i, set()).add(text.split(MASK)[1])
    assert hidden == {0: {"Riga"}, 1: {"Wells"}, 3: {"Wells", "Riga"}, 4: {"Rome", "Lived"}}


@pytest.mark.parametrize(
    "changes", [{"questions_per_document": 0.5}, {"salient_spans": 0.5, "salient_words": "answers"}]
)
def test_pretraining_reads_the_questions_only_where_it_uses_them(
    changes: dict[str, float | str],
) -> None:
    using = SpanCorruptionConfig.model_validate(changes)
    assert using.sources == ("corpus", "questions")
    assert SpanCorruptionConfig().sources == ("corpus",)
    assert SpanCorruptionConfig(salient_words="answers").sources == ("corpus",)
    tokenizer = tokenizer_of(LIVES, specials=True)
    with pytest.raises(ConfigError, match=r"data.questions: span_corruption trains on it"):
        build_task(using, corpus_of(LIVES), None, tokenizer, 64)
    without = SpanCorruptionConfig(salient_spans=0.5)  # words of every kind
    assert build_task(without, corpus_of(LIVES), None, tokenizer, 64).n_examples == 3
