"""Beam search: a model's most probable whole answers, with their probabilities."""

from dataclasses import dataclass

import torch

from nanoknow.data.batch import Group, Layout
from nanoknow.data.tokenizer import Ids
from nanoknow.generation.decoding import Decoded
from nanoknow.models.base import CharacterModel
from nanoknow.system.device import precise

BEAMS = 32
"""Prefixes kept at each character: many more than there are answers worth showing."""


@dataclass(frozen=True)
class Beam:
    """What a search found.

    Attributes:
        answers: the most probable first, with exact probabilities. An answer ends with the stop
            or, where none comes, at the limit: those of all possible answers sum to 1.
        is_exact: whether no answer outside ``answers`` can be more probable than one in it.
    """

    answers: list[Decoded]
    is_exact: bool


@torch.inference_mode()
def search_beams(
    model: CharacterModel,
    prompt: Ids,
    stop_id: int,
    max_new: int,
    n_best: int,
    n_beams: int = BEAMS,
) -> Beam:
    """Find the ``n_best`` most probable continuations of a prompt up to their stop.

    The prefixes kept are decoded as one batch with one cache. The search ends when none of them is
    more probable than the answers found, as each further character can only lower a probability.

    Args:
        model: is put into ``eval`` mode, and decodes on its own device.
        prompt: 1 … ``block_size`` ids.
        stop_id: ends an answer.
        max_new: ids to write at most; the end of the block ends an answer too.
        n_best: how many answers to return; fewer where there are no more.
        n_beams: prefixes to keep at each character; at least ``n_best`` are kept.
    """
    model.eval()
    device = next(model.parameters()).device
    n_beams = max(n_best, n_beams)
    block_size = model.config.block_size
    limit = min(max_new, block_size - len(prompt) + 1)  # a full block predicts one
    cache = model.new_cache(min(block_size, len(prompt) + limit))
    layout = Layout.of((Group(1, len(prompt)),), device)
    last = torch.tensor([len(prompt) - 1], device=device)
    logits = model(torch.from_numpy(prompt).to(device), layout, cache, last)  # (1, vocabulary)
    open_beams = [Decoded([], 0.0)]
    found: list[Decoded] = []
    lost = -torch.inf  # log-probability of the most probable prefix that was dropped
    for step in range(limit):
        scores = precise(model.require_finite(logits)).log_softmax(-1)  # (B, vocabulary)
        scores += scores.new_tensor([b.log_probability for b in open_beams])[:, None]
        # Each prefix may end here, so that up to B of the best are answers. Beyond these and the
        # prefixes kept, one more is taken: the best that is dropped.
        values, indices = scores.flatten().topk(min(scores.numel(), n_beams + len(scores) + 1))
        grown: list[tuple[int, Decoded]] = []
        for value, index in zip(values.tolist(), indices.tolist(), strict=True):
            row, token = divmod(index, scores.shape[1])
            decoded = Decoded([*open_beams[row].ids, token], value)
            if token == stop_id or step == limit - 1:
                found.append(decoded)
            elif len(grown) < n_beams:
                grown.append((row, decoded))
            else:
                lost = max(lost, value)
        found.sort(key=lambda decoded: -decoded.log_probability)
        del found[n_best:]
        worst = found[-1].log_probability if len(found) == n_best else -torch.inf
        grown = [(row, d) for row, d in grown if d.log_probability > worst]
        if not grown:
            break
        cache.select(torch.tensor([row for row, _ in grown], device=device))
        open_beams = [decoded for _, decoded in grown]
        tokens = torch.tensor([decoded.ids[-1] for decoded in open_beams], device=device)
        layout = Layout.of((Group(len(grown), 1),), device, len(prompt) + step)
        logits = model(tokens, layout, cache)
    return Beam(found, lost <= found[-1].log_probability)
