"""Naming one's own files never mixes in the other data of a config."""

from pathlib import Path

import pytest

from nanoknow.config.experiment import DataConfig, ExperimentConfig
from nanoknow.config.loading import Override, parse_assignment, resolve_config
from nanoknow.config.world import WorldConfig
from tests.helpers.silent import Silent

OWN = Path("mine")
RUN = ExperimentConfig(data=DataConfig(corpus=Path("c"), questions=Path("q"), eval=Path("e")))


def flags(*roles: str) -> list[Override]:
    return [Override(f"data.{role}", OWN, f"--{role}") for role in roles]


def data_of(name: str | None, given: list[Override], base: ExperimentConfig | None) -> DataConfig:
    return resolve_config(name, given, Silent(), base).data


@pytest.mark.parametrize("config", ["birthplaces-best", "demo"])
@pytest.mark.parametrize("roles", [["corpus"], ["questions"], ["corpus", "questions", "eval"]])
def test_a_named_corpus_or_named_questions_drop_the_configs_data(
    config: str, roles: list[str]
) -> None:
    own = DataConfig.model_validate(dict.fromkeys(roles, OWN))
    assert data_of(config, flags(*roles), None) == own
    assigned = [parse_assignment(f"data.{role}={OWN}") for role in roles]
    assert data_of(config, assigned, None) == own


def test_named_evaluation_questions_alone_replace_only_those() -> None:
    data = data_of("birthplaces", flags("eval"), None)
    assert data.eval == OWN
    assert data.corpus == Path("birthplaces/wiki.txt")
    assert data_of("demo", flags("eval"), None).world is not None
    assert data_of(None, flags("eval"), RUN) == RUN.data.model_copy(update={"eval": OWN})


def test_a_world_that_is_asked_for_beside_own_files_is_used() -> None:
    given = [*flags("questions"), parse_assignment("data.world.people=50")]
    data = data_of("demo", given, None)
    assert data == DataConfig(questions=OWN, world=WorldConfig(people=50))


def test_named_questions_drop_a_runs_evaluation_questions_and_keep_its_corpus() -> None:
    assert data_of(None, flags("questions"), RUN) == DataConfig(corpus=Path("c"), questions=OWN)
    both = data_of(None, flags("questions", "eval"), RUN)
    assert both == DataConfig(corpus=Path("c"), questions=OWN, eval=OWN)
    assert data_of(None, flags("corpus"), RUN) == RUN.data.model_copy(update={"corpus": OWN})
