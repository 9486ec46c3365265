"""Text a character at a time, drawn from what a model predicts."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from nanoknow.config.experiment import PastBlock
from nanoknow.data.batch import Group, Layout
from nanoknow.data.tokenizer import Ids
from nanoknow.models.base import CharacterModel


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
    cache = model.new_cache(block_size)
    new, first = window, 0
    for _ in range(length):
        if first + len(new) > block_size:
            new, first, cache = window[-kept:], 0, model.new_cache(block_size)
        end = first + len(new)
        layout = Layout((Group(1, len(new)),), torch.arange(first, end, device=device), end)
        last = torch.tensor([len(new) - 1], device=device)
        [logits] = model(new.to(device), layout, cache, last)  # (vocabulary,)
        first = end
        new = _draw(logits.float().cpu() / temperature, top_k, generator)  # (1,)
        window = torch.cat([window, new])[-block_size:]
        yield int(new)


def _draw(logits: Tensor, top_k: int | None, generator: torch.Generator) -> Tensor:
    if top_k is not None and top_k < len(logits):
        least = logits.topk(top_k).values[-1]
        logits = logits.masked_fill(logits < least, -torch.inf)
    return torch.multinomial(logits.softmax(-1), 1, generator=generator)
