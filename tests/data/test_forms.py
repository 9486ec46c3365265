"""Documents and questions in every form: lines, paragraphs, tables, JSON lines."""

import csv
import io
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nanoknow.config.experiment import DocumentForm
from nanoknow.data.corpus import Corpus, corpus_from_chunks
from nanoknow.data.questions import (
    Question,
    clean,
    questions_from_bytes,
    questions_to_jsonl,
    read_questions,
)
from nanoknow.data.rows import form_of
from nanoknow.errors import DataError
from tests.helpers.refused import refused
from tests.helpers.text_files import FIELD, LINE, refusal, seen

NESTED = 800 * "[" + 800 * "]"
"""JSON that Python reads, and that is too deep for what calls itself."""
DELIMITERS = {".csv": ",", ".tsv": "\t"}
TEXT = LINE.filter(lambda text: bool(text.strip()))
NAME = LINE.map(str.strip)
LONG = st.lists(TEXT, min_size=1, max_size=3).map("\n".join)  # a text with line ends in it
ROWS = st.lists(st.tuples(LONG, NAME), min_size=1, max_size=5)
ASKED = st.lists(st.tuples(FIELD, st.lists(FIELD, min_size=1, max_size=3)), min_size=1, max_size=5)


def read(raw: str, name: str, documents: DocumentForm = "lines", size: int = 7) -> Corpus:
    """Read a corpus whose bytes come a few at a time after the first line."""
    head, end, rest = raw.encode().partition(b"\n")
    chunks = [head + end, *(rest[i : i + size] for i in range(0, len(rest), size))]
    return corpus_from_chunks(chunks, name, documents)


def table(rows: list[list[str]], suffix: str) -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=DELIMITERS[suffix]).writerows(rows)
    return file.getvalue()


@given(ROWS, st.sampled_from([".csv", ".tsv", ".jsonl", ".txt"]))
@example([("a\nb", ""), ('"q", r', "Ada")], ".csv")
def test_any_documents_read_back_the_same_from_a_table_or_json_lines(
    rows: list[tuple[str, str]], suffix: str
) -> None:
    if suffix in DELIMITERS:
        written = [["id", "Text", "NAME"], *([str(i), *row] for i, row in enumerate(rows))]
        raw = table(written, suffix)
    else:
        objects = ({"text": text, "name": name, "id": 3} for text, name in rows)
        raw = "".join(json.dumps(each, ensure_ascii=False) + "\n\n" for each in objects)
    corpus = read(raw, f"FILE{suffix}")
    assert corpus.documents == tuple(text.replace("\n", " ") for text, _ in rows)
    assert corpus.text == "\n".join(corpus.documents)
    names = tuple(name for _, name in rows)
    assert corpus.names == (names if any(names) else None)
    lengths = [text.count("\n") + 1 if suffix in DELIMITERS else 2 for text, _ in rows]
    first = 2 if suffix in DELIMITERS else 1
    for i in range(len(rows)):
        assert corpus.where(i) == f"FILE{suffix}:{first + sum(lengths[:i])}"


@given(ROWS, st.booleans(), st.sampled_from([None, 1]), st.sampled_from(["F.json", "F.jsonl", "F"]))
@example([("a", ""), ("b", "")], False, None, "F.jsonl")
def test_any_documents_read_back_the_same_from_a_json_list_and_from_objects_over_several_lines(
    rows: list[tuple[str, str]], is_list: bool, indent: int | None, name: str
) -> None:
    objects = [{"text": text, "name": name} for text, name in rows]
    one_by_one = ("," * (name == "F.jsonl") + "\n").join(
        json.dumps(each, indent=indent) for each in objects
    )
    raw = json.dumps(objects, indent=indent) if is_list else one_by_one
    corpus = corpus_from_chunks([f"\n{raw}\n".encode()], name)
    assert corpus.documents == tuple(text.replace("\n", " ") for text, _ in rows)
    begins = [i for i, line in enumerate(raw.split("\n"), start=2) if line.strip() == "{"]
    lines = begins if indent else [2 + i * (not is_list) for i in range(len(rows))]
    assert [corpus.first_line(i) for i in range(len(rows))] == lines


@given(st.lists(st.lists(TEXT, min_size=1, max_size=3), min_size=1, max_size=4), st.data())
def test_any_documents_read_back_the_same_from_paragraphs(
    paragraphs: list[list[str]], data: st.DataObject
) -> None:
    raw, lines = "", []
    for paragraph in paragraphs:
        raw += "\n" * data.draw(st.integers(0, 2)) + ("" if not raw else " \n")
        lines.append(raw.count("\n") + 1)
        raw += "\n".join(paragraph) + "\n"
    assume(form_of(raw, "FILE", "text") is None)
    corpus = read(raw, "FILE", "paragraphs")
    assert corpus.documents == tuple(map(" ".join, paragraphs))
    assert [corpus.where(i) for i in range(len(lines))] == [f"FILE:{line}" for line in lines]


def test_a_character_is_found_on_the_line_where_its_document_begins() -> None:
    corpus = read('text,name\n"a\nb",\n\nc,Cy\n', "FILE.csv")
    assert [corpus.line_of(c) for c in "abc"] == [2, 2, 5]
    assert corpus.lines_at([0, 2, 4]) == [2, 2, 5]
    assert read("a\nb", "FILE").where(1) == "FILE:2"


@pytest.mark.parametrize(
    "line",
    [
        "Hello, text, world.",
        "text",
        "{a",
        "[1]",
        "{}x",
        "a;b",
        "A name, and the text",
        "[]",
        "text ",
    ],
)
def test_an_ordinary_text_is_no_table_whatever_its_first_line_holds(line: str) -> None:
    corpus = read(f"{line}\nsecond, line\n", "FILE.txt")
    assert corpus.documents == (line, "second, line", "")
    assert corpus.names is None


@pytest.mark.parametrize("head", ["name,text", "Name\tText", '"name";"text"', "text,name"])
def test_a_header_makes_a_table_whatever_the_files_name(head: str) -> None:
    mark = next(c for c in ",\t;" if c in head)
    corpus = read(f"{head}\na{mark}b\n", "FILE")
    assert sorted([corpus.documents, corpus.names or ()]) == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("text,name\na,b\n,\n , \nc,d\n,\n", "F.csv"),  # rows of a sheet that nothing is in
        (",\ntext,name\na,b\nc,d\n", "F.csv"),
        ("text,name,,\na,b,,\nc,d,,\n", "F.csv"),
        ("text,name\na,b,,\nc,d,\n", "F.csv"),  # columns that nothing is in
        (",text,name\n0,a,b\n1,c,d\n", "F.csv"),  # of an index without a name
        ("text,name,names\na,b,x\nc,d,y\n", "F.csv"),  # a column that is only like another
        ("text,name\ra,b\rc,d\r", "F.csv"),  # line ends of old Macs
    ],
)
def test_what_programs_of_tables_write_beside_the_cells_is_passed_over(raw: str, name: str) -> None:
    corpus = read(raw, name)
    assert (corpus.documents, corpus.names) == (("a", "c"), ("b", "d"))


@pytest.mark.parametrize("name", ["F.txt", "F.csv", "F.jsonl", "F.json"])
def test_letters_with_accents_of_their_own_are_read_as_those_with_them_in_one(name: str) -> None:
    text = "Zoë Núñez, 한, Hà Nội"
    apart = unicodedata.normalize("NFD", text)
    written = {
        "F.txt": apart,
        "F.csv": f'text,question\n"{apart}","{apart}"\n',
        "F.jsonl": json.dumps({"text": apart, "question": apart}),  # by numbers: e\u0308
        "F.json": json.dumps([{"text": apart, "question": apart}], ensure_ascii=False),
    }
    assert len(apart) > len(text)
    assert read(written[name], name).documents == (text,)
    assert [q.text for q in questions_from_bytes(written[name].encode(), name).items] == [text]
    assert clean(apart) == text  # as a question is asked


@pytest.mark.parametrize(
    ("raw", "name", "message"),
    [
        ("texts,name\na,b\n", "F.csv", "F.csv:1: the columns are 'texts', 'name'. Did you mean"),
        (
            "one,two\na,b\n",
            "F.csv",
            "F.csv:1: the columns are 'one', 'two'. Name those to read text, name in a header line",
        ),
        ("sep=;\nname;text\na;b\n", "F.csv", "F.csv:1: the columns are 'sep=;'. Name those to"),
        ("text,names\na,b\n", "F.csv", "F.csv:1: the columns are 'text', 'names'. Did you mean"),
        ("text,name\na,b\nc\n", "F.csv", "F.csv:3: 1 cells, and the header has 2"),
        ('text,name\na,b\n"c,d\ne\n', "F.csv", "F.csv:3: no row of a table (unexpected end"),
        ('text,name\n"c"d,e\n', "F.csv", "F.csv:2: no row of a table ("),
        ("text,name\n ,b\n", "F.csv", "F.csv:2: no text: write one, or delete"),
        ("text,name\n", "F.csv", "F.csv: holds no rows"),
        ("\n\n", "F.csv", "F.csv: holds no rows"),
        ('{"text": "a"}\n3\n', "F", "F:2: no JSON object: write one a line"),
        ('{"text": "a"}\n{"text": \n', "F", "F:2: no JSON object"),
        ('{"text": "a", "Text": "b"}\n', "F", "F:1: the column 'text' is there 2 times"),
        ('["ab", "cd"]\n', "F.json", "F.json:1: no JSON object"),
        ('{"text": 3}\n', "F", "F:1: text: must be a text in quotes (got 3)"),
        ('{"text": null}\n', "F", "F:1: no text"),
        ('{"text": "a\\u0000"}\n', "F", 'F:1: text: must be a text in quotes (got "a\\u0000")'),
        ('{"text": "a\\ud800"}\n', "F", 'F:1: text: must be a text in quotes (got "a\\ud800")'),
        ('{"name": "a"}\n', "F", "F:1: the columns are 'name'. Name those to read text, name"),
        ('[\n{"text": "a"},\n{"text": "b"\n', "F.json", "F.json:3: no JSON object"),
        ('[{"text": "a"}, ["b"]]\n', "F.json", "F.json:1: no JSON object"),
        ('{"text": "a"}, [\n{"text": "b"}\n', "F", "F:1: no JSON object"),
        ("\n \n", "F.jsonl", "F.jsonl: holds no rows"),
        ('{"text": "a"}\n' + "[" * 100_000, "F", "F:2: no JSON object"),
        (f'{{"text": {NESTED}}}', "F", "F:1: text: must be a text in quotes (got a list or object"),
        ('{"text": ["a", "b"]}', "F", "F:1: text: must be a text in quotes (got a list or object)"),
        ('{"text": {"0": "a"}}', "F", "F:1: text: must be a text in quotes (got a list or object)"),
    ],
)
def test_rows_that_hold_no_document_are_refused_by_line(raw: str, name: str, message: str) -> None:
    assert refused(DataError, lambda: read(raw, name, size=1 << 20)).startswith(message)


def gold_of(pairs: list[tuple[str, list[str]]]) -> list[tuple[str, tuple[str, ...]]]:
    """Return questions with their own answers first, then those of the others that ask the same."""
    asked = [(seen(question), list(map(seen, answers))) for question, answers in pairs]
    every = [
        (q, [*own, *(a for other, more in asked if other == q for a in more)]) for q, own in asked
    ]
    return [(question, tuple(dict.fromkeys(answers))) for question, answers in every]


@given(ASKED, st.sampled_from([".csv", ".tsv", ".jsonl"]), st.booleans())
@example([("a", ["b"]), ("a", ["c"])], ".tsv", True)
def test_any_questions_with_several_answers_read_back_the_same(
    pairs: list[tuple[str, list[str]]], suffix: str, one_column: bool
) -> None:
    if suffix in DELIMITERS:
        rows = [[q, json.dumps(answers, ensure_ascii=False)] for q, answers in pairs]
        raw = table([["Question", "answers"], *rows], suffix)
    else:
        column = "answer" if one_column else "answers"
        raw = "".join(json.dumps({"question": q, column: list(a)}) + "\n" for q, a in pairs)
    questions = questions_from_bytes(raw.encode(), f"FILE{suffix}")
    assert [(q.text, q.gold) for q in questions.items] == gold_of(pairs)
    written = questions_to_jsonl(questions.items)
    again = questions_from_bytes(written.encode(), "q.jsonl")
    assert [(q.text, q.gold) for q in again.items] == gold_of(pairs)
    assert again.stripped == 0


@given(st.lists(FIELD, min_size=1, max_size=5), st.sampled_from([".csv", ".tsv", ".jsonl"]))
def test_any_questions_without_answers_read_back_the_same(lines: list[str], suffix: str) -> None:
    if suffix in DELIMITERS:
        raw = table([["question"], *([line] for line in lines)], suffix)
    else:
        raw = questions_to_jsonl(Question(line, (), 0) for line in lines)
    questions = questions_from_bytes(raw.encode(), f"FILE{suffix}")
    assert [q.text for q in questions.items] == list(map(seen, lines))
    assert not questions.answered


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("question\tanswer\nWho?\tAda\n", "q.tsv"),
        ("Question,Answer\nWho?,Ada\n", "q.csv"),
        ("question;answer;note\nWho?;Ada;x\n", "q.csv"),
        ("question,answers\nWho?,Ada\n", "q.csv"),
        ('question\tanswers\nWho?\t ["Ada"]\n', "q.tsv"),
        ('answer,question\n"Ada",Who?\n', "q"),
        ('{"question": "Who?", "answer": "Ada"}\n', "q.tsv"),
        ('{"Question": "Who?", "answers": "Ada", "answer": null}\n', "q.jsonl"),
        ('{"question": "Who?", "answers": {"text": ["Ada"], "answer_start": [3]}}', "squad.jsonl"),
    ],
)
def test_a_header_or_json_is_never_learned_as_a_question(raw: str, name: str) -> None:
    items = questions_from_bytes(raw.encode(), name).items
    assert [(item.text, item.gold) for item in items] == [("Who?", ("Ada",))]


def test_all_answers_of_a_question_are_accepted_and_each_line_stays_one() -> None:
    questions = questions_from_bytes(b"Who?\tAda\nWhat?\tTea\nWho?\tBo\nWho?\tAda\n", "q.tsv")
    gold = [(q.answer, q.gold) for q in questions.items]
    both = ("Ada", ("Ada", "Bo"))
    assert gold == [both, ("Tea", ("Tea",)), ("Bo", ("Bo", "Ada")), both]
    assert set(questions.characters(answers=True)) == set("Who?What?AdaBoTea")
    assert sorted(questions.characters(answers=False)) == sorted(set("Who?What?"))


def test_line_ends_and_blanks_in_cells_are_left_out_and_counted() -> None:
    raw = 'question,answer\n"Who\nis it?", Ada \nWho?,Bo\n'
    questions = questions_from_bytes(raw.encode(), "q.csv")
    assert [(q.text, q.gold, q.line) for q in questions.items] == [
        ("Who is it?", ("Ada",), 2),
        ("Who?", ("Bo",), 4),
    ]
    assert questions.stripped == 1


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("questions\tanswers\nWho?\tAda\n", "FILE:1: the columns are 'questions', 'answers'. Did"),
        ("question\tanwser\nWho?\tAda\n", "FILE:1: the columns are 'question', 'anwser'. Did you"),
        ("question\tanswer\nWho?\t\nWhat?\tTea\n", "FILE:2: no answer: "),
        ("question\tanswer\nWho?\t \n", "FILE:2: no answer: "),
        ("question\tanswer\n\tAda\n", "FILE:2: no question: "),
        ("question\tanswers\nWho?\t[1\n", "FILE:2: answers: no JSON list: write ["),
        ("question,answer,Answer\nWho?,Ada,Bo\n", "FILE:1: the column 'answer' is there 2 times"),
        ('{"question": "Who?", "answers": [1]}', "FILE:1: answers: must be a text in quotes (got"),
        ('{"question": "Who?", "answers": {}}', "FILE:1: answers: must be a text in quotes"),
        ('{"question": "Who?", "answers": ["a", null]}', "FILE:1: answers: must be a text"),
        ('{"question": "Who\u2047", "answer": "a"}', "FILE:1: holds '\u2047'"),
        (f'{{"question": "Who?", "answer": {NESTED}}}', "FILE:1: answer: must be a text in"),
        (f"question\tanswers\nWho?\t{NESTED}\n", "FILE:2: answers: must be a text in quotes"),
        ('{"answer": "a"}', "FILE:1: the columns are 'answer'. Name those to read"),
        ('{"question": ["a", "b"], "answer": ["c", "d"]}', "FILE:1: question: must be a text in"),
        ("question\tanswer\n\n", "FILE: holds no rows"),
    ],
)
def test_rows_that_are_no_questions_are_refused_by_line(raw: str, message: str) -> None:
    assert refusal(questions_from_bytes, raw.encode()).startswith(message)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["makers", "people", "poems"])
def test_other_peoples_questions_are_the_same_in_every_form(real_data: Path, name: str) -> None:
    plain = read_questions(real_data / "facts" / name / "dev.tsv")
    pairs = [[q.text, q.answer or ""] for q in plain.items]
    written = {
        "q.csv": table([["question", "answer"], *pairs], ".csv"),
        "q.jsonl": questions_to_jsonl(plain.items),
    }
    for file, raw in written.items():
        items = questions_from_bytes(raw.encode(), file).items
        assert [(q.text, q.gold) for q in items] == [(q.text, q.gold) for q in plain.items]


@pytest.mark.timeout(20)
def test_a_first_line_of_many_commas_is_looked_through_quickly() -> None:
    line = "a," * 20_000_000
    assert form_of(line, "FILE", "text") is None
    assert form_of(f"{line}\n", "FILE.csv", "text") == ","


def test_columns_without_an_end_are_named_up_to_a_limit() -> None:
    row = json.dumps({f"column {i}": i for i in range(10_000)})
    assert len(refused(DataError, lambda: read(row, "F", size=1 << 20))) < 2000
