"""Any text is read right or refused in one line, and nothing else happens."""

import hashlib
from pathlib import Path

import pytest
import torch
from hypothesis import given

from nanoknow.config.tasks import QuestionAnsweringConfig, SpanCorruptionConfig
from nanoknow.data.corpus import Corpus, read_corpus
from nanoknow.data.questions import QuestionSet, read_questions
from nanoknow.data.rows import form_of
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import DataError
from nanoknow.tasks.question_answering import QuestionAnswering
from nanoknow.tasks.span_corruption import SpanCorruption
from tests.helpers.bad_inputs import BLOCK, FILES, attempt, lines_of
from tests.helpers.refused import refused
from tests.helpers.text_files import seen


def corruption(corpus: Corpus, tokenizer: Tokenizer) -> SpanCorruption:
    return SpanCorruption(corpus, tokenizer, SpanCorruptionConfig(), BLOCK)


def answering(questions: QuestionSet, tokenizer: Tokenizer) -> QuestionAnswering:
    return QuestionAnswering(questions, tokenizer, QuestionAnsweringConfig(), BLOCK)


@given(FILES)
def test_any_corpus_is_read_whole_or_refused(folder: Path, raw: bytes) -> None:
    path = folder / "corpus.txt"
    path.write_bytes(raw)
    corpus = attempt(lambda: read_corpus(path), DataError, f"{path}:")
    if corpus is None:
        return
    assert isinstance(corpus, Corpus)
    if form_of("\n".join(lines_of(raw)), str(path), "text"):  # see test_forms.py
        return
    assert list(corpus.documents) == lines_of(raw)
    assert corpus.sha256 == hashlib.sha256(raw).hexdigest()
    tokenizer = attempt(lambda: Tokenizer.from_corpus(corpus, specials=True), DataError, f"{path}:")
    if isinstance(tokenizer, Tokenizer):
        attempt(lambda: one_batch(corpus, tokenizer), DataError, str(path))


def one_batch(corpus: Corpus, tokenizer: Tokenizer) -> None:
    task = corruption(corpus, tokenizer)
    n = task.n_examples
    kept = sum(bool(document) for document in corpus.documents)
    assert n == kept
    left_out = corpus.documents[:-1].count("")  # what follows the last line end is no line
    assert task.notes == ([f"left out {left_out} empty documents"] if left_out else [])
    batch = task.batch(torch.arange(n), torch.Generator().manual_seed(0))
    assert int(batch.tokens.max()) < len(tokenizer)


@given(FILES)
def test_any_questions_are_read_whole_or_refused(folder: Path, raw: bytes) -> None:
    path = folder / "questions.tsv"
    path.write_bytes(raw)
    questions = attempt(lambda: read_questions(path), DataError, f"{path}:")
    if questions is None:
        return
    assert isinstance(questions, QuestionSet)
    if form_of("\n".join(lines_of(raw)), str(path), "question"):
        return
    lines = [q.text + (f"\t{q.answer}" if questions.answered else "") for q in questions.items]
    found = lines_of(raw)
    found = found if found[-1] else found[:-1]
    assert lines == [seen(line) for line in found]
    assert questions.stripped == sum(map(str.__ne__, lines, found))
    assert not {"\u25a1", "\u2047"} & set("".join(found))
    tokenizer = Tokenizer("\u25a1\u2047 ?.\tABLWabdehiknoorsw")
    task = attempt(lambda: answering(questions, tokenizer), DataError, f"{path}:")
    if isinstance(task, QuestionAnswering):
        unknown = sum(c not in tokenizer.characters for line in lines for c in line if c != "\t")
        assert sum(task.unknown.values()) == unknown
        cut = any(set(q.answer or "") - set(tokenizer.characters) for q in questions.items)
        assert len(task.notes) == bool(questions.stripped) + bool(unknown) + cut


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_line_of_100_megabytes_is_read_or_refused_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "long.tsv"
    path.write_bytes(b"Bo\tRome\n" + b"a" * 100_000_000 + b"\tOslo\n")
    questions = read_questions(path)
    assert len(questions.items[1].text) == 100_000_000
    tokenizer = Tokenizer("\u25a1\u2047 BORaemolsao")
    message = refused(DataError, lambda: answering(questions, tokenizer))
    assert message.startswith(f"{path}:2: 1 of 2 questions are longer")
    assert "up to 100000006 characters" in message
    corpus = read_corpus(path)
    assert len(corpus.codes) == path.stat().st_size
    task = corruption(corpus, Tokenizer.from_corpus(corpus, specials=True))
    batch = task.batch(torch.arange(2), torch.Generator().manual_seed(0))
    assert len(batch.tokens) <= 2 * BLOCK
