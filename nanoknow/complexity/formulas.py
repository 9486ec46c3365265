"""What a forward pass costs: multiply-adds, parameters and attention memory, by component.

For one sequence of ℓ characters; d is the width, h the heads, L the layers, m the perceiver's
bottleneck, V the vocabulary. An (a × b)·(b × c) product takes abc multiply-adds, two FLOPs each,
so that a layer whose n queries attend to s keys (Vaswani et al., 2017) takes

    2nd²   query and output projections
    2sd²   key and value projections
    2nsd   scores and weighted sums, h heads of d/h
    8nd²   MLP, d → 4d → d

with n = s = ℓ in a block, n = m, s = ℓ in the perceiver's down-projection (Jaegle et al., 2021)
and n = ℓ, s = m in its up-projection; where its latents are spread over the block, the latter
reads ℓ - m characters too, s = ℓ. The original's total leaves out the 2mℓd of these two; here
they are counted. Biases, LayerNorm, softmax, GELU and what a causal mask could save are not, as
in ``torch.utils.flop_counter``, whose totals these equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from nanoknow.config.models import ModelConfig, PerceiverConfig, VanillaConfig

FLOAT32_BYTES = 4


@dataclass(frozen=True)
class Component:
    """Layers of one kind; the numbers are those of all ``count`` together.

    Attributes:
        name: what they are.
        count: how many there are.
        formula: multiply-adds of one; m stands for the latents that ℓ characters need.
        big_o: how one grows.
        multiply_adds: for one sequence.
        parameters: numbers that training adjusts.
        attention_entries: attention weights, h·(queries × keys) a layer.
    """

    name: str
    count: int
    formula: str
    big_o: str
    multiply_adds: int
    parameters: int
    attention_entries: int

    @property
    def flops(self) -> int:
        """A multiplication and an addition each."""
        return 2 * self.multiply_adds

    @property
    def attention_bytes(self) -> int:
        """Of the attention weights in float32, where a kernel writes them out."""
        return FLOAT32_BYTES * self.attention_entries

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**asdict(self), "flops": self.flops, "attention_bytes": self.attention_bytes}


@dataclass(frozen=True)
class Complexity:
    """A model's cost on one sequence of ``seq_len`` characters.

    Attributes:
        formula: multiply-adds in all.
    """

    variant: str
    seq_len: int
    formula: str
    components: tuple[Component, ...]

    @property
    def multiply_adds(self) -> int:
        """Of a forward pass."""
        return sum(component.multiply_adds for component in self.components)

    @property
    def flops(self) -> int:
        """Of a forward pass."""
        return sum(component.flops for component in self.components)

    @property
    def parameters(self) -> int:
        """Numbers that training adjusts."""
        return sum(component.parameters for component in self.components)

    @property
    def attention_bytes(self) -> int:
        """Of the attention weights of all layers in float32, as training keeps them."""
        return sum(component.attention_bytes for component in self.components)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values, totals included."""
        return {
            "variant": self.variant,
            "seq_len": self.seq_len,
            "formula": self.formula,
            "multiply_adds": self.multiply_adds,
            "flops": self.flops,
            "parameters": self.parameters,
            "attention_bytes": self.attention_bytes,
            "components": [component.to_json() for component in self.components],
        }


@dataclass(frozen=True)
class SweepRow:
    """Both models at one sequence length: FLOPs of a forward pass, float32 attention bytes."""

    seq_len: int
    vanilla_flops: int
    perceiver_flops: int
    vanilla_attention_bytes: int
    perceiver_attention_bytes: int

    @property
    def flops_ratio(self) -> float:
        """The perceiver's share of the vanilla model's FLOPs."""
        return self.perceiver_flops / self.vanilla_flops

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**asdict(self), "flops_ratio": self.flops_ratio}


@dataclass(frozen=True)
class BottleneckRow:
    """The perceiver with one bottleneck, at one sequence length: the same two costs."""

    bottleneck_dim: int
    flops: int
    attention_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class ComplexityReport:
    """Both models side by side.

    Attributes:
        config: the perceiver's sizes; the vanilla model has the same without the bottleneck.
        vocab_size: characters, specials included.
        sweep: ascending sequence lengths.
        bottlenecks: ascending, at ``vanilla.seq_len``.
        plot: the picture's path, where one was drawn.
    """

    config: PerceiverConfig
    vocab_size: int
    vanilla: Complexity
    perceiver: Complexity
    sweep: tuple[SweepRow, ...]
    bottlenecks: tuple[BottleneckRow, ...]
    plot: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "n_layers": self.config.n_layers,
            "n_heads": self.config.n_heads,
            "d_model": self.config.d_model,
            "seq_len": self.vanilla.seq_len,
            "bottleneck_dim": self.config.bottleneck_dim,
            "vocab_size": self.vocab_size,
            "vanilla": self.vanilla.to_json(),
            "perceiver": self.perceiver.to_json(),
            "sweep": [row.to_json() for row in self.sweep],
            "bottlenecks": [row.to_json() for row in self.bottlenecks],
            "plot": self.plot,
        }


def complexity_of(config: ModelConfig, vocab_size: int, seq_len: int) -> Complexity:
    """Return a model's cost on one sequence.

    Args:
        config: its variant and sizes.
        vocab_size: characters, specials included.
        seq_len: 1 or more; past ``block_size``, positions are counted as if it were raised.
    """
    if isinstance(config, PerceiverConfig):
        return _perceiver(config, vocab_size, seq_len)
    return _vanilla(config, vocab_size, seq_len)


def _vanilla(config: VanillaConfig, vocab_size: int, seq_len: int) -> Complexity:
    blocks = _layers(
        config, "block", config.n_layers, (seq_len, seq_len), "12ℓd² + 2ℓ²d", "O(ℓd² + ℓ²d)"
    )
    embedding, head = _embedding(config, vocab_size, seq_len), _head(config, vocab_size, seq_len)
    formula = "L(12ℓd² + 2ℓ²d) + ℓdV"
    return Complexity(config.variant, seq_len, formula, (embedding, blocks, head))


def _perceiver(config: PerceiverConfig, vocab_size: int, seq_len: int) -> Complexity:
    longer = config.model_copy(update={"block_size": max(config.block_size, seq_len)})
    m = max(1, longer.n_latents(seq_len))
    spread = config.latents == "spread"
    down = _layers(
        config,
        "down-projection",
        1,
        (m, seq_len),
        "10md² + 2ℓd² + 2mℓd",
        "O(md² + ℓd² + mℓd)",
        extra_parameters=config.bottleneck_dim * config.d_model,  # the basis
    )
    n_blocks = config.n_layers - 2
    trunk = _layers(config, "trunk block", n_blocks, (m, m), "12md² + 2m²d", "O(md² + m²d)")
    up = _layers(
        config,
        "up-projection",
        1,
        (seq_len, seq_len if spread else m),
        "12ℓd² + 2ℓ²d" if spread else "10ℓd² + 2md² + 2mℓd",
        "O(ℓd² + ℓ²d)" if spread else "O(ℓd² + md² + mℓd)",
    )
    embedding, head = _embedding(config, vocab_size, seq_len), _head(config, vocab_size, seq_len)
    crossing = "(10m + 14ℓ)d² + 2(m + ℓ)ℓd" if spread else "12(m + ℓ)d² + 4mℓd"
    formula = f"{crossing} + (L−2)(12md² + 2m²d) + ℓdV"
    return Complexity(config.variant, seq_len, formula, (embedding, down, trunk, up, head))


def vanilla_of(config: PerceiverConfig) -> VanillaConfig:
    """Return the vanilla model of a perceiver's sizes."""
    return VanillaConfig(**config.model_dump(exclude={"variant", "bottleneck_dim", "latents"}))


def sweep(config: PerceiverConfig, vocab_size: int, seq_lens: Iterable[int]) -> list[SweepRow]:
    """Compare both models at each sequence length, all other sizes the same."""
    rows = []
    for seq_len in seq_lens:
        vanilla = complexity_of(vanilla_of(config), vocab_size, seq_len)
        perceiver = complexity_of(config, vocab_size, seq_len)
        flops = (vanilla.flops, perceiver.flops)
        rows.append(SweepRow(seq_len, *flops, vanilla.attention_bytes, perceiver.attention_bytes))
    return rows


def sweep_bottlenecks(config: PerceiverConfig, vocab_size: int) -> list[BottleneckRow]:
    """Return the cost with each bottleneck that is a power of 2, the config's, and the block."""
    dims = {1 << n for n in range(config.block_size.bit_length())}
    rows = []
    for m in sorted(dims | {config.bottleneck_dim, config.block_size}):
        cost = complexity_of(
            config.model_copy(update={"bottleneck_dim": m}), vocab_size, config.block_size
        )
        rows.append(BottleneckRow(m, cost.flops, cost.attention_bytes))
    return rows


def _layers(
    config: ModelConfig,
    name: str,
    count: int,
    lengths: tuple[int, int],
    formula: str,
    big_o: str,
    extra_parameters: int = 0,
) -> Component:
    """Count layers of attention and MLP; ``lengths`` are those of queries and keys."""
    d, (queries, keys) = config.d_model, lengths
    linear = (2 + 8) * queries * d**2 + 2 * keys * d**2
    multiply_adds = count * (linear + 2 * queries * keys * d)
    # Matrices 4d² + 8d², their biases 4d + 5d, two LayerNorms 4d.
    parameters = count * (12 * d**2 + 13 * d) + extra_parameters
    entries = count * config.n_heads * queries * keys
    return Component(name, count, formula, big_o, multiply_adds, parameters, entries)


def _embedding(config: ModelConfig, vocab_size: int, seq_len: int) -> Component:
    learned = config.positions == "learned"
    rows = vocab_size + (max(config.block_size, seq_len) if learned else 0)
    return Component("embedding", 1, "0", "O(ℓd)", 0, rows * config.d_model, 0)


def _head(config: ModelConfig, vocab_size: int, seq_len: int) -> Component:
    d = config.d_model
    parameters = d * vocab_size + 2 * d  # no bias; the final LayerNorm
    return Component("head", 1, "ℓdV", "O(ℓdV)", seq_len * d * vocab_size, parameters, 0)
