"""Models that answer differently to whatever they read."""

import string
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn

from nanoknow.config.models import ModelConfig
from nanoknow.data.batch import Group, Layout
from nanoknow.data.tokenizer import MASK, PAD, Ids, Tokenizer
from nanoknow.generation.decoding import Decoded, decode_greedily
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from nanoknow.tasks.question_answering import answer_text, prompt_ids
from tests.helpers.textbook_twins import CONFIGS, VOCAB, copy_weights, textbook_of
from tests.tools.textbook_models import TextbookModel

LETTERS = string.ascii_lowercase[: VOCAB - 2]
TOKENIZER = Tokenizer(PAD + MASK + LETTERS)
BLOCK = 24
every_config = pytest.mark.parametrize("config", CONFIGS, ids=repr)


def scramble(model: nn.Module, seed: int) -> None:
    """Draw weights with which a model answers differently to whatever it reads."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() == 1:
            gain = float("ln" in name and name.endswith("weight"))
            noise = gain + 0.1 * noise
        elif parameter.dim() == 2 and "emb" not in name:
            noise *= 2.0 / parameter.shape[1] ** 0.5
        if name.startswith("head") and parameter.dim() == 2:
            noise[TOKENIZER.mask_id] *= 2.0  # some answers end early, others late or not at all
        parameter.data.copy_(noise)


def twins(config: ModelConfig, seed: int = 2) -> tuple[TextbookModel, CharacterModel]:
    """Return the textbook's model and ours with the same weights."""
    assert config.block_size == BLOCK
    textbook = textbook_of(config).eval()
    scramble(textbook, seed)
    model = build_model(config, VOCAB, torch.Generator())
    copy_weights(textbook, model)
    return textbook, model


def random_texts(lengths: Sequence[int], seed: int = 0) -> list[str]:
    generator = np.random.default_rng(seed)
    return ["".join(generator.choice(list(LETTERS), n)) for n in lengths]


def decode(model: CharacterModel, texts: Sequence[str], max_new: int) -> list[Decoded]:
    prompts = [prompt_ids(TOKENIZER, text) for text in texts]
    return decode_greedily(model, prompts, TOKENIZER.mask_id, max_new)


def answers_of(decoded: Sequence[Decoded]) -> list[str]:
    return [answer_text(TOKENIZER, d.ids) for d in decoded]


@torch.no_grad()
def uncached_logits(model: CharacterModel, ids: Ids) -> torch.Tensor:
    logits: torch.Tensor = model(torch.from_numpy(ids), Layout.of((Group(1, len(ids)),)))
    return logits


def rotary(config: ModelConfig) -> ModelConfig:
    return config.model_copy(update={"positions": "rotary"})


every_position = pytest.mark.parametrize(
    "config", [*CONFIGS, *(rotary(config) for config in CONFIGS[:2])], ids=repr
)


def scrambled(config: ModelConfig) -> CharacterModel:
    model = build_model(config, VOCAB, torch.Generator().manual_seed(0)).eval()
    scramble(model, 2)
    return model
