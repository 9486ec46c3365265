"""Bad inputs by the thousand: each is read right or refused in one line, and nothing else happens.

Each test makes as many as hypothesis's profile says: a hundred or so here, thousands in
``make fuzz`` (``pytest --hypothesis-profile=fuzz``, see ``conftest.py``).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import dump_config, load_config, parse_assignment
from nanoknow.config.models import VanillaConfig
from nanoknow.config.tasks import QuestionAnsweringConfig, SpanCorruptionConfig
from nanoknow.data.corpus import Corpus, read_corpus
from nanoknow.data.questions import QuestionSet, read_questions
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import CheckpointError, ConfigError, DataError, NanoknowError
from nanoknow.models.registry import build_model
from nanoknow.runs.checkpoint import CheckpointRecord, read_checkpoint, save_checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.device import choose_device
from nanoknow.tasks.question_answering import QuestionAnswering
from nanoknow.tasks.span_corruption import SpanCorruption

BLOCK = 24
CPU = choose_device("cpu", "float32")


def attempt(read: Callable[[], object], error: type[NanoknowError], named: str) -> object | None:
    """Read something; the only exception that may come of it is one line that names it."""
    try:
        return read()
    except error as refused:
        message = str(refused)
        assert message.startswith(named), message
        assert not {"\n", "\r", "\0"} & set(message), message
        return None


# --- texts

MARKS = [b"\xef\xbb\xbf", b"\r\n", b"\r", b"\n", b"\n\n", b"\t", b"\t\t", b"\0", b" ", b""]
INVALID = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\xe2\x82"]
ODD = [
    "\u202eabc\u202c",  # right to left, by an override
    "\u05d0\u05d1\u05d2",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "e\u0301",  # combining
    "a" + "\u0300" * 40,
    "\u200d\U0001f469\u200d\U0001f467",
    "\u2028",
    "\u0085",
    "\x0b\x0c\x1c\x1d\x1e",
    "\ufeff",
    "\ufffe\uffff",
    "\U0010ffff",
    "\u25a1",  # the markers themselves
    "\u2047",
    "x" * 100,
]
LINES = ["Ada Lovelace. Born in London.", "Where was Ada born?\tLondon", "Bo\tRome", "Cleo."]
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
PIECE = (
    st.sampled_from(LINES).map(str.encode)
    | st.sampled_from(ODD).map(str.encode)
    | st.sampled_from(MARKS)
    | st.sampled_from(MARKS)
    | st.text(max_size=8).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
TEXTS = st.lists(PIECE, max_size=12).map(b"".join)
BROKEN = st.lists(PIECE | st.sampled_from(INVALID) | st.binary(max_size=4), max_size=12).map(
    b"".join
)
FILES = TEXTS | TEXTS | BROKEN | TEXTS.map(POINTER.__add__) | st.binary(max_size=80)


def lines_of(raw: bytes) -> list[str]:
    """Return the lines of a readable file, by Python alone."""
    return raw.decode("utf-8-sig").replace("\r\n", "\n").split("\n")


@given(FILES)
def test_any_corpus_is_read_whole_or_refused(folder: Path, raw: bytes) -> None:
    path = folder / "corpus.txt"
    path.write_bytes(raw)
    corpus = attempt(lambda: read_corpus(path), DataError, f"{path}:")
    if corpus is None:
        return
    assert isinstance(corpus, Corpus)
    assert list(corpus.documents) == lines_of(raw)
    assert corpus.sha256 == hashlib.sha256(raw).hexdigest()
    tokenizer = attempt(lambda: Tokenizer.from_corpus(corpus, specials=True), DataError, f"{path}:")
    if isinstance(tokenizer, Tokenizer):
        attempt(lambda: one_batch(corpus, tokenizer), DataError, str(path))


def one_batch(corpus: Corpus, tokenizer: Tokenizer) -> None:
    task = SpanCorruption(corpus, tokenizer, SpanCorruptionConfig(), BLOCK)
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
    lines = [q.text + (f"\t{q.answer}" if questions.answered else "") for q in questions.items]
    assert lines == (lines_of(raw)[:-1] if raw.endswith(b"\n") else lines_of(raw))
    tokenizer = Tokenizer("\u25a1\u2047 ?.\tABLWabdehiknoorsw")
    task = attempt(
        lambda: QuestionAnswering(questions, tokenizer, QuestionAnsweringConfig(), BLOCK),
        DataError,
        f"{path}:",
    )
    if isinstance(task, QuestionAnswering):
        unknown = sum(c not in tokenizer.characters for line in lines for c in line if c != "\t")
        assert sum(task.unknown.values()) == unknown
        assert bool(task.notes) == bool(unknown)


# --- configs

SHIPPED = dump_config(ExperimentConfig()).splitlines()
HOSTILE = [
    "!!python/object/apply:os.abort []",
    "!!python/name:os.system",
    "&a [*a]",
    "*a",
    "&a {b: *a}",
    "<<: {seed: 1}",
    ".nan",
    ".inf",
    "-.inf",
    "1e400",
    "1e-3",
    "0x" + "f" * 40,
    "9" * 400,
    "1:30:00",
    "2001-02-30",
    "yes",
    "~",
    "''",
    "[1, 2, 3]",
    "{a: {b: {c: 1}}}",
    "[" * 300,
    "{a: " * 300,
    "? " * 200,
    "- " * 200,
    '"\\ud800"',
    '"\\0"',
    "|\n  a\n b",
    "\t1",
    "%TAG ! x",
    "--- 1\n--- 2",
    "\u2028",
    "\x07",
    "perceiver",
    "language_modeling",
]
WORDS = st.sampled_from([*HOSTILE, *HOSTILE, "0", "1", "-1", "3.5", "true", "x"]) | st.text(
    max_size=6
)


@st.composite
def broken_yaml(draw: st.DrawFn) -> str:
    """The default config, with some of its lines doubled, dropped, moved or given other values."""
    lines = list(SHIPPED)
    for _ in range(draw(st.integers(1, 4))):
        i = draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[i].partition(":")
        word = draw(WORDS)
        lines[i : i + 1] = draw(
            st.sampled_from(
                [
                    [lines[i], lines[i]],
                    [],
                    [f"  {lines[i]}"],
                    [lines[i].lstrip()],
                    [f"{key}{colon} {word}"],
                    [f"{key}{colon} {word}"],
                    [f"{key}{word}{colon} 1"],
                    [lines[i], word],
                    [key],
                ]
            )
        )
        if not lines:
            break
    return draw(st.sampled_from(["\n", "\n", "\r\n"])).join(lines)


@given(broken_yaml() | st.text(max_size=60) | WORDS)
def test_any_config_loads_or_is_refused(folder: Path, text: str) -> None:
    path = folder / "config.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    config = attempt(lambda: load_config(str(path)), ConfigError, str(path))
    if isinstance(config, ExperimentConfig):
        path.write_text(dump_config(config), encoding="utf-8")
        assert load_config(str(path)) == config


@given(st.sampled_from([line.strip().partition(":")[0] for line in SHIPPED]), WORDS)
def test_any_assignment_is_taken_or_refused(key: str, word: str) -> None:
    for dotted in (key, f"model.{key}", f"pretrain.{key}"):
        assignment = f"{dotted}={word}"
        attempt(partial(load_assigned, assignment), ConfigError, "--set ")


def load_assigned(assignment: str) -> ExperimentConfig:
    return load_config(None, [parse_assignment(assignment)])


# --- checkpoints

FILE_NAMES = ("model.safetensors", "training.safetensors", "checkpoint.json")
SIZES = VanillaConfig(n_layers=1, n_heads=1, d_model=8, block_size=8)


class Whole(dict[str, dict[str, bytes]]):
    """The bytes of two checkpoints, by step and file; too many to print."""

    def __repr__(self) -> str:
        return "WHOLE"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    for step in (1, 2):
        generator = torch.Generator().manual_seed(step)
        record = CheckpointRecord(
            version="0.1",
            torch="2.13",
            model=SIZES,
            vocabulary="\u25a1\u2047ab",
            task=SpanCorruptionConfig(),
            seed=0,
            precision="float32",
            device="a CPU",
            progress={"step": step, "epoch": 0, "batch": 1, "positions": 8, "epoch_loss": 2.5},
            seconds=1.0,
            data={},
        )
        training = {"random.cpu": torch.randint(256, (64,), generator=generator).to(torch.uint8)}
        weights = build_model(SIZES, 4, generator).state_dict()
        save_checkpoint(folder, record, weights, training)
    return Whole(
        {
            path.name: {name: (path / name).read_bytes() for name in FILE_NAMES}
            for path in folder.iterdir()
        }
    )


@st.composite
def damage(draw: st.DrawFn) -> tuple[str, Callable[[bytes, bytes], bytes | None]]:
    """A file's name, and what happens to its bytes, given those of another; None removes it."""
    name = draw(st.sampled_from(FILE_NAMES))
    share, bit = draw(st.floats(0, 1, exclude_max=True)), draw(st.integers(1, 255))
    junk = draw(st.binary(min_size=1, max_size=9))

    def flip(raw: bytes, _other: bytes) -> bytes:
        changed = bytearray(raw)
        changed[int(share * len(raw))] ^= bit
        return bytes(changed)

    def splice(raw: bytes, other: bytes) -> bytes:
        place = int(share * min(len(raw), len(other)))
        return raw[:place] + other[place:]

    changes: list[Callable[[bytes, bytes], bytes | None]] = [
        flip,
        flip,
        splice,
        lambda raw, _other: raw[: int(share * len(raw))],
        lambda raw, _other: raw + junk,
        lambda raw, _other: raw[: int(share * len(raw))] + junk + raw[int(share * len(raw)) :],
        lambda _raw, other: other,
        lambda _raw, _other: junk,
        lambda _raw, _other: b"",
        lambda _raw, _other: None,
    ]
    return name, draw(st.sampled_from(changes))


@given(st.lists(damage(), min_size=1, max_size=3), st.booleans())
def test_any_damage_to_a_checkpoint_is_refused_by_name_and_the_one_before_offered(
    folder: Path,
    whole: Whole,
    damages: list[tuple[str, Callable[[bytes, bytes], bytes | None]]],
    older: bool,
) -> None:
    last = folder / "checkpoints" / "step-00000002"
    shutil.rmtree(last.parent, ignore_errors=True)
    files: dict[str, bytes | None] = dict(whole[last.name])
    for name, change in damages:
        files[name] = change(files[name] or b"?", whole["step-00000001"][name])
    for step, contents in (("step-00000001", whole["step-00000001"]), (last.name, files)):
        (last.parent / step).mkdir(parents=True)
        for name, raw in contents.items():
            if raw is not None:
                (last.parent / step / name).write_bytes(raw)
    if not older:
        shutil.rmtree(last.parent / "step-00000001")
    refusals = 0
    for name in FILE_NAMES:
        try:
            found = read_checkpoint(last)
            if name == "model.safetensors":
                found.load_model(CPU)
            elif name == "training.safetensors":
                found.load_training_state()
        except CheckpointError as error:
            refusals += 1
            message = str(error)
            assert message.startswith(str(last)), message
            assert "\n" not in message
            assert ("one before it, step-00000001" in message) == older, message
    assert bool(refusals) == (files != whole[last.name] and files != whole["step-00000001"])


@given(st.data())
def test_any_record_however_sealed_is_read_or_refused(
    folder: Path, whole: Whole, data: st.DataObject
) -> None:
    """A seal tells of damage, and is no signature: what it is put on may be anything."""
    content: dict[str, Any] = json.loads(whole["step-00000002"]["checkpoint.json"])["content"]
    leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    lists, maps = st.lists(leaf, max_size=2), st.dictionaries(st.text(max_size=5), leaf, max_size=2)
    junk: st.SearchStrategy[object] = st.one_of(leaf, lists, maps)
    for key in data.draw(st.lists(st.sampled_from(sorted(content)), min_size=1, max_size=2)):
        if isinstance(content[key], dict) and content[key] and data.draw(st.booleans()):
            content[key][data.draw(st.sampled_from(sorted(content[key])))] = data.draw(junk)
        else:
            content[key] = data.draw(junk)
    if not isinstance(content.get("model"), dict) or content["model"] != SIZES.model_dump():
        content["files"] = {}  # a model of any size: read the record alone
    checkpoint = folder / "sealed" / "step-00000001"
    checkpoint.mkdir(parents=True, exist_ok=True)
    seal = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    record = json.dumps({"sha256": seal, "content": content}, ensure_ascii=False)
    (checkpoint / "checkpoint.json").write_text(record, "utf-8", "surrogatepass")
    for name in FILE_NAMES[:2]:
        (checkpoint / name).write_bytes(whole["step-00000002"][name])

    def read() -> object:
        found = read_checkpoint(checkpoint)
        found.load_training_state()
        return found.load_model(CPU)

    attempt(read, CheckpointError, str(checkpoint))


@given(st.binary(max_size=60) | TEXTS | st.text(max_size=40).map(lambda t: json.dumps(t).encode()))
def test_any_run_record_and_metrics_are_read_or_refused(folder: Path, raw: bytes) -> None:
    run = folder / "run"
    run.mkdir(exist_ok=True)
    (run / "run.json").write_bytes(raw)
    attempt(lambda: Run.open(run), CheckpointError, str(run))
    metrics = Run(run, None)  # type: ignore[arg-type]
    metrics.metrics_file.write_bytes(raw)
    attempt(lambda: list(metrics.metrics()), CheckpointError, str(run))


# --- large ones


@pytest.mark.timeout(120)
def test_a_line_of_100_megabytes_is_read_or_refused_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "long.tsv"
    path.write_bytes(b"Bo\tRome\n" + b"a" * 100_000_000 + b"\tOslo\n")
    questions = read_questions(path)
    assert len(questions.items[1].text) == 100_000_000
    tokenizer = Tokenizer("\u25a1\u2047 BORaemolsao")
    with pytest.raises(DataError) as caught:
        QuestionAnswering(questions, tokenizer, QuestionAnsweringConfig(), BLOCK)
    assert str(caught.value).startswith(f"{path}:2: question and answer take 100000006 characters")
    corpus = read_corpus(path)
    assert len(corpus.codes) == path.stat().st_size
    task = SpanCorruption(
        corpus, Tokenizer.from_corpus(corpus, specials=True), SpanCorruptionConfig(), BLOCK
    )
    batch = task.batch(torch.arange(2), torch.Generator().manual_seed(0))
    assert len(batch.tokens) <= 2 * BLOCK


@pytest.mark.timeout(30)
@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_ten_megabytes_of_nesting_are_refused_at_once(tmp_path: Path, opening: str) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text(opening * (10_000_000 // len(opening)))
    with pytest.raises(ConfigError, match=r"deep\.yaml: over 100,000 bytes: is this a config"):
        load_config(str(path))


@pytest.mark.timeout(30)
@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no /dev/zero here")  # noqa: PTH110
def test_a_file_without_an_end_is_no_config() -> None:
    with pytest.raises(ConfigError, match="/dev/zero: over 100,000 bytes"):
        load_config("/dev/zero")
