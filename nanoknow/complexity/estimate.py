"""``nanoknow complexity``: what both models' forward pass costs, at one length and at many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from nanoknow.complexity.formulas import (
    ComplexityReport,
    complexity_of,
    sweep,
    sweep_bottlenecks,
    vanilla_of,
)
from nanoknow.config.models import PerceiverConfig
from nanoknow.errors import ConfigError

VOCAB_SIZE = 256
"""Of the original's pretraining text, specials included."""
MAX_LENGTH = 2**40
SWEEP_LENGTHS = (32, 64, 128, 256, 512, 1024, 2048, 4096)


def estimate(
    *,
    n_layers: int | None = None,
    n_heads: int | None = None,
    d_model: int | None = None,
    seq_len: int | None = None,
    bottleneck_dim: int | None = None,
    latents: str | None = None,
    vocab_size: int = VOCAB_SIZE,
    sweep_lengths: Sequence[int] = SWEEP_LENGTHS,
    plot: Path | None = None,
) -> ComplexityReport:
    """Compare the cost of the vanilla and the perceiver model.

    Sizes left None are the original experiment's (``PerceiverConfig``), but no more latents than
    there are characters.

    Args:
        n_layers: 2 or more, the perceiver's projections among them.
        n_heads: of each attention.
        d_model: the width.
        seq_len: characters of the sequence, and positions in the table.
        bottleneck_dim: the perceiver's latents.
        latents: what they read, ``first`` or ``spread``.
        vocab_size: characters, specials included.
        sweep_lengths: sequence lengths to compare, in any order.
        plot: where to draw cost against length and bottleneck, .png or .svg.

    Raises:
        ConfigError: sizes that do not fit each other, or a picture that cannot be written.
    """
    if bottleneck_dim is None and seq_len is not None:
        bottleneck_dim = min(PerceiverConfig.model_fields["bottleneck_dim"].default, seq_len)
    sizes = {
        "n_layers": n_layers,
        "n_heads": n_heads,
        "d_model": d_model,
        "block_size": seq_len,
        "bottleneck_dim": bottleneck_dim,
        "latents": latents,
    }
    config = _validate({key: value for key, value in sizes.items() if value is not None})
    if vocab_size < 1:
        raise ConfigError(f"vocab_size {vocab_size}: give 1 or more")
    lengths = sorted(set(sweep_lengths))
    if not lengths or lengths[0] < 1 or lengths[-1] > MAX_LENGTH:
        raise ConfigError(
            f"sweep_lengths {list(sweep_lengths)}: give lengths from 1 to {MAX_LENGTH}"
        )
    report = ComplexityReport(
        config,
        vocab_size,
        complexity_of(vanilla_of(config), vocab_size, config.block_size),
        complexity_of(config, vocab_size, config.block_size),
        tuple(sweep(config, vocab_size, lengths)),
        tuple(sweep_bottlenecks(config, vocab_size)),
    )
    if plot is None:
        return report
    from nanoknow.complexity.figure import plot_complexity

    plot_complexity(report, plot)
    return replace(report, plot=str(plot))


def _validate(sizes: dict[str, int | str]) -> PerceiverConfig:
    try:
        return PerceiverConfig.model_validate(sizes)
    except ValidationError as invalid:
        error = invalid.errors()[0]
    key = "".join(f"{part}: " for part in error["loc"])
    given = f" (got {error['input']!r})" if error["loc"] else ""
    text = key + error["msg"].removeprefix("Value error, ") + given
    # Here the table of positions is as long as the sequence, and the user knows it as that.
    raise ConfigError(text.replace("block_size", "seq_len"))
