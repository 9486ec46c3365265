"""Plan runs that repeat another one without some of its documents."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from nanoknow.config.experiment import DataConfig
from nanoknow.config.sweep import slug
from nanoknow.data.corpus import Corpus
from nanoknow.errors import DataError
from nanoknow.experiments.pipeline import PlannedRun, plan_runs, seeds_from
from nanoknow.runs.run import Run
from nanoknow.system.draws import pick
from nanoknow.system.files import save_result
from nanoknow.system.plain import to_json

WITHOUT, CONTROL = "without", "without others"


def plan_without(
    run: Run, corpus: Corpus, own: Sequence[int], retrain: int, folder: Path
) -> list[PlannedRun]:
    """Plan runs without some documents, and control runs of the same seeds without others.

    Args:
        run: was trained on all documents; the new runs have its settings.
        corpus: the run's corpus.
        own: numbers of the documents to leave out.
        retrain: number of runs of each kind.
        folder: for the new runs.

    Raises:
        DataError: the corpus has not more other documents than are left out.
    """
    config, others = run.config, others_than(corpus, own)
    if len(others) <= len(own):
        what = f"a control needs more than {len(own):,} other documents"
        raise DataError(f"{corpus.name}: {what}: ask about fewer subjects, or a larger text")
    planned: list[PlannedRun] = []
    for seed in seeds_from(config.seed, retrain):
        left_out = {WITHOUT: own, CONTROL: pick(others, len(own), Random(f"{seed} left out"))}
        seeded = config.model_copy(update={"seed": seed})
        data = {
            row: (leave_out(config.data, corpus, documents, folder / f"{slug(row)}-{seed}"),)
            for row, documents in left_out.items()
        }
        configs = dict.fromkeys(left_out, seeded)
        planned += plan_runs(configs, data, 1, folder, finetunes=run.record.stage == "finetune")
    return planned


def leave_out(data: DataConfig, corpus: Corpus, documents: Sequence[int], path: Path) -> DataConfig:
    """Write a corpus without some documents, one a line; return the data config that names it.

    Args:
        data: the data config with the whole corpus.
        corpus: the whole corpus.
        documents: numbers of the documents to leave out.
        path: the new file, without a suffix.
    """
    kept = sorted({*range(len(corpus.documents))} - {*documents})
    texts, names = corpus.documents, corpus.names
    if names is None:
        path, lines = path.with_suffix(".txt"), "\n".join(texts[i] for i in kept)
    else:
        path = path.with_suffix(".jsonl")
        rows = ({"text": texts[i], "name": names[i]} for i in kept)
        lines = "".join(f"{to_json(row, ensure_ascii=False)}\n" for row in rows)
    save_result(path, lines.encode(), "the text without its documents")
    return data.model_copy(update={"corpus": path.absolute(), "documents": "lines"})


def others_than(corpus: Corpus, own: Sequence[int]) -> list[int]:
    """Return the numbers of the other documents, without empty ones."""
    mine = set(own)
    return [i for i, text in enumerate(corpus.documents) if text and i not in mine]
