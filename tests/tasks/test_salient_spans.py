"""Names, places and years hidden: which words, in which order, with how much around them."""

from collections import Counter

import pytest
import torch

from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.data.batch import IGNORE
from nanoknow.data.tokenizer import MASK
from tests.helpers.spans import rows_of, seeded, task_on, texts_of

LIVES = [
    "Ada Lowe. Ada Lowe (born 1815 in the city of Riga) was a painter of birds and of ships .",
    "Tom Ash. The painter was born in Wells, far from the city, and died in Riga in 1901 .",
    "Ann Bee. a painter, she was born and lived in the city .",
]
WORDS: list[set[str]] = [{"1815", "Riga"}, {"Wells", "Riga", "1901"}, set()]


def lives_of(config: SpanCorruptionConfig, draws: int = 60) -> list[list[str]]:
    """Return the texts of examples of each of the ``LIVES``."""
    task = task_on(["", LIVES[0], "", *LIVES[1:]], 128, config)  # the empty ones are left out
    return [
        [texts_of(task, task.batch(torch.tensor([i]), seeded(seed)))[0] for seed in range(draws)]
        for i in range(len(LIVES))
    ]


def test_salient_spans_are_words_of_what_is_kept_and_a_document_without_any_keeps_its_own() -> None:
    whole = SpanCorruptionConfig(salient_spans=1.0, min_truncation=50)
    for life, words, examples in zip(LIVES, WORDS, lives_of(whole), strict=True):
        hidden = set()
        for text in examples:
            prefix, suffix, span = text.split(MASK)
            assert life.startswith(prefix + span + suffix)
            hidden.add(span)
        assert words <= hidden if words else len(hidden) > 10
        assert not words or hidden == words


def test_context_dropout_keeps_the_name_and_little_around_the_word() -> None:
    alone = SpanCorruptionConfig(salient_spans=1.0, context_dropout=1.0, context_width=6)
    for life, words, examples in zip(LIVES[:2], WORDS, lives_of(alone, 400), strict=False):
        name = life.split(". ")[0] + ". "
        contexts = set()
        for text in examples:
            prefix, suffix, span = text.split(MASK)
            assert span in words
            assert prefix.startswith(name)
            before = prefix.removeprefix(name)
            assert len(before) <= 6
            assert len(suffix) <= 6
            assert before + span + suffix in life
            contexts.add((before, suffix))
        assert ("", "") in contexts
        assert len(contexts) > 10


def test_the_name_takes_the_hidden_words_place_as_in_a_question() -> None:
    config = SpanCorruptionConfig(
        salient_spans=1.0, context_dropout=1.0, context_width=6, name_in_place=1.0
    )
    for life, words, examples in zip(LIVES[:2], WORDS, lives_of(config, 400), strict=False):
        name = life.split(". ")[0]
        contexts = set()
        for text in examples:
            asked, span, end = text.split(MASK)
            assert (span in words, end) == (True, "")
            before, after = asked.split(name)
            assert max(len(before), len(after)) <= 6
            assert before + span + after in life
            contexts.add((before, after))
        assert ("", "") in contexts
        assert len(contexts) > 10


def test_answers_within_one_another_are_hidden_only_where_all_of_them_is_kept() -> None:
    life = "Ed Lowe. Born in New York City Hall and then he went a long way to see it ."
    config = SpanCorruptionConfig(salient_spans=1.0, context_dropout=0.5, salient_words="answers")
    task = task_on([life], 128, config, ["New York City", "York", "City"])
    hidden = {
        texts_of(task, task.batch(torch.tensor([0]), seeded(seed)))[0].split(MASK)[2]
        for seed in range(200)
    }
    assert hidden >= {"New York City", "York", "City"}


def test_widths_come_in_steps_also_where_the_document_ends_or_the_name_is_near() -> None:
    config = SpanCorruptionConfig(
        salient_spans=1.0, context_dropout=1.0, context_width=8, context_step=3, name_in_place=1.0
    )
    for life, examples in zip(LIVES[:2], lives_of(config, 400), strict=False):
        widths = set()
        for text in examples:
            before, after = text.split(MASK)[0].split(life.split(". ")[0])
            widths |= {len(before), len(after)}
        assert widths == {0, 3, 6}


@pytest.mark.parametrize("in_place", [0.0, 1.0])
def test_of_short_contexts_only_the_hidden_word_is_predicted_where_the_config_says_so(
    in_place: float,
) -> None:
    config = SpanCorruptionConfig(
        salient_spans=1.0, context_dropout=1.0, name_in_place=in_place, cloze_loss="hidden"
    )
    task = task_on(LIVES, 128, config)
    for seed in range(40):
        for _, y in rows_of(task.batch(torch.arange(2), seeded(seed))):
            text = task.tokenizer.decode(y[y != IGNORE].tolist())
            assert text.removesuffix(MASK) in WORDS[0] | WORDS[1]
            assert text.endswith(MASK) == bool(in_place)


def test_early_words_are_hidden_more_often_and_contexts_are_mostly_short() -> None:
    config = SpanCorruptionConfig(salient_spans=1.0, context_dropout=1.0, name_in_place=1.0)
    examples = lives_of(config, draws=600)[1]
    hidden = Counter(text.split(MASK)[1] for text in examples)
    assert set(hidden) == WORDS[1]
    # of three words the thirds of a square: 0.58, 0.24, 0.18
    assert 0.52 < hidden["Wells"] / 600 < 0.64
    assert hidden["Wells"] > 1.7 * hidden["Riga"] > 1.7 * 0.8 * hidden["1901"]
    bare = sum(text.startswith("Tom Ash") for text in examples)  # nothing kept in front
    assert 0.25 < bare / 600 < 0.45


def test_shares_of_salient_spans_and_of_context_dropout_are_those_asked_for() -> None:
    config = SpanCorruptionConfig(salient_spans=0.5, context_dropout=0.5, min_truncation=100)
    examples = lives_of(config, draws=400)[0]
    salient = [text for text in examples if text.split(MASK)[2] in WORDS[0]]
    alone = [text for text in salient if len(text) < len(LIVES[0])]
    assert 0.42 < len(salient) / len(examples) < 0.6  # a random span may be such a word
    assert 0.4 < len(alone) / len(salient) < 0.6


@pytest.mark.parametrize(
    ("documents", "rare"),
    [
        (["one of us is a baker .", "one of us is a smith .", "one is a poet"], "baker smith poet"),
        (["在罗马住，很好。", "在利马住，很好。", "在奥城住，很好。"], "罗 利 奥城"),
    ],
    ids=["lower case", "no case"],
)
def test_where_words_have_no_capitals_those_are_hidden_most_that_few_documents_hold(
    documents: list[str], rare: str
) -> None:
    config = SpanCorruptionConfig(salient_spans=1.0, min_truncation=30)
    task = task_on(documents, 64, config)
    for i, words in enumerate(rare.split()):
        seeds = range(300)
        texts = [texts_of(task, task.batch(torch.tensor([i]), seeded(seed)))[0] for seed in seeds]
        hidden = Counter(text.split(MASK)[2] for text in texts)
        (first, n), (second, m), *_ = hidden.most_common()
        assert first in words
        assert n > 1.2 * m or second in words
        assert not {"。", "，", "."} & set(hidden)
