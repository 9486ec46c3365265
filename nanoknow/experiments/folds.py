"""Folds: every question is asked of a model that trained on no question about its subject."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nanoknow.config.experiment import DataConfig
from nanoknow.data.questions import Question, QuestionSet, questions_to_jsonl, read_questions
from nanoknow.data.sources import Texts
from nanoknow.errors import DataError
from nanoknow.facts.index import FactIndex
from nanoknow.system.files import save_result
from nanoknow.system.seeds import derive_seed
from nanoknow.training.order import ShuffledOrder


@dataclass(frozen=True)
class Folds:
    """Training and evaluation questions together, in disjoint folds.

    Attributes:
        questions: all of them, fold by fold.
        data: the texts of each fold's runs, which train on the other folds and are asked this one.
    """

    questions: QuestionSet
    data: tuple[DataConfig, ...]


def split_into_folds(texts: Texts, n: int, seed: int, folder: Path) -> Folds:
    """Split the questions into folds, or read the files that an earlier call wrote.

    All questions about a subject are in one fold, and folds are as even as that allows. With
    ``n`` 1 the evaluation questions stay as they are, and the only fold.

    Args:
        texts: corpus, training and evaluation questions.
        n: number of folds.
        seed: orders the subjects.
        folder: the files are written into a folder in it that is named by a hash of the texts.

    Raises:
        ConfigError: a text is not named, or a file cannot be written.
        DataError: questions have no answers, or there are fewer subjects than folds.
    """
    asked = texts.require_eval().require_answers("compare rows by", "data.eval")
    if n == 1:
        return Folds(asked, (texts.config,))
    corpus = texts.require_corpus()
    training = texts.require_questions().require_answers("learn", "data.questions")
    shas = corpus.sha256, training.sha256, asked.sha256
    key = "/".join((*shas, texts.config.documents, str(n), str(seed)))
    digest = hashlib.sha256(key.encode()).hexdigest()
    place = (folder / f"folds-{digest[:8]}").absolute()
    paths = [(place / f"without-{i}.jsonl", place / f"fold-{i}.jsonl") for i in range(1, n + 1)]
    # The last file is written last: where it exists, all of them are complete.
    if not paths[-1][1].exists():
        everything = [*training.items, *asked.items]
        fold_of = _assign(everything, FactIndex(corpus, None), n, seed, training.name)
        for i in range(n):
            for path, inside in ((paths[i][0], False), (paths[i][1], True)):
                kept = [q for q, at in zip(everything, fold_of, strict=True) if (at == i) == inside]
                save_result(path, questions_to_jsonl(kept).encode(), "the questions of a fold")
    items = tuple(q for _, fold in paths for q in read_questions(fold).items)
    name = f"{Path(training.name).name} and {Path(asked.name).name} in {n} folds"
    config = texts.config
    data = (config.model_copy(update={"questions": rest, "eval": fold}) for rest, fold in paths)
    return Folds(QuestionSet(name, items, digest), tuple(data))


def _assign(questions: list[Question], facts: FactIndex, n: int, seed: int, name: str) -> list[int]:
    """Return each question's fold: each subject, in random order, goes to the smallest fold."""
    subjects: dict[str, list[int]] = {}
    for i, question in enumerate(questions):
        about = facts.documents_about(question.text)
        subjects.setdefault(about[0] if about else question.text, []).append(i)
    if len(subjects) < n:
        what = f"asks about {len(subjects)} subjects"
        raise DataError(f"{name}: {what}: ask for fewer than {n} folds")
    groups, sizes, fold_of = list(subjects.values()), [0] * n, [0] * len(questions)
    order = ShuffledOrder(len(groups), derive_seed(seed, "folds"))
    for place in order.part(0, len(groups)):
        fold = sizes.index(min(sizes))
        sizes[fold] += len(groups[place])
        for i in groups[place]:
            fold_of[i] = fold
    return fold_of
