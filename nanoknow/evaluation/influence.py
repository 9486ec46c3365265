"""Which documents have to do with an answer: the gradients of question and document.

A step of learning on a document changes the loss of an answer by the product of their gradients
(Pruthi et al., 2020, Estimating Training Data Influence by Tracing Gradient Descent). Here it is
their cosine, at the trained weights alone: by the product, documents that the model finds hard come
first for any answer. It is a hint; what leaves no doubt is to train without the document.
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
"""Of each document, as pretraining makes them: the gradient of their mean loss counts."""


def answer_losses(opened: AnsweringRun, questions: QuestionAnswering) -> list[Tensor]:
    """Return the loss of each question's first answer and its end, in nats, with its graph."""
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
    """Return the cosine of the gradients of some answers' mean loss and each document's.

    Args:
        opened: with the texts that it was pretrained on.
        asked: questions, and answers that the model gives.
        documents: numbers of some of the corpus; those that are no examples are left out.

    Returns:
        By document, from -1, which a step on it makes less probable, to 1.
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
    """Return the derivatives of a loss by all weights, (weights,)."""
    parts = torch.autograd.grad(loss, list(model.parameters()))
    return torch.cat([part.flatten() for part in parts])
