"""The same weights in the textbook's models and in ours."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nanoknow.config.models import ModelConfig, PerceiverConfig, VanillaConfig
from nanoknow.models.base import CharacterModel
from tests.tools.textbook_models import Sizes, TextbookModel, TextbookPerceiver, TextbookVanilla
from tests.tools.textbook_spread import TextbookSpreadPerceiver

VOCAB = 23
SIZES = {"n_layers": 3, "n_heads": 4, "d_model": 32, "block_size": 24, "dropout": 0.0}
SPREAD, ROTARY = {"latents": "spread"}, {"positions": "rotary"}
LATENTS: list[tuple[int, dict[str, Any]]] = [
    *((7, {}), (24, {}), (1, {"n_layers": 2})),
    *((m, SPREAD) for m in (7, 8, 24)),
    (1, {**SPREAD, "n_layers": 2}),
    (7, {**SPREAD, **ROTARY}),
    (6, {**SPREAD, **ROTARY, "n_layers": 4}),
]
CONFIGS: list[ModelConfig] = [
    VanillaConfig.model_validate(SIZES),
    *(
        PerceiverConfig.model_validate({**SIZES, "bottleneck_dim": m, **changes})
        for m, changes in LATENTS
    ),
]


def textbook_of(config: ModelConfig, vocab_size: int = VOCAB) -> TextbookModel:
    shared = {field.name for field in fields(Sizes)} - {"vocab_size", "n_latents", "rotary"}
    sizes = Sizes(vocab_size, **config.model_dump(include=shared))
    if not isinstance(config, PerceiverConfig):
        return TextbookVanilla(sizes)
    sizes = replace(sizes, n_latents=config.bottleneck_dim, rotary=config.positions == "rotary")
    build = TextbookSpreadPerceiver if config.latents == "spread" else TextbookPerceiver
    return build(sizes)


def textbook_vanilla(corpus: Path, vocab_size: int | None = None) -> TextbookVanilla:
    """Return a model of the textbook's with random weights, of a corpus's characters."""
    n = vocab_size or 2 + len(set(corpus.read_text(encoding="utf-8")))
    sizes = Sizes(n, block_size=64, n_layers=2, n_heads=8, d_model=16, dropout=0.0)
    model = TextbookVanilla(sizes)
    randomize(model, 0)
    return model.eval()


def our_name(name: str) -> str:
    """Translate the textbook's name of a parameter into ours."""
    for theirs, ours in (
        ("tok_emb", "embedding.token"),
        ("pos_emb", "embedding.position"),
        ("ln_f", "head.ln"),
        ("head.weight", "head.linear.weight"),
        (".attn.proj", ".attention.projection"),
        (".attn.", ".attention."),
        (".mlp.0", ".mlp.expand"),
        (".mlp.2", ".mlp.contract"),
    ):
        if theirs in name:
            name = name.replace(theirs, ours)
            if not theirs.startswith("."):
                break
    return name


def copy_weights(source: nn.Module, target: CharacterModel) -> None:
    state = {our_name(name): value for name, value in source.state_dict().items()}
    shapes = {name: value.shape for name, value in target.state_dict().items()}
    target.load_state_dict({name: value.view(shapes[name]) for name, value in state.items()})


def randomize(model: nn.Module, seed: int) -> None:
    """Make every parameter random, so that no bias, gain or position hides."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
