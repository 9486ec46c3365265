"""The model variants as data: their sizes, and the rules that these must meet."""

from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from nanoknow.config.values import Fraction, Frozen, Thousand, Width

LONGEST_BLOCK = 2**14
"""Largest block, in characters; a spread perceiver has a mask of block × block."""


class TransformerConfig(Frozen):
    """What every model variant shares."""

    n_layers: Thousand = 4
    n_heads: Width = 8
    d_model: Width = 256
    block_size: Annotated[int, Strict(), Field(ge=8, le=LONGEST_BLOCK)] = 128
    dropout: Fraction = 0.1
    positions: Literal["learned", "rotary"] = "learned"

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        d, h = self.d_model, self.n_heads
        if d % h:
            raise ValueError(f"n_heads {h} must divide d_model {d} without remainder")
        if self.positions == "rotary" and d // h % 2:
            raise ValueError(
                f"rotary positions turn pairs: d_model {d} over n_heads {h} must be even"
            )
        return self


class VanillaConfig(TransformerConfig):
    """The ordinary causal transformer."""

    variant: Literal["vanilla"] = "vanilla"


class PerceiverConfig(TransformerConfig):
    """The transformer whose trunk works on ``bottleneck_dim`` latents."""

    variant: Literal["perceiver"] = "perceiver"
    bottleneck_dim: Width = 64
    latents: Literal["first", "spread"] = "first"
    """first: latent j reads the first j + 1 characters, so that the trunk sees no more than the
    first bottleneck_dim, as in the original; spread: what the latents read grows evenly up to the
    whole block, and a character reads the complete latents and the characters since."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.n_layers < 2:
            raise ValueError("a perceiver needs n_layers of 2 or more: one projects down, one up")
        m, block = self.bottleneck_dim, self.block_size
        if m > block:
            raise ValueError(f"bottleneck_dim {m} must not exceed block_size {block}")
        return self

    @property
    def latent_span(self) -> int:
        """Characters that the last latent reads; the latents before it read evenly fewer."""
        return self.bottleneck_dim if self.latents == "first" else self.block_size

    def latent_end(self, j: int) -> int:
        """Return how many characters, from the first, latent j reads: ⌈(j + 1)·span/m⌉."""
        return -(-(j + 1) * self.latent_span // self.bottleneck_dim)

    def n_latents(self, length: int) -> int:
        """Return how many latents are complete after ``length`` characters."""
        span = self.latent_span
        return min(length, span) * self.bottleneck_dim // span


ModelConfig = Annotated[VanillaConfig | PerceiverConfig, Field(discriminator="variant")]
