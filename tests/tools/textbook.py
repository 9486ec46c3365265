"""The textbook's examples, training and decoding; see ``textbook_models.py``."""

import math
import random

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.tools.textbook_models import MASK, PAD, TextbookModel


def textbook_corrupt(document: str, n: int, span_start: int, span_length: int) -> str:
    """Move a span of the first n characters to the end: prefix⁇suffix⁇masked, not yet padded."""
    text = document[:n]
    span_end = span_start + span_length
    return text[:span_start] + MASK + text[span_end:] + MASK + text[span_start:span_end]


def textbook_span_corruption(document: str, block_size: int, rng: random.Random) -> tuple[str, str]:
    """Draw one pretraining example: x and y, each of block_size - 1 characters."""
    n = min(rng.randint(4, block_size * 7 // 8), len(document))
    span_length = rng.randint(1, max(1, n // 2))
    # the empty document still counts as an example: it has no room even for a span of 1
    span_start = rng.randint(0, max(0, n - span_length))
    text = textbook_corrupt(document, n, span_start, span_length)
    assert len(text) <= block_size
    text = text.ljust(block_size, PAD)
    return text[:-1], text[1:]


def textbook_question(question: str, place: str, block_size: int) -> tuple[str, str]:
    """Make x and y of one finetuning example; y is pad until the ⁇ that ends the question."""
    answer = MASK + place + MASK
    assert len(question) + len(answer) <= block_size
    x = (question + answer).ljust(block_size, PAD)
    y = (PAD * len(question) + answer).ljust(block_size, PAD)
    return x[:-1], y[1:]


def textbook_learning_rate(n: int, peak: float, warmup: int, final: int) -> float:
    """Rate after n positions: linear warm-up, then a cosine that is let run past its half turn."""
    if n < warmup:
        return peak * n / warmup
    progress = (n - warmup) / (final - warmup)
    return peak * max(0.1, 0.5 * (1.0 + math.cos(math.pi * progress)))


def textbook_optimizer(model: nn.Module, learning_rate: float) -> torch.optim.AdamW:
    """AdamW as the birthplace trainer sets it: weight decay on all parameters but biases."""
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    others = [p for name, p in model.named_parameters() if not name.endswith("bias")]
    groups = [{"params": others, "weight_decay": 0.1}, {"params": biases, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.95))


def textbook_train_step(
    model: TextbookModel,
    optimizer: torch.optim.Optimizer,
    x: Tensor,
    y: Tensor,
    grad_clip: float = 1.0,
) -> float:
    """One update on ids x and y (B, T) at the optimizer's present rate; returns the loss."""
    model.train()
    _, loss = model(x, y)
    assert loss is not None
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return float(loss.item())


def last_logits(model: TextbookModel, ids: list[int]) -> Tensor:
    """Logits (V,) after the last of the ids, all recomputed from the last block_size of them."""
    device = next(model.parameters()).device
    context = torch.tensor([ids[-model.block_size :]], dtype=torch.long, device=device)  # (1, T)
    logits: Tensor = model(context)[0]  # (1, T, V)
    return logits[0, -1]


@torch.no_grad()
def textbook_greedy(model: TextbookModel, characters: str, question: str, max_new: int = 32) -> str:
    """Answer one question: always max_new greedy steps, then cut at the next ⁇."""
    model.eval()
    ids = [characters.index(character) for character in question + MASK]
    start = len(ids)
    for _ in range(max_new):
        ids.append(int(last_logits(model, ids).argmax()))
    return "".join(characters[i] for i in ids[start:]).split(MASK)[0]


@torch.no_grad()
def textbook_sample(
    model: TextbookModel,
    characters: str,
    context: str,
    max_new: int,
    generator: torch.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
) -> str:
    """Continue the context by max_new sampled characters; returns context and continuation."""
    model.eval()
    ids = [characters.index(character) for character in context]
    for _ in range(max_new):
        logits = last_logits(model, ids) / temperature  # (V,)
        if top_k is not None:
            least = logits.topk(min(top_k, logits.numel())).values[-1]
            logits = logits.masked_fill(logits < least, float("-inf"))
        probabilities = functional.softmax(logits, dim=-1)  # (V,)
        ids.append(int(torch.multinomial(probabilities, 1, generator=generator)))
    return "".join(characters[i] for i in ids)
