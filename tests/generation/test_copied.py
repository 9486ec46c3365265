"""What is copied is what a plain search for every stretch of the text would find."""

from hypothesis import given
from hypothesis import strategies as st

from nanoknow.generation.copied import Copied, cut, find_copied
from tests.helpers.texts import corpus_of

texts = st.text(alphabet="ab\n", max_size=40)


def longest_stretches(text: str, corpus: str, min_length: int) -> list[tuple[int, int]]:
    """Try every stretch: those that stand in the corpus and lie in no longer one that does."""
    held = [
        (start, end)
        for start in range(len(text))
        for end in range(start + min_length, len(text) + 1)
        if text[start:end] in corpus
    ]
    return [
        (start, end)
        for start, end in held
        if not any(s <= start and end <= e and (s, e) != (start, end) for s, e in held)
    ]


@given(texts, texts, st.integers(1, 9))
def test_stretches_are_those_of_trying_them_all(text: str, corpus: str, min_length: int) -> None:
    found = find_copied(text, corpus_of(corpus), min_length)
    assert [(c.start, c.end) for c in found] == longest_stretches(text, corpus, min_length)
    for stretch in found:
        part = text[stretch.start : stretch.end]
        assert stretch.corpus_start == corpus.index(part)
        assert stretch.line == 1 + corpus[: stretch.corpus_start].count("\n")


@given(st.data(), st.text(alphabet="abcdé\n", min_size=30, max_size=90), st.integers(1, 12))
def test_a_stretch_across_lines_is_found(data: st.DataObject, corpus: str, min_length: int) -> None:
    start = data.draw(st.integers(0, len(corpus) - 20))
    text = "x" + corpus[start : start + 20] + "xé"
    found = find_copied(text, corpus_of(corpus), min_length)
    assert [(c.start, c.end) for c in found] == longest_stretches(text, corpus, min_length)


def test_stretches_are_of_characters_that_follow_each_other_in_the_corpus() -> None:
    found = find_copied("so it was said", corpus_of("it was he who\nsaid so\n"), 4)
    assert [("so it was said")[c.start : c.end] for c in found] == ["it was ", "said"]


def test_characters_that_the_corpus_lacks_are_never_copied() -> None:
    assert find_copied("Ωμέγα Ωμέγα", corpus_of("omega " * 9), 1) == [Copied(5, 6, 5, 1)]


@given(texts, texts, st.integers(1, 6))
def test_segments_are_the_text_and_mark_what_is_in_a_stretch(
    text: str, corpus: str, min_length: int
) -> None:
    copied = find_copied(text, corpus_of(corpus), min_length)
    segments = list(cut(text, copied))
    assert "".join(segment for segment, _ in segments) == text
    assert all(segment for segment, _ in segments)
    marks = [mark for segment, mark in segments for _ in segment]
    assert marks == [any(c.start <= i < c.end for c in copied) for i in range(len(text))]
    assert sum(mark for _, mark in segments) == len(copied)


def test_the_same_again_and_again_is_one_stretch() -> None:
    corpus = corpus_of("a" * 30_000 + "b")
    [stretch] = find_copied("b" + "a" * 3_000, corpus, 25)
    assert (stretch.start, stretch.end, stretch.corpus_start) == (1, 3_001, 0)
