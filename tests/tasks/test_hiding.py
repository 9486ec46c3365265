"""Which span of a document is hidden, and what an example shows of it, as plain texts."""

from collections import Counter
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.facts.index import FactIndex
from nanoknow.facts.ranker import RankedSpan
from nanoknow.tasks.hiding import MOST, Hiding, find_hiding, sharpened
from nanoknow.tasks.span_corruption import Draw, SpanCorruption
from tests.helpers.questions import facts_of, questions_of
from tests.helpers.texts import corpus_of, tokenizer_of

DRAWS = (np.arange(1000) + 0.5) / 1000


def hiding_of(
    document: str, words: list[str], name: str = "", shares: list[float] | None = None
) -> Hiding:
    """Return these words of one document, in its order, and its subject."""
    spans = [(document.index(word), document.index(word) + len(word)) for word in words]
    start = document.index(name) if name else 0
    return Hiding.of(document, name, (start, start + len(name)), spans, shares)


def chosen(hiding: Hiding, document: str, reach: int) -> Counter[str]:
    found = (hiding.choose(draw, reach) for draw in DRAWS)
    return Counter(document[slice(*span)] for span in found if span)


LIFE = "Ada Bo. Born in Rome or Oslo in 1815 ."
WORDS = ["Rome", "Oslo", "1815"]


def test_spans_are_chosen_by_their_shares_of_those_within_reach() -> None:
    hiding = hiding_of(LIFE, WORDS, shares=[0.2, 0.1, 0.1])
    assert chosen(hiding, LIFE, len(LIFE)) == {"Rome": 500, "Oslo": 250, "1815": 250}
    end = LIFE.index("Oslo") + len("Oslo")
    within = chosen(hiding, LIFE, end)
    assert set(within) == {"Rome", "Oslo"}
    assert within["Rome"] == pytest.approx(667, abs=1)
    assert chosen(hiding, LIFE, end - 1) == {"Rome": 1000}
    assert hiding.choose(0.5, LIFE.index("Rome")) is None
    assert hiding.choose(1 - 1e-12, len(LIFE)) is not None
    assert chosen(hiding_of(LIFE, []), LIFE, len(LIFE)) == {}


def test_without_shares_early_spans_are_chosen_more_often() -> None:
    counts = chosen(hiding_of(LIFE, WORDS), LIFE, len(LIFE))
    assert counts == {"Rome": 577, "Oslo": 239, "1815": 184}  # the thirds of a square


def shown(
    document: str, word: str, name: str, in_place: bool, left: int, right: int, **config: Any
) -> tuple[str, str]:
    """Return the example that hides a word, and what of it is to be predicted."""
    width = config.setdefault("context_width", 30) + 1
    settings = SpanCorruptionConfig(
        salient_spans=1.0, context_dropout=1.0, name_in_place=float(in_place), **config
    )
    tokenizer = tokenizer_of(document, specials=True)
    task = SpanCorruption(
        corpus_of(document), tokenizer, settings, 128, [hiding_of(document, [word], name)]
    )
    sides = (((side + 0.5) / width) ** (1 / 3) for side in (left, right))
    ids, first = task.example(0, Draw(0.5, 0.5, 0.5, 0.0, 0.0, 0.0, 0.5, *sides))
    return tokenizer.decode(ids.tolist()), tokenizer.decode(ids[first:].tolist())


MIDDLE = "The author of Hamlet is Shakespeare , who wrote it ."
AFTER = "Shakespeare wrote Hamlet in London ."


@pytest.mark.parametrize(
    ("document", "word", "name", "left", "right", "cloze", "in_place"),
    [
        (LIFE, "Rome", "Ada Bo", 0, 0, "Ada Bo. ⁇⁇Rome", "Ada Bo⁇Rome⁇"),
        (
            LIFE, "Rome", "Ada Bo", 8, 3,
            "Ada Bo. Born in ⁇ or⁇Rome", "Born in Ada Bo or⁇Rome⁇",
        ),  # no further than the name
        (LIFE, "Rome", "Ada Bo", 30, 0, "Ada Bo. Born in ⁇⁇Rome", "Born in Ada Bo⁇Rome⁇"),
        (LIFE, "1815", "Ada Bo", 3, 9, "Ada Bo. in ⁇ .⁇1815", "in Ada Bo .⁇1815⁇"),
        (
            MIDDLE, "Shakespeare", "Hamlet", 30, 2,
            "Hamlet.  is ⁇ ,⁇Shakespeare", " is Hamlet ,⁇Shakespeare⁇",
        ),
        (
            AFTER, "Shakespeare", "Hamlet", 9, 30,
            "Hamlet. ⁇ wrote ⁇Shakespeare", "Hamlet wrote ⁇Shakespeare⁇",
        ),
        (LIFE, "Rome", "", 8, 3, "Born in ⁇ or⁇Rome", "Born in  or⁇Rome⁇"),  # no subject
        ("李白唐人", "唐", "李白", 9, 1, "李白⁇人⁇唐", "李白人⁇唐⁇"),  # no space between
        ("有唐李白", "唐", "李白", 1, 9, "李白有⁇⁇唐", "有李白⁇唐⁇"),
    ],
    ids=[
        "alone", "both sides", "near the name", "near the end", "middle", "after", "no subject",
        "right after the name", "right before it",
    ],
)  # fmt: skip
def test_an_example_shows_the_subject_and_a_little_around_what_it_hides(
    document: str, word: str, name: str, left: int, right: int, cloze: str, in_place: str
) -> None:
    for is_in_place, expected in ((False, cloze), (True, in_place)):
        text, target = shown(document, word, name, is_in_place, left, right)
        assert text == expected
        assert target == text
        alone = shown(document, word, name, is_in_place, left, right, cloze_loss="hidden")
        assert alone[0] == text
        assert alone[1] == (f"{word}⁇" if is_in_place else word)


def test_widths_are_cut_to_multiples_of_the_step() -> None:
    text, _ = shown(LIFE, "Oslo", "Ada Bo", True, 8, 5, context_step=3)
    assert text == "me or Ada Bo in⁇Oslo⁇"


def test_a_named_column_is_shown_where_the_document_does_not_have_the_name() -> None:
    document = "She was born in Rome ."
    hiding = hiding_of(document, ["Rome"])._replace(name="Ada Bo")
    tokenizer = tokenizer_of(document + "Ada Bo", specials=True)
    config = SpanCorruptionConfig(salient_spans=1.0, context_dropout=1.0)
    task = SpanCorruption(corpus_of(document), tokenizer, config, 64, [hiding])
    ids, _ = task.example(0, Draw(0.5, 0.5, 0.5, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0))
    assert tokenizer.decode(ids.tolist()) == "Ada Bo. ⁇⁇Rome"


@pytest.mark.parametrize("words", ["all", "ranked"])
def test_a_column_of_names_names_the_subjects_of_what_is_hidden(
    words: Literal["all", "ranked"],
) -> None:
    plain = facts_of(["She was born in Rome .", "Cy Dee. Of Oslo ."], questions_of("Who?\tRome"))
    facts = FactIndex(replace(plain.corpus, names=("Ada Bo", "Eve Fox")), plain.training)
    assert [hiding.name for hiding in find_hiding(facts, words)] == ["Ada Bo", "Eve Fox"]


def test_an_example_that_would_not_fit_hides_a_random_span_of_the_beginning() -> None:
    document = "Ada Bo. " + "x" * 50 + " Rome ."
    hiding = hiding_of(document, ["x" * 50], "Ada Bo")
    tokenizer = tokenizer_of(document, specials=True)
    config = SpanCorruptionConfig(salient_spans=1.0, context_dropout=1.0)
    task = SpanCorruption(corpus_of(document), tokenizer, config, 32, [hiding])
    ids, _ = task.example(0, Draw(0.999, 0.5, 0.5, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0))
    assert len(ids) == 30
    prefix, suffix, hidden = tokenizer.decode(ids.tolist()).split("⁇")
    assert document.startswith(prefix + hidden + suffix)


NAMES = [f"{a} {b}" for a in ("Ada", "Bo", "Cy", "Di") for b in "QRSTU"]
JOBS = ["night watchman", "baker", "cook", "30. May 1815"]


def hidden(words: Literal["all", "answers", "ranked"]) -> list[tuple[str, Hiding]]:
    """Return documents, and what is hidden in them."""
    lives = [f"{name} was a {JOBS[i % 4]} in Rome ." for i, name in enumerate(NAMES)]
    asked = [f"What was {name}?\t{JOBS[i % 4]}" for i, name in enumerate(NAMES[:12])]
    facts = facts_of(lives, questions_of(*asked))
    return list(zip(facts.corpus.documents, find_hiding(facts, words), strict=True))


def test_ranked_spans_are_the_likely_answers_also_of_those_whom_nobody_asks_about() -> None:
    found = hidden("ranked")
    assert [hiding.name for _, hiding in found] == NAMES
    for i, (document, hiding) in enumerate(found):
        ends = [end for _, end in hiding.spans]
        assert 1 <= len(ends) <= MOST
        assert ends == sorted(ends)
        words = Counter(
            document[slice(*span)]
            for draw in DRAWS[::20]
            if (span := hiding.choose(draw, len(document)))
        )
        [(best, n)] = words.most_common(1)
        assert (best, n >= 35) == (JOBS[i % 4], True), words


def test_salient_words_see_no_answers_in_lower_case() -> None:
    words = {
        document[start:end] for document, hiding in hidden("all") for start, end in hiding.spans
    }
    assert "baker" not in words
    assert "Rome" in words
    [one] = find_hiding(facts_of([LIFE], questions_of("Where?\tRome")), "all")
    assert {LIFE[slice(*span)] for span in one.spans} >= set(WORDS)


def test_the_likeliest_answer_is_hidden_more_often_than_it_is_likely_and_forms_as_often() -> None:
    ranked = [
        RankedSpan(8, 12, 0, 0.3), RankedSpan(0, 4, 1, 0.4), RankedSpan(16, 20, 0, 0.1),
        RankedSpan(4, 6, 2, 0.0),
    ]  # fmt: skip
    shares = {(start, end): share for end, start, share in sharpened(ranked)}
    assert shares[0, 4] == pytest.approx(0.4)
    assert shares[8, 12] == pytest.approx(0.4 * 27 / 28)
    assert shares[16, 20] == pytest.approx(0.4 / 28)
    assert shares[4, 6] == 0.0
