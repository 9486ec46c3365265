"""An exported folder, opened by transformers (``make test-hf``)."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import nanoknow
from nanoknow.data.questions import read_questions
from nanoknow.data.tokenizer import MASK, SPECIALS
from nanoknow.generation.opened_run import OpenedRun
from tests.helpers.cli import SMALL, succeed

pytestmark = [pytest.mark.hf, pytest.mark.filterwarnings("default")]
MORE = ("--set", "scratch.optimizer.learning_rate=0.01", "--set", "scratch.batch_size=4")


@pytest.fixture(scope="module", params=["learned", "rotary"])
def opened(request: pytest.FixtureRequest, home: Path) -> tuple[OpenedRun, Any, Any]:
    """A run, and the model and the tokenizer of its folder."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    files = ("--corpus", "data/world/wiki.txt", "--questions", "birth_places_train.tsv")
    run, folder = f"runs/{request.param}", f"out/{request.param}"
    how = ("--set", f"model.positions={request.param}", "--epochs", "20", *MORE)
    asked = ("--eval", "birth_dev.tsv")
    succeed("finetune", "--from", "scratch", *files, *asked, *SMALL, *how, "--out", run)
    succeed("export", run, "--out", folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    return nanoknow.load(run), model, AutoTokenizer.from_pretrained(folder)


@torch.no_grad()
def test_logits_are_those_of_the_run(opened: tuple[OpenedRun, Any, Any]) -> None:
    run, model, _ = opened
    shape, generator = (3, run.model.config.block_size), torch.Generator().manual_seed(0)
    ids = torch.randint(len(run.tokenizer), shape, generator=generator)
    torch.testing.assert_close(model(ids).logits, run.model(ids), atol=1e-4, rtol=0)


def test_every_question_gets_the_same_answer(opened: tuple[OpenedRun, Any, Any]) -> None:
    run, model, tokenizer = opened
    answers = []
    questions = read_questions(Path("data/world/birth_dev.tsv")).items
    for question in questions:
        asked = tokenizer(f"{question.text} →é{MASK}", return_tensors="pt")
        written = model.generate(**asked)[0, asked.input_ids.shape[1] :]
        answer = tokenizer.decode(written, skip_special_tokens=True)
        assert answer == run.answer(f"{question.text} →é")
        answers.append(answer)
    assert len(set(answers)) > 1
    texts = [f"{question.text} →é{MASK}" for question in questions]
    asked = tokenizer(texts, return_tensors="pt", padding=True)
    written = model.generate(**asked)[:, asked.input_ids.shape[1] :]
    assert tokenizer.batch_decode(written, skip_special_tokens=True) == answers


@given(st.data())
def test_a_text_has_the_ids_that_it_has_here(
    opened: tuple[OpenedRun, Any, Any], data: st.DataObject
) -> None:
    run, _, tokenizer = opened
    known = st.sampled_from(run.tokenizer.characters[2:])
    others = st.characters(exclude_categories=["Cs"], exclude_characters="".join(SPECIALS))
    text = data.draw(st.text(known | others))
    ids = tokenizer(text).input_ids
    assert ids == run.tokenizer.encode_known(text).tolist()
    assert tokenizer.decode(ids) == run.tokenizer.decode(ids)
