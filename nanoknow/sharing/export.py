"""``nanoknow export``: write a run as a folder that transformers, and tools built on it, open."""

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml
from jinja2 import Environment, StrictUndefined
from safetensors import torch as safetensors

from nanoknow import __version__
from nanoknow.config.experiment import DataConfig
from nanoknow.data.questions import Question, questions_to_jsonl
from nanoknow.data.tokenizer import MASK
from nanoknow.errors import ConfigError, DataError, printable
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.evaluate import Evaluation, evaluate_on
from nanoknow.generation.opened_run import OpenedRun
from nanoknow.runs.finding import open_checkpoint
from nanoknow.runs.folders import require_unused
from nanoknow.sharing.tokenizer import tokenizer_files
from nanoknow.sharing.weights import architecture, exported_weights
from nanoknow.system.device import choose_device
from nanoknow.system.files import LONGEST, save_result
from nanoknow.system.plain import Result, to_json
from nanoknow.system.reporter import Reporter

LM_EVAL = "lm_eval"
"""Subfolder with the task for lm-evaluation-harness."""


@dataclass(frozen=True, repr=False)
class Exported(Result):
    """An exported run.

    Attributes:
        folder: the folder that was written.
        run: the folder of the run.
        model_type: its type in transformers, ``gpt2`` or ``gpt_neox``.
        evaluation: the run's answers and score; None where there were no questions with answers.
        lm_eval: the name of the lm-evaluation-harness task; None if none was asked for.
    """

    folder: str
    run: str
    model_type: str
    n_parameters: int
    evaluation: Evaluation | None
    lm_eval: str | None


def export(
    run: Path | None, out: Path, data: DataConfig, device: str, reporter: Reporter, *, lm_eval: bool
) -> Exported:
    """Write a Hugging Face folder: config, weights, tokenizer and a model card.

    Args:
        run: a run or checkpoint folder; None for the latest that answers.
        out: the new folder.
        data: texts to evaluate the run on, in place of its own.
        device: the device that computes the answers.
        reporter: is notified of what is missing.
        lm_eval: whether to write also a task for lm-evaluation-harness with the same questions.

    Raises:
        CheckpointError: ``run`` is no run, or ``out`` holds files.
        ConfigError: transformers has no such model, or there are no questions for the task.
        DataError: a file that was named cannot be read.
    """
    require_unused(out)
    opened = _open(run, data, device, reporter)
    tokenizer, model = opened.tokenizer, opened.model
    has_marks = opened.checkpoint.record.task.has_marks
    marks = {}
    if has_marks:
        marks = {"eos_token_id": tokenizer.mask_id, "pad_token_id": tokenizer.pad_id}
    config = architecture(model, marks)
    evaluation = _evaluated(opened, data, reporter)
    if lm_eval and evaluation is None:
        raise ConfigError("--lm-eval: needs questions with answers: name them with --eval FILE")
    length = opened.max_answer_length if has_marks else model.config.block_size // 2
    generation = {"do_sample": False, "max_new_tokens": length, **marks}
    written = {
        "config.json": config,
        **tokenizer_files(tokenizer, model.config.block_size),
        "generation_config.json": generation,
    }
    weights = {name: tensor.cpu() for name, tensor in exported_weights(model).items()}
    contents = {name: to_json(each, indent=2).encode() for name, each in written.items()}
    contents["model.safetensors"] = safetensors.save(weights, {"format": "pt"})
    contents["README.md"] = _card(opened, config["model_type"], evaluation).encode()
    name = None
    if lm_eval and evaluation is not None:
        name = re.sub(r"\W+", "_", f"nanoknow_{Path(evaluation.questions).stem[:LONGEST]}")
        contents |= _lm_eval_files(name, evaluation, length)
    for file, content in contents.items():
        save_result(out / file, content, "the exported run")
    path, n = str(opened.run.path), model.n_parameters
    return Exported(str(out), path, config["model_type"], n, evaluation, name)


def _open(path: Path | None, data: DataConfig, device: str, reporter: Reporter) -> OpenedRun:
    """Open a run, with its texts if it answers questions; a language model answers none."""
    if path is not None and data == DataConfig():
        run, checkpoint = open_checkpoint(path)
        if not checkpoint.record.task.has_marks:
            chosen = choose_device(device)
            return OpenedRun(run, checkpoint, chosen, checkpoint.load_model(chosen))
    return AnsweringRun.open(path, data, device, reporter)


def _evaluated(opened: OpenedRun, data: DataConfig, reporter: Reporter) -> Evaluation | None:
    """Evaluate an answering run on its questions, if these are available and have answers."""
    if not isinstance(opened, AnsweringRun):
        return None
    try:
        asked = opened.texts.eval
    except DataError as error:
        if data.eval:
            raise
        reporter.note(f"not evaluated: {error}")
        return None
    return evaluate_on(opened, asked, reporter) if asked is not None and asked.answered else None


def _card(opened: OpenedRun, kind: str, evaluation: Evaluation | None) -> str:
    """Return the model card; texts quoted from data are put into code spans and blocks."""
    environment = Environment(undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"code": _code, "quoted": _quoted}
    source = files("nanoknow.sharing").joinpath("card.md").read_text(encoding="utf-8")
    record = opened.checkpoint.record
    question = evaluation.answers[0].question if evaluation else "Where was Ada Lovelace born?"
    return environment.from_string(source).render(
        name=opened.run.path.absolute().name,
        architecture={"gpt2": "GPT-2", "gpt_neox": "GPT-NeoX"}[kind],
        version=__version__,
        opened=opened,
        record=record,
        question=question if record.task.has_marks else None,
        evaluation=evaluation,
    )


def _code(text: str) -> str:
    """Return a text as a Markdown code span that nothing in the text can end."""
    return f"`{printable(text).replace('`', chr(0x2019))}`"


def _quoted(text: str) -> str:
    """Return a text as a one-line Python string, which cannot end a code block."""
    return to_json(text, ensure_ascii=False)


def _lm_eval_files(name: str, evaluation: Evaluation, longest: int) -> dict[str, bytes]:
    """Return the files of an lm-evaluation-harness task with the questions that were evaluated."""
    task = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": f"{LM_EVAL}/questions.jsonl"}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": f"{{{{question}}}}{MASK}",
        "doc_to_target": "answers",
        "target_delimiter": "",
        "generation_kwargs": {"until": [MASK], "do_sample": False, "max_gen_toks": longest},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1.0},
    }
    described = yaml.safe_dump(task, allow_unicode=True, sort_keys=False)
    questions = [Question(answer.question, answer.gold, 1) for answer in evaluation.answers]
    return {
        f"{LM_EVAL}/{name}.yaml": described.encode(),
        f"{LM_EVAL}/questions.jsonl": questions_to_jsonl(questions).encode(),
    }
