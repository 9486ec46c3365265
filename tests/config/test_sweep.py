"""A sweep as data: those that are shipped, and one line for what is wrong with another."""

import re
from pathlib import Path

import pytest
import yaml

from nanoknow.config.loading import shipped
from nanoknow.config.sweep import load_sweep
from nanoknow.errors import ConfigError
from tests.helpers.config_texts import write
from tests.helpers.refused import refused


@pytest.mark.parametrize("path", sorted(shipped("sweeps").values()), ids=lambda path: path.stem)
def test_every_row_of_a_shipped_sweep_is_a_config_of_its_own(path: Path) -> None:
    file = load_sweep(str(path))
    assert load_sweep(path.stem) == file
    configs = file.resolve()
    assert len({config.model_dump_json() for config in configs.values()}) == len(configs)


def test_sweeps_are_no_configs() -> None:
    assert shipped("sweeps")
    assert not set(shipped("sweeps")) & set(shipped())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("config: demo\n", "config.yaml: rows: must be given"),
        ("config: demo\nrows: {}\n", "config.yaml:2: rows: must be 1 or more values"),
        ("config: demo\nseeds: 0\nrows: {a: {}}\n", "config.yaml:2: seeds: must be 1 or more"),
        ("config: demo\nrow: {a: {}}\n", "config.yaml.* row"),
        ("rows: [\n", "config.yaml:2: "),
        ("config: demo\nseeds: 1000000000000\nrows: {a: {}}\n", "2: seeds: must be 1000 or le"),
        ("config: demo\nrows: {a b: {}, a-b: {seed: 1}}\n", "rows 'a b, a-b': some are too alike"),
        ("config: demo\nrows:\n" + "".join(f" r{i}: {{}}\n" for i in range(1001)), "1000 values"),
        ("config: demo\nrows: {a: {model.depth: 2}}\n", "row 'a': model.depth: unknown key"),
        ("config: demo\nrows: {a: {seed: -1}}\n", "row 'a': seed: must be 0 or more"),
        ("config: demo\nrows: {a: {model: 3}}\n", "row 'a': model"),
        ("config: nowhere\nrows: {a: {}}\n", "config nowhere: No such file"),
    ],
)
def test_a_bad_sweep_is_one_line_that_names_the_place(tmp_path: Path, text: str, line: str) -> None:
    message = refused(ConfigError, lambda: load_sweep(write(tmp_path, text)).resolve())
    assert re.search(line, message)


@pytest.mark.parametrize(
    "row",
    [
        "..", ".", "", "a/b", "/tmp/x", "../x", "a\0b", "a\nb", "a\x85b", "a\u2028b", "x" * 81,
        "\U00010348" * 60, "lock", "sweep.json", "table.csv", "law.json", "law.png", "folds-1",
    ],
)  # fmt: skip
def test_a_row_that_is_no_folder_of_its_own_is_refused(tmp_path: Path, row: str) -> None:
    text = yaml.safe_dump({"config": "demo", "rows": {row: {}}})
    message = refused(ConfigError, load_sweep, write(tmp_path, text))
    assert re.search("must be 1 to 80 characters on one line|is no name for a folder", message)


def test_a_sweep_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"sweep nowhere: No such file.*ablations"):
        load_sweep("nowhere")
