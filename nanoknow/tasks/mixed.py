"""Training questions beside the documents of pretraining.

A model that meets questions while it still learns the text learns to keep facts where questions
find them (Allen-Zhu & Li, 2024, Physics of Language Models 3.1: mixed training).
"""

import torch
from torch import Tensor

from nanoknow.data.batch import Batch
from nanoknow.tasks.base import Task
from nanoknow.tasks.question_answering import QuestionAnswering


class WithQuestions:
    """Batches of documents, each with a share of questions in addition."""

    def __init__(self, documents: Task, questions: QuestionAnswering, per_document: float) -> None:
        """Put two tasks together.

        Args:
            documents: the task whose examples make an epoch.
            questions: the task whose examples are drawn at random.
            per_document: how many questions a batch has for each of its documents.
        """
        self.documents = documents
        self.questions = questions
        self.per_document = per_document
        self.notes = documents.notes + questions.notes
        self.n_examples = documents.n_examples
        self.tokens_per_example = documents.tokens_per_example

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:
        """Make the examples of documents with the given (B,) indices, and add random questions."""
        documents = self.documents.batch(indices, generator)
        n = round(self.per_document * len(indices))
        if not n:
            return documents
        shares = torch.rand(n, generator=generator, dtype=torch.float64)
        drawn = (shares * self.questions.n_examples).long()
        return documents.joined(self.questions.batch(drawn, generator))
