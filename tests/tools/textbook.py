"""The experiment as a textbook would write it: padded batches, explicit attention, no shortcuts.

Written from the specification alone, sharing no line with nanoknow, so that agreement between
the two means something. It is also the baseline that benchmarks are measured against, so it does
the work the original does: every pad computed, no cache, one question at a time.

Shapes: B batch, T sequence length, d width, h heads, m latents, V vocabulary.
"""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

PAD, MASK = "□", "⁇"
PAD_ID = 0


def turn(x: Tensor, at: Sequence[int]) -> Tensor:
    """Turn the pairs (i, i + width/2) of (B, h, T, width) by position times frequency."""
    half = x.size(-1) // 2
    frequencies = torch.tensor([10_000.0 ** (-i / half) for i in range(half)], dtype=x.dtype)
    angles = torch.tensor(at, dtype=x.dtype).unsqueeze(1) * frequencies  # (T, width/2)
    left, right = x[..., :half], x[..., half:]
    cos, sin = torch.cos(angles), torch.sin(angles)
    return torch.cat([left * cos - right * sin, left * sin + right * cos], dim=-1)


class TextbookAttention(nn.Module):
    """Causal multi-head attention: query i sees keys up to i, also where lengths differ."""

    causal: Tensor

    def __init__(self, d_model: int, n_heads: int, block_size: int, dropout: float) -> None:
        super().__init__()
        assert d_model % n_heads == 0
        self.n_heads = n_heads
        self.query = nn.Linear(d_model, d_model)
        self.key = nn.Linear(d_model, d_model)
        self.value = nn.Linear(d_model, d_model)
        self.proj = nn.Linear(d_model, d_model)
        self.attn_dropout = nn.Dropout(dropout)
        self.resid_dropout = nn.Dropout(dropout)
        triangle = torch.ones(block_size, block_size, dtype=torch.bool).tril()
        # not persistent: a state dict then holds the weights and nothing else
        self.register_buffer("causal", triangle, persistent=False)

    def forward(
        self,
        query_input: Tensor,
        key_value_input: Tensor,
        seen: Tensor | None = None,
        query_at: Sequence[int] | None = None,
        key_at: Sequence[int] | None = None,
    ) -> Tensor:
        """Attend from (B, Tq, d) to (B, Tk, d), giving (B, Tq, d).

        seen (Tq, Tk) stands in for the triangle; positions, where given, turn queries and keys.
        """
        b, tq, d = query_input.size()
        tk = key_value_input.size(1)
        h, d_head = self.n_heads, d // self.n_heads
        q = self.query(query_input).view(b, tq, h, d_head).transpose(1, 2)  # (B, h, Tq, d/h)
        k = self.key(key_value_input).view(b, tk, h, d_head).transpose(1, 2)  # (B, h, Tk, d/h)
        v = self.value(key_value_input).view(b, tk, h, d_head).transpose(1, 2)  # (B, h, Tk, d/h)

        if query_at is not None and key_at is not None:
            q, k = turn(q, query_at), turn(k, key_at)

        scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(d_head))  # (B, h, Tq, Tk)
        seen = self.causal[:tq, :tk] if seen is None else seen
        scores = scores.masked_fill(~seen, float("-inf"))
        weights = self.attn_dropout(functional.softmax(scores, dim=-1))  # (B, h, Tq, Tk)
        heads = weights @ v  # (B, h, Tq, d/h)
        joined = heads.transpose(1, 2).contiguous().view(b, tq, d)  # (B, Tq, d)
        output: Tensor = self.resid_dropout(self.proj(joined))
        return output


class BlockParts(nn.Module):
    """What every kind of block holds; each kind wires it differently."""

    def __init__(self, d_model: int, n_heads: int, block_size: int, dropout: float) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(d_model)
        self.ln2 = nn.LayerNorm(d_model)
        self.attn = TextbookAttention(d_model, n_heads, block_size, dropout)
        self.mlp = nn.Sequential(
            nn.Linear(d_model, 4 * d_model),
            nn.GELU(approximate="none"),
            nn.Linear(4 * d_model, d_model),
            nn.Dropout(dropout),
        )


class TextbookBlock(BlockParts):
    """An ordinary pre-norm decoder block."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, d) to (B, T, d)."""
        normed = self.ln1(x)  # (B, T, d)
        x = x + self.attn(normed, normed)
        output: Tensor = x + self.mlp(self.ln2(x))
        return output


class TextbookDownBlock(BlockParts):
    """First perceiver block: a learned basis of m latents reads the embedded input."""

    def __init__(
        self, d_model: int, n_heads: int, block_size: int, dropout: float, bottleneck_dim: int
    ) -> None:
        super().__init__(d_model, n_heads, block_size, dropout)
        assert bottleneck_dim <= block_size
        self.basis = nn.Parameter(torch.empty(1, bottleneck_dim, d_model))  # (1, m, d)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, d) to (B, m, d)."""
        basis = self.basis.expand(x.size(0), -1, -1)  # (B, m, d)
        y = basis + self.attn(self.ln1(basis), x)  # (B, m, d)
        output: Tensor = y + self.mlp(self.ln2(y))
        return output


class TextbookUpBlock(BlockParts):
    """Last perceiver block: the embedded input reads the latents."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Map embedded input x (B, T, d) and latents y (B, m, d) to (B, T, d)."""
        x = x + self.attn(x, self.ln1(y))  # (B, T, d)
        output: Tensor = x + self.mlp(self.ln2(x))
        return output


def initialise(module: nn.Module) -> None:
    """Give every linear layer, embedding and LayerNorm its first values."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, mean=0.0, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.LayerNorm):
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)


class TextbookModel(nn.Module):
    """What the variants share: embedding, final LayerNorm, untied head, loss."""

    def __init__(self, vocab_size: int, block_size: int, d_model: int, dropout: float) -> None:
        super().__init__()
        self.block_size = block_size
        self.pos_emb: nn.Parameter | None
        self.tok_emb = nn.Embedding(vocab_size, d_model)
        self.pos_emb = nn.Parameter(torch.zeros(1, block_size, d_model))
        self.drop = nn.Dropout(dropout)
        self.ln_f = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)

    def trunk(self, x: Tensor) -> Tensor:
        """All blocks, from embedded input (B, T, d) to (B, T, d)."""
        raise NotImplementedError

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Logits (B, T, V) for ids (B, T), and the mean loss over targets (B, T) but pads."""
        t = idx.size(1)
        assert t <= self.block_size
        x = self.tok_emb(idx)  # (B, T, d)
        if self.pos_emb is not None:
            x = x + self.pos_emb[:, :t, :]
        x = self.drop(x)
        logits: Tensor = self.head(self.ln_f(self.trunk(x)))  # (B, T, V)
        if targets is None:
            return logits, None
        loss = functional.cross_entropy(
            logits.view(-1, logits.size(-1)), targets.reshape(-1), ignore_index=PAD_ID
        )
        return logits, loss


class TextbookVanilla(TextbookModel):
    """The plain decoder."""

    def __init__(
        self,
        vocab_size: int,
        block_size: int,
        n_layers: int,
        n_heads: int,
        d_model: int,
        dropout: float,
    ) -> None:
        super().__init__(vocab_size, block_size, d_model, dropout)
        self.blocks = nn.ModuleList(
            TextbookBlock(d_model, n_heads, block_size, dropout) for _ in range(n_layers)
        )
        self.apply(initialise)

    def trunk(self, x: Tensor) -> Tensor:
        """All blocks at the length of the input."""
        for block in self.blocks:
            x = block(x)  # (B, T, d)
        return x


class TextbookPerceiver(TextbookModel):
    """Down to m latents, causal blocks at length m, up again; latent i reads characters <= i."""

    def __init__(
        self,
        vocab_size: int,
        block_size: int,
        n_layers: int,
        n_heads: int,
        d_model: int,
        dropout: float,
        bottleneck_dim: int,
    ) -> None:
        super().__init__(vocab_size, block_size, d_model, dropout)
        assert n_layers >= 2
        self.down = TextbookDownBlock(d_model, n_heads, block_size, dropout, bottleneck_dim)
        self.blocks = nn.ModuleList(
            TextbookBlock(d_model, n_heads, block_size, dropout) for _ in range(n_layers - 2)
        )
        self.up = TextbookUpBlock(d_model, n_heads, block_size, dropout)
        self.apply(initialise)
        # on three dimensions fan-in and fan-out are m*d and d: the original's range, kept
        nn.init.xavier_uniform_(self.down.basis)

    def trunk(self, x: Tensor) -> Tensor:
        """All m latents are computed, however short the input."""
        y = self.down(x)  # (B, m, d)
        for block in self.blocks:
            y = block(y)  # (B, m, d)
        output: Tensor = self.up(x, y)  # (B, T, d)
        return output


class TextbookSpreadPerceiver(TextbookPerceiver):
    """The same parameters; latent j reads the first ceil((j+1)·block/m) characters.

    Output t reads the latents whose characters are all there by t, and the characters after the
    last of them. All of both are computed, side by side in one list of keys, and masks do the
    rest. A latent starts from its basis and its last character, and with rotary positions stands
    where that one does; an output starts from its character and the last latent that it reads.
    """

    def __init__(
        self,
        vocab_size: int,
        block_size: int,
        n_layers: int,
        n_heads: int,
        d_model: int,
        dropout: float,
        bottleneck_dim: int,
        rotary: bool,
    ) -> None:
        super().__init__(
            vocab_size, block_size, n_layers, n_heads, d_model, dropout, bottleneck_dim
        )
        self.rotary = rotary
        if rotary:
            self.register_parameter("pos_emb", None)

    def trunk(self, x: Tensor) -> Tensor:
        """Down, along and up again, each step with its mask."""
        t = x.size(1)
        m = self.down.basis.size(1)
        ends = [math.ceil((j + 1) * self.block_size / m) for j in range(m)]
        reads = torch.zeros(m, t, dtype=torch.bool)
        for j in range(m):
            reads[j, : ends[j]] = True
        earlier = torch.ones(m, m, dtype=torch.bool).tril()
        sees = torch.zeros(t, m + t, dtype=torch.bool)
        for i in range(t):
            last_end = 0
            for j in range(m):
                if ends[j] <= i + 1:
                    sees[i, j] = True
                    last_end = ends[j]
            sees[i, m + last_end : m + i + 1] = True
        latents_at = [end - 1 for end in ends] if self.rotary else None
        characters_at = list(range(t)) if self.rotary else None
        both_at = latents_at + characters_at if latents_at and characters_at else None

        # Latents that end past the text are read by nothing, whatever they start from.
        start = self.down.basis + x[:, [min(end, t) - 1 for end in ends]]  # (B, m, d)
        gathered = self.down.attn(self.down.ln1(start), x, reads, latents_at, characters_at)
        y = start + gathered  # (B, m, d)
        y = y + self.down.mlp(self.down.ln2(y))
        for block in self.blocks:
            assert isinstance(block, BlockParts)
            normed = block.ln1(y)
            y = y + block.attn(normed, normed, earlier, latents_at, latents_at)
            y = y + block.mlp(block.ln2(y))
        both = self.up.ln1(torch.cat([y, x], dim=1))  # (B, m + T, d)
        for i in range(t):
            complete = [j for j in range(m) if ends[j] <= i + 1]
            if complete:
                x = x + nn.functional.pad(y[:, complete[-1:]], (0, 0, i, t - 1 - i))  # i alone
        x = x + self.up.attn(self.up.ln1(x), both, sees, characters_at, both_at)  # (B, T, d)
        output: Tensor = x + self.up.mlp(self.up.ln2(x))
        return output


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


def textbook_optimizer(
    model: nn.Module,
    learning_rate: float,
    decay: Literal["all_but_biases", "linear_weights"],
    weight_decay: float = 0.1,
) -> torch.optim.AdamW:
    """AdamW with weight decay on the parameters that the named trainer decays."""
    if decay == "all_but_biases":
        decayed = {name for name, _ in model.named_parameters() if not name.endswith("bias")}
    else:
        decayed = {
            f"{name}.weight" for name, part in model.named_modules() if isinstance(part, nn.Linear)
        }
    named = list(model.named_parameters())
    groups = [
        {"params": [p for name, p in named if name in decayed], "weight_decay": weight_decay},
        {"params": [p for name, p in named if name not in decayed], "weight_decay": 0.0},
    ]
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
def textbook_greedy(
    model: TextbookModel,
    stoi: Mapping[str, int],
    itos: Mapping[int, str] | Sequence[str],
    question: str,
    max_new: int = 32,
) -> str:
    """Answer one question: always max_new greedy steps, then cut at the next ⁇."""
    model.eval()
    ids = [stoi[character] for character in question + MASK]
    start = len(ids)
    for _ in range(max_new):
        ids.append(int(last_logits(model, ids).argmax()))
    return "".join(itos[i] for i in ids[start:]).split(MASK)[0]


@torch.no_grad()
def textbook_sample(
    model: TextbookModel,
    stoi: Mapping[str, int],
    itos: Mapping[int, str] | Sequence[str],
    context: str,
    max_new: int,
    generator: torch.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
) -> str:
    """Continue the context by max_new sampled characters; returns context and continuation."""
    model.eval()
    ids = [stoi[character] for character in context]
    for _ in range(max_new):
        logits = last_logits(model, ids) / temperature  # (V,)
        if top_k is not None:
            least = logits.topk(min(top_k, logits.numel())).values[-1]
            logits = logits.masked_fill(logits < least, float("-inf"))
        probabilities = functional.softmax(logits, dim=-1)  # (V,)
        ids.append(int(torch.multinomial(probabilities, 1, generator=generator)))
    return "".join(itos[i] for i in ids)
