"""``nanoknow import``: make a run of a state dict of the course's transformer.

This is the only module that reads pickles; torch restricts them to tensors (``weights_only``).
"""

import pickletools
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import torch
from pydantic import ValidationError
from torch import Tensor

from nanoknow.config.experiment import ExperimentConfig, StageName
from nanoknow.config.messages import explain, show_value
from nanoknow.config.models import ModelConfig, VanillaConfig
from nanoknow.data.sources import Texts
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import ConfigError, DataError
from nanoknow.models.registry import build_model, outline, shapes
from nanoknow.sharing.weights import renamed
from nanoknow.system.device import choose_device
from nanoknow.system.reporter import Reporter
from nanoknow.tasks.question_answering import answer_limit
from nanoknow.training.prepare import prepare, roles_of
from nanoknow.training.session import TrainingOptions, TrainingSession, TrainingSummary, summarize
from nanoknow.training.start import new_run

NAMES = {
    "_orig_mod.": "",
    "module.": "",
    "tok_emb.": "embedding.token.",
    "pos_emb": "embedding.position",
    "ln_f.": "head.ln.",
    "head.weight": "head.linear.weight",
    "attn.proj.": "attention.projection.",
    "attn.": "attention.",
    "mlp.0.": "mlp.expand.",
    "mlp.2.": "mlp.contract.",
}
"""The course's names of parts of parameters, and the names here. The first two are prefixes of
torch.compile and DataParallel."""
MADE_BY = re.compile(
    r"torch \w+Storage|torch\._utils _rebuild_(tensor_v2|parameter)|collections OrderedDict"
)
"""The globals that a pickle of a state dict of plain tensors may name."""
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
MOST_TENSORS, MOST_TUPLES = 20_000, 20
"""Most tensors of a file, and most nested tuples of an object in it."""
OLDER_PICKLES = 4
"""Pickles to check in a file that torch wrote before 1.6: the last of them is the state dict."""
SAVE = "save model.state_dict()"


def import_params(
    file: Path, config: ExperimentConfig, out: Path | None, device: str, reporter: Reporter
) -> TrainingSummary:
    """Make a run of a state dict: a pretrained one, or with training questions a finetuned one.

    Args:
        file: written by ``torch.save(model.state_dict(), file)``; the model has separate query,
            key and value, and learned positions.
        config: names the corpus, whose characters are the vocabulary, and the number of heads.
        out: the run folder; None for a new one.
        device: the device to check the model on.
        reporter: is notified of what happens.

    Raises:
        CheckpointError: the folder is in use, or cannot be written.
        ConfigError: no corpus is named, evaluation questions are named without training questions,
            or the number of heads does not divide the width.
        DataError: the file is no such state dict, or the corpus has another number of characters.
        NonFiniteError: a weight is NaN or infinite.
    """
    asked = config.data.questions is not None
    if config.data.eval and not asked:
        raise ConfigError("--eval: a pretrained run is asked nothing: name its --questions too")
    stage: StageName = "finetune" if asked else "pretrain"
    texts = Texts.find(config.data, roles_of(config, stage) if asked else ("corpus",))
    tokenizer = Tokenizer.from_corpus(texts.require_corpus(), specials=True)
    weights = read_params(file)
    sizes = _sizes(file, weights, config.model)
    if len(weights["embedding.token.weight"]) != len(tokenizer):
        n, name = len(weights["embedding.token.weight"]), texts.require_corpus().name
        raise DataError(
            f"{file}: has {n} characters, and {name} gives {len(tokenizer)}: name the corpus that "
            f"it was pretrained on with --corpus"
        )
    weights["embedding.position"] = weights["embedding.position"].flatten(0, 1)  # from (1, ℓ, d)
    for name, _ in sorted(shapes(weights).items() ^ shapes(outline(sizes, len(tokenizer))).items()):
        raise DataError(f"{file}: {_odd(name, name in weights)}")
    model = build_model(sizes, len(tokenizer))
    model.load_state_dict(weights)
    model.origin = str(file)
    config = config.model_copy(update={"data": texts.config, "model": sizes})
    if asked:
        config = config.with_answer_length(answer_limit(texts.questions))
    chosen = choose_device(device, "float32")
    model.to(chosen.torch_device).require_sound()
    prepared = prepare(config, stage, texts, tokenizer, model, chosen, reporter)
    with new_run(stage, prepared, out, None) as run:
        session = TrainingSession(run, prepared, TrainingOptions(device), reporter)
        session.save()
        run.record_metrics("start", step=0, imported=str(file))
        run.record_metrics("end", step=0, epoch=0)
    return summarize(run)


def read_params(file: Path) -> dict[str, Tensor]:
    """Read a state dict under the names of ``Vanilla``; attention masks in it are left out.

    Raises:
        DataError: it is no state dict of the course's transformer.
    """
    if not file.is_file():
        raise DataError(f"{file}: no such file: name what torch.save(model.state_dict(), …) wrote")
    size = file.stat().st_size
    try:
        with file.open("rb") as opened:
            pickles: list[IO[bytes]] = [opened] * OLDER_PICKLES
            if opened.read(4) == b"PK\3\4":  # the mark by which torch recognises a zip archive
                archive = zipfile.ZipFile(opened)
                parts = archive.infolist()
                if sum(part.file_size for part in parts) > size or len(parts) > MOST_TENSORS:
                    raise ValueError("compressed, or of too many parts")
                pickles = [archive.open(p) for p in parts if p.filename.endswith("/data.pkl")]
            opened.seek(0)
            for each in pickles:
                _require_flat(each)
        loaded = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a file that torch did not write may raise anything
        reason = type(error).__name__
        raise DataError(
            f"{file}: no state dict of tensors alone ({reason}): name what "
            f"torch.save(model.state_dict(), …) wrote"
        ) from None
    if not isinstance(loaded, Mapping) or not 0 < len(loaded) <= MOST_TENSORS:
        raise DataError(f"{file}: holds no state dict: save model.state_dict()")
    found = {}
    for name, tensor in loaded.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise DataError(f"{file}: {show_value(name)} is no tensor by a name: {SAVE}")
        if not re.search(r"\.attn\.(mask|causal)$", name):
            size -= tensor.numel() * tensor.element_size()
            if tensor.dtype not in FLOATS or size < 0:  # < 0: expanded from fewer numbers
                raise DataError(f"{file}: {show_value(name)} is no tensor of plain floats: {SAVE}")
            found[renamed(name, NAMES)] = tensor.float().contiguous()
    return found


def _require_flat(pickled: IO[bytes]) -> None:
    """Refuse deeply nested tuples, which take for ever to hash, and globals that may fill memory.

    The loop follows the pickle's stack and memo: each item is the number of tuples that the object
    is made of; a mark is -1.
    """
    stack, memo = list[int](), dict[Any, int]()
    for code, argument, _ in pickletools.genops(pickled):
        if "PUT" in code.name:
            memo[argument] = stack[-1]
        taken, n = list[int](), len(code.stack_before)
        if pickletools.stackslice in code.stack_before:
            while -1 not in taken[-1:]:
                taken.append(stack.pop())
            n -= 2  # the mark, and the slice above it
        taken += [stack.pop() for _ in range(n)]
        made = sum(taken) + 2 if "TUPLE" in code.name else -(code.name == "MARK")
        made = memo[argument] if "GET" in code.name else made
        is_odd = code.name == "GLOBAL" and not MADE_BY.fullmatch(str(argument))
        if made > MOST_TUPLES or is_odd:
            raise ValueError("more than tensors")
        stack += [made] * len(code.stack_after)


def _sizes(file: Path, weights: Mapping[str, Tensor], given: ModelConfig) -> VanillaConfig:
    """Return the sizes of the model, from the shapes of its tensors.

    The number of heads and the dropout, which no shape shows, are those of ``given``.

    Raises:
        ConfigError: the sizes do not fit each other, or the number of heads.
        DataError: the tensors are of another model.
    """
    for name, dims in (("embedding.token.weight", 2), ("embedding.position", 3)):
        if name not in weights or weights[name].dim() != dims:
            raise DataError(f"{file}: {_odd(name, name in weights)}")
    n_characters, d = weights["embedding.token.weight"].shape
    length = weights["embedding.position"].shape[1]
    n_layers = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    expected = (2 * n_characters + length) * d + n_layers * (12 * d + 13) * d + 2 * d
    if expected != sum(tensor.numel() for tensor in weights.values()):
        raise DataError(
            f"{file}: has not the {expected:,} weights of a vanilla model of width {d}, "
            f"{n_layers} layers and {length} positions: import takes no other"
        )
    values = {"n_layers": n_layers, "d_model": d, "block_size": length, "n_heads": given.n_heads}
    try:
        return VanillaConfig.model_validate({**values, "dropout": given.dropout})
    except ValidationError as error:
        why = explain(error.errors()[0], str(file), {}, {}, VanillaConfig)
        raise ConfigError(f"{why}; set how many heads it has with --set model.n_heads=N") from None


def _odd(name: str, is_there: bool) -> str:
    name = name if len(name) <= 80 else f"{name[:77]}..."
    what = "is of another shape or model" if is_there else "is missing"
    return (
        f"{name} {what}: import takes vanilla models with query, key and value apart and learned "
        f"positions"
    )
