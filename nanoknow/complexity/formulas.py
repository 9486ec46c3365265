"""What a forward pass costs: multiply-adds, parameters and attention memory, by component.

For one sequence of ℓ characters; d is the width, h the number of heads, L of layers, m of the
perceiver's latents, V of characters in the vocabulary. Totals equal those of
``torch.utils.flop_counter``.
"""

from dataclasses import dataclass
from typing import ClassVar

from nanoknow.config.models import ModelConfig, PerceiverConfig, VanillaConfig

FLOAT32_BYTES = 4


@dataclass(frozen=True)
class Cost:
    """The cost of layers on one sequence.

    Attributes:
        multiply_adds: of a forward pass.
        parameters: trainable ones.
        attention_entries: attention weights, h·(queries × keys) a layer.
    """

    multiply_adds: int
    parameters: int
    attention_entries: int

    @property
    def flops(self) -> int:
        """FLOPs: a multiplication and an addition for each multiply-add."""
        return 2 * self.multiply_adds

    @property
    def attention_bytes(self) -> int:
        """Bytes of the attention weights in float32, as training keeps them."""
        return FLOAT32_BYTES * self.attention_entries


@dataclass(frozen=True)
class Component(Cost):
    """Layers of one kind; the cost is that of all ``count`` together.

    Attributes:
        name: what they are.
        count: how many there are.
        formula: multiply-adds of one; m is the number of latents that ℓ characters need.
        big_o: how one grows.
    """

    JSON: ClassVar = (
        *("name", "count", "formula", "big_o", "multiply_adds", "parameters"),
        *("attention_entries", "flops", "attention_bytes"),
    )

    name: str
    count: int
    formula: str
    big_o: str


@dataclass(frozen=True)
class Complexity(Cost):
    """A model's cost on one sequence of ``seq_len`` characters.

    Attributes:
        formula: total multiply-adds.
        components: its parts, whose costs it sums.
    """

    JSON: ClassVar = (
        *("variant", "seq_len", "formula", "multiply_adds", "flops", "parameters"),
        *("attention_bytes", "components"),
    )

    variant: str
    seq_len: int
    formula: str
    components: tuple[Component, ...]


def vanilla_of(config: PerceiverConfig) -> VanillaConfig:
    """Return the vanilla model of a perceiver's sizes."""
    return VanillaConfig(**config.model_dump(exclude={"variant", "bottleneck_dim", "latents"}))


def complexity_of(config: ModelConfig, vocab_size: int, seq_len: int) -> Complexity:
    """Return a model's cost on one sequence.

    Embedding and head surround the layers of either model. Looking up an embedding multiplies
    nothing; the head is a (ℓ × d)·(d × V) product, ℓdV. See ``_layers`` for the others.

    Args:
        config: its variant and sizes.
        vocab_size: characters, specials included.
        seq_len: characters, 1 or more; beyond ``block_size``, counted as if that were as large.
    """
    if isinstance(config, PerceiverConfig):
        formula, layers = _perceiver(config, seq_len)
    else:
        formula, layers = _vanilla(config, seq_len)
    d, learned = config.d_model, config.positions == "learned"
    rows = vocab_size + (max(config.block_size, seq_len) if learned else 0)
    embedding = Component(0, rows * d, 0, "embedding", 1, "0", "O(ℓd)")
    parameters = d * vocab_size + 2 * d  # no bias; the final LayerNorm
    head = Component(seq_len * d * vocab_size, parameters, 0, "head", 1, "ℓdV", "O(ℓdV)")
    parts = (embedding, *layers, head)
    total = (
        sum(part.multiply_adds for part in parts),
        sum(part.parameters for part in parts),
        sum(part.attention_entries for part in parts),
    )
    return Complexity(*total, config.variant, seq_len, f"{formula} + ℓdV", parts)


def _vanilla(config: ModelConfig, seq_len: int) -> tuple[str, list[Component]]:
    """L blocks, each of n = s = ℓ: 12ℓd² + 2ℓ²d."""
    formula, big_o = "12ℓd² + 2ℓ²d", "O(ℓd² + ℓ²d)"
    blocks = _layers(config, "block", config.n_layers, (seq_len, seq_len), formula, big_o)
    return f"L({formula})", [blocks]


def _perceiver(config: PerceiverConfig, seq_len: int) -> tuple[str, list[Component]]:
    """A down-projection, L - 2 blocks on m latents, and an up-projection (Jaegle et al., 2021).

    Down, n = m latents read s = ℓ characters: 10md² + 2ℓd² + 2mℓd. A block has n = s = m:
    12md² + 2m²d. Up, n = ℓ characters read s = m latents: 10ℓd² + 2md² + 2mℓd; where the latents
    are spread over the sequence, they read the ℓ - m other characters as well, so that s = ℓ:
    12ℓd² + 2ℓ²d. The original's total leaves out the 2mℓd of both projections; here it is counted.
    """
    longer = config.model_copy(update={"block_size": max(config.block_size, seq_len)})
    m = max(1, longer.n_latents(seq_len))
    up, keys = ("10ℓd² + 2md² + 2mℓd", "O(ℓd² + md² + mℓd)"), m
    both = "12(m + ℓ)d² + 4mℓd"
    if config.latents == "spread":
        up, keys = ("12ℓd² + 2ℓ²d", "O(ℓd² + ℓ²d)"), seq_len
        both = "(10m + 14ℓ)d² + 2(m + ℓ)ℓd"
    down = ("10md² + 2ℓd² + 2mℓd", "O(md² + ℓd² + mℓd)")
    trunk, basis = ("12md² + 2m²d", "O(md² + m²d)"), config.bottleneck_dim * config.d_model
    return f"{both} + (L−2)({trunk[0]})", [
        _layers(config, "down-projection", 1, (m, seq_len), *down, basis),
        _layers(config, "trunk block", config.n_layers - 2, (m, m), *trunk),
        _layers(config, "up-projection", 1, (seq_len, keys), *up),
    ]


def _layers(
    config: ModelConfig,
    name: str,
    count: int,
    lengths: tuple[int, int],
    formula: str,
    big_o: str,
    extra_parameters: int = 0,
) -> Component:
    """Return the cost of ``count`` layers of attention and MLP whose n queries attend to s keys.

    An (a × b)·(b × c) product takes abc multiply-adds, two FLOPs each. A layer (Vaswani et al.,
    2017) therefore takes

        2nd²   query and output projections
        2sd²   key and value projections
        2nsd   scores and weighted sums, h heads of d/h
        8nd²   MLP, d → 4d → d

    Biases, LayerNorm, softmax and GELU are not counted, nor is what a causal mask could save.

    Args:
        config: gives d and h.
        name: of the component.
        count: how many layers.
        lengths: n and s.
        formula: the multiply-adds of one layer in symbols.
        big_o: how one grows.
        extra_parameters: in addition to those of attention and MLP.
    """
    d, (n, s) = config.d_model, lengths
    multiply_adds = count * (10 * n * d**2 + 2 * s * d**2 + 2 * n * s * d)
    # Weights 4d² + 8d², their biases 4d + 5d, two LayerNorms 4d.
    parameters = count * (12 * d**2 + 13 * d) + extra_parameters
    entries = count * config.n_heads * n * s
    return Component(multiply_adds, parameters, entries, name, count, formula, big_o)
