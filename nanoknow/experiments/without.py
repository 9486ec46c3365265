"""Runs like another one, trained without some of its documents."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from nanoknow.config.experiment import DataConfig
from nanoknow.data.corpus import Corpus
from nanoknow.errors import DataError
from nanoknow.experiments.pipeline import PlannedRun, plan_runs, slug
from nanoknow.runs.run import Run
from nanoknow.system.draws import pick
from nanoknow.system.files import write_atomically
from nanoknow.system.plain import to_json

WITHOUT, CONTROL = "without", "without others"


def plan_without(
    run: Run, corpus: Corpus, own: Sequence[int], retrain: int, folder: Path
) -> list[PlannedRun]:
    """Return the runs without some documents, and those of the same seeds without others.

    Args:
        run: that was trained on all of them; the new ones have its settings.
        corpus: its own.
        own: numbers of the documents to leave out.
        retrain: runs of each kind.
        folder: for them.

    Raises:
        DataError: there are not as many others.
    """
    config, others = run.config, others_than(corpus, own)
    if len(others) <= len(own):
        raise DataError(f"{corpus.name}: has no other {len(own):,} documents to leave out")
    planned: list[PlannedRun] = []
    for seed in range(config.seed, config.seed + retrain):
        left_out = {WITHOUT: own, CONTROL: pick(others, len(own), Random(f"{seed} left out"))}
        seeded = config.model_copy(update={"seed": seed})
        data = {
            row: (_written_without(config.data, corpus, documents, folder / f"{slug(row)}-{seed}"),)
            for row, documents in left_out.items()
        }
        configs = dict.fromkeys(left_out, seeded)
        runs = plan_runs(configs, data, 1, folder, finetunes=run.record.stage == "finetune")
        planned += [each for of_row in runs.values() for each in of_row]
    return planned


def _written_without(
    data: DataConfig, corpus: Corpus, left_out: Sequence[int], path: Path
) -> DataConfig:
    """Write the corpus without some documents, and return the data with it."""
    dropped = set(left_out)
    kept = [i for i in range(len(corpus.documents)) if i not in dropped]
    texts, names = corpus.documents, corpus.names
    if names is None:
        path, lines = path.with_suffix(".txt"), "\n".join(texts[i] for i in kept)
    else:
        path = path.with_suffix(".jsonl")
        rows = ({"text": texts[i], "name": names[i]} for i in kept)
        lines = "".join(f"{to_json(row, ensure_ascii=False)}\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, [lines.encode()])
    return data.model_copy(update={"corpus": path.absolute(), "documents": "lines"})


def others_than(corpus: Corpus, own: Sequence[int]) -> list[int]:
    """Return the numbers of the other documents that hold something."""
    mine = set(own)
    return [i for i, text in enumerate(corpus.documents) if text and i not in mine]
