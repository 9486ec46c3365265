"""Decode many answers at once with a key-value cache, greedily or by sampling."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from nanoknow.data.batch import Group, Layout
from nanoknow.data.tokenizer import Ids
from nanoknow.models.base import CharacterModel
from nanoknow.system.device import precise
from nanoknow.system.memory import keep_freed_memory

ANSWERS_AT_ONCE = 128
"""Prompts decoded together; more need more padding, and a key-value cache beyond the CPU's own."""


Choose = Callable[[Tensor], Tensor]
"""Picks the (B,) ids to write from (B, vocabulary) log-probabilities."""


@dataclass(frozen=True)
class Decoded:
    """What was written after one prompt.

    Attributes:
        ids: the new ids, the stop included where it was reached.
        log_probability: of all of them together, in nats.
    """

    ids: list[int]
    log_probability: float


def decode_greedily(
    model: CharacterModel, prompts: Sequence[Ids], stop_id: int, max_new: int
) -> list[Decoded]:
    """Continue each prompt with its most probable characters (see ``decode``)."""
    return decode(model, prompts, stop_id, max_new, lambda scores: scores.max(-1).indices)


def decode_at_random(
    model: CharacterModel,
    prompts: Sequence[Ids],
    stop_id: int,
    max_new: int,
    generator: torch.Generator,
) -> list[Decoded]:
    """Continue each prompt with characters sampled at temperature 1 (see ``decode``).

    Draws are made on the CPU by a CPU generator, so that they are the same for every device.
    """

    def draw(scores: Tensor) -> Tensor:
        drawn = torch.multinomial(scores.exp().cpu(), 1, generator=generator)  # (B, 1)
        return drawn.flatten().to(scores.device)

    return decode(model, prompts, stop_id, max_new, draw)


@torch.inference_mode()
def decode(
    model: CharacterModel, prompts: Sequence[Ids], stop_id: int, max_new: int, choose: Choose
) -> list[Decoded]:
    """Continue each prompt up to its stop.

    Prompts of different lengths are decoded together: they are padded on the right, and each writes
    at a position of its own, so that padding is overwritten before any query can attend to it.

    Args:
        model: is put into ``eval`` mode, and decodes on its own device.
        prompts: each 1 … ``block_size`` ids.
        stop_id: ends an answer.
        max_new: ids to write at most; the end of the block ends an answer too.
        choose: picks the next id of each prompt.
    """
    keep_freed_memory()
    model.eval()
    decoded: dict[int, Decoded] = {}  # by the index of the prompt
    by_length = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for first in range(0, len(prompts), ANSWERS_AT_ONCE):
        chunk = by_length[first : first + ANSWERS_AT_ONCE]
        results = _decode_together(model, [prompts[i] for i in chunk], stop_id, max_new, choose)
        decoded.update(zip(chunk, results, strict=True))
    return [decoded[i] for i in range(len(prompts))]


def _decode_together(
    model: CharacterModel, prompts: Sequence[Ids], stop_id: int, max_new: int, choose: Choose
) -> list[Decoded]:
    device = next(model.parameters()).device
    lengths = torch.tensor([len(prompt) for prompt in prompts])  # (B,)
    rows = pad_sequence([*map(torch.from_numpy, prompts)], batch_first=True)  # (B, T)
    width, block_size = rows.shape[1], model.config.block_size
    cache = model.new_cache(min(block_size, width + max_new))
    at = lengths.to(device)  # (B,) where each row writes next
    same = (rows == rows[0]).all(0)[: int(lengths.min()) - 1]
    shared = int(same.cumprod(0).sum()) if len(prompts) > 1 else 0
    if shared:  # the model reads the prefix that all prompts share once
        layout = Layout.of((Group(1, shared),), device)
        model(rows[0, :shared].to(device), layout, cache, at.new_zeros(1))
        cache.select(torch.zeros_like(at))
    rest = rows[:, shared:].to(device)
    layout = Layout.of((Group(*rest.shape),), device, shared)
    ends = torch.arange(len(rest), device=device) * rest.shape[1] + at - shared - 1  # (B,)
    logits = model(rest.flatten(), layout, cache, ends)  # (B, vocabulary)
    written: list[list[int]] = [[] for _ in prompts]
    scores = [0.0] * len(prompts)
    active = list(range(len(prompts)))
    for step in range(max_new):
        predicted = precise(model.require_finite(logits)).log_softmax(-1)  # (B, vocabulary)
        new = choose(predicted)  # (B,)
        chosen = predicted.gather(1, new[:, None]).flatten()  # (B,)
        for i, token, score in zip(active, new.tolist(), chosen.tolist(), strict=True):
            written[i].append(token)
            scores[i] += score
        going = (new != stop_id) & (at < block_size)  # (B,)
        n = int(going.sum())
        if step == max_new - 1 or not n:
            break
        if n < len(active):
            # Only rows past the first n move: they fill the gaps that finished rows leave.
            rows = torch.arange(n, device=device)
            rows[~going[:n]] = torch.nonzero(going[n:]).flatten() + n
            active = [active[i] for i in rows.tolist()]
            at, new = at[rows], new[rows]
            cache.select(rows)
        sizes = {len(prompts[i]) for i in active}
        start = min(sizes) + step if len(sizes) == 1 else None
        layout = Layout((Group(len(active), 1),), at, max(sizes) + step + 1, start)
        logits = model(new, layout, cache)
        at = at + 1
    return [Decoded(ids, score) for ids, score in zip(written, scores, strict=True)]
