"""Decoding: many answers at once with a cache, and text a character at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nanoknow.config import PastBlock
from nanoknow.data.batch import Group, Layout
from nanoknow.data.tokenizer import Ids
from nanoknow.models.base import CharacterModel

ANSWERS_AT_ONCE = 128
"""More of them are padded further, and their caches leave the processor's own."""


@dataclass(frozen=True)
class Decoded:
    """What greedy decoding wrote after one prompt.

    Attributes:
        ids: the new ids, the stop included where it was reached.
        log_probability: of all of them together, in nats.
    """

    ids: list[int]
    log_probability: float


@torch.inference_mode()
def decode_greedily(
    model: CharacterModel, prompts: Sequence[Ids], stop_id: int, max_new: int
) -> list[Decoded]:
    """Continue each prompt with its most probable characters until it stops.

    Prompts of any lengths are decoded together: padded on the right, each with its own place to
    write at, so that padding is overwritten before anything can see it.

    Args:
        model: used as it is, on its own device.
        prompts: each 1 … ``block_size`` ids.
        stop_id: ends an answer.
        max_new: ids to write at most; the end of the block ends an answer too.
    """
    model.eval()
    decoded: list[Decoded | None] = [None] * len(prompts)
    by_length = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for first in range(0, len(prompts), ANSWERS_AT_ONCE):
        chunk = by_length[first : first + ANSWERS_AT_ONCE]
        results = _decode_together(model, [prompts[i] for i in chunk], stop_id, max_new)
        for i, result in zip(chunk, results, strict=True):
            decoded[i] = result
    return [result for result in decoded if result is not None]


def _decode_together(
    model: CharacterModel, prompts: Sequence[Ids], stop_id: int, max_new: int
) -> list[Decoded]:
    device = next(model.parameters()).device
    lengths = torch.tensor([len(prompt) for prompt in prompts])  # (B,)
    width = int(lengths.max())
    rows = torch.zeros(len(prompts), width, dtype=torch.long)  # (B, T)
    for row, prompt in zip(rows, prompts, strict=True):
        row[: len(prompt)] = torch.from_numpy(prompt)
    block_size = model.config.block_size
    caches = model.new_caches(min(block_size, width + max_new))
    layout = Layout.of((Group(len(prompts), width),), device)
    at = lengths.to(device)  # (B,) where each row writes next
    ends = torch.arange(0, len(rows) * width, width, device=device) + at - 1  # (B,)
    logits = model(rows.flatten().to(device), layout, caches, ends)  # (B, vocabulary)
    written: list[list[int]] = [[] for _ in prompts]
    scores = [0.0] * len(prompts)
    active = list(range(len(prompts)))
    for step in range(max_new):
        best_score, best = logits.float().log_softmax(-1).max(-1)  # (B,)
        for i, token, score in zip(active, best.tolist(), best_score.tolist(), strict=True):
            written[i].append(token)
            scores[i] += score
        going = torch.nonzero((best != stop_id) & (at < block_size)).flatten()
        if step == max_new - 1 or not len(going):
            break
        if len(going) < len(active):
            active = [active[i] for i in going.tolist()]
            at, best = at[going], best[going]
            for cache in caches:
                cache.select(going)
        end = max(len(prompts[i]) for i in active) + step + 1
        layout = Layout((Group(len(active), 1),), at, end)
        logits = model(best, layout, caches)
        at = at + 1
    return [Decoded(ids, score) for ids, score in zip(written, scores, strict=True)]


@torch.inference_mode()
def sample(
    model: CharacterModel,
    context: Ids,
    length: int,
    temperature: float,
    top_k: int | None,
    generator: torch.Generator,
    past_block: PastBlock = "recompute",
) -> Iterator[int]:
    """Write ``length`` characters after a context, one at a time.

    Within the block each character costs one step of a cache. Past it there are two ways:

    ``recompute``: the model reads the last ``block_size`` characters anew for every one. With
    learned positions each of them has moved, so that nothing computed before is of use. This is
    what the original did, and the exact reference.

    ``hop``: when the block is full, the model reads its last ``block_size // 2`` characters anew
    from position 0, and goes on by the cache until it is full again. Each character is then
    predicted from between half and all of a block: another text, as likely, many times faster.

    Args:
        model: used as it is, on its own device.
        context: at least one id; the last ``block_size`` of them count.
        length: how many characters to write.
        temperature: divides the logits.
        top_k: choose among so many most probable characters; None for all.
        generator: a CPU generator; draws are made on the CPU, the same on every device.
        past_block: ``recompute`` or ``hop``.
    """
    model.eval()
    device = next(model.parameters()).device
    block_size = model.config.block_size
    kept = block_size if past_block == "recompute" else block_size // 2
    window = torch.from_numpy(context)[-block_size:]  # (T,)
    caches = model.new_caches(block_size)
    new, first = window, 0
    for _ in range(length):
        if first + len(new) > block_size:
            new, first, caches = window[-kept:], 0, model.new_caches(block_size)
        end = first + len(new)
        layout = Layout((Group(1, len(new)),), torch.arange(first, end, device=device), end)
        last = torch.tensor([len(new) - 1], device=device)
        [logits] = model(new.to(device), layout, caches, last)  # (vocabulary,)
        first = end
        new = _draw(logits.float().cpu() / temperature, top_k, generator)  # (1,)
        window = torch.cat([window, new])[-block_size:]
        yield int(new)


def _draw(logits: Tensor, top_k: int | None, generator: torch.Generator) -> Tensor:
    if top_k is not None and top_k < len(logits):
        least = logits.topk(top_k).values[-1]
        logits = logits.masked_fill(logits < least, -torch.inf)
    return torch.multinomial(logits.softmax(-1), 1, generator=generator)
