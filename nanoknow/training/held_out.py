"""The end of a language model's text, held back to see what it predicts of text it never read."""

from dataclasses import replace

import torch
import torch.nn.functional as F

from nanoknow.config.tasks import LanguageModelingConfig
from nanoknow.data.corpus import Corpus
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.tasks.language_modeling import LanguageModeling
from nanoknow.training.trainer import Trainer


def hold_out(
    corpus: Corpus, share: float, tokenizer: Tokenizer, block_size: int
) -> tuple[Corpus, LanguageModeling]:
    """Return a text without its end, and the end in windows, one after another.

    Raises:
        DataError: the end is not longer than the block.
    """
    cut = round(len(corpus.codes) * (1 - share))
    first, rest = (replace(corpus, codes=part) for part in (corpus.codes[:cut], corpus.codes[cut:]))
    windows = LanguageModelingConfig(stride=block_size)
    return first, LanguageModeling(rest, tokenizer, windows, block_size)


@torch.no_grad()
def held_out_loss(trainer: Trainer, task: LanguageModeling) -> float:
    """Return the mean loss of a task's characters, in nats, by the weights as they are.

    Raises:
        NonFiniteError: these, or what they give, are not finite.
    """
    model, losses = trainer.model.eval(), []
    for start in range(0, task.n_examples, trainer.config.batch_size):
        indices = torch.arange(start, min(start + trainer.config.batch_size, task.n_examples))
        batch = task.batch(indices, torch.Generator()).to(trainer.device.torch_device)
        with trainer.device.autocast():
            logits = model.require_finite(model(batch.tokens, batch.layout))
        losses.append(F.cross_entropy(logits.float(), batch.targets, reduction="none"))
    return float(torch.cat(losses).mean())
