"""Which documents influence an answer, by the gradients of their losses.

A gradient step on a document changes the loss of an answer in proportion to the dot product of both
gradients (Pruthi et al., 2020, Estimating Training Data Influence by Tracing Gradient Descent).
Here it is their cosine, at the trained weights alone: by the dot product, documents that the model
finds hard come first for any answer. It is a hint; only training without the document is proof.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.models.base import CharacterModel
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.question_answering import QuestionAnswering

EXAMPLES = 8
"""Pretraining examples drawn from each document; the gradient is that of their mean loss."""


def answer_losses(opened: AnsweringRun, questions: QuestionAnswering) -> list[Tensor]:
    """Return the loss of each question's first answer and its stop, in nats, with its graph."""
    generator, losses = torch.Generator(), []
    for i in range(questions.n_examples):
        batch = questions.batch(torch.tensor([i]), generator).to(opened.device.torch_device)
        scored = (batch.targets >= 0).nonzero()[1:, 0]  # less the mask after the question
        logits = opened.model(batch.tokens, batch.layout, logit_indices=scored)
        losses.append(F.cross_entropy(logits, batch.targets[scored], reduction="sum"))
    return losses


def influences(
    opened: AnsweringRun, asked: QuestionAnswering, documents: Sequence[int]
) -> dict[int, float]:
    """Return the cosine between the gradient of the answers' mean loss and each document's.

    Args:
        opened: with the texts that it was pretrained on.
        asked: questions, and answers that the model gives.
        documents: indices into the corpus; those of which pretraining makes no examples are left
            out.

    Returns:
        By index, from -1 to 1: a step on a document with a positive one makes the answers more
        probable.
    """
    model, task = opened.model, opened.pretraining_documents
    answer = _gradient(model, torch.stack(answer_losses(opened, asked)).mean())
    generator, found = new_generator(opened.run.config.seed, "influence"), {}
    examples = {document: example for example, document in enumerate(task.documents.tolist())}
    for document in documents:
        if document in examples:
            batch = task.batch(torch.full((EXAMPLES,), examples[document]), generator)
            batch = batch.to(opened.device.torch_device)
            logits = model(batch.tokens, batch.layout)
            own = _gradient(model, F.cross_entropy(logits, batch.targets))
            found[document] = float(F.cosine_similarity(answer, own, dim=0))
    return found


def _gradient(model: CharacterModel, loss: Tensor) -> Tensor:
    """Return the (weights,) gradient of a loss with respect to all weights."""
    parts = torch.autograd.grad(loss, list(model.parameters()))
    return torch.cat([part.flatten() for part in parts])
