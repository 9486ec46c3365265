"""``nanoknow complexity``: what both models' forward pass costs, at one length and at many."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ValidationError

from nanoknow.complexity.formulas import Complexity, complexity_of, vanilla_of
from nanoknow.config.messages import explain
from nanoknow.config.models import PerceiverConfig
from nanoknow.errors import ConfigError
from nanoknow.system.plain import Result

VOCAB_SIZE = 256
"""Characters of the original's pretraining text, specials included."""
CODE_POINTS = 0x110000
SWEEP_LENGTHS = (32, 64, 128, 256, 512, 1024, 2048, 4096)


@dataclass(frozen=True)
class SweepRow:
    """Both models at one sequence length: FLOPs of a forward pass, bytes of float32 attention.

    Attributes:
        flops_ratio: the perceiver's FLOPs divided by the vanilla model's.
    """

    seq_len: int
    vanilla_flops: int
    perceiver_flops: int
    vanilla_attention_bytes: int
    perceiver_attention_bytes: int
    flops_ratio: float


@dataclass(frozen=True)
class BottleneckRow:
    """The perceiver with one bottleneck, at one sequence length: the same two costs."""

    bottleneck_dim: int
    flops: int
    attention_bytes: int


@dataclass(frozen=True, repr=False)
class ComplexityReport(Result):
    """Both models side by side.

    Attributes:
        config: the perceiver's sizes; the vanilla model has the same without the bottleneck.
        vocab_size: characters, specials included.
        sweep: both models at ascending sequence lengths.
        bottlenecks: the perceiver with ascending bottlenecks, at ``vanilla.seq_len`` characters.
    """

    JSON: ClassVar = ("*sizes", "vanilla", "perceiver", "sweep", "bottlenecks")

    config: PerceiverConfig
    vocab_size: int
    vanilla: Complexity
    perceiver: Complexity
    sweep: tuple[SweepRow, ...]
    bottlenecks: tuple[BottleneckRow, ...]

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes that both models were counted for, by name."""
        keys = ("n_layers", "n_heads", "d_model", "bottleneck_dim")
        counted = {"seq_len": self.vanilla.seq_len, "vocab_size": self.vocab_size}
        return {**{key: getattr(self.config, key) for key in keys}, **counted}


def estimate(
    *, seq_len: int | None = None, vocab_size: int = VOCAB_SIZE, **sizes: int | str | None
) -> ComplexityReport:
    """Compare the cost of the vanilla and the perceiver model.

    Sizes that are None default to the original experiment's (``PerceiverConfig``), the bottleneck
    to ``seq_len`` if that is smaller.

    Args:
        seq_len: characters of the sequence, and rows of the position table.
        vocab_size: characters, specials included.
        sizes: other keys of ``PerceiverConfig``.

    Raises:
        ConfigError: the sizes do not fit each other.
    """
    sizes["block_size"] = seq_len
    given = {key: value for key, value in sizes.items() if value is not None}
    if seq_len is not None:
        given.setdefault("bottleneck_dim", min(PerceiverConfig().bottleneck_dim, seq_len))
    try:
        config = PerceiverConfig.model_validate(given)
    except ValidationError as error:
        words = explain(error.errors()[0], "", {}, {}, PerceiverConfig)
        # The block is as long as the sequence here, and the user knows it by that name.
        raise ConfigError(words.replace("block_size", "seq_len")) from None
    if not 1 <= vocab_size <= CODE_POINTS:
        raise ConfigError(f"vocab_size {vocab_size}: give 1 to {CODE_POINTS:,}, all of Unicode")
    return ComplexityReport(
        config,
        vocab_size,
        complexity_of(vanilla_of(config), vocab_size, config.block_size),
        complexity_of(config, vocab_size, config.block_size),
        tuple(sweep(config, vocab_size)),
        tuple(sweep_bottlenecks(config, vocab_size)),
    )


def sweep(config: PerceiverConfig, vocab_size: int) -> list[SweepRow]:
    """Compare both models at each of ``SWEEP_LENGTHS``, all other sizes the same."""
    rows = []
    for seq_len in SWEEP_LENGTHS:
        vanilla = complexity_of(vanilla_of(config), vocab_size, seq_len)
        perceiver = complexity_of(config, vocab_size, seq_len)
        flops = (vanilla.flops, perceiver.flops)
        memory = (vanilla.attention_bytes, perceiver.attention_bytes)
        rows.append(SweepRow(seq_len, *flops, *memory, perceiver.flops / vanilla.flops))
    return rows


def sweep_bottlenecks(config: PerceiverConfig, vocab_size: int) -> list[BottleneckRow]:
    """Return the cost at each power of 2 up to the block, at the block and at the config's own."""
    dims = {1 << n for n in range(config.block_size.bit_length())}
    rows = []
    for m in sorted(dims | {config.bottleneck_dim, config.block_size}):
        narrow = config.model_copy(update={"bottleneck_dim": m})
        cost = complexity_of(narrow, vocab_size, config.block_size)
        rows.append(BottleneckRow(m, cost.flops, cost.attention_bytes))
    return rows
